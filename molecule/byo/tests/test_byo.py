"""Somebody's own app on its host."""

from __future__ import annotations

from shared.deployed import SECRET, Site, rows
from testinfra.host import Host

testinfra_hosts = ["ansible://app"]


def test_its_migrations_made_its_rows(host: Host, site: Site) -> None:
    assert rows(host, site.login(site.app_role), "select name from item order by id") == [
        ["pen"],
        ["ink"],
    ]


def test_plain_alembic_tells_the_truth(host: Host, site: Site) -> None:
    current = f"cd {site.root}/current/app && ../venv/bin/alembic current"
    assert "(head)" in host.check_output("runuser -u %s -- sh -c %s", site.app, current)


def test_it_migrates_through_its_own_driver(host: Host, site: Site) -> None:
    ini = host.file(f"{site.root}/current/app/alembic.ini")
    assert "postgresql+asyncpg://" in ini.content_string
    assert SECRET not in ini.content_string
    assert (ini.user, ini.group, oct(ini.mode)) == ("root", site.app, "0o640")


def test_it_has_no_service(host: Host, site: Site) -> None:
    assert not host.service(site.app).exists


def test_its_package_is_installed_from_the_wheel(host: Host, site: Site) -> None:
    installed = host.check_output(
        f"{site.root}/current/venv/bin/python -m pip list --format freeze"
    )
    assert "ledger==1.4" in installed
