"""The same deploy onto few and onto many app hosts, beside one database host: first deploys and reruns."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import deploys, record
from bench.clock import Taken
from bench.deploys import headway
from tests.images.host import APT_CACHES, throwaway

DATABASE = "headway-bench-database"
IMAGE = "debian12"
KINDS = ("first", "rerun")
# The engine takes its networks' addresses from these (RFC 1918).
NETWORKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]


def app_hosts(count: int) -> list[str]:
    """Names of that many app hosts."""
    return [f"headway-bench-app{number}" for number in range(1, count + 1)]


def inventory(folder: Path, address: str, hosts: list[str]) -> Path:
    """An inventory of one database host at `address` and app hosts."""
    return deploys.inventory(
        folder / "hosts.json",
        DATABASE,
        hosts,
        postgres_host=address,
        postgres_listen_addresses=["*"],
        postgres_allowed_networks=NETWORKS,
    )


def deployed(count: int) -> tuple[dict[str, Taken], dict[str, str]]:
    """A first deploy onto so many new app hosts, nothing compiled before, and a rerun; and the versions."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(throwaway(DATABASE, IMAGE))
        for host in app_hosts(count):
            stack.enter_context(throwaway(host, IMAGE))
        database.reload()
        networks = database.attrs["NetworkSettings"]["Networks"]
        path = inventory(folder, next(iter(networks.values()))["IPAddress"], app_hosts(count))
        return {kind: headway(path).taken for kind in KINDS}, deploys.stack(database)


def share_packages(hosts: list[str]) -> None:
    """Gives each host what apt has fetched for the first, which needs the same."""
    first, *others = [APT_CACHES / host for host in hosts]
    for other in others:
        shutil.copytree(first, other, dirs_exist_ok=True, ignore=shutil.ignore_patterns("lock"))


def main() -> None:
    """Measures and records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", nargs="*", type=int, default=[2, 8], help="how many (2 8)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each (5)")
    asked = parser.parse_args()
    taken: dict[tuple[str, int], list[Taken]] = {
        (kind, count): [] for kind in KINDS for count in asked.hosts
    }
    deployed(1)
    share_packages(app_hosts(max(asked.hosts)))
    watch = record.Watch()
    for turn in range(asked.runs):
        for count in asked.hosts:
            seconds, versions = deployed(count)
            for kind, took in seconds.items():
                taken[kind, count].append(took)
                print(f"{count} hosts, {kind} {turn + 1}: {took.clock:.1f} s", flush=True)
    record.write(
        "hosts",
        [
            watch.row(kind, count, {"Headway": runs}, versions)
            for (kind, count), runs in taken.items()
        ],
    )


if __name__ == "__main__":
    main()
