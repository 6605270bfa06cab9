"""Apps of many kinds (tests/hosts/apps), each deployed as it is from here onto one throwaway host."""

from __future__ import annotations

import configparser
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra
from docker.models.containers import Container
from testinfra.host import Host

from tests.hosts.deploying import Run, playbook
from tests.images.host import run, throwaway

APPS = Path(__file__).parent / "apps"
HOST = "headway-test-own-app"
PASSWORD = "p%a@s:s/w#o?r d'\"\\é"  # noqa: S105 (the throwaway host's)
CREATED, PRICED = "1f0000000001", "1f0000000002"


Deploy = Callable[..., Run]


@pytest.fixture(scope="module")
def machine() -> Iterator[Container]:
    with throwaway(HOST) as container:
        yield container


@pytest.fixture(scope="module")
def host(machine: Container) -> Host:
    return testinfra.get_host(f"docker://{machine.name}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("apps")


@pytest.fixture(scope="module")
def deploy(machine: Container, folder: Path) -> Deploy:
    """Deploys with an inventory of the one host, the given variables in it."""
    site = {"postgres_owner_password": PASSWORD, "postgres_app_password": PASSWORD}

    def deploy(app_name: str, **variables: Any) -> Run:
        groups = {"database": [HOST], "app": [HOST]}
        given = {**site, "app_name": app_name, **variables}
        return playbook(folder / "hosts.json", groups, given)

    return deploy


def lay_out(made: Path, *parts: str) -> Path:
    """Makes an app of folders in APPS, the later ones over the earlier."""
    for part in parts:
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(APPS / part, made, dirs_exist_ok=True, ignore=unwanted)
    return made


def sql(machine: Container, database: str, statement: str) -> str:
    done = run(machine, f'psql -U postgres -d {database} -Atc "{statement}"')
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


def alembic(machine: Container, app_name: str, arguments: str, *, load: bool = False) -> str:
    """What plain alembic says, typed on the host as the app's account."""
    environment = f"set -a; . /etc/{app_name}/migrate.env; " if load else ""
    folder = f"/opt/{app_name}/current/app"
    done = run(
        machine,
        f"runuser -u {app_name} -- sh -c '{environment}cd {folder} && ../venv/bin/alembic {arguments}'",
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def installed(machine: Container, app_name: str) -> dict[str, str]:
    """The packages in the venv of the live release, with their versions."""
    done = run(machine, f"/opt/{app_name}/current/venv/bin/python -m pip list --format json")
    packages: list[dict[str, str]] = json.loads(done.stdout.splitlines()[0])
    return {package["name"].lower(): package["version"] for package in packages}


def ini(host: Host, app_name: str) -> str:
    """The rendered alembic.ini, which only root and the app may read."""
    file = host.file(f"/opt/{app_name}/current/app/alembic.ini")
    assert (file.user, file.group, oct(file.mode)) == ("root", app_name, "0o640")
    text: str = file.content_string
    return text


def rows(machine: Container, database: str) -> str:
    return sql(machine, database, "select string_agg(name, ',' order by id) from item")


@pytest.fixture(scope="module")
def shop(folder: Path) -> dict[str, Any]:
    """A repository with the app below `backend`, a tag for each of its versions."""
    repository = folder / "shop"

    def version(tag: str, *parts: str, status: int) -> None:
        app = lay_out(repository / "backend", *parts)
        (app / "status").write_text(f"{status}\n")
        git("add", ".")
        git("commit", "--message", tag)
        git("tag", tag)

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=shop", "-c", "user.email=shop@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=repository, check=True)

    repository.mkdir()
    git("init", "--quiet")
    version("v0", "common", "shop", status=503)
    version("v1", status=200)
    version("v2", "second_revision", status=200)
    version("release/v3", status=0)
    return {
        "app_source": f"git+file://{repository}@{{{{ shop_version }}}}#subdirectory=backend",
        "app_command": "python service.py {{ app_listen_address }} {{ app_port }}",
        "app_health_path": "/",
        "app_health_wait": 3,
        "app_port": 8101,
    }


def answer(machine: Container) -> str:
    ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8101/').read().decode())"
    return run(machine, f'python3 -c "{ask}"').stdout


def test_a_first_release_that_never_gets_healthy_leaves_nothing_running(
    machine: Container, host: Host, deploy: Deploy, shop: dict[str, Any]
) -> None:
    failure = deploy("shop", shop_version="v0", **shop).failure
    assert "did not become healthy" in failure
    assert "http://127.0.0.1:8101/ answered 503: 2 items" in failure
    assert "There was no earlier release, so it was stopped." in failure
    assert '"GET / HTTP/1.1" 503' in failure
    assert not host.file("/opt/shop/current").exists
    assert "Connection refused" in answer(machine)
    assert "service.py" not in host.check_output("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")


def test_a_repository(machine: Container, host: Host, deploy: Deploy, shop: dict[str, Any]) -> None:
    assert deploy("shop", shop_version="v1", **shop).changed > 0
    assert answer(machine) == "2 items\n"
    assert f"{CREATED} (head)" in alembic(machine, "shop", "current")
    assert "user:pass" not in ini(host, "shop")
    assert "psycopg2-binary" not in installed(machine, "shop")
    for name in ("owner", "app"):
        passfile = host.file(f"/etc/shop/{name}.pgpass")
        assert (passfile.user, oct(passfile.mode)) == ("shop", "0o600")
    assert deploy("shop", shop_version="v1", **shop).changed == 0


def test_its_next_version(machine: Container, deploy: Deploy, shop: dict[str, Any]) -> None:
    done = deploy("shop", shop_version="v2", **shop)
    assert f"{CREATED} → {PRICED}, applied" in done.output
    assert sql(machine, "shop", "select sum(price) from item") == "6"
    assert answer(machine) == "2 items\n"


def test_a_later_release_that_stops_at_once_is_replaced_by_the_one_before(
    machine: Container, host: Host, deploy: Deploy, shop: dict[str, Any]
) -> None:
    before = host.check_output("readlink /opt/shop/current")
    failure = deploy("shop", shop_version="release/v3", **shop).failure
    assert "the price list cannot be read" in failure
    assert f"Release {Path(before).name} is back" in failure
    assert host.check_output("readlink /opt/shop/current") == before
    assert answer(machine) == "2 items\n"
    assert deploy("shop", shop_version="v2", **shop).changed == 0


def test_an_app_without_a_service_any_more(
    machine: Container, host: Host, deploy: Deploy, shop: dict[str, Any]
) -> None:
    without = {**shop, "app_command": "", "shop_version": "v2"}
    assert "http:" not in deploy("shop", **without).output.partition("PLAY RECAP")[2]
    assert "Connection refused" in answer(machine)
    assert f"{PRICED} (head)" in alembic(machine, "shop", "current")


# The three that follow have the requirements of the shop, so that they share its venv.
def test_a_url_in_an_environment_variable(machine: Container, deploy: Deploy, folder: Path) -> None:
    app = {
        "app_source": str(lay_out(folder / "environment", "common", "environment")),
        "app_url_variable": "SHOP_DB",
        "app_environment": {"SHOP_MOTTO": PASSWORD},
        "app_command": "",
        "postgres_database": "by_variable",
    }
    assert deploy("shop", **app).changed > 0
    assert rows(machine, "by_variable") == "pen,ink"
    assert f"{CREATED} (head)" in alembic(machine, "shop", "current", load=True)
    motto = run(machine, '. /etc/shop/migrate.env; printf %s "$SHOP_MOTTO"').stdout
    assert motto == PASSWORD
    assert deploy("shop", **app).changed == 0


def test_several_sections_and_x_arguments(
    machine: Container, host: Host, deploy: Deploy, folder: Path
) -> None:
    app = {
        "app_source": str(lay_out(folder / "sections", "common", "sections")),
        "alembic_name": "stock",
        "alembic_x_arguments": ["tenant=acme"],
        "app_command": "",
        "postgres_database": "sections",
    }
    assert deploy("shop", **app).changed > 0
    assert sql(machine, "sections", "select count(*) from acme.item") == "2"
    typed = "-n stock -x tenant=acme current"
    assert f"{CREATED} (head)" in alembic(machine, "shop", typed)
    assert "nowhere.invalid/accounts" in ini(host, "shop")
    assert "nowhere.invalid/stock" not in ini(host, "shop")
    assert deploy("shop", **app).changed == 0


def test_no_alembic_ini_and_a_driver_without_passfiles(
    machine: Container, host: Host, deploy: Deploy, folder: Path
) -> None:
    app = {
        "app_source": str(lay_out(folder / "no_ini", "common", "no_ini")),
        "alembic_driver": "pg8000",
        "alembic_url_password": "inline",
        "app_command": "",
        "postgres_database": "no_ini",
    }
    done = deploy("shop", **app)
    assert done.changed > 0
    assert rows(machine, "no_ini") == "pen,ink"
    assert f"{CREATED} (head)" in alembic(machine, "shop", "current")
    assert "p%%25a%%40s%%3As%%2Fw%%23o%%3Fr%%20d%%27%%22%%5C%%C3%%A9@" in ini(host, "shop")
    assert PASSWORD not in done.output
    assert "%25a%40s" not in done.output
    assert deploy("shop", **app).changed == 0


def test_old_versions_in_several_files_and_an_alembic_ini_of_its_own_making(
    machine: Container, host: Host, deploy: Deploy, folder: Path
) -> None:
    source = lay_out(folder / "old", "common", "old")
    app = {
        "app_source": str(source),
        "app_requirements": ["requirements/production.txt", "idna==3.10"],
        "app_command": "",
    }
    assert deploy("old", **app).changed > 0
    assert sql(machine, "old", "select version_num from shop_revision") == CREATED
    assert f"{CREATED} (head)" in alembic(machine, "old", "current")
    packages = installed(machine, "old")
    assert (packages["alembic"], packages["sqlalchemy"]) == ("1.13.3", "1.4.54")
    assert (packages["psycopg2"], packages["idna"]) == ("2.9.9", "3.10")
    assert "psycopg2-binary" not in packages

    own, rendered = (source / "alembic.ini").read_text(), ini(host, "old")
    assert [line for line in own.splitlines() if line not in rendered.splitlines()] == [
        "sqlalchemy.url: postgresql://shop:shop@localhost/shop"
    ]
    parser = configparser.RawConfigParser()
    parser.read_string(rendered)
    assert "shop@localhost" not in parser["alembic"]["sqlalchemy.url"]
    assert parser["formatter_short"]["format"] == "shop says: %(message)s"
    assert deploy("old", **app).changed == 0


def test_a_wheel_with_async_migrations_inside(
    machine: Container, host: Host, deploy: Deploy, folder: Path
) -> None:
    source = lay_out(folder / "wheel", "wheel")
    shutil.copytree(
        lay_out(folder / "migrations", "common") / "migrations",
        source / "ledger" / "migrations",
        dirs_exist_ok=True,
    )
    build = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    [wheel] = (source / "dist").glob("*.whl")
    app = {
        "app_source": str(wheel),
        "alembic_script_location": "ledger:migrations",
        "alembic_driver": "asyncpg",
        "app_command": "",
    }
    refused = deploy("ledger", **app).failure
    assert "asyncpg" in refused
    assert "alembic_url_password to inline" in refused
    assert not host.file("/opt/ledger").exists

    simple = {"postgres_owner_password": "simple enough", "postgres_app_password": "simple too"}
    assert deploy("ledger", **app, **simple).changed > 0
    assert rows(machine, "ledger") == "pen,ink"
    assert f"{CREATED} (head)" in alembic(machine, "ledger", "current")
    assert deploy("ledger", **app, **simple).changed == 0


def test_a_project_that_is_a_package_configured_in_pyproject_toml(
    machine: Container, deploy: Deploy, folder: Path
) -> None:
    source = lay_out(folder / "project", "common", "project")
    (source / "requirements.txt").unlink()
    app = {
        "app_source": str(source),
        "app_requirements": ["."],
        "app_command": "",
        # What a package of the app's asks for cannot be turned to the source build.
        "psycopg2_install": "binary",
    }
    assert deploy("project", **app).changed > 0
    assert rows(machine, "project") == "pen,ink"
    assert f"{CREATED} (head)" in alembic(machine, "project", "current")
    assert installed(machine, "project")["shop"] == "2"
    assert deploy("project", **app).changed == 0

    (source / "src" / "shop" / "__init__.py").write_text('SCHEMA = "public"\nNEW = True\n')
    assert deploy("project", **app).changed > 0
    imported = "cd / && /opt/project/current/venv/bin/python -c 'import shop; print(shop.NEW)'"
    assert run(machine, imported).stdout == "True\n"
