"""A host whose engine brings PostgreSQL up again after a reboot; an engine handed in does not reboot with it."""

from __future__ import annotations

from shared.tests.reboot.test_reboot import reboot, test_the_app_is_up, test_the_database_is_up

testinfra_hosts = ["ansible://installed"]

__all__ = ["reboot", "test_the_app_is_up", "test_the_database_is_up"]
