"""Of every history the probe says what alembic says, or nothing; which of the two is said here."""

from __future__ import annotations

import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from headway.probe import probe
from headway.project import Project

from tests.conftest import Database
from tests.integration.engine.conftest import ROOT
from tests.integration.engine.probing import alembic, both, check
from tests.unit.engine.apps import App


def replace(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


def chain(app: App) -> None:
    app.chain("aaaa", "bbbb", "cccc")


def annotated(app: App) -> None:
    chain(app)
    replace(app.versions / "bbbb.py", ("revision = 'bbbb'", "revision: str = 'bbbb'"))
    replace(
        app.versions / "cccc.py",
        ("down_revision = 'bbbb'", 'down_revision: Union[str, Sequence[str], None] = "bbbb"'),
        ("import sqlalchemy", "from typing import Sequence, Union\nimport sqlalchemy"),
    )


def described(app: App) -> None:
    app.revision("aaaa", message="one line\nof two\n\nWhat the author says.\n\nMore of it, größer.")


def without_docstring(app: App) -> None:
    chain(app)
    path = app.versions / "cccc.py"
    path.write_text(path.read_text().partition('"""\n')[2])


def escaped_docstring(app: App) -> None:
    app.revision("aaaa", message="a \\\\d in a pattern")


def column_of_that_name(app: App) -> None:
    app.revision("aaaa", None, "op.create_table('t', sa.Column('revision', sa.Text))")


def statements_and_stars(app: App) -> None:
    app.revision("aaaa", None, 'op.execute("""select * from pg_class""")')


def allowances(app: App) -> None:
    chain(app)
    app.revision("dddd", "cccc", headway_allow={"some-rule": "for a reason"})


def several_parents_that_are_one(app: App) -> None:
    app.chain("aaaa")
    app.revision("bbbb", ("aaaa",))


def dependency(app: App) -> None:
    app.chain("aaaa")
    app.revision("bbbb", None, depends_on="aaaa")
    app.revision("cccc", "bbbb")


def dependency_in_line(app: App) -> None:
    app.chain("aaaa", "bbbb")
    app.revision("cccc", "bbbb", depends_on="aaaa")


def in_a_package(app: App) -> None:
    (app.folder / "headway_probed").mkdir()
    (app.folder / "headway_probed" / "__init__.py").touch()
    (app.folder / "alembic").rename(app.folder / "headway_probed" / "migrations")
    replace(
        app.config,
        (
            "script_location = alembic",
            "script_location = headway_probed:migrations\nprepend_sys_path = .",
        ),
    )
    for revision, down in (("aaaa", None), ("bbbb", "aaaa")):
        app.revision(revision, down, folder=app.folder / "headway_probed/migrations/versions")


def beside_a_pyproject(app: App) -> None:
    chain(app)
    (app.folder / "pyproject.toml").write_text(
        '[project]\ndependencies = ["alembic>=1.13"]\n[tool.poetry.dependencies]\nalembic = "*"\n'
    )


def parameters_of_a_connection(app: App) -> None:
    chain(app)
    lines = app.config.read_text().splitlines()
    lines[-1] += "?connect_timeout=5&application_name=shop"
    app.config.write_text("\n".join(lines))


def links_to_a_release(app: App) -> None:
    chain(app)
    app.versions.rename(app.folder / "revisions")
    app.versions.symlink_to(app.folder / "revisions")


PENDING_TOO = [
    chain,
    annotated,
    described,
    without_docstring,
    escaped_docstring,
    column_of_that_name,
    statements_and_stars,
    allowances,
    several_parents_that_are_one,
    dependency,
    dependency_in_line,
    in_a_package,
    beside_a_pyproject,
    parameters_of_a_connection,
    links_to_a_release,
]


def merged(app: App) -> None:
    app.chain("aaaa", "bbbb")
    app.revision("cccc", "aaaa")
    app.revision("dddd", ("bbbb", "cccc"))


def two_heads(app: App) -> None:
    app.chain("aaaa", "bbbb")
    app.revision("cccc", "aaaa")


def two_bases(app: App) -> None:
    app.chain("aaaa", "bbbb")
    app.revision("cccc")


def several_dependencies(app: App) -> None:
    app.chain("aaaa", "bbbb")
    app.revision("cccc")
    app.revision("dddd", None, depends_on=["aaaa", "cccc"])


AT_HEAD_ONLY = [merged, two_heads, two_bases, several_dependencies]


def computed_ids(app: App) -> None:
    app.chain("0001")
    replace(
        app.revision("0002", "0001"),
        ("revision = '0002'", "import pathlib\nrevision = pathlib.Path(__file__).stem"),
        ("down_revision = '0001'", "down_revision = f'{int(revision) - 1:04}'"),
    )


def unpacked_ids(app: App) -> None:
    app.chain("aaaa")
    replace(
        app.revision("bbbb", "aaaa"),
        ("down_revision = 'aaaa'\n", ""),
        ("revision = 'bbbb'", "revision, down_revision = 'bbbb', 'aaaa'"),
    )


def ids_in_a_text_and_in_truth(app: App) -> None:
    app.chain("aaaa", "bbbb")
    replace(
        app.revision("cccc", "bbbb"),
        (
            "revision = 'cccc'\ndown_revision = 'bbbb'",
            'HELP = """\nrevision = \'zzzz\'\ndown_revision = \'aaaa\'\n"""\n'
            "globals().update(revision='cccc', down_revision='bbbb')",
        ),
    )


def ids_given_twice(app: App) -> None:
    app.chain("aaaa", "bbbb")
    replace(app.revision("cccc", "aaaa"), ("\n\ndef", "\ndown_revision = 'bbbb'\n\n\ndef"))


def ids_that_hang_on_something(app: App) -> None:
    app.chain("aaaa", "bbbb")
    replace(
        app.revision("cccc", "bbbb"),
        ("\n\ndef", "\nif not revision:\n    depends_on = 'x'\n\n\ndef"),
    )


def ids_by_exec(app: App) -> None:
    app.chain("aaaa", "bbbb")
    replace(
        app.revision("cccc", "aaaa"),
        ("\n\ndef", "\nexec('down_' + 'revision = \"bbbb\"')\n\n\ndef"),
    )


def ids_by_vars(app: App) -> None:
    app.chain("aaaa", "bbbb")
    replace(
        app.revision("cccc", "aaaa"),
        ("\n\ndef", "\nvars()['down_' 'revision'] = 'bbbb'\n\n\ndef"),
    )


def ids_of_another_module(app: App) -> None:
    app.chain("aaaa")
    (app.folder / "ids.py").write_text("revision = 'bbbb'\n")
    replace(app.revision("bbbb", "aaaa"), ("revision = 'bbbb'", "from ids import revision"))


def ids_imported_over_others(app: App) -> None:
    app.chain("aaaa", "bbbb")
    (app.folder / "ids.py").write_text("down_revision = 'bbbb'\n")
    replace(
        app.revision("cccc", "aaaa"),
        ("\n\ndef", "\nfrom ids import (\n    down_revision,\n)\n\n\ndef"),
    )


def ids_of_a_star(app: App) -> None:
    app.chain("aaaa", "bbbb")
    (app.folder / "ids.py").write_text("down_revision = 'bbbb'\n")
    replace(app.revision("cccc", "aaaa"), ("\n\ndef", "\nfrom ids import *\n\n\ndef"))


def another_encoding(app: App) -> None:
    path = app.revision("aaaa", message="größer")
    path.write_bytes(b"# -*- coding: latin-1 -*-\n" + path.read_text().encode("latin-1"))


def lines_of_windows(app: App) -> None:
    path = app.revision("aaaa")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def labels(app: App) -> None:
    app.chain("aaaa")
    app.revision("bbbb", None, branch_labels=["reports"])
    app.revision("cccc", "bbbb", depends_on="aaaa")


def label_as_dependency(app: App) -> None:
    app.revision("aaaa", None, branch_labels="shop")
    app.revision("bbbb", None, depends_on="shop")


def two_locations(app: App) -> None:
    app.config.write_text(
        app.config.read_text() + "version_locations = %(here)s/alembic/versions %(here)s/more\n"
    )
    (app.folder / "more").mkdir()
    app.chain("aaaa")
    app.revision("bbbb", "aaaa", folder=app.folder / "more")


def location_in_pyproject(app: App) -> None:
    (app.folder / "pyproject.toml").write_text(
        '[tool.alembic]\nversion_locations = ["%(here)s/more"]\n'
    )
    (app.folder / "more").mkdir()
    app.chain("aaaa")
    app.revision("bbbb", folder=app.folder / "more")


def folders_below(app: App) -> None:
    app.config.write_text(app.config.read_text() + "recursive_version_locations = true\n")
    (app.versions / "2026").mkdir()
    app.chain("aaaa")
    app.revision("bbbb", "aaaa", folder=app.versions / "2026")


def sourceless(app: App) -> None:
    app.config.write_text(app.config.read_text() + "sourceless = true\n")
    app.chain("aaaa", "bbbb")
    compiled = py_compile.compile(str(app.versions / "bbbb.py"), doraise=True)
    assert compiled
    Path(compiled).rename(app.versions / "bbbb.pyc")
    (app.versions / "bbbb.py").unlink()


def linked_file(app: App) -> None:
    app.chain("aaaa")
    elsewhere = app.revision("bbbb", "aaaa", folder=app.folder)
    (app.versions / "bbbb.py").symlink_to(elsewhere)


NEVER = [
    computed_ids,
    unpacked_ids,
    ids_in_a_text_and_in_truth,
    ids_given_twice,
    ids_that_hang_on_something,
    ids_by_exec,
    ids_by_vars,
    ids_of_another_module,
    ids_imported_over_others,
    ids_of_a_star,
    another_encoding,
    lines_of_windows,
    labels,
    label_as_dependency,
    two_locations,
    location_in_pyproject,
    folders_below,
    sourceless,
    linked_file,
]


@pytest.mark.parametrize("history", [*PENDING_TOO, *AT_HEAD_ONLY, *NEVER])
def test_it_says_what_alembic_says_or_nothing(
    app: App, history: Callable[[App], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(app.folder))
    monkeypatch.syspath_prepend(app.folder)
    history(app)
    check(app, pending=history in PENDING_TOO, at_head=history not in NEVER)


def test_a_file_that_comes_changes_or_goes_is_seen(app: App) -> None:
    chain(app)
    check(app, pending=True, at_head=True)
    newer = app.revision("dddd", "cccc")
    found, truth = both(app)
    assert found == truth
    assert [p.revision for p in truth.pending] == ["dddd"]
    stat = newer.stat()
    replace(newer, ("revision = 'dddd'", "revision = 'eeee'"))
    os.utime(newer, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    shutil.rmtree(app.versions / "__pycache__", ignore_errors=True)  # Python would trust it
    found, truth = both(app)
    assert found == truth
    assert [p.revision for p in truth.pending] == ["eeee"]
    newer.unlink()
    found, truth = both(app)
    assert found == truth
    assert not truth.pending
    (app.versions / "cccc.py").unlink()
    found, truth = both(app)
    assert found is None
    assert truth.unknown == ("cccc",)


def test_a_database_that_was_moved_by_hand_is_seen(app: App, database: Database) -> None:
    chain(app)
    check(app, pending=True, at_head=True)
    database.query("update alembic_version set version_num = 'bbbb'")
    found, truth = both(app)
    assert found == truth
    assert [p.revision for p in truth.pending] == ["cccc"]
    database.query("insert into alembic_version values ('cccc')")
    assert probe(Project(str(app.config))) is None
    database.query("drop table alembic_version")
    found, truth = both(app)
    assert found is None
    assert truth.already_there == ("t_aaaa", "t_bbbb", "t_cccc")


def test_an_edited_revision_and_an_invalid_index_are_seen(app: App, database: Database) -> None:
    chain(app)
    headway = [sys.executable, "-m", "headway.cli"]
    subprocess.run([*headway, "upgrade", "-c", app.config], check=True, capture_output=True)
    (app.versions / "bbbb.py").open("a").write("# edited\n")
    database.query("create index broken on t_aaaa (id)")
    database.query("update pg_index set indisvalid = false where indexrelid = 'broken'::regclass")
    found, truth = both(app)
    assert found == truth
    assert [edited.revision for edited in truth.edited] == ["bbbb"]
    assert truth.invalid_indexes == ("public.broken",)
    assert len(truth.runs) == 1


def test_as_another_account_it_says_the_same(app: App) -> None:
    chain(app)
    found, truth = both(app, user="root" if os.geteuid() == 0 else None)
    assert found == truth


def test_the_caller_is_left_as_it_was(
    make_app: Callable[..., App], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment and the ini's folder are the project's, as long as the probe takes."""
    app = make_app(url=database.url().replace(database.password, "").replace(":@", "@"))
    chain(app)
    (app.folder / "pass").write_text(f"*:*:*:*:{database.password}\n")
    (app.folder / "pass").chmod(0o600)
    monkeypatch.setenv("PGAPPNAME", "mine")
    before = dict(os.environ)
    environment = {"PGPASSFILE": "pass", "PGAPPNAME": "theirs"}
    monkeypatch.chdir(app.folder.parent)
    here = os.getcwd()
    assert probe(Project(f"{app.folder.name}/alembic.ini", environment=environment))
    assert (dict(os.environ), os.getcwd()) == (before, here)
    assert probe(Project(str(app.config))) is None


def test_a_password_in_what_it_would_tell_is_left_to_alembic(app: App, database: Database) -> None:
    app.revision("aaaa", message=f"for {database.password}")
    found, truth = both(app)
    assert found is None
    assert database.password not in str(truth)


@pytest.mark.parametrize("wrong", ["password", "database"])
def test_what_it_cannot_reach_is_left_to_alembic(
    make_app: Callable[..., App], database: Database, wrong: str
) -> None:
    url = database.url().replace(
        {"password": database.password, "database": database.name}[wrong], "wrong"
    )
    app = make_app(url=url)
    chain(app)
    assert probe(Project(str(app.config))) is None


WITHOUT = """
import sys
for name in ("alembic", "sqlalchemy"):
    sys.modules[name] = None
"""
COMMAND = """
from headway.cli import main
sys.exit(main(sys.argv[1:]))
"""
MODULE = """
from tests.unit.modules.test_alembic_modules import StandIn, module
code, standin = module(sys.argv[1]), StandIn(config=sys.argv[2])
code.AnsibleModule = lambda **_: standin
code.main()
"""


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (COMMAND, ("status", "--config")),
        (COMMAND, ("upgrade", "--config")),
        (COMMAND, ("plan", "--config")),
        (COMMAND, ("history", "--config")),
        (MODULE, ("alembic_info",)),
        (MODULE, ("alembic_upgrade",)),
    ],
)
def test_at_head_neither_alembic_nor_sqlalchemy_is_loaded(
    app: App, code: str, arguments: tuple[str, ...]
) -> None:
    chain(app)
    python = [sys.executable, "-c", WITHOUT + code, *arguments, str(app.config)]

    def without() -> int:
        return subprocess.run(python, cwd=ROOT, capture_output=True, check=False).returncode

    assert without() == 1
    alembic(app, "upgrade", "head")
    assert without() == 0
