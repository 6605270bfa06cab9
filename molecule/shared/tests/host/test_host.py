"""Any host of a deploy, once it is done."""

from __future__ import annotations

from shared.deployed import SECRET, command_lines
from testinfra.host import Host

testinfra_hosts = ["ansible://all"]


def test_systemd_has_nothing_to_complain_of(host: Host) -> None:
    assert host.check_output("systemctl is-system-running") == "running"


def test_no_password_is_on_a_command_line(host: Host) -> None:
    shown = command_lines(host)
    assert "/sbin/init" in shown
    assert SECRET not in shown


def test_no_password_is_in_a_unit(host: Host) -> None:
    shown = host.check_output(
        "systemctl cat '*.service' '*.socket'; systemctl show '*.service' '*.socket'"
    )
    assert "ExecStart=" in shown
    assert SECRET not in shown


def test_no_password_is_in_a_log(host: Host) -> None:
    journal = "journalctl --no-pager --output cat"
    assert host.run(f"{journal} | grep -F 'Invoked with'").stdout  # as Ansible's modules log
    assert host.run(f"{journal} | grep -F {SECRET}").stdout == ""
    assert host.run("grep -rlF %s /var/log /var/lib/pgsql/data/log", SECRET).stdout == ""
