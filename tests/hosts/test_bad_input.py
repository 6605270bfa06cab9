"""What a user can get wrong: one sentence each, and what serves is left as it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container

from tests.hosts.deploying import PROJECT, Run, playbook
from tests.images.host import run, throwaway

HOST = "headway-test-bad-input"
SECRETS = {
    "postgres_owner_password": "secret of the owner",
    "postgres_app_password": "secret of the app",
}
HEAD = "c6cc06acee49"

Attempt = Callable[..., Run]


@pytest.fixture(scope="module")
def machine() -> Iterator[Container]:
    with throwaway(HOST) as container:
        yield container


@pytest.fixture(scope="module")
def attempt(machine: Container, tmp_path_factory: pytest.TempPathFactory) -> Attempt:
    """Deploys with these variables, onto a host where all was well before."""
    inventory = tmp_path_factory.mktemp("inventory") / "hosts.json"

    def attempt(*arguments: str, secrets: dict[str, str] = SECRETS, **variables: Any) -> Run:
        groups = {"database": [HOST], "app": [HOST]}
        return playbook(inventory, groups, {**secrets, **variables}, *arguments)

    assert attempt().changed > 0
    return attempt


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A copy of the example app, to be spoilt."""
    return shutil.copytree(PROJECT / "app", tmp_path / "app")


@pytest.fixture(autouse=True)
def untouched(machine: Container, attempt: Attempt) -> Iterator[None]:
    """What serves is the same before and after."""
    look = (
        "readlink /opt/evaluation_app/current; cat /etc/evaluation_app/* /var/lib/evaluation_app/running;"
        "pg_dump -U postgres --restrict-key=same evaluation_app 2>/dev/null || pg_dump -U postgres evaluation_app;"
        "python3 -c \"import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/healthz').read())\""
    )
    before = run(machine, look)
    assert before.returncode == 0, before.stdout
    yield
    assert run(machine, look).stdout == before.stdout


def revision(app: Path, name: str, down: str, more: str = "") -> Path:
    path = app / "alembic" / "versions" / f"{name}.py"
    path.write_text(
        f'"""{name}"""\nfrom alembic import op\nrevision = "{name}"\ndown_revision = "{down}"\n'
        f"def upgrade():\n    pass\ndef downgrade():\n    pass\n{more}"
    )
    return path


BEFORE_ANYTHING: dict[str, tuple[dict[str, Any], str]] = {
    "backend": ({"postgres_backend": "oracle"}, "value of postgres_backend must be one of"),
    "newline": ({"postgres_app_password": "a\nb"}, "postgres_app_password"),
    "no source": (
        {"app_source": "/gone/app"},
        "the app source /gone/app does not exist on the controller",
    ),
    "no package": ({"app_source": "shop"}, 'the app source "shop" is neither a folder'),
    "app name": ({"app_name": "Shop-1"}, 'app_name is "Shop-1"'),
    "no room": (
        {"app_disk_room": 10**9, "app_requirements": ["requirements.txt", "six"]},
        "make room there",
    ),
    "url password": ({"alembic_url_password": "somewhere"}, "alembic_url_password"),
    "psycopg2": ({"psycopg2_install": "wheel"}, "psycopg2_install"),
}


@pytest.mark.parametrize("what", BEFORE_ANYTHING)
def test_a_variable_that_cannot_be(attempt: Attempt, what: str) -> None:
    variables, sentence = BEFORE_ANYTHING[what]
    tried = attempt(**variables)
    assert sentence in tried.failure
    assert tried.changed_before_failing == 0


def test_a_missing_secret(attempt: Attempt) -> None:
    tried = attempt(secrets={"postgres_app_password": "secret of the app"})
    assert "postgres_owner_password" in tried.failure
    assert "vault" in tried.failure
    assert tried.changed_before_failing == 0


def test_a_limit_that_hides_the_migration_host(attempt: Attempt) -> None:
    tried = attempt(migrate_host="other")
    assert "the limit leaves out other, where the database is migrated" in tried.failure
    assert tried.changed_before_failing == 0


