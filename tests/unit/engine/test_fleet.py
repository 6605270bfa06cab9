"""What is said of many databases, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from headway.errors import HeadwayError
from headway.fleet.members import chosen, members
from headway.fleet.options import FleetOptions
from headway.fleet.sources import find
from headway.fleet.upgrade import status, upgrade
from headway.fleet.waves import divide
from headway.project import Project

from tests.unit.engine.apps import App


@pytest.mark.parametrize(
    ("count", "waves", "sizes"),
    [
        (0, ["1"], []),
        (5, ["1"], [1, 1, 1, 1, 1]),
        (5, ["1", "2"], [1, 2, 2]),
        (100, ["1", "10%", "100%"], [1, 10, 89]),
        (3, ["1", "10%", "100%"], [1, 1, 1]),
        (7, ["50%"], [3, 3, 1]),
        (2, ["10"], [2]),
    ],
)
def test_waves_are_sizes_and_the_last_is_repeated(
    count: int, waves: list[str], sizes: list[int]
) -> None:
    divided = divide(range(count), waves)
    assert [len(wave) for wave in divided] == sizes
    assert [one for wave in divided for one in wave] == list(range(count))


@pytest.mark.parametrize("wave", ["0", "0%", "-1", "1.5", "half", "", "10 per cent"])
def test_what_is_no_wave(wave: str) -> None:
    with pytest.raises(HeadwayError) as raised:
        FleetOptions(waves=("1", wave))
    assert raised.value.kind == "bad_waves"


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ([{"url": "postgresql://u:hush-hush@h/d"}], "entry 1, has no name"),
        ([{"name": "a"}], "a, has neither url nor x_arguments nor environment"),
        ([{"name": "a", "url": "sqlite://", "ulr": "hush-hush"}], "a, has ulr; known are"),
        ([{"name": "a", "url": "sqlite://"}] * 2, "names a more than once"),
        ([{"name": "postgresql://u:hush-hush@h/d", "url": "x"}], "has a URL for a name"),
        (["postgresql://u:hush-hush@h/d"], "entry 1, is no mapping"),
        ([{"name": "a", "environment": ["hush-hush"]}], "environment a mapping"),
    ],
)
def test_what_names_no_database(listed: list[Any], problem: str) -> None:
    with pytest.raises(HeadwayError) as raised:
        members(listed, "the list")
    assert raised.value.kind == "bad_databases"
    assert problem in raised.value.message
    assert "hush-hush" not in raised.value.message


def test_a_name_that_nobody_has() -> None:
    listed = members([{"name": n, "x_arguments": n} for n in "abc"], "the list")
    assert [member.name for member in chosen(listed, ["c", "a"])] == ["c", "a"]
    with pytest.raises(HeadwayError, match="no database named d"):
        chosen(listed, ["a", "d"])


@pytest.mark.parametrize("given", [{}, {"query": "select 1"}, {"command": "a", "url": "b"}, "x", 1])
def test_what_is_no_source(given: Any) -> None:
    with pytest.raises(HeadwayError) as raised:
        find(given, Project("alembic.ini"))
    assert raised.value.kind == "bad_databases"


def test_sqlite_and_a_fault_of_the_files(tmp_path: Path) -> None:
    app = App.make(tmp_path / "app", "sqlite://")
    app.chain("aaaa")
    project = Project(str(app.config))
    listed = [{"name": n, "url": f"sqlite:///{tmp_path}/{n}.sqlite"} for n in "abc"]
    of = find(listed, project)
    told: list[str] = []
    done = upgrade(project, of, FleetOptions(waves=("2",)), tell=told.append)
    assert [result.outcome for result in done.databases] == ["done"] * 3
    assert done.waves == (("a", "b"), ("c",))
    assert told[0] == "looking at 3 databases"
    assert any(line.startswith("c: base -> aaaa in ") for line in told)
    assert [result.outcome for result in status(project, of).databases] == ["at_head"] * 3

    app.revision("bbbb")
    with pytest.raises(HeadwayError) as raised:
        upgrade(project, of)
    assert raised.value.kind == "two_heads"
    assert [result.pending for result in status(project, of).databases] == [("bbbb",)] * 3
