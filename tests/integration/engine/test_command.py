"""An app that migrates by a command of its own."""

from __future__ import annotations

from tests.conftest import Database
from tests.integration.engine.conftest import Headway
from tests.unit.engine.apps import App

# alembic is found on PATH, the folder is that of alembic.ini.
OWN = "test -f alembic.ini && alembic upgrade heads && touch ran"


def test_it_runs_in_place_of_the_upgrade_and_only_when_something_is_pending(
    headway: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa", "bbbb")
    done = headway("upgrade", app, "--command", OWN)
    assert (done["before"], done["after"], done["changed"]) == ([], ["bbbb"], True)
    assert [applied["revision"] for applied in done["applied"]] == ["aaaa", "bbbb"]
    assert database.tables() == {"alembic_version", "t_aaaa", "t_bbbb"}
    ran = app.config.with_name("ran")
    ran.unlink()
    assert not headway("upgrade", app, "--command", OWN)["changed"]
    assert not ran.exists()


def test_one_that_fails_is_named_with_what_is_kept(newest: Headway, app: App) -> None:
    app.chain("aaaa", "bbbb")
    fault = newest.fault("upgrade", app, "--command", "alembic upgrade aaaa; exit 3")
    assert "exited with 3" in fault["message"]
    assert "Applied and kept: aaaa. Not applied: bbbb." in fault["message"]


def test_one_that_does_nothing_is_not_believed(
    newest: Headway, app: App, database: Database
) -> None:
    app.chain("aaaa")
    fault = newest.fault("upgrade", app, "--command", "true")
    assert fault["kind"] == "not_applied"
    assert (
        "`true` ended without an error, but the database is not at the target" in fault["message"]
    )
    assert database.tables() == set()
