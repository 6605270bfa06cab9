from __future__ import annotations

from pathlib import Path

import pytest
from headway.project import Project

from tests.unit.engine.apps import App


@pytest.fixture
def app(tmp_path: Path) -> App:
    """Give an app without revisions; its database is an SQLite file, which needs no server."""
    return App.make(tmp_path / "app", f"sqlite:///{tmp_path}/database.sqlite")


@pytest.fixture
def project(app: App) -> Project:
    return Project(str(app.config))
