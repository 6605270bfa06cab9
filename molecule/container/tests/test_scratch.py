"""The rehearsal of what was deployed, in a scratch database of a server in a container."""

from __future__ import annotations

import json

from shared.deployed import Site, rows
from shared.plays import PROJECT
from testinfra.host import Host

testinfra_hosts = ["ansible://installed"]


def test_all_of_it_was_rehearsed(site: Site) -> None:
    told = json.loads((PROJECT / "reports" / site.host / "rehearsal.json").read_text())
    assert (told["outcome"], told["not_rehearsed"]) == ("passed", [])
    assert told["scratch"].startswith("headway_rehearsal_")
    assert [revision["revision"] for revision in told["revisions"]] == ["c6cc06acee49"]


def test_the_scratch_database_is_gone(host: Host, site: Site) -> None:
    names = rows(host, site.superuser(), "select datname from pg_database where not datistemplate")
    assert sorted(names) == [[site.database], ["postgres"]]
