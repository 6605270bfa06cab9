"""This project beside a naive playbook of the same job, on two hosts of the same image, turn by turn."""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.measure import Measured, Series, measure
from tests.images.host import throwaway

PROJECT = Path(__file__).parents[1]
SECRETS = {"postgres_owner_password": "bench-owner", "postgres_app_password": "bench-app"}


def inventory(path: Path, database: str, apps: Sequence[str], **more: object) -> Path:
    """An inventory of containers: the database's and the apps', with more variables; written to `path`."""
    variables = {
        "ansible_connection": "community.docker.docker",
        "ansible_python_interpreter": "/usr/bin/python3",
        **SECRETS,
        **more,
    }
    groups: dict[str, object] = {
        "database": {"hosts": {database: {}}},
        "app": {"hosts": {app: {} for app in apps}},
    }
    path.write_text(json.dumps({"all": {"vars": variables, "children": groups}}))
    return path


def alone(folder: Path, host: str) -> Path:
    """An inventory of one container, database and app together."""
    return inventory(folder / f"{host}.json", host, [host])


def playbook(inventory_path: Path, path: str, config: str) -> Measured:
    """One run of a playbook with its own ansible.cfg."""
    return measure(
        ["ansible-playbook", "-i", str(inventory_path), str(PROJECT / path)],
        {"ANSIBLE_CONFIG": str(PROJECT / config)},
    )


def headway(path: Path) -> Measured:
    """One deploy by this project."""
    return playbook(path, "deploy.yml", "ansible.cfg")


def naive(path: Path) -> Measured:
    """One deploy by the naive playbook."""
    return playbook(path, "bench/naive/deploy.yml", "bench/naive/ansible.cfg")


def first_deploys(runs: int, folder: Path) -> tuple[Series, Series]:
    """Deploys onto new hosts, the packages in the caches of apt and pip from a run before."""
    ours, theirs = [], []
    for turn in range(runs + 1):
        pair = []
        for deploy, name in ((headway, "headway-bench-ours"), (naive, "headway-bench-naive")):
            with throwaway(name):
                pair.append(deploy(alone(folder, name)))
        if turn:
            ours.append(pair[0])
            theirs.append(pair[1])
            print(
                f"first deploy {turn}: {pair[0].seconds:.1f} s, naive {pair[1].seconds:.1f} s",
                flush=True,
            )
    return Series(tuple(ours)), Series(tuple(theirs))


def reruns(runs: int, folder: Path) -> tuple[Series, Series]:
    """Deploys that have nothing to do."""
    taken: dict[Callable[[Path], Measured], list[Measured]] = {headway: [], naive: []}
    with throwaway("headway-bench-ours"), throwaway("headway-bench-naive"):
        hosts = {
            headway: alone(folder, "headway-bench-ours"),
            naive: alone(folder, "headway-bench-naive"),
        }
        for deploy, path in hosts.items():
            deploy(path)
        for turn in range(runs):
            for deploy, path in hosts.items():
                taken[deploy].append(deploy(path))
            print(
                f"rerun {turn + 1}: {taken[headway][-1].seconds:.1f} s, naive {taken[naive][-1].seconds:.1f} s",
                flush=True,
            )
    unchanged = all(re.search(r"changed=0 ", run.output) for run in taken[headway])
    if not unchanged:
        raise RuntimeError(
            "a rerun of this project reported a change: " + taken[headway][-1].output
        )
    return Series(tuple(taken[headway])), Series(tuple(taken[naive]))


KINDS = {
    "rerun": ("rerun with nothing to do", reruns),
    "first": ("first deploy, packages cached", first_deploys),
}


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", help=f"{' or '.join(KINDS)}; both")
    parser.add_argument("--runs", type=int, default=5, help="runs of each kind (5)")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in asked.kinds or KINDS:
            name, compare = KINDS[kind]
            rows.append((name, *compare(asked.runs, Path(folder))))
    print("\n| | Headway, s | naive, s | ratio of medians | controller's memory, MB (naive) |")
    print("|---|---|---|---|---|")
    for name, ours, theirs in rows:
        ratio = ours.median / theirs.median
        print(
            f"| {name} | {ours} | {theirs} | {ratio:.2f} | {ours.megabytes:.0f} ({theirs.megabytes:.0f}) |"
        )


if __name__ == "__main__":
    main()
