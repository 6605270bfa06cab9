"""An app's host: that it answers, what of it lies where, and who may read it."""

from __future__ import annotations

import json

import pytest
from shared.deployed import SECRET, Site, get, listening, process_of
from testinfra.host import Host

testinfra_hosts = ["ansible://app"]


def test_it_answers_and_its_database_fits(host: Host, site: Site) -> None:
    status, body = get(host, f"{site.url}/healthz")
    assert status == 200
    health = json.loads(body)
    assert health["database"] == health["code"] != []


def test_it_reads_its_rows(host: Host, site: Site) -> None:
    status, body = get(host, f"{site.url}/persons")
    assert status == 200
    assert isinstance(json.loads(body), list)


def test_it_listens_where_it_was_told_to(host: Host, site: Site) -> None:
    assert listening(host, site.port) == {site.given.get("app_listen_address", "127.0.0.1")}


def test_it_runs_as_its_own_account_and_starts_at_boot(host: Host, site: Site) -> None:
    assert host.service(site.app).is_running
    assert host.service(site.app).is_enabled
    assert host.file(f"/proc/{process_of(host, site.app)}").user == site.app


@pytest.mark.parametrize(
    ("path", "mode", "user"),
    [
        ("{etc}", 0o750, "root"),
        ("{etc}/owner.pgpass", 0o600, "app"),
        ("{etc}/app.pgpass", 0o600, "app"),
        ("{etc}/app.env", 0o640, "root"),
        ("{etc}/migrate.env", 0o640, "root"),
        ("{root}/current/app/alembic.ini", 0o640, "root"),
        ("{root}/bin/start", 0o755, "root"),
    ],
)
def test_files_have_their_modes(host: Host, site: Site, path: str, mode: int, user: str) -> None:
    file = host.file(path.format(etc=site.etc, root=site.root))
    group = "root" if path.endswith("start") else site.app
    assert (oct(file.mode), file.user, file.group) == (
        oct(mode),
        site.app if user == "app" else user,
        group,
    )


def test_what_is_run_is_not_the_apps_to_change(host: Host, site: Site) -> None:
    writable = f"find {site.root}/ -not -type l ( -user {site.app} -o -group {site.app} -perm -g+w -o -perm -o+w )"
    found = host.run(writable.replace("(", "\\(").replace(")", "\\)"))
    assert (found.rc, found.stdout) == (0, "")


def test_passwords_are_in_the_passfiles_alone(host: Host, site: Site) -> None:
    found = host.run(f"grep -rlF {SECRET} /etc /opt/ /var/lib/{site.app}")
    own = {path for path in found.stdout.split() if not path.startswith("/etc/headway/")}
    assert own == {f"{site.etc}/owner.pgpass", f"{site.etc}/app.pgpass"}


def test_the_running_app_cannot_read_the_owners_password(host: Host, site: Site) -> None:
    mounts = host.file(f"/proc/{process_of(host, site.app)}/mountinfo").content_string
    hidden = {line.split()[4] for line in mounts.splitlines() if "inaccessible" in line.split()[3]}
    own = {path for path in hidden if path.startswith(site.etc)}
    assert own == {f"{site.etc}/owner.pgpass", f"{site.etc}/migrate.env"}


@pytest.mark.parametrize("account", ["root", "app"])
def test_plain_alembic_tells_the_truth(host: Host, site: Site, account: str) -> None:
    current = f"cd {site.root}/current/app && ../venv/bin/alembic current"
    user = site.app if account == "app" else account
    assert "(head)" in host.check_output("runuser -u %s -- sh -c %s", user, current)


def test_psycopg2_is_compiled_against_the_systems_libpq(host: Host, site: Site) -> None:
    show = "import psycopg2._psycopg; print(open('/proc/self/maps').read())"
    python = f"{site.root}/current/venv/bin/python"
    loaded = {
        line.split()[-1]
        for line in host.check_output("%s -c %s", python, show).splitlines()
        if "/" in line
    }
    [libpq] = [path for path in loaded if "/libpq" in path]
    assert (
        host.run_expect([0, 1], "dpkg --search %s || rpm --query --file %s", libpq, libpq).rc == 0
    )
    installed = host.check_output("%s -m pip list --format freeze", python)
    assert "psycopg2==" in installed
    assert "psycopg2-binary" not in installed
