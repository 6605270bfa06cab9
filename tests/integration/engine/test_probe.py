"""What is found without alembic is what alembic finds, or nothing."""

from __future__ import annotations

import py_compile
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from headway import process
from headway.look import look
from headway.probe import probe
from headway.project import Project
from headway.results import Look

from tests.conftest import Database
from tests.integration.engine.test_env_styles import ASYNC, FROM_ENVIRONMENT, TENANT
from tests.unit.engine.apps import ENV_PY, App, doubled


def upgrade(app: App, *arguments: str) -> None:
    alembic = [sys.executable, "-m", "alembic", "-c", app.config, *arguments, "upgrade", "heads"]
    subprocess.run(alembic, cwd=app.folder, check=True, capture_output=True)


def both(app: App, *x_arguments: str, section: str = "alembic") -> tuple[Look | None, Look]:
    """Give what the probe says and what alembic says, the revisions of both in one order."""
    project = Project(str(app.config), section, x_arguments)
    answer = process.run(partial(look, target="heads"), project)[0]
    return ordered(probe(project)), ordered(Look.from_dict(answer))  # type: ignore[return-value]


def ordered(seen: Look | None) -> Look | None:
    if seen is None:
        return None
    values = seen.to_dict()
    values["pending"] = sorted(values["pending"], key=lambda p: p["revision"])
    revisions = sorted(seen.history.revisions, key=lambda r: r.revision)
    return Look.from_dict({**values, "history": {"revisions": [r.to_dict() for r in revisions]}})


def chain(app: App) -> None:
    app.chain("aaaa", "bbbb", "cccc")


def merged(app: App) -> None:
    app.chain("aaaa", "bbbb")
    app.revision("cccc", "aaaa")
    app.revision("dddd", ("bbbb", "cccc"))


def two_heads(app: App) -> None:
    app.chain("aaaa", "bbbb")
    app.revision("cccc", "aaaa")


def as_alembic_writes_them(app: App) -> None:
    for message in ("first", "add 'quotes' and \"more\"", "last"):
        subprocess.run(
            [sys.executable, "-m", "alembic", "-c", app.config, "revision", "-m", message],
            cwd=app.folder,
            check=True,
            capture_output=True,
        )


def annotated(app: App) -> None:
    chain(app)
    path = app.versions / "bbbb.py"
    path.write_text(path.read_text().replace("revision = 'bbbb'", "revision: str = 'bbbb'", 1))


def described(app: App) -> None:
    app.revision("aaaa", message="one line\nof two\n\nWhat the author says.\n\nMore of it.")


PLAIN = [chain, merged, two_heads, annotated, described]


@pytest.mark.parametrize("history", PLAIN)
def test_it_says_what_alembic_says(app: App, history: Callable[[App], None]) -> None:
    history(app)
    found, truth = both(app)
    assert found == truth
    upgrade(app)
    found, truth = both(app)
    assert found == truth
    app.revision("9999", truth.current[0])
    found, truth = both(app)
    assert found == truth
    assert [p.revision for p in truth.pending] == ["9999"]


@pytest.mark.parametrize("template", ["generic", "pyproject"])
def test_what_alembic_init_writes(tmp_path: Path, database: Database, template: str) -> None:
    app = App(tmp_path / "app")
    app.folder.mkdir()
    (app.folder / "pyproject.toml").touch()
    init = [sys.executable, "-m", "alembic", "init", "-t", template, "alembic"]
    subprocess.run(init, cwd=app.folder, capture_output=True, check=True)
    app.write_ini(
        app.config.read_text().replace(
            "driver://user:pass@localhost/dbname", doubled(database.url("psycopg2"))
        )
    )
    as_alembic_writes_them(app)
    upgrade(app)
    found, truth = both(app)
    assert found == truth if template == "generic" else found in (None, truth)


def computed_ids(app: App) -> None:
    app.chain("0001")
    path = app.revision("0002", "0001")
    path.write_text(
        path.read_text()
        .replace("revision = '0002'", "import pathlib\nrevision = pathlib.Path(__file__).stem", 1)
        .replace("down_revision = '0001'", "down_revision = f'{int(revision) - 1:04}'")
    )


def unpacked_ids(app: App) -> None:
    app.chain("aaaa")
    path = app.revision("bbbb", "aaaa")
    path.write_text(
        path.read_text()
        .replace("down_revision = 'aaaa'\n", "")
        .replace("revision = 'bbbb'", "revision, down_revision = 'bbbb', 'aaaa'", 1)
    )


def ids_in_a_text_and_in_truth(app: App) -> None:
    app.chain("aaaa", "bbbb")
    path = app.revision("cccc", "bbbb")
    path.write_text(
        path.read_text().replace(
            "revision = 'cccc'\ndown_revision = 'bbbb'",
            'HELP = """\nrevision = \'zzzz\'\ndown_revision = \'aaaa\'\n"""\n'
            "globals().update(revision='cccc', down_revision='bbbb')",
        )
    )


def ids_of_another_module(app: App) -> None:
    app.chain("aaaa")
    (app.folder / "ids.py").write_text("revision = 'bbbb'\n")
    path = app.revision("bbbb", "aaaa")
    path.write_text(path.read_text().replace("revision = 'bbbb'", "from ids import revision", 1))


def labels_and_dependencies(app: App) -> None:
    app.chain("aaaa")
    app.revision("bbbb", None, branch_labels=["reports"], depends_on="aaaa")
    app.revision("cccc", "bbbb")


