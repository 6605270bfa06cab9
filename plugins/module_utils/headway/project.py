"""What the caller says about the app whose database is migrated."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Project:
    """An app's migrations as a caller names them.

    `config` is the path of alembic.ini (or of a pyproject.toml that has `[tool.alembic]`),
    `name` the section in it, `x_arguments` what `alembic -x` would be given, `environment`
    variables put over those of this process, `user` the account that the app's code runs as, `url`
    what env.py finds as `sqlalchemy.url` in place of what the file has; "" is the file's.
    """

    config: str
    name: str = "alembic"
    x_arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    url: str = ""

    @property
    def config_path(self) -> str:
        """The absolute path of `config`."""
        return os.path.abspath(self.config)
