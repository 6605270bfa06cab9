"""Going back, and migrations on either side of the switch, with the example app on one throwaway host."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.models.containers import Container

from tests.hosts.deploying import PROJECT, Run, playbook
from tests.images.host import run, throwaway

HOST = "headway-test-rollback"
ROOT = "/opt/evaluation_app"
BASE = "c6cc06acee49"
Play = Callable[..., Run]

REVISION = '''"""{message}"""
import sqlalchemy as sa
from alembic import op
revision = "{revision}"
down_revision = "{down}"
{more}
def upgrade():
    {upgrade}
def downgrade():
    {downgrade}
'''


@pytest.fixture(scope="module")
def machine() -> Iterator[Container]:
    with throwaway(HOST) as container:
        yield container


@pytest.fixture(scope="module")
def play(machine: Container, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Runs a playbook on the host, with these variables."""
    inventory = tmp_path_factory.mktemp("inventory") / "hosts.json"
    secrets = {"postgres_owner_password": "of the owner", "postgres_app_password": "of the app"}

    def play(name: str, *arguments: str, **variables: object) -> Run:
        groups = {"database": [HOST], "app": [HOST]}
        return playbook(inventory, groups, {**secrets, **variables}, *arguments, name=name)

    return play


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The app's releases: the second has two more revisions, the third only other code, the fourth no way back."""
    folder = tmp_path_factory.mktemp("sources")

    def release(name: str, after: str | None = None) -> Path:
        there = folder / after if after else PROJECT / "app"
        made = shutil.copytree(there, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        with (made / "service.py").open("a") as service:
            service.write(f"# release {name}\n")
        return made

    def revision(
        app: Path, revision: str, down: str, upgrade: str, downgrade: str, more: str = ""
    ) -> None:
        text = REVISION.format(
            message=f"do {revision}",
            revision=revision,
            down=down,
            upgrade=upgrade,
            downgrade=downgrade,
            more=more,
        )
        (app / "alembic" / "versions" / f"{revision}.py").write_text(text)

    release("one")
    two = release("two", "one")
    revision(two, "2e01", BASE, 'op.add_column("person", sa.Column("email", sa.Text))',
             'op.drop_column("person", "email")')  # fmt: skip
    revision(two, "2e02", "2e01", 'op.create_index("by_email", "person", ["email"])',
             'op.drop_index("by_email")')  # fmt: skip
    release("three", "two")
    four = release("four", "two")
    revision(four, "4e01", "2e02", 'op.create_table("note", sa.Column("id", sa.Integer))',
             "raise NotImplementedError")  # fmt: skip
    both = release("both", "one")
    revision(both, "ex01", BASE, 'op.add_column("person", sa.Column("surname", sa.Text))',
             'op.drop_column("person", "surname")', 'branch_labels = ("expand",)')  # fmt: skip
    revision(both, "co01", BASE, 'op.create_check_constraint(op.f("short"), "person", "length(name) < 40")',
             'op.drop_constraint(op.f("short"), "person")',
             'branch_labels = ("contract",)\ndepends_on = ("ex01",)')  # fmt: skip
    return {path.name: str(path) for path in folder.iterdir()}


@pytest.fixture(scope="module")
def deploy(play: Play, sources: dict[str, str], machine: Container) -> Callable[..., str]:
    """Deploys one of the sources and gives its release."""

    def deploy(name: str, **variables: object) -> str:
        done = play("deploy.yml", app_source=sources[name], **variables)
        assert done.code == 0, done.output
        return live(machine)

    return deploy


@pytest.fixture(scope="module")
def one(deploy: Callable[..., str], machine: Container) -> str:
    release = deploy("one")
    sql(machine, "insert into person (name) values ('Ada')")
    return release


def live(machine: Container) -> str:
    return run(machine, f"basename $(readlink {ROOT}/current)").stdout.strip()


def went_live(machine: Container) -> list[str]:
    return run(machine, f"cat {ROOT}/went_live").stdout.split()


def sql(machine: Container, statement: str) -> str:
    done = run(machine, f'psql -U postgres -d evaluation_app -Atc "{statement}"')
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


def at(machine: Container) -> str:
    return sql(machine, "select string_agg(version_num, ',' order by 1) from alembic_version")


def health(machine: Container) -> str:
    ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/healthz').read().decode())"
    return run(machine, f'python3 -c "{ask}"').stdout


def state(machine: Container) -> str:
    """All that a refused or foretold run must leave as it is."""
    look = (
        f"readlink {ROOT}/current {ROOT}/previous; cat {ROOT}/went_live; ls /var/backups/headway/*"
    )
    return (
        run(machine, look).stdout
        + run(machine, "pg_dump -U postgres evaluation_app | grep -v restrict").stdout
    )


def test_the_first_release_has_none_before_it(machine: Container, play: Play, one: str) -> None:
    tried = play("playbooks/rollback.yml")
    assert (
        f"{one} is the first release that went live on {HOST}, so there is none to go back to"
        in tried.failure
    )
    assert tried.changed_before_failing == 0


def test_check_and_diff_show_the_way_down_and_change_nothing(
    machine: Container, play: Play, one: str, deploy: Callable[..., str]
) -> None:
    deploy("two")
    before = state(machine)
    foretold = play("playbooks/rollback.yml", "--check", "--diff")
    assert "ALTER TABLE person DROP COLUMN email;" in foretold.output
    assert f"2e02 → {BASE}, would be taken back" in foretold.output
    assert state(machine) == before


def test_one_back_takes_the_database_along(machine: Container, play: Play, one: str) -> None:
    done = play("playbooks/rollback.yml")
    assert f"2e02 → {BASE}, taken back 2e02 do 2e02 2e01 do 2e01" in done.output
    assert "verified" in done.output
    assert (live(machine), at(machine)) == (one, BASE)
    assert went_live(machine) == [one]
    assert "The database fits the code." in health(machine)
    assert sql(machine, "select name from person") == "Ada"
    assert (
        sql(machine, "select direction, release from headway.run order by started desc limit 1")
        == f"down|{one}"
    )


def test_a_second_time_goes_further_back_and_never_forward(
    play: Play, machine: Container, one: str
) -> None:
    tried = play("playbooks/rollback.yml")
    assert "so there is none to go back to" in tried.failure
    assert live(machine) == one


def test_the_older_code_on_the_same_schema_is_only_switched_to(
    machine: Container, play: Play, one: str, deploy: Callable[..., str]
) -> None:
    two = deploy("two")
    three = deploy("three")
    runs = sql(machine, "select count(*) from headway.run")
    backups = run(machine, "ls /var/backups/headway/evaluation_app").stdout
    done = play("playbooks/rollback.yml")
    assert f"2e02, which release {two} knows" in done.output
    assert (live(machine), went_live(machine)) == (two, [one, two])
    assert sql(machine, "select count(*) from headway.run") == runs
    assert run(machine, "ls /var/backups/headway/evaluation_app").stdout == backups
    tried = play("playbooks/rollback.yml", "-e", f"rollback_release={three}")
    assert f"release {three} was not live before {two} on {HOST}" in tried.failure


def test_releases_that_cannot_be_gone_back_to(machine: Container, play: Play, one: str) -> None:
    now = live(machine)
    tried = play("playbooks/rollback.yml", "-e", "rollback_release=gone")
    assert f"release gone is not on {HOST}" in tried.failure
    assert f"or go back to {one} with RELEASE=" in tried.failure
    tried = play("playbooks/rollback.yml", "-e", f"rollback_release={now}")
    assert f"release {now} is live already" in tried.failure
    run(machine, f"mv {ROOT}/releases/{one}/venv {ROOT}/releases/{one}/away")
    try:
        tried = play("playbooks/rollback.yml")
        assert f"the venv of release {one} is not on {HOST} any more" in tried.failure
    finally:
        run(machine, f"mv {ROOT}/releases/{one}/away {ROOT}/releases/{one}/venv")
    assert tried.changed_before_failing == 0


def test_a_loss_is_refused_and_a_restore_is_the_other_way(
    machine: Container, play: Play, one: str
) -> None:
    sql(machine, "update person set email = 'ada@example.com'")
    before = state(machine)
    tried = play("playbooks/rollback.yml")
    assert "2e01 drops column person.email: holds rows" in tried.failure
    assert "rollback_accept_loss=true" in tried.failure
    assert tried.changed_before_failing == 0
    assert state(machine) == before
    backup = re.search(r"make restore BACKUP=(\S+)", tried.output)
    assert backup
    restored = play(
        "playbooks/restore.yml", "-e", f"restore_backup={backup[1]} restore_confirm=true"
    )
    assert restored.code == 0, restored.output
    assert at(machine) == BASE
    done = play("playbooks/rollback.yml")
    assert f"{BASE}, which release {one} knows" in done.output
    assert (live(machine), sql(machine, "select name from person")) == (one, "Ada")


def test_a_loss_that_is_accepted(
    machine: Container, play: Play, one: str, deploy: Callable[..., str]
) -> None:
    deploy("two")
    sql(machine, "update person set email = 'ada@example.com'")
    assert play("playbooks/rollback.yml", "-e", "rollback_accept_loss=true").changed > 0
    assert (live(machine), at(machine)) == (one, BASE)


def test_no_way_back_is_told_with_its_line(
    machine: Container, play: Play, one: str, deploy: Callable[..., str]
) -> None:
    four = deploy("four")
    before = state(machine)
    tried = play("playbooks/rollback.yml", "-e", "rollback_accept_loss=true")
    assert (
        f"4e01 has no downgrade() ({ROOT}/releases/{four}/app/alembic/versions/4e01.py, line 10"
        in tried.failure
    )
    assert "To accept the loss" not in tried.output
    assert "make restore BACKUP=" in tried.output
    assert state(machine) == before
    sql(machine, "drop table note")
    sql(machine, "update alembic_version set version_num = '2e02'")


def test_a_deploy_of_older_source_says_both_revisions_and_the_way(
    machine: Container, play: Play, sources: dict[str, str]
) -> None:
    tried = play("deploy.yml", app_source=sources["one"])
    assert "The database is at revision 2e02, which this code does not know" in tried.failure
    assert f"(its head is {BASE})" in tried.failure
    assert "`make rollback`" in tried.failure


def test_before_and_after_the_switch(
    machine: Container, play: Play, one: str, sources: dict[str, str]
) -> None:
    assert play("playbooks/rollback.yml", "-e", f"rollback_release={one}").changed > 0
    branches = {"migrate_before": ["expand@head"], "migrate_after": "contract@head"}
    done = play("deploy.yml", app_source=sources["both"], **branches)
    assert re.search(
        rf"revision {BASE} → ex01, applied .* afterwards ex01 → co01, applied", done.output
    )
    assert at(machine) == "co01"
    runs = sql(
        machine, "select target, release from headway.run order by started desc limit 2"
    ).split()
    assert [line.split("|")[0] for line in runs] == ["contract@head", "expand@head"]
    assert json.loads(health(machine))["detail"] == "The database fits the code."
    assert play("deploy.yml", app_source=sources["both"], **branches).changed == 0


def test_migrating_alone_leaves_the_contract_for_after_the_switch(
    machine: Container, play: Play, one: str, sources: dict[str, str]
) -> None:
    assert play("playbooks/rollback.yml").changed > 0
    branches = {"migrate_before": "expand@head", "migrate_after": "contract@head"}
    assert play("playbooks/migrate.yml", app_source=sources["both"], **branches).changed > 0
    assert (live(machine), at(machine)) == (one, "ex01")


def test_a_variable_of_another_name_is_not_passed_over(play: Play) -> None:
    assert "say migrate_before" in play("deploy.yml", migrate_target="heads").failure
