"""Two app hosts and a database elsewhere, after the next release."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from external.watching import watched
from shared.deployed import Site, listening
from testinfra.host import Host

testinfra_hosts = ["ansible://app"]

REPORTS = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "reports"


def test_the_database_was_migrated_on_the_named_host_alone(site: Site) -> None:
    assert (REPORTS / site.host / "migration.json").exists() == (
        site.host == site.given["migrate_host"]
    )


def test_no_database_is_here(host: Host) -> None:
    assert listening(host, 5432) == set()


@pytest.fixture(scope="module")
def elsewhere(site: Site) -> Host:
    return Host.get_host(f"docker://{site.given['groups']['elsewhere'][0]}")


def test_the_apps_switched_one_after_another_and_always_answered(
    site: Site, elsewhere: Host
) -> None:
    saw = watched(elsewhere)
    report = json.loads((REPORTS / site.given["migrate_host"] / "migration.json").read_text())
    before, after = report["before"], report["after"]
    assert saw["seen"] == [[before, before], [after, before], [after, after]]
    assert saw["failed"] == []


def test_psycopg2_was_compiled_by_one_host_at_most(site: Site) -> None:
    hosts = (Host.get_host(f"docker://{name}") for name in site.given["groups"]["app"])
    # pip keeps there what it compiles, and hosts are made with nothing in it.
    kept = [host.run("find /root/.cache/pip/wheels -name 'psycopg2*.whl'").stdout for host in hosts]
    assert len(list(filter(None, kept))) <= 1
