from __future__ import annotations

import textwrap

from headway.graph import open_part
from headway.history import History, Revision
from headway.report import history_text


def revision(
    name: str, *down: str, depends_on: tuple[str, ...] = (), labels: tuple[str, ...] = ()
) -> Revision:
    parents = down + depends_on
    return Revision(name, f"make {name}", "", f"{name}.py", down, depends_on, labels, parents)


def drawn(history: History, *current: str, part: bool = False) -> str:
    revisions = open_part(history) if part else history.revisions
    return history_text(revisions, history, current)


def picture(text: str) -> str:
    return textwrap.dedent(text).strip()


def test_a_line_is_one_line_a_revision() -> None:
    line = History((revision("a"), revision("b", "a"), revision("c", "b")))
    assert drawn(line, "b") == picture(
        """
        *  a  make a
        *  b  make b  (current)
        o  c  make c  (head)
        """
    )


def test_branches_open_and_merges_close_columns() -> None:
    history = History(
        (
            revision("a"),
            revision("b", "a", labels=("expand",)),
            revision("c", "a"),
            revision("d", "a"),
            revision("e", "b", "c", "d"),
            revision("f", "e"),
        )
    )
    assert drawn(history, "c") == picture(
        """
        *  a  make a
        |-+-.
        o | |  b  make b  (expand)
        | * |  c  make c  (current)
        | | o  d  make d
        |-+-'
        o  e  make e
        o  f  make f  (head)
        """
    )


def test_a_merge_reaches_over_a_column_between_and_a_free_column_is_used_again() -> None:
    history = History(
        (
            revision("a"),
            revision("b", "a"),
            revision("c", "a"),
            revision("x"),
            revision("d", "b", "x"),
            revision("e", "c"),
            revision("f", "d"),
            revision("g", "d"),
        )
    )
    assert drawn(history) == picture(
        """
        o  a  make a
        |-.
        o |  b  make b
        | o  c  make c
        | | o  x  make x
        |-|-'
        o |  d  make d
        |-|-.
        | o |  e  make e  (head)
        o   |  f  make f  (head)
            o  g  make g  (head)
        """
    )


def test_several_bases_and_what_one_depends_on() -> None:
    history = History((revision("a"), revision("b"), revision("c", "a", depends_on=("b",))))
    assert "o  c  make c  (depends on b, head)" in drawn(history)
    assert [line[0] for line in drawn(history, "a", "b").splitlines()] == ["*", "|", "o"]


def test_where_heads_part_is_drawn_without_what_they_share() -> None:
    history = History(
        (
            revision("a"),
            revision("b", "a"),
            revision("c", "b"),
            revision("d", "b"),
        )
    )
    assert drawn(history, "c", part=True) == picture(
        """
        *  b  make b
        |-.
        * |  c  make c  (current, head)
          o  d  make d  (head)
        """
    )
