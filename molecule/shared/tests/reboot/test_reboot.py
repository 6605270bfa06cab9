"""The host after a reboot: everything is up again without a deploy."""

from __future__ import annotations

import json
import time

import docker
import pytest
from shared.deployed import Site, get, rows
from testinfra.host import Host

testinfra_hosts = ["ansible://all"]

BOOT = 60  # seconds, after which a host that is not up will not be


@pytest.fixture(scope="module", autouse=True)
def reboot(host: Host, site: Site) -> None:
    started = "stat -c %Y /proc/1"
    before = host.check_output(started)
    docker.from_env().containers.get(site.host).restart(timeout=BOOT)
    deadline = time.monotonic() + BOOT
    booted = "systemctl is-system-running --wait"
    while host.run(booted).stdout.strip() not in ("running", "degraded"):
        assert time.monotonic() < deadline, f"{site.host} did not boot within {BOOT} s"
        time.sleep(0.5)
    assert host.check_output(started) != before


def test_systemd_has_nothing_to_complain_of(host: Host) -> None:
    assert host.check_output("systemctl is-system-running") == "running"


def test_the_database_is_up(host: Host, site: Site) -> None:
    if site.host not in site.given["groups"]["database"]:
        pytest.skip("not a database's host")
    assert rows(host, site.login(site.app_role), "select 1") == [[1]]


def test_the_app_is_up(host: Host, site: Site) -> None:
    if site.host not in site.given["groups"]["app"]:
        pytest.skip("not an app's host")
    status, body = get(host, f"{site.url}/healthz")
    assert (status, json.loads(body)["detail"]) == (200, "The database fits the code.")
