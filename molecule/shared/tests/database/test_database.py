"""The database's host: who may log in, from where, and what they may do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shared.deployed import Site, listening, refusal, rows
from testinfra.host import Host

testinfra_hosts = ["ansible://database"]


@pytest.fixture(scope="module")
def table(host: Host, site: Site) -> Iterator[str]:
    """A table as a migration makes one."""
    owner = site.login(site.owner)
    rows(host, owner, "create table later (id serial primary key, word text)")
    yield "later"
    rows(host, owner, "drop table later")


def test_every_password_is_scram(host: Host, site: Site) -> None:
    kept = rows(
        host,
        site.superuser(),
        "select rolname, rolpassword from pg_authid where rolpassword is not null",
    )
    assert {site.owner, site.app_role} <= {role for role, _ in kept}
    assert {verifier.partition("$")[0] for _, verifier in kept} == {"SCRAM-SHA-256"}


def test_a_password_set_later_is_scram_too(host: Host, site: Site) -> None:
    assert rows(host, site.superuser(), "show password_encryption") == [["scram-sha-256"]]


def test_the_data_has_checksums(host: Host, site: Site) -> None:
    assert rows(host, site.superuser(), "show data_checksums") == [["on"]]


def test_it_listens_where_it_was_told_to_and_nowhere_else(host: Host, site: Site) -> None:
    told = set(site.given.get("postgres_listen_addresses", ["127.0.0.1"]))
    assert listening(host, 5432) == ({"0.0.0.0", "::"} if told == {"*"} else told)  # noqa: S104 (compared)


@pytest.mark.parametrize("role", ["owner", "app_role"])
def test_nobody_logs_in_over_tcp_without_the_right_password(
    host: Host, site: Site, role: str
) -> None:
    login = site.login(getattr(site, role))
    assert rows(host, login, "select current_user") == [[login["user"]]]
    assert "password authentication failed" in refusal(
        host, {**login, "password": "another"}, "select 1"
    )


def test_neither_role_has_power_over_the_server(host: Host, site: Site) -> None:
    powers = "rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls"
    statement = f"select rolname, {powers} from pg_roles where rolname in ('{site.owner}', '{site.app_role}')"
    assert sorted(rows(host, site.superuser(), statement)) == sorted(
        [[site.owner, False], [site.app_role, False]]
    )


def test_the_app_reads_and_writes_rows(host: Host, site: Site, table: str) -> None:
    app = site.login(site.app_role)
    rows(host, app, f"insert into {table} (word) values ('one'), ('two')")
    rows(host, app, f"update {table} set word = 'three' where word = 'two'")
    rows(host, app, f"delete from {table} where word = 'one'")
    assert rows(host, app, f"select id, word from {table}") == [[2, "three"]]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("create table another ()", "permission denied for schema public"),
        ("create schema another", "permission denied for database"),
        ("alter table {table} add column x integer", "must be owner of table"),
        ("drop table {table}", "must be owner of table"),
        ("truncate {table}", "permission denied for table"),
    ],
)
def test_the_app_changes_no_schema(
    host: Host, site: Site, table: str, statement: str, said: str
) -> None:
    assert said in refusal(host, site.login(site.app_role), statement.format(table=table))
