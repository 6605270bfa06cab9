from __future__ import annotations

from headway.schema import Change, changed, changes, without_rights

BEFORE = {"table a": "", "column a.id": "integer", "owner of table a": "me"}
AFTER = {"table a": "", "column a.id": "bigint", "index i of a": "create index i"}


def test_what_changed_leads_there_and_back() -> None:
    found = changes(BEFORE, AFTER)
    assert found == (
        Change("column a.id", "integer", "bigint"),
        Change("index i of a", None, "create index i"),
        Change("owner of table a", "me", None),
    )
    assert changed(BEFORE, found) == AFTER
    assert changed(AFTER, (change.undone for change in found)) == BEFORE
    assert changes(BEFORE, dict(BEFORE)) == ()


def test_rights_are_left_out() -> None:
    assert without_rights(BEFORE) == {"table a": "", "column a.id": "integer"}
