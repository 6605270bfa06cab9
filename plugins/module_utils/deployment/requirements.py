"""The Python requirements of an app as one text, whatever files they are spread over."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_INCLUDE = re.compile(r"^\s*(?P<option>-r|--requirement|-c|--constraint)[\s=]+(?P<file>\S+)")
_PSYCOPG2 = re.compile(r"^\s*psycopg2([-_.]binary)?(?P<rest>\s*($|[\[<>=!~;@#].*))", re.IGNORECASE)
# ".", "./lib[extra]", "lib/one", not an option, a URL or a name.
_LOCAL = re.compile(
    r"^\s*((-e|--editable)[\s=]+)?(?P<path>(\.{1,2}([/\[;\s]|$)|[\w.][^\s:@=<>]*/).*)$"
)


class RequirementsError(ValueError):
    """One sentence on a requirements file that cannot be used."""


@dataclass
class Requirements:
    """Lines for pip: what to install, and what only constrains it."""

    lines: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)

    def read(
        self, path: Path, *, constrains: bool = False, includers: tuple[Path, ...] = ()
    ) -> None:
        """Takes in the lines of `path` and of the files that it includes."""
        if path in includers:
            raise RequirementsError(f"the requirements file {path} includes itself")
        if not path.is_file():
            asked_by = f", which {includers[-1]} includes," if includers else ""
            raise RequirementsError(f"the requirements file {path}{asked_by} does not exist")
        for line in path.read_text(encoding="utf-8").splitlines():
            include = _INCLUDE.match(line)
            if include:
                self.read(
                    path.parent / include["file"],
                    constrains=constrains or include["option"] in ("-c", "--constraint"),
                    includers=(*includers, path),
                )
            else:
                self.take(line, constrains=constrains)

    def take(self, line: str, *, constrains: bool = False) -> None:
        """Takes in a line; what is editable in the source's folder is installed as it is on a host."""
        if line.strip() and not line.lstrip().startswith("#"):
            local = _LOCAL.match(line)
            taken = local["path"] if local else line
            (self.constraints if constrains else self.lines).append(taken.rstrip())

    @property
    def local(self) -> bool:
        """Whether a line names a path in the source, so that its files belong to what is installed."""
        return any(_LOCAL.match(line) for line in self.lines)

    def choose_psycopg2(self, install: str) -> None:
        """Names psycopg2 as `install` ("source" or "binary") asks for, and adds it where nothing does.

        Lines with hashes are left as they are: another distribution would not match them.
        """
        if any("--hash=" in line for line in self.lines):
            return
        name = "psycopg2-binary" if install == "binary" else "psycopg2"
        for lines in (self.lines, self.constraints):
            lines[:] = [
                f"{name}{match['rest']}" if (match := _PSYCOPG2.match(line)) else line
                for line in lines
            ]
        if not any(_PSYCOPG2.match(line) for line in self.lines):
            self.lines.append(name)
