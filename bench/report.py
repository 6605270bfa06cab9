"""Writes docs/benchmarks.md from benchmarks.md.j2 and the records."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from bench import aims, record, tables

TEMPLATE = Path(__file__).with_name("benchmarks.md.j2")


def rendered(records: Mapping[str, Sequence[record.Row]]) -> str:
    """The page; a measurement without rows says that it was not taken yet."""
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 (Markdown)
    )
    return environment.from_string(TEMPLATE.read_text()).render(
        records=records,
        aims=lambda: aims.table(records),
        table=lambda name: tables.table(name, records[name]),
    )


def main() -> None:
    """Writes the page, and prints the table of the measurement that is named."""
    records = record.every()
    for name in sys.argv[1:]:
        print(tables.table(name, records[name]))
    (record.DOCS / "benchmarks.md").write_text(rendered(records))


if __name__ == "__main__":
    main()
