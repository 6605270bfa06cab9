"""Going back on two app hosts with a database elsewhere: refused, failed on the first host, done."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from external.watching import watch, watched
from shared.deployed import Site, get, process_of, rows
from shared.plays import PROJECT, Run, play
from testinfra.host import Host

testinfra_hosts = ["ansible://elsewhere"]

NEXT = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "next"
HEAD, NEXT_HEAD = "c6cc06acee49", "2e0000000003"
NOWHERE = "postgresql+psycopg2://nobody@127.0.0.1:1/nothing"


def back(**variables: Any) -> Run:
    """Go one release back, where a rehearsal is required; the downgrade writes rows."""
    given = {"migrate_rehearse": "required", "rollback_accept_loss": True, **variables}
    return play("playbooks/rollback.yml", "-e", json.dumps(given))


@pytest.fixture(scope="module")
def apps(site: Site) -> list[Host]:
    return [Host.get_host(f"docker://{name}") for name in site.given["groups"]["app"]]


@pytest.fixture(scope="module")
def names(site: Site) -> list[str]:
    return list(site.given["groups"]["app"])


@pytest.fixture(scope="module")
def newer(apps: list[Host], site: Site) -> str:
    return live(apps[0], site)


@pytest.fixture(scope="module")
def older(apps: list[Host], site: Site) -> str:
    return apps[0].check_output(f"basename $(readlink {site.root}/previous)")


def live(app: Host, site: Site) -> str:
    return str(app.check_output(f"basename $(readlink {site.root}/current)"))


def answers(apps: list[Host], site: Site) -> list[tuple[int, list[str], list[str]]]:
    """Each app's status, the revisions of its database and those of its code."""
    told = []
    for app in apps:
        status, body = get(app, f"{site.url}/healthz")
        health = json.loads(body)
        told.append((status, health["database"], health["code"]))
    return told


def taken_back(elsewhere: Host, site: Site) -> int:
    """How often the database was taken back."""
    found = rows(
        elsewhere, site.superuser(), "select count(*) from headway.run where direction = 'down'"
    )
    return int(found[0][0])


def may_make_databases(elsewhere: Host, site: Site, *, may: bool) -> None:
    rows(elsewhere, site.superuser(), f"alter role {site.owner} {'' if may else 'no'}createdb")


def test_what_must_be_rehearsed_and_cannot_be_is_not_begun(
    host: Host, site: Site, apps: list[Host], newer: str
) -> None:
    may_make_databases(host, site, may=False)
    said = back().failed
    assert (
        f"not rehearsed: the role {site.owner} may not create databases on this server; "
        f"`ALTER ROLE {site.owner} CREATEDB` lets it. Nothing was run on the live database"
    ) in said
    assert "migrate_rehearse=auto" in said
    assert [live(app, site) for app in apps] == [newer, newer]
    assert answers(apps, site) == [(200, [NEXT_HEAD], [NEXT_HEAD])] * 2
    assert taken_back(host, site) == 0


def test_an_older_release_that_cannot_run_stops_at_the_first_host(
    host: Host, site: Site, apps: list[Host], names: list[str], newer: str, older: str
) -> None:
    may_make_databases(host, site, may=True)
    untouched = process_of(apps[1], site.app)
    said = back(app_environment={"DATABASE_URL": NOWHERE}, app_health_wait=3).failed
    for sentence in (
        f"Release {older} of {site.app} did not become healthy on {names[0]}",
        f"Release {newer} is back; its health address answers 503",
        f"The database was taken back from {NEXT_HEAD} to {HEAD} before, and stays there.",
        f"{names[1]} was not touched.",
        f"make deploy with the source of release {newer} goes forward again",
    ):
        assert sentence in said
    assert [live(app, site) for app in apps] == [newer, newer]
    assert answers(apps, site) == [(503, [HEAD], [NEXT_HEAD])] * 2
    assert process_of(apps[1], site.app) == untouched
    assert taken_back(host, site) == 1


def test_the_newer_source_goes_forward_again(
    host: Host, site: Site, apps: list[Host], newer: str
) -> None:
    may_make_databases(host, site, may=False)
    said = play("deploy.yml", "-e", f"app_source={NEXT}").succeeded
    assert f"{HEAD} → {NEXT_HEAD}, applied" in said
    assert "may not create databases" in said  # so it was not rehearsed, and not stopped by that
    assert [live(app, site) for app in apps] == [newer, newer]
    assert answers(apps, site) == [(200, [NEXT_HEAD], [NEXT_HEAD])] * 2


def test_only_the_app_that_differs_has_a_turn(site: Site, apps: list[Host], newer: str) -> None:
    stays, differs = (process_of(app, site.app) for app in apps)
    apps[1].check_output("echo EDITED=1 >>%s/app.env", site.etc)
    said = play("deploy.yml", "-e", f"app_source={NEXT}").succeeded
    assert said.count("PLAY [Switch]") == 1
    assert process_of(apps[0], site.app) == stays
    assert process_of(apps[1], site.app) != differs
    assert "EDITED" not in apps[1].file(f"{site.etc}/app.env").content_string
    assert [live(app, site) for app in apps] == [newer, newer]


def test_an_app_that_does_not_answer_has_a_turn_and_is_said(
    site: Site, apps: list[Host], names: list[str], newer: str
) -> None:
    answering = process_of(apps[1], site.app)
    apps[0].check_output("systemctl kill --signal=STOP %s", site.app)
    said = play("deploy.yml", "-e", f"app_source={NEXT}", "-e", "app_health_wait=2").failed
    for sentence in (
        f"Release {newer} of {site.app} did not become healthy on {names[0]}: nothing answered",
        f"Release {newer} is back; its health address answers 200",
        f"{names[1]} runs release {newer} already.",
    ):
        assert sentence in said
    assert process_of(apps[1], site.app) == answering


def test_it_goes_down_once_and_both_switch_one_after_another(
    host: Host, site: Site, apps: list[Host], names: list[str], older: str
) -> None:
    may_make_databases(host, site, may=True)
    for name in names:
        (PROJECT / "reports" / name / "rollback.json").unlink(missing_ok=True)
    before = taken_back(host, site)
    watch(host, names)
    said = back().succeeded
    saw = watched(host)
    assert f"{NEXT_HEAD} → {HEAD}, taken back" in said
    assert saw["seen"] == [
        [[NEXT_HEAD], [NEXT_HEAD]],
        [[HEAD], [NEXT_HEAD]],
        [[HEAD], [HEAD]],
    ]
    assert taken_back(host, site) == before + 1
    told = [name for name in names if (PROJECT / "reports" / name / "rollback.json").exists()]
    assert told == [names[1]]  # migrate_host
    assert [live(app, site) for app in apps] == [older, older]
    assert answers(apps, site) == [(200, [HEAD], [HEAD])] * 2


def test_a_second_time_there_is_none_to_go_back_to(
    host: Host, site: Site, apps: list[Host], older: str
) -> None:
    assert f"{older} is the first release that went live on" in back().failed
    assert answers(apps, site) == [(200, [HEAD], [HEAD])] * 2
