"""What the tests of all scenarios are given."""

from __future__ import annotations

import pytest
import testinfra
from shared.deployed import Site
from testinfra.host import Host


@pytest.fixture(scope="module")
def site(_testinfra_host: Host) -> Site:
    """What the inventory says of the host."""
    return Site(_testinfra_host.ansible.get_variables())


@pytest.fixture(scope="module")
def host(site: Site) -> Host:
    """The host as its root, whoever deploys to it."""
    return testinfra.get_host(f"docker://{site.host}")
