"""The example app, imported as it runs: from its own folder, with its database in the environment."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).parents[3]
APP = PROJECT / "app"


@contextlib.contextmanager
def imported(name: str, app: Path = APP) -> Iterator[ModuleType]:
    """Import a module of the app, or a copy of it, and forget it afterwards with all that came along."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(app))
        try:
            yield importlib.import_module(name)
        finally:
            for module in ("serve", "service", "models", "models.orm"):
                sys.modules.pop(module, None)


@contextlib.contextmanager
def service(database_url: str, app: Path = APP) -> Iterator[ModuleType]:
    """Import the web service for a database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", database_url)
        with imported("service", app) as module:
            try:
                yield module
            finally:
                module.engine.dispose()
