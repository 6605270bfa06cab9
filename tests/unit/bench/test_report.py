"""The page of measurements: what is made of records, and that it is made of those that are committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import aims, growth, record, report, tables
from bench.clock import Taken
from bench.record import Machine, Row

DOCS = Path(__file__).parents[3] / "docs"
MACHINE = Machine("2026-01-02", "Linux x86_64", 2, (0.5, 1.5), {"PostgreSQL": "15.1"})


def series(*clock: float, megabytes: float | None = None) -> list[Taken]:
    return [Taken(seconds, seconds / 4, megabytes) for seconds in clock]


def row(kind: str, size: int, **runs: list[Taken]) -> Row:
    return Row(kind, size, runs, {"sample": 25}, MACHINE)


def nothing() -> dict[str, list[Row]]:
    return {name: [] for name in record.NAMES}


def test_the_page_is_what_template_and_records_give() -> None:
    assert (DOCS / "benchmarks.md").read_text() == report.rendered(record.every(DOCS)), (
        'docs/benchmarks.md is stale, write it by "bench/run report"'
    )


def test_the_plot_is_of_the_records() -> None:
    drawn = growth.digest(growth.panels(record.every(DOCS)))
    assert drawn in (DOCS / "growth.svg").read_text(), (
        'docs/growth.svg is stale, draw it by "bench/run report"'
    )


def test_median_range_and_ratios() -> None:
    head, _, first, second, _, told = tables.table(
        "probe",
        [
            row("at head", 10, psql=series(1, 3, 2), Headway=series(4, 2), alembic=series(6)),
            row("at head", 100, psql=series(1), Headway=series(6), alembic=series(60)),
        ],
    ).splitlines()
    assert head == (
        "| revisions | psql, s | Headway, s | alembic, s "
        "| Headway : alembic | Headway : psql | to the fewest | load |"
    )
    assert first == (
        "| 10 | 2.00 (1.00 to 3.00); 0.50 | 3.00 (2.00 to 4.00); 0.75 | 6.00 (6.00 to 6.00); 1.50 "
        "| 0.50; 0.50 | 1.50; 1.50 | 1.00; 1.00 | 0.5 to 1.5 |"
    )
    assert second.endswith("| 0.10; 0.10 | 6.00; 6.00 | 2.00; 2.00 | 0.5 to 1.5 |")
    assert "2026-01-02" in told
    assert "PostgreSQL 15.1" in told
    assert "sample 25" in told


def test_memory_is_the_largest_peak_of_each_program() -> None:
    runs = {"Headway": [*series(1, megabytes=80), *series(1, megabytes=99.6)]}
    runs["naive"] = series(2, megabytes=120)
    assert "| 100, 120 |" in tables.table("deploys", [row("rerun", 1, **runs)])


def test_growth_is_within_a_kind() -> None:
    lines = tables.table(
        "hosts",
        [
            row("first", 2, Headway=series(10)),
            row("first", 8, Headway=series(20)),
            row("rerun", 2, Headway=series(1)),
            row("rerun", 8, Headway=series(4)),
        ],
    )
    assert [line.split(" | ")[3] for line in lines.splitlines()[2:6]] == [
        "1.00; 1.00",
        "2.00; 2.00",
        "1.00; 1.00",
        "4.00; 4.00",
    ]


def test_a_program_without_runs_is_said_to_be_missing() -> None:
    shown = tables.table(
        "probe",
        [row("at head", 10, psql=series(1), Headway=series(1), alembic=series(1), dbmate=[])],
    )
    assert f"| {tables.MISSING} |" in shown


@pytest.mark.parametrize(("clock", "verdict"), [(0.5, "0.50 | reached"), (0.6, "0.60 | missed")])
def test_an_aim_to_take_less(clock: float, verdict: str) -> None:
    rows = [row("rerun", 1, Headway=series(clock), naive=series(1))]
    assert f"| a rerun | naive | at most 0.5 times | {verdict} |" in aims.table(
        nothing() | {"deploys": rows}
    )


@pytest.mark.parametrize(("clock", "verdict"), [(18, "10.00 | reached"), (20, "9.00 | missed")])
def test_an_aim_to_be_faster(clock: float, verdict: str) -> None:
    rows = [row("at head", 500, **{"Headway": series(clock), "loop of alembic": series(180)})]
    assert (
        f"| 500 databases at head | loop of alembic | 10 times as fast | {verdict} |"
        in aims.table(nothing() | {"many": rows})
    )


def test_an_aim_between_sizes() -> None:
    rows = [row("at head", size, Headway=series(size / 1000)) for size in (10, 3000)]
    assert (
        "| at head, 3000 revisions | 10 revisions | at most 1.5 times | 300.00 | missed |"
        in aims.table(nothing() | {"probe": rows})
    )


def test_a_page_without_records() -> None:
    page = report.rendered(nothing())
    assert page.count(f"*{tables.MISSING}*") == len(record.NAMES)
    assert [panel.curves for panel in growth.panels(nothing())] == [[], [], []]


def test_a_record_keeps_the_kinds_that_were_not_taken_again(tmp_path: Path) -> None:
    first, rerun = row("first", 1, Headway=series(9)), row("rerun", 1, Headway=series(1, 2.0006))
    record.write("deploys", [first, rerun], tmp_path)
    again = row("rerun", 1, Headway=series(3, megabytes=50))
    record.write("deploys", [again], tmp_path)
    assert record.read("deploys", tmp_path) == [first, again]
    assert [path.name for path in (tmp_path / "benchmarks").iterdir()] == ["deploys.json"]


def test_sizes_of_a_kind_are_taken_together(tmp_path: Path) -> None:
    small, large = (row("at head", size, Headway=series(1)) for size in (10, 100))
    record.write("probe", [large, small], tmp_path)
    assert record.read("probe", tmp_path) == [small, large]
    record.write("probe", [large], tmp_path)
    assert record.read("probe", tmp_path) == [large]
