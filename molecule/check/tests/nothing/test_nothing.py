"""Check mode on a host that has nothing."""

from __future__ import annotations

from check.looking import check, files
from shared.deployed import Site
from testinfra.host import Host

testinfra_hosts = ["ansible://app"]


def test_it_says_what_it_would_do_and_does_nothing(host: Host, site: Site) -> None:
    before = files(host)
    said = check()
    assert f"{site.host} would get" in said
    assert "a deploy would apply every revision" in said
    assert sorted(files(host) ^ before) == []
