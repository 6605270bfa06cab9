"""What an upgrade leaves, and what a client saw of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from shared.deployed import Site, get, rows
from testinfra.host import Host

testinfra_hosts = ["ansible://app"]

APPLIED = ["2e0000000001", "2e0000000002", "2e0000000003"]


@pytest.fixture(scope="module")
def report(site: Site) -> dict[str, Any]:
    """What the run that migrated left on the controller; a run that migrates nothing leaves none."""
    reports = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "reports" / site.host
    left: dict[str, Any] = json.loads((reports / "migration.json").read_text())
    return left


def test_the_last_run_that_migrated_applied_each_revision_once(report: dict[str, Any]) -> None:
    assert [step["revision"] for step in report["applied"]] == APPLIED
    assert report["after"] == [APPLIED[-1]]


def test_rows_are_kept(host: Host, site: Site) -> None:
    _, body = get(host, f"{site.url}/persons")
    assert [person["name"] for person in json.loads(body)] == ["Ada", "Grace"]


def test_a_revision_changed_rows(host: Host, site: Site) -> None:
    database = Host.get_host(f"docker://{site.given['postgres_host']}")
    found = rows(database, site.superuser(), "select email from person order by id")
    assert found == [["ada@example.com"], ["grace@example.com"]]


def test_the_one_backup_has_the_rows_from_before_and_is_nobody_elses_to_read(site: Site) -> None:
    database = Host.get_host(f"docker://{site.given['postgres_host']}")
    backups = database.file(f"/var/backups/headway/{site.database}")
    (name,) = backups.listdir()
    assert (backups.user, backups.mode) == ("root", 0o700)
    dump = f"{backups.path}/{name}/dump"
    assert {database.file(f"{dump}/{file}").mode for file in database.file(dump).listdir()} == {
        0o600
    }
    database.check_output("createdb --username postgres brought_back")
    try:
        database.check_output(f"pg_restore --username postgres --dbname brought_back {dump}")
        brought_back = {**site.superuser(), "dbname": "brought_back"}
        assert rows(database, brought_back, "select name from person order by id") == [
            ["Ada"],
            ["Grace"],
        ]
        assert rows(database, brought_back, "select version_num from alembic_version") == [
            ["c6cc06acee49"]
        ]
    finally:
        database.check_output("dropdb --username postgres brought_back")


def test_a_client_was_answered_all_the_while(host: Host) -> None:
    host.run_expect([0, 5], "systemctl stop client")  # 5: not loaded, it was stopped before
    seen = json.loads(host.file("/var/log/client.json").content_string)
    print(f"{seen['asked']} requests, {len(seen['failed'])} of them failed")
    assert seen["asked"] > 100
    assert seen["failed"] == []
