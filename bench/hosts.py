"""The same deploy onto few and onto many app hosts, beside one database host: first deploys and reruns."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import deploys
from bench.deploys import PROJECT, headway
from bench.measure import Measured, Series
from tests.images.host import APT_CACHES, throwaway

DATABASE = "headway-bench-database"
IMAGE = "debian12"
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


def deployed(count: int, folder: Path) -> tuple[Measured, Measured]:
    """A first deploy onto so many new app hosts, nothing compiled before, and a rerun."""
    shutil.rmtree(PROJECT / ".cache" / "wheels", ignore_errors=True)
    with ExitStack() as stack:
        database = stack.enter_context(throwaway(DATABASE, IMAGE))
        for host in app_hosts(count):
            stack.enter_context(throwaway(host, IMAGE))
        database.reload()
        networks = database.attrs["NetworkSettings"]["Networks"]
        path = inventory(folder, next(iter(networks.values()))["IPAddress"], app_hosts(count))
        return headway(path), headway(path)


def share_packages(hosts: list[str]) -> None:
    """Gives each host what apt has fetched for the first, which needs the same."""
    first, *others = [APT_CACHES / host for host in hosts]
    for other in others:
        shutil.copytree(first, other, dirs_exist_ok=True, ignore=shutil.ignore_patterns("lock"))


def row(count: int, kinds: list[Series], fewest: list[Series]) -> str:
    """A row of the table: each kind's seconds, and how many times those of the fewest hosts they are."""
    cells = [
        f"{kind} | {kind.median / least.median:.2f}"
        for kind, least in zip(kinds, fewest, strict=True)
    ]
    return f"| {count} | {' | '.join(cells)} |"


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", nargs="*", type=int, default=[2, 8], help="how many (2 8)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each (3)")
    asked = parser.parse_args()
    taken: dict[int, list[tuple[Measured, Measured]]] = {count: [] for count in asked.hosts}
    with tempfile.TemporaryDirectory() as folder:
        deployed(1, Path(folder))
        share_packages(app_hosts(max(asked.hosts)))
        for turn in range(asked.runs):
            for count, runs in taken.items():
                first, rerun = deployed(count, Path(folder))
                runs.append((first, rerun))
                print(
                    f"{count} hosts, turn {turn + 1}: first deploy {first.seconds:.1f} s, rerun {rerun.seconds:.1f} s",
                    flush=True,
                )
    series = {
        count: [Series(kind) for kind in zip(*runs, strict=True)] for count, runs in taken.items()
    }
    fewest = series[min(series)]
    print(
        f"\n| app hosts | first deploy, s | times {min(series)} hosts | rerun, s | times {min(series)} hosts |"
    )
    print("|---|---|---|---|---|")
    for count, kinds in series.items():
        print(row(count, kinds, fewest))


if __name__ == "__main__":
    main()
