"""pg_dump's output as text that is the same for the same database: no dates, versions or names of a server's."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .errors import HeadwayError
from .programs import Run, conninfo

_ROWS_IN_A_STATEMENT = 1000

# What pg_dump ends its settings with, and begins its last words with.
_BEGIN, _END = "SET row_security = off;\n", "--\n-- PostgreSQL database dump complete\n--"

# Between two entries, each of which begins with a comment that names it.
_access_method = re.compile(r"^SET (default_table_access_method = .*;)\n\n(?=--\n-- Name: )", re.M)
# The extension's own, and not for every role to set.
_extension_comment = re.compile(
    r"--\n-- Name: EXTENSION [^\n]*; Type: COMMENT; [^\n]*\n--\n\nCOMMENT ON EXTENSION .*?;\n\n\n",
    re.S,
)
# With standard_conforming_strings a quote is the only thing that ends a text.
_statement = re.compile(r"""(?:[^;'"]+|'[^']*'|"[^"]*")+;""")
_insert = re.compile(r'(INSERT INTO (?:[^"]|"[^"]*")*?VALUES) (\(.*\));', re.S)
_between = re.compile(r"\s+|--.*")
_number = re.compile(r"\d+")


def dump(run: Run, parameters: dict[str, str], database: str, leave_out: Iterable[str]) -> str:
    """Give a database as SQL: schema, rows, positions of sequences, and the rights given in it.

    `leave_out` are tables, "schema"."table". Owners and tablespaces are left out, and the schema
    headway. Raises HeadwayError where pg_dump does.
    """
    arguments = [
        *("--no-password", "--no-owner", "--no-tablespaces", "--encoding=UTF8"),
        *("--exclude-schema=headway", *(f"--exclude-table={table}" for table in leave_out)),
        f"--dbname={conninfo(parameters, database)}",
    ]
    before = run("pg_dump", [*arguments, "--section=pre-data"])
    rows = run("pg_dump", [*arguments, "--section=data", "--column-inserts"])
    after = run("pg_dump", [*arguments, "--section=post-data"])
    return f"{_entries(before)}{_rows(_bare(rows))}{_entries(after)}".rstrip() + "\n"


def _bare(text: str) -> str:
    return text.partition(_BEGIN)[2].rpartition(_END)[0]


def _entries(text: str) -> str:
    def kept(found: re.Match[str]) -> str:
        return "" if " = heap;" in found[0] else f"SET LOCAL {found[1]}\n\n"

    entries = _extension_comment.sub("", _access_method.sub(kept, _bare(text))).strip()
    return f"{entries}\n\n" if entries else ""


def _rows(text: str) -> str:
    """Give the rows in an order of their own, and the positions of sequences after them."""
    rows: dict[str, list[str]] = {}
    positions = []
    for statement in _statements(text):
        if found := _insert.fullmatch(statement):
            rows.setdefault(found[1], []).append(found[2])
        elif statement.startswith("INSERT INTO "):  # DEFAULT VALUES, of a table without columns
            rows.setdefault(statement, []).append("")
        elif statement.startswith("SELECT pg_catalog.setval("):
            positions.append(statement)
        else:
            raise HeadwayError(
                "not_snapshotable",
                f"pg_dump gives rows in a form that is not known: {statement[:80]}",
            )
    said = [statement for into, found in rows.items() for statement in _inserts(into, found)]
    return "".join(f"{statement}\n\n" for statement in [*said, "\n".join(positions)] if statement)


def _statements(text: str) -> Iterable[str]:
    position = 0
    while True:
        # Only between two statements: within one, a line of a text may look like a comment.
        while found := _between.match(text, position):
            position = found.end()
        if position == len(text):
            return
        statement = _statement.match(text, position)
        if statement is None:
            raise HeadwayError("not_snapshotable", "pg_dump's output ends within a statement.")
        yield statement[0]
        position = statement.end()


def _inserts(into: str, rows: list[str]) -> Iterable[str]:
    if not into.endswith("VALUES"):
        yield from [into] * len(rows)
        return
    ordered = sorted(rows, key=lambda row: (_number.sub(lambda n: n[0].zfill(20), row), row))
    for start in range(0, len(ordered), _ROWS_IN_A_STATEMENT):
        some = ",\n    ".join(ordered[start : start + _ROWS_IN_A_STATEMENT])
        yield f"{into}\n    {some};"
