"""This project beside a naive playbook of the same job, on two hosts of the same image, turn by turn."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from docker.models.containers import Container

from bench import record
from bench.clock import Taken
from bench.measure import Measured, measure
from tests.images.host import run, throwaway

PROJECT = Path(__file__).parents[1]
SECRETS = {"postgres_owner_password": "bench-owner", "postgres_app_password": "bench-app"}


def inventory(path: Path, database: str, apps: Sequence[str], **more: object) -> Path:
    """An inventory of containers: the database's and the apps', with more variables; written to `path`.

    What the hosts compile is kept beside it.
    """
    variables = {
        "ansible_connection": "community.docker.docker",
        "ansible_python_interpreter": "/usr/bin/python3",
        "app_wheel_cache": str(path.parent / "wheels"),
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


HOSTS = {"Headway": "headway-bench-ours", "naive": "headway-bench-naive"}
DEPLOYS = {"Headway": headway, "naive": naive}


def stack(host: Container) -> dict[str, str]:
    """The versions on the controller and on a host that was deployed to."""
    pins = (PROJECT / "app" / "requirements.txt").read_text()
    app = dict(re.findall(r"^(alembic|SQLAlchemy)==(\S+)", pins, re.MULTILINE))
    server = run(host, "psql --version").stdout.split()[2]
    return record.versions(sys.executable, "ansible-core") | app | {"PostgreSQL": server}


def first_deploys(runs: int, folder: Path) -> record.Row:
    """Deploys onto new hosts, the packages in the caches of apt and pip from a run before."""
    watch = record.Watch()
    taken: dict[str, list[Taken]] = {name: [] for name in DEPLOYS}
    for turn in range(runs + 1):
        for name, deploy in DEPLOYS.items():
            with throwaway(HOSTS[name]) as host:
                took = deploy(alone(folder, HOSTS[name])).taken
                versions = stack(host)
            if turn:
                taken[name].append(took)
                print(f"first deploy {turn}, {name}: {took.clock:.1f} s", flush=True)
    return watch.row("first", 1, taken, versions)


def reruns(runs: int, folder: Path) -> record.Row:
    """Deploys that have nothing to do."""
    watch = record.Watch()
    taken: dict[str, list[Taken]] = {name: [] for name in DEPLOYS}
    with throwaway(HOSTS["Headway"]) as host, throwaway(HOSTS["naive"]):
        inventories = {name: alone(folder, HOSTS[name]) for name in DEPLOYS}
        for name, deploy in DEPLOYS.items():
            deploy(inventories[name])
        for turn in range(runs):
            for name, deploy in DEPLOYS.items():
                measured = deploy(inventories[name])
                taken[name].append(measured.taken)
                print(f"rerun {turn + 1}, {name}: {measured.taken.clock:.1f} s", flush=True)
                if deploy is headway and not re.search(r"changed=0 ", measured.output):
                    raise SystemExit(
                        f"a rerun of this project changed something: {measured.output}"
                    )
        versions = stack(host)
    return watch.row("rerun", 1, taken, versions)


KINDS = {"first": first_deploys, "rerun": reruns}


def main() -> None:
    """Measures and records; a kind that is not asked for keeps what was recorded of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", help=f"{' or '.join(KINDS)}; both")
    parser.add_argument("--runs", type=int, default=5, help="runs of each kind (5)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [KINDS[kind](asked.runs, Path(folder)) for kind in asked.kinds or KINDS]
    record.write("deploys", rows)


if __name__ == "__main__":
    main()
