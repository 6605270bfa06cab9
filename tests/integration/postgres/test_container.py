"""Backends container, with an image built by the role on this machine's engine, and external.

The tests of this file share one server and run in the order in which they stand.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import NotFound
from docker.models.containers import Container

from tests.images.host import remove
from tests.integration.postgres.conftest import APP_PASSWORD, OWNER_PASSWORD, Role, Run

NAME = "headway-test-postgres"
OTHER = "headway-test-postgres-other"
OWNER, APP = "evaluation_app_owner", "evaluation_app_app"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="the role installs packages on this machine"
)


def clean(client: docker.DockerClient) -> None:
    """Remove what these tests and this role made; the image stays, for it is costly to build."""
    for name in (NAME, OTHER):
        remove(client, name)
    with contextlib.suppress(NotFound):
        client.volumes.get(NAME).remove()
    shutil.rmtree(Path("/etc/headway") / NAME, ignore_errors=True)


def free_port() -> int:
    """Give a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class Contained:
    """The role on this machine and the container that it makes."""

    client: docker.DockerClient
    role: Role
    port: int
    first: Run

    @property
    def container(self) -> Container:
        """The container as it is now."""
        return self.client.containers.get(NAME)

    def sql(self, statement: str, user: str, password: str) -> tuple[int, str]:
        """Give exit code and output of a statement that is sent to the published port."""
        done = subprocess.run(
            [
                "psql",
                "-XAtqh",
                "127.0.0.1",
                "-p",
                str(self.port),
                "-U",
                user,
                "-c",
                statement,
                "evaluation_app",
            ],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PGPASSWORD": password},
        )
        return done.returncode, done.stdout.strip()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contained]:
    client = docker.from_env()
    clean(client)
    port = free_port()
    variables: dict[str, Any] = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "/usr/bin/python3",
        "postgres_backend": "container",
        "postgres_container_name": NAME,
        "postgres_port": port,
        "postgres_image_build": True,
        "postgres_owner_password": OWNER_PASSWORD,
        "postgres_app_password": APP_PASSWORD,
        "postgres_superuser_password": OWNER_PASSWORD,
    }
    role = Role("localhost", variables, tmp_path_factory.mktemp("role"))
    try:
        first = role.run()
        assert first.succeeded, first.output
        made = Contained(client, role, port, first)
        table = (
            "create table person (id serial, name text); insert into person (name) values ('Ada')"
        )
        assert made.sql(table, OWNER, OWNER_PASSWORD)[0] == 0
        yield made
    finally:
        clean(client)


def test_second_run_changes_nothing(server: Contained) -> None:
    second = server.role.run()
    assert (second.succeeded, second.changed) == (True, 0), second.output


def test_it_answers_on_loopback_alone_and_owner_and_app_have_their_rights(
    server: Contained,
) -> None:
    published = server.container.attrs["NetworkSettings"]["Ports"]["5432/tcp"]
    assert [each["HostIp"] for each in published] == ["127.0.0.1"]
    assert server.sql("insert into person (name) values ('Grace')", APP, APP_PASSWORD)[0] == 0
    assert server.sql("create table another (id int)", APP, APP_PASSWORD)[0] != 0
    assert server.sql("show data_checksums", APP, APP_PASSWORD) == (0, "on")
    scram = "select bool_and(rolpassword like 'SCRAM%') from pg_authid where rolcanlogin"
    assert server.sql(scram, "postgres", OWNER_PASSWORD) == (0, "t")


def test_no_password_shows_in_what_the_engine_tells(server: Contained) -> None:
    told = json.dumps(server.container.attrs)
    assert "POSTGRES_PASSWORD_FILE" in told
    for password in (OWNER_PASSWORD, APP_PASSWORD):
        assert json.dumps(password)[1:-1] not in told


def test_a_setting_is_live_and_rows_outlive_the_container(server: Contained) -> None:
    server.container.remove(force=True)
    assert server.role.run(postgres_settings={"max_connections": 42}).succeeded
    assert server.sql("show max_connections", APP, APP_PASSWORD) == (0, "42")
    assert server.sql("select name from person where id = 1", APP, APP_PASSWORD) == (0, "Ada")


def test_a_setting_that_the_server_does_not_take_is_refused(server: Contained) -> None:
    before = server.sql("select name, setting from pg_settings", APP, APP_PASSWORD)
    refused = server.role.run(postgres_settings={"max_connections": "many"})
    assert 'invalid value for parameter "max_connections": "many"' in refused.message
    assert server.sql("select name, setting from pg_settings", APP, APP_PASSWORD) == before
    assert not server.client.containers.list(all=True, filters={"name": f"{NAME}-settings"})


