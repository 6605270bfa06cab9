from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from fastapi.testclient import TestClient

from tests.unit.app.example import APP, service

# Nothing listens on port 1.
SILENT = "postgresql+psycopg2://nobody@127.0.0.1:1/none"


@pytest.fixture
def silent_service() -> Iterator[ModuleType]:
    with service(SILENT) as module:
        yield module


@pytest.fixture
def client(silent_service: ModuleType) -> TestClient:
    return TestClient(silent_service.app)


def test_the_service_says_that_it_lacks_its_database() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    started = subprocess.run(
        [sys.executable, "serve.py", "--port", "0"],
        cwd=APP,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert started.returncode == 1
    assert started.stderr == (
        "DATABASE_URL is not set: give the database as postgresql+psycopg2://user@host/database\n"
    )


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "x" * 51}, {"name": "nul\0"}, {"name": 7}, {"name": None}],
    ids=["absent", "empty", "too long", "with NUL", "a number", "null"],
)
def test_a_bad_name_is_refused_before_the_database_is_asked(
    client: TestClient, body: dict[str, object]
) -> None:
    assert client.post("/persons", json=body).status_code == 422


@pytest.mark.parametrize("path", ["/persons", "/healthz"])
def test_a_silent_database_is_said_in_a_sentence(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 503
    assert answer.json() == {"detail": "The database does not answer."}


def test_why_the_database_is_silent_is_in_the_log(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/healthz")
    assert "Connection refused" in caplog.text


def test_the_code_knows_its_heads_without_a_database(silent_service: ModuleType) -> None:
    files = {path.name.partition("_")[0] for path in (APP / "alembic/versions").glob("*.py")}
    assert silent_service.code_heads
    assert set(silent_service.code_heads) <= files
