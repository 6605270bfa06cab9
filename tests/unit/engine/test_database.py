"""Sentences from exceptions as the drivers raise them (stand-ins with the drivers' attributes)."""

from __future__ import annotations

from typing import Any

import pytest
from headway.database import connection_fault, database_sentence
from sqlalchemy.exc import OperationalError, ProgrammingError


class Diagnosis:
    message_primary = 'relation "t" already exists'
    message_detail = "Key (id)=(1)\n already exists."


class Psycopg2Error(Exception):
    pgcode = "42P07"
    diag = Diagnosis()


class AsyncpgError(Exception):
    sqlstate = "42P07"
    detail = None


class AsyncpgAdapterError(Exception):
    sqlstate = "42P07"


def wrapped(original: Exception) -> ProgrammingError:
    return ProgrammingError("CREATE TABLE t ()", {}, original)


def test_psycopg_says_its_primary_message_and_detail() -> None:
    assert database_sentence(wrapped(Psycopg2Error("long\nLINE 1: ..."))) == (
        'relation "t" already exists (Key (id)=(1) already exists.)',
        "42P07",
    )


def test_asyncpg_says_what_its_own_exception_says() -> None:
    adapter = AsyncpgAdapterError("<class 'AsyncpgError'>: relation exists")
    adapter.__cause__ = AsyncpgError("relation exists")
    assert database_sentence(wrapped(adapter)) == ("relation exists", "42P07")


def test_it_is_found_below_an_exception_of_the_app() -> None:
    outer = RuntimeError("the app's own")
    outer.__cause__ = wrapped(Psycopg2Error())
    assert database_sentence(outer) is not None


def test_other_exceptions_are_none_of_the_databases() -> None:
    assert database_sentence(ValueError("x")) is None


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ('FATAL:  password authentication failed for user "x"', "wrong_password"),
        ("fe_sendauth: no password supplied", "wrong_password"),
        ('FATAL:  database "x" does not exist', "no_database"),
        ("connection refused", "unreachable"),
    ],
)
def test_why_there_is_no_connection(said: str, kind: str) -> None:
    error: Any = OperationalError(None, None, Exception(said))
    fault = connection_fault(error, "postgresql database x at h:1 as u")
    assert fault.kind == kind
    assert "postgresql database x at h:1 as u" in fault.message
    assert "; " in fault.message
