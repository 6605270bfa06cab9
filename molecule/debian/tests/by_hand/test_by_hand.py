"""Units that somebody changed by hand: the next deploy finds it, and mends it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from shared.deployed import Site, get, process_of
from testinfra.host import Host

testinfra_hosts = ["ansible://app"]

PROJECT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
SCENARIO = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])


def deploy() -> str:
    """Give the output of a deploy that succeeds, line breaks and margins as one blank."""
    done = subprocess.run(
        ["ansible-playbook", "-i", SCENARIO / "inventory", "deploy.yml"],
        cwd=PROJECT,
        env={**os.environ, "ANSIBLE_CALLBACKS_ENABLED": "summary", "ANSIBLE_FORCE_COLOR": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def unit(site: Site) -> str:
    return f"/etc/systemd/system/{site.app}.service"


def unread(host: Host, site: Site) -> bool:
    """Whether systemd has units of the app that it has not read since they changed."""
    shown = host.check_output(
        "systemctl show --property=NeedDaemonReload %s.service %s.socket", site.app, site.app
    )
    assert "NeedDaemonReload=" in shown
    return "NeedDaemonReload=yes" in shown


def environment(host: Host, site: Site) -> str:
    return str(host.file(f"/proc/{process_of(host, site.app)}/environ").content_string)


def test_a_drop_in_is_told_and_what_runs_has_it(host: Host, site: Site, unit: str) -> None:
    host.check_output(
        "mkdir %s.d && printf '[Service]\\nEnvironment=BY_HAND=1\\n' >%s.d/more.conf", unit, unit
    )
    assert f"{unit}.d/more.conf is laid over the unit" in deploy()
    assert "BY_HAND=1" in environment(host, site)
    assert not unread(host, site)


def test_a_unit_is_as_it_was_and_runs_and_begins_at_boot(host: Host, site: Site, unit: str) -> None:
    before = host.file(unit).content_string
    host.check_output("systemctl stop %s.socket %s.service", site.app, site.app)
    host.check_output("find /etc/systemd/system/*.wants -name '%s.*' -delete", site.app)
    host.check_output("sed -i 's/^User=.*/User=root/' %s", unit)
    assert host.file(unit).content_string != before
    assert unread(host, site)
    assert not host.service(site.app).is_enabled
    deploy()
    assert host.file(unit).content_string == before
    assert not unread(host, site)
    assert host.file(f"/proc/{process_of(host, site.app)}").user == site.app
    for each in ("service", "socket"):
        assert host.service(f"{site.app}.{each}").is_enabled
        assert host.service(f"{site.app}.{each}").is_running
    assert get(host, f"{site.url}/healthz")[0] == 200


def test_then_there_is_nothing_to_do(host: Host) -> None:
    assert " changed=0 " in deploy()
