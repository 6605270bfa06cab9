from __future__ import annotations

from headway.history import Branch, History, Revision


def revision(name: str, *down: str, depends_on: tuple[str, ...] = ()) -> Revision:
    return Revision(name, f"make {name}", "", f"{name}.py", down, depends_on, (), down + depends_on)


LINE = History((revision("a"), revision("b", "a"), revision("c", "b")))
MERGED = History(
    (revision("a"), revision("b", "a"), revision("c", "a"), revision("d", "b", "c")),
)


def test_head_of_a_line_is_its_last() -> None:
    assert LINE.heads == ("c",)


def test_two_lines_have_two_heads_until_they_are_merged() -> None:
    assert History(MERGED.revisions[:3]).heads == ("b", "c")
    assert MERGED.heads == ("d",)


def test_a_revision_that_another_depends_on_is_no_head() -> None:
    assert History((revision("a"), revision("b", depends_on=("a",)))).heads == ("b",)


def test_applied_are_the_current_and_all_before_it() -> None:
    assert LINE.applied(("b",)) == {"a", "b"}
    assert MERGED.applied(("d",)) == {"a", "b", "c", "d"}
    assert MERGED.applied(("b",)) == {"a", "b"}
    assert LINE.applied(()) == set()


def test_a_current_that_no_file_has_counts_for_nothing() -> None:
    assert LINE.applied(("zzz", "a")) == {"a"}


def test_heads_of_a_part() -> None:
    assert MERGED.heads_of({"a", "b", "c"}) == ("b", "c")
    assert MERGED.heads_of(set()) == ()


def test_branches_are_where_the_history_divides() -> None:
    assert MERGED.branches == (Branch("a", ("b", "c")),)
    assert LINE.branches == ()


def test_it_comes_back_from_json_unchanged() -> None:
    assert History.from_dict(MERGED.to_dict()) == MERGED
