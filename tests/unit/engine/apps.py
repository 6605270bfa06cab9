"""Makes small apps with migrations for the tests."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What most apps have, without the offline half and without logging.
ENV_PY = """
from alembic import context
from sqlalchemy import engine_from_config, pool

section = context.config.get_section(context.config.config_ini_section)
engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


@dataclass(frozen=True)
class App:
    """A folder with alembic.ini, alembic/env.py and alembic/versions."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "alembic.ini"

    @property
    def env_py(self) -> Path:
        return self.folder / "alembic" / "env.py"

    @property
    def versions(self) -> Path:
        return self.folder / "alembic" / "versions"

    @classmethod
    def make(cls, folder: Path, url: str, env_py: str = ENV_PY) -> App:
        """Write an app without a revision."""
        app = cls(folder)
        app.versions.mkdir(parents=True)
        app.point_to(url)
        app.env_py.write_text(textwrap.dedent(env_py))
        return app

    def point_to(self, url: str) -> None:
        """Write an alembic.ini with this URL and nothing else that could be left out."""
        self.write_ini(f"[alembic]\nscript_location = alembic\nsqlalchemy.url = {doubled(url)}\n")

    def write_ini(self, text: str) -> None:
        self.config.write_text(textwrap.dedent(text))

    def revision(
        self,
        revision: str,
        down: str | tuple[str, ...] | None = None,
        upgrade: str = "",
        message: str | None = None,
        folder: Path | None = None,
        downgrade: str | None = "pass",
        **more: Any,
    ) -> Path:
        """Write a revision; by default it creates the table `t_<revision>`.

        Its downgrade() is empty unless it is given; with None there is none.
        """
        lines = upgrade or f"op.create_table('t_{revision}', sa.Column('id', sa.Integer))"
        names = {"revision": revision, "down_revision": down, **more}
        path = (folder or self.versions) / f"{revision}.py"
        path.write_text(
            f'"""{message or f"make {revision}"}\n\nRevision ID: {revision}\n"""\n'
            "import sqlalchemy as sa\nfrom alembic import op\n\n"
            + "".join(f"{name} = {value!r}\n" for name, value in names.items())
            + "\n\ndef upgrade():\n"
            + _indented(lines)
            + (f"\n\n\ndef downgrade():\n{_indented(downgrade)}" if downgrade else "")
            + "\n"
        )
        return path

    def chain(self, *revisions: str, after: str | None = None) -> None:
        """Write revisions that follow one another."""
        for revision in revisions:
            self.revision(revision, after)
            after = revision


def _indented(lines: str) -> str:
    return textwrap.indent(textwrap.dedent(lines).strip(), "    ")


def doubled(url: str) -> str:
    """Give a URL as an ini file has it."""
    return url.replace("%", "%%")


def files(app: App) -> dict[str, bytes]:
    """Give the files of an app, to tell whether a run changed or left something."""
    return {
        str(path.relative_to(app.folder)): path.read_bytes()
        for path in sorted(app.folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def readable(value: Any) -> str:
    """Give everything in a result as text, to look for what must not be in it."""
    return json.dumps(value, ensure_ascii=False)
