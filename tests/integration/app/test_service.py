from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from fastapi.testclient import TestClient

from tests.conftest import Database
from tests.unit.app.example import APP, service


@pytest.fixture
def served(migrated: Database) -> Iterator[ModuleType]:
    with service(migrated.url()) as module:
        yield module


@pytest.fixture
def client(served: ModuleType) -> TestClient:
    return TestClient(served.app)


@pytest.fixture
def rows_only(migrated: Database) -> Iterator[Database]:
    """The login of somebody who reads and writes rows, and owns nothing."""
    name = f"{migrated.name}_app"
    migrated.query(f"create role {name} login password '{migrated.password}'")
    migrated.query(f"grant select, insert, update, delete on all tables in schema public to {name}")
    migrated.query(f"grant usage on all sequences in schema public to {name}")
    yield replace(migrated, user=name)
    migrated.query(f"drop owned by {name}")
    migrated.query(f"drop role {name}")


def test_persons_are_added_and_listed_in_order(client: TestClient) -> None:
    assert client.get("/persons").json() == []
    for number, name in enumerate(["Ada", "Grace Hopper", "日" * 50], start=1):
        answer = client.post("/persons", json={"name": name})
        assert answer.status_code == 201
        assert answer.json() == {"id": number, "name": name}
    assert [person["name"] for person in client.get("/persons").json()] == [
        "Ada",
        "Grace Hopper",
        "日" * 50,
    ]


def test_a_name_too_long_is_refused_and_nothing_is_added(client: TestClient) -> None:
    answer = client.post("/persons", json={"name": "x" * 51})
    assert answer.status_code == 422
    assert "50" in answer.text
    assert client.get("/persons").json() == []


def test_healthy_where_the_database_is_at_the_codes_head(
    client: TestClient, served: ModuleType
) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "database": served.code_heads,
        "code": served.code_heads,
        "detail": "The database fits the code.",
    }


def test_unhealthy_where_the_database_is_at_another_revision(
    client: TestClient, served: ModuleType, migrated: Database
) -> None:
    migrated.query("update alembic_version set version_num = 'fedcba'")
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert (answer.json()["database"], answer.json()["code"]) == (["fedcba"], served.code_heads)
    assert "fedcba" in answer.json()["detail"]


def test_a_contract_may_wait_and_nothing_else(migrated: Database, tmp_path: Path) -> None:
    (head,) = migrated.query("select version_num from alembic_version")[0]
    app = shutil.copytree(APP, tmp_path / "app")
    for revision, label, depends_on in (("ex01", "expand", None), ("co01", "contract", "ex01")):
        (app / "alembic" / "versions" / f"{revision}.py").write_text(
            f"revision, down_revision = {revision!r}, {head!r}\n"
            f"branch_labels, depends_on = {label!r}, {depends_on!r}\n"
        )

    def healthy(*found: str) -> bool:
        migrated.query("delete from alembic_version")
        for revision in found:
            migrated.query(f"insert into alembic_version values ('{revision}')")
        return TestClient(module.app).get("/healthz").status_code == 200

    with service(migrated.url(), app) as module:
        assert not healthy(head)
        assert healthy("ex01")
        assert healthy("co01")
        assert not healthy("co01", "fedcba")


def test_unhealthy_where_nothing_was_migrated_and_nothing_is_written(database: Database) -> None:
    with service(database.url()) as module:
        answer = TestClient(module.app).get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["database"] == []
    assert "no revision" in answer.json()["detail"]
    assert database.tables() == set()


def test_rows_are_all_that_the_service_needs(rows_only: Database) -> None:
    with service(rows_only.url()) as module:
        client = TestClient(module.app)
        assert client.get("/healthz").status_code == 200
        assert client.post("/persons", json={"name": "Ada"}).status_code == 201
        assert len(client.get("/persons").json()) == 1


def test_a_database_that_comes_back_is_used_again(client: TestClient, migrated: Database) -> None:
    assert client.get("/healthz").status_code == 200
    migrated.query(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    assert client.get("/healthz").status_code == 200


def test_unhealthy_where_the_database_refuses_the_login(migrated: Database) -> None:
    with service(replace(migrated, password=f"not {migrated.password}").url()) as module:
        answer = TestClient(module.app).get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"detail": "The database does not answer."}