def two_locations(app: App) -> None:
    app.config.write_text(
        app.config.read_text() + "version_locations = %(here)s/alembic/versions %(here)s/more\n"
    )
    (app.folder / "more").mkdir()
    app.chain("aaaa")
    app.revision("bbbb", "aaaa", folder=app.folder / "more")


def folders_below(app: App) -> None:
    app.config.write_text(app.config.read_text() + "recursive_version_locations = true\n")
    (app.versions / "2026").mkdir()
    app.chain("aaaa")
    app.revision("bbbb", "aaaa", folder=app.versions / "2026")


def sourceless(app: App) -> None:
    app.config.write_text(app.config.read_text() + "sourceless = true\n")
    app.chain("aaaa", "bbbb")
    compiled = py_compile.compile(str(app.versions / "bbbb.py"), doraise=True)
    Path(compiled).rename(app.versions / "bbbb.pyc")
    (app.versions / "bbbb.py").unlink()


def in_a_package(app: App) -> None:
    (app.folder / "headway_probed").mkdir()
    (app.folder / "headway_probed" / "__init__.py").touch()
    (app.folder / "alembic").rename(app.folder / "headway_probed" / "migrations")
    app.config.write_text(
        app.config.read_text().replace(
            "script_location = alembic",
            "script_location = headway_probed:migrations\nprepend_sys_path = .",
        )
    )
    for revision, down in (("aaaa", None), ("bbbb", "aaaa")):
        app.revision(revision, down, folder=app.folder / "headway_probed/migrations/versions")


ODD = [
    computed_ids,
    unpacked_ids,
    ids_in_a_text_and_in_truth,
    ids_of_another_module,
    labels_and_dependencies,
    two_locations,
    folders_below,
    sourceless,
    in_a_package,
]


@pytest.mark.parametrize("history", ODD)
def test_of_an_odd_history_it_says_the_same_or_nothing(
    app: App, history: Callable[[App], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(app.folder))
    monkeypatch.syspath_prepend(app.folder)
    history(app)
    found, truth = both(app)
    assert found in (None, truth)
    upgrade(app)
    found, truth = both(app)
    assert truth.current == truth.history.heads
    assert found in (None, truth)


FACTORY = ENV_PY.replace("engine_from_config(section", "make_engine(section").replace(
    "from sqlalchemy import engine_from_config, pool",
    "from sqlalchemy import engine_from_config as make_engine, pool",
)
CHANGED_SECTION = ENV_PY.replace(
    "engine = ", 'section["sqlalchemy.url"] = os.environ["DATABASE_URL"]\nengine = '
).replace("from alembic", "import os\nfrom alembic", 1)
SET_OPTION = ENV_PY.replace(
    "section = ",
    'url = os.environ["DATABASE_URL"].replace("%", "%%")\n'
    'context.config.set_main_option("sqlalchemy.url", url)\nsection = ',
).replace("from alembic", "import os\nfrom alembic", 1)
TWICE = ENV_PY + "".join(
    line.replace("connection=connection", "connection=connection, version_table='other'")
    for line in ENV_PY.splitlines(keepends=True)[6:]
)
OPTIONS = ENV_PY.replace(
    "context.configure(connection=connection)",
    "context.configure(connection=connection, **{'version_table': 'other'})",
)
CONSTANT_TABLE = ENV_PY.replace(
    "context.configure(connection=connection)",
    "context.configure(connection=connection, version_table='other', version_table_schema='public')",
)
BY_URL = ENV_PY.replace("engine_from_config, pool", "create_engine, pool").replace(
    'engine_from_config(section, prefix="sqlalchemy.",',
    "create_engine(context.config.get_main_option('sqlalchemy.url'),",
)
STYLES = {
    "url from the environment": FROM_ENVIRONMENT,
    "tenants": TENANT,
    "another name for the engine's maker": FACTORY,
    "a changed section": CHANGED_SECTION,
    "an option set": SET_OPTION,
    "migrations run twice": TWICE,
    "options not written out": OPTIONS,
    "another version table": CONSTANT_TABLE,
    "an engine of the URL": BY_URL,
}
CERTAIN = {"another version table", "an engine of the URL"}


@pytest.mark.parametrize("style", STYLES)
def test_of_every_style_of_env_py_it_says_the_same_or_nothing(
    make_app: Callable[..., App],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    style: str,
) -> None:
    url = database.url()
    elsewhere = style in ("url from the environment", "a changed section", "an option set")
    app = make_app(
        url="postgresql+psycopg2://nobody@127.0.0.1:1/nothing" if elsewhere else url,
        env_py=STYLES[style],
    )
    monkeypatch.setenv("DATABASE_URL", url)
    app.revision("aaaa", None, "pass")
    app.revision("bbbb", "aaaa", "pass")
    arguments = []
    if style == "tenants":
        database.query("create schema acme")
        arguments = ["tenant=acme"]
    upgrade(app, *(f"-x{argument}" for argument in arguments))
    found, truth = both(app, *arguments)
    assert truth.current == ("bbbb",)
    assert found == truth if style in CERTAIN else found is None


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


def test_a_driver_without_libpq_is_left_to_alembic(
    make_app: Callable[..., App], database: Database
) -> None:
    app = make_app(url=database.url("asyncpg"), env_py=ASYNC)
    chain(app)
    assert probe(Project(str(app.config))) is None


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
