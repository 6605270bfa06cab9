from __future__ import annotations

import pytest
from headway import retry
from headway.activity import shown
from headway.options import RunOptions


def test_pauses_grow_and_end_with_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("headway.retry.time.monotonic", lambda: now[0])
    pauses = retry.Pauses(60)
    given = []
    while (pause := pauses.next()) is not None:
        given.append(pause)
        now[0] += pause
    assert now[0] == pytest.approx(160)
    for number, pause in enumerate(given[:3]):
        assert 0.5 * 2**number <= pause <= 1.5 * 2**number


def test_no_budget_no_pause() -> None:
    assert retry.Pauses(0).next() is None


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("alter role eve\n  password 'hush''hush'", "alter role eve password '…'"),
        ("select 'cut off in the midd", "select '…'"),
        ("do $body$ hush $x$ $body$; select 1", "do '…'; select 1"),
        ("select " + "x" * 100, "select " + "x" * 72 + "…"),
    ],
)
def test_a_query_is_shown_in_a_line_without_its_literals(query: str, line: str) -> None:
    assert shown(query) == line


def test_the_name_of_a_session_is_one_that_the_server_keeps() -> None:
    name = RunOptions(who="zoë@" + "h" * 80, release="7").application_name
    assert name == ("headway zo?@" + "h" * 80)[:63]