def test_the_superusers_password_is_rotated(server: Contained) -> None:
    new = "another's \\ one"
    rotated = server.role.run(postgres_superuser_password=new)
    assert rotated.succeeded, rotated.output
    assert server.sql("select 1", "postgres", new)[0] == 0
    assert server.sql("select 1", "postgres", OWNER_PASSWORD)[0] != 0


def test_an_image_of_another_major_than_the_data_is_refused(server: Contained) -> None:
    server.container.commit(NAME, "other", changes="ENV PG_MAJOR=17")
    try:
        refused = server.role.run(postgres_image_build=False, postgres_image=f"{NAME}:other")
    finally:
        server.client.images.remove(f"{NAME}:other", force=True)
    assert f"Volume {NAME} holds data of PostgreSQL" in refused.message
    assert "is 17" in refused.message
    assert server.sql("select 1", APP, APP_PASSWORD)[0] == 0


def test_an_image_that_cannot_be_had_names_the_way_out(server: Contained) -> None:
    refused = server.role.run(postgres_image_build=False, postgres_image="127.0.0.1:1/postgres:17")
    assert "set postgres_image_build: true" in refused.message


def test_a_container_of_someone_else_is_left_alone(server: Contained) -> None:
    image = server.container.attrs["Config"]["Image"]
    theirs = server.client.containers.create(image, name=OTHER)
    refused = server.role.run(postgres_container_name=OTHER, postgres_port=free_port())
    assert f"Container {OTHER} is there and Headway did not make it" in refused.message
    assert server.client.containers.get(OTHER).id == theirs.id


def test_a_port_in_use_names_who_uses_it(server: Contained) -> None:
    refused = server.role.run(postgres_container_name=OTHER + "-2")
    assert f"Port {server.port} is in use by " in refused.message
    assert "docker-proxy" in refused.message


def external(server: Contained, **variables: Any) -> Run:
    known = {
        "postgres_backend": "external",
        "postgres_external_url": f"postgresql://{OWNER}@127.0.0.1:{server.port}/evaluation_app?sslmode=prefer",
    }
    return replace(server.role, without=("postgres_port",)).run(**(known | variables))


def test_an_external_server_as_it_should_be_is_taken_unchanged(server: Contained) -> None:
    taken = external(server)
    assert (taken.succeeded, taken.changed) == (True, 0), taken.output


EXTERNAL_REFUSED = {
    "unreachable": (
        {"postgres_external_url": "postgresql://x@127.0.0.1:1/evaluation_app"},
        "cannot be reached",
    ),
    "wrong password": (
        {"postgres_app_password": "wrong"},
        f"{APP} cannot log in to database evaluation_app",
    ),
    "older than supported": (
        {"__postgres_oldest_version": 99},  # no server older than 13 is at hand
        "99 is the oldest that Headway supports",
    ),
    "unreadable address": (
        {"postgres_external_url": "mysql://x@y/z"},
        "does not read postgresql://",
    ),
}


@pytest.mark.parametrize(("variables", "sentence"), EXTERNAL_REFUSED.values(), ids=EXTERNAL_REFUSED)
def test_an_external_server_that_does_not_answer_is_refused(
    server: Contained, variables: dict[str, Any], sentence: str
) -> None:
    assert sentence in external(server, **variables).message


def test_rights_that_an_external_server_lacks_come_with_what_grants_them(server: Contained) -> None:
    taken = f"""
        grant create on schema public to {APP};
        alter default privileges for role {OWNER} revoke all on tables from {APP};
        alter schema public owner to postgres;
        alter table person owner to postgres;
    """
    done = server.container.exec_run(
        ["psql", "-XqU", "postgres", "-d", "evaluation_app", "-c", taken]
    )
    assert done.exit_code == 0, done.output
    message = external(server).message
    for way in (
        f'GRANT CREATE ON SCHEMA public TO "{OWNER}"',
        f'ALTER TABLE … OWNER TO "{OWNER}"',
        f'ALTER DEFAULT PRIVILEGES FOR ROLE "{OWNER}" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{APP}"',
        f'REVOKE CREATE ON SCHEMA public FROM PUBLIC, "{APP}"',
    ):
        assert way in message
