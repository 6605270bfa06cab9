"""A URL that is read without SQLAlchemy is read as SQLAlchemy reads it."""

from __future__ import annotations

import pytest
from headway.plain_url import plain_url
from sqlalchemy import make_url

PLAIN = [
    "postgresql+psycopg2://me:secret@db.example.org:5433/shop",
    "postgresql+psycopg2://me:s%40%2Fcret%25@127.0.0.1/shop",
    "postgresql+psycopg2://me:a=b*c!d@db/shop",
    "postgresql+psycopg2://me@/shop?host=/var/run/postgresql&port=5433",
    "postgresql+psycopg2://127.0.0.1:5432/shop",
    "postgresql+psycopg2:///shop?sslmode=verify-full&sslrootcert=/etc/ca.pem",
    "postgresql+psycopg2://me:me@me/me?options=-c%20search_path%3Dother",
]
NOT_PLAIN = [
    "",
    "sqlite:///shop.sqlite",
    "postgres://me@db/shop",
    "postgresql+asyncpg://me@db/shop",
    "postgresql+psycopg2://me:with@sign@db/shop",
    "postgresql+psycopg2://me:hash#sign@db/shop",
    "postgresql+psycopg2://m%65@db/shop",
    "postgresql+psycopg2://me@[::1]/shop",
    "postgresql+psycopg2://me@one,two/shop",
    "postgresql+psycopg2://me@/shop?host=one&host=two",
    "postgresql+psycopg2://me@/shop?host=one,two",
    "postgresql+psycopg2://me@one/shop?host=two",
    "postgresql+psycopg2://me@db/shop?service=other",
    "postgresql+psycopg2://me@db/shop?options=-c+search_path=other",
    "postgresql+psycopg2://me@db/sh%6Fp",
]


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_url_is_read_as_sqlalchemy_reads_it(text: str) -> None:
    url = make_url(text)
    _, parameters = url.get_dialect()().create_connect_args(url)
    found = plain_url(text)
    assert found
    assert found.driver == "psycopg2"
    assert found.parameters == {name: str(value) for name, value in parameters.items()}
    assert found.shown == url.set(query={}).render_as_string()


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_another_url_is_left_to_sqlalchemy(text: str) -> None:
    assert plain_url(text) is None


def test_the_driver_of_a_url_without_one_is_sqlalchemys() -> None:
    url = make_url("postgresql://me@db/shop")
    found = plain_url(str(url))
    assert found
    assert found.driver == url.get_driver_name()
