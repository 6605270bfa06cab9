"""Check mode on a deployed host, with a release that has revisions to apply."""

from __future__ import annotations

import os
from pathlib import Path

from check.looking import check, database, files
from shared.deployed import SECRET, Site, get
from testinfra.host import Host

testinfra_hosts = ["ansible://app"]

NEXT = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "next"


def test_it_shows_the_sql_and_does_nothing(host: Host, site: Site) -> None:
    before, rows_before = files(host), database(host)
    said = check("-e", f"app_source={NEXT}")
    for line in (
        "ALTER TABLE person ADD COLUMN email VARCHAR(80)",
        "update person set email = lower(name) || '@example.com'",
        "CREATE TABLE address",
        "2e0000000003, would apply",
    ):
        assert line in said
    assert SECRET not in said
    assert sorted(files(host) ^ before) == []
    assert database(host) == rows_before
    assert get(host, f"{site.url}/healthz")[0] == 200


def test_with_nothing_pending_it_foretells_no_change(host: Host) -> None:
    before, rows_before = files(host), database(host)
    said = check()
    assert " changed=0 " in said
    assert "nothing was pending" in said
    assert sorted(files(host) ^ before) == []
    assert database(host) == rows_before