def test_a_port_that_something_else_uses(attempt: Attempt, machine: Container) -> None:
    other = "python3 -m http.server --bind 127.0.0.1 8123"
    run(machine, f"setsid {other} >/dev/null 2>&1 & sleep 1")
    try:
        tried = attempt(app_port=8123)
        assert f"port 8123 on {HOST} is used by python3 (pid " in tried.failure
        assert "stop it or set app_port" in tried.failure
        assert tried.changed_before_failing == 0
    finally:
        run(
            machine,
            f"pkill -f '{other}' || kill $(cat /proc/[0-9]*/stat | awk '/http/ {{print $1}}')",
        )


def no_versions_folder(app: Path) -> str:
    shutil.rmtree(app / "alembic" / "versions")
    return "The versions folder"


def empty_history(app: Path) -> str:
    (app / "alembic" / "versions" / f"{HEAD}_create_person.py").unlink()
    return "There is no revision in"


def two_heads(app: Path) -> str:
    revision(app, "aaaa", HEAD)
    revision(app, "bbbb", HEAD)
    return 'merge them with `alembic merge -m "merge" aaaa bbbb`'


def missing_parent(app: Path) -> str:
    revision(app, "aaaa", "gone")
    return "(revision aaaa) follows revision gone, which no file has"


def twice(app: Path) -> str:
    path = revision(app, "aaaa", HEAD)
    shutil.copy(path, path.with_name("copy.py"))
    return "Two files have the revision id aaaa"


def several_ini(app: Path) -> str:
    (app / "alembic.ini").unlink()
    for folder in ("one", "two"):
        (app / folder).mkdir()
        (app / folder / "alembic.ini").write_text("[alembic]\n")
    return "has several alembic.ini (one/alembic.ini, two/alembic.ini)"


@pytest.mark.parametrize(
    "spoil", [no_versions_folder, empty_history, two_heads, missing_parent, twice, several_ini]
)
def test_revisions_that_cannot_be_are_refused_before_anything(
    attempt: Attempt, app: Path, spoil: Callable[[Path], str]
) -> None:
    sentence = spoil(app)
    tried = attempt(app_source=str(app))
    assert sentence in tried.failure
    assert tried.changed_before_failing == 0


def syntax_error(app: Path) -> str:
    revision(app, "aaaa", HEAD, "def broken(:\n")
    return "versions/aaaa.py, line 9, is not valid Python"


def env_py_raises(app: Path) -> str:
    with (app / "alembic" / "env.py").open("a") as env:
        env.write('raise ValueError("no such setting")\n')
    return "ValueError: no such setting"


def no_env_py(app: Path) -> str:
    (app / "alembic" / "env.py").unlink()
    return "env.py"


def database_ahead(app: Path) -> str:
    path = app / "alembic" / "versions" / f"{HEAD}_create_person.py"
    path.write_text(path.read_text().replace(HEAD, "0001"))
    return f"The database is at revision {HEAD}, which this code does not know"


@pytest.mark.parametrize("spoil", [syntax_error, env_py_raises, no_env_py, database_ahead])
def test_migrations_that_cannot_run_leave_the_database_as_it_is(
    attempt: Attempt, app: Path, spoil: Callable[[Path], str]
) -> None:
    assert spoil(app) in attempt(app_source=str(app)).failure


def test_requirements_that_do_not_resolve(attempt: Attempt, machine: Container) -> None:
    tried = attempt(app_requirements=["requirements.txt", "SQLAlchemy==0.0.1"])
    assert "could not be built (Install the requirements)" in tried.failure
    assert "SQLAlchemy==0.0.1" in tried.failure
    half = run(
        machine, "for v in /opt/evaluation_app/venvs/*/; do [ -e $v/.seal ] || echo $v; done"
    ).stdout
    assert half == ""


def test_a_platform_that_is_not_supported(attempt: Attempt, machine: Container) -> None:
    run(machine, "cp --dereference /etc/os-release /root/os-release")
    run(
        machine,
        "rm /etc/os-release; printf 'NAME=\"CentOS Linux\"\\nID=centos\\nVERSION_ID=8\\n' >/etc/os-release",
    )
    run(
        machine,
        "echo 'CentOS Linux release 8.5.2111' >/etc/redhat-release; cp /etc/redhat-release /etc/centos-release",
    )
    try:
        tried = attempt()
        assert "CentOS 8" in tried.failure
        assert tried.changed_before_failing == 0
    finally:
        run(
            machine,
            "cp /root/os-release /etc/os-release; rm -f /etc/redhat-release /etc/centos-release",
        )
