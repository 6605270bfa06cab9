"""Shows what was recorded."""

from __future__ import annotations

import sys

from bench import record, tables


def main() -> None:
    """Prints the table of the measurement that is named."""
    for name in sys.argv[1:]:
        print(tables.table(name, record.read(name)))


if __name__ == "__main__":
    main()
