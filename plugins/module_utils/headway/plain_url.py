"""A database URL that says the same to SQLAlchemy as to a driver of libpq's alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, unquote

_url = re.compile(
    r"postgresql(?:\+(?P<driver>psycopg2?))?://"
    r"(?:(?P<user>[\w.-]+)(?P<login>:(?P<password>[\w.~%$!*,;&=()'-]*))?@)?"
    r"(?P<host>[\w.-]*)(?::(?P<port>\d+))?/(?P<dbname>[\w.-]*)(?P<query>\?[^#+]*)?",
    re.ASCII,
)
_OF_THE_SESSION = {
    *("application_name", "channel_binding", "connect_timeout", "gssencmode", "host", "keepalives"),
    *("keepalives_count", "keepalives_idle", "keepalives_interval", "options", "passfile", "port"),
    *("sslcert", "sslcrl", "sslkey", "sslmode", "sslrootcert", "target_session_attrs"),
    *("tcp_user_timeout",),
}


@dataclass(frozen=True)
class PlainUrl:
    """What a driver is given, and the URL as SQLAlchemy shows it, without password and query."""

    driver: str
    parameters: Mapping[str, str]
    shown: str


def plain_url(text: str) -> PlainUrl | None:
    """Read a URL; None where only SQLAlchemy can tell what it means."""
    url = _url.fullmatch(text)
    if url is None:
        return None
    query = parse_qsl((url["query"] or "")[1:], keep_blank_values=True)
    parameters = {
        name: unquote(url[name])
        for name in ("user", "password", "host", "port", "dbname")
        if url[name]
    }
    if len(dict(query)) != len(query) or not dict(query).keys() <= _OF_THE_SESSION:
        return None
    if any(name in parameters or not value or "," in value for name, value in query):
        return None
    shown = text.removesuffix(url["query"] or "")
    if url["login"]:
        shown = shown.replace(f"{url['login']}@", ":***@", 1)
    return PlainUrl(url["driver"] or _default_driver(), {**parameters, **dict(query)}, shown)


def _default_driver() -> str:
    """Give the driver of a URL that names none: psycopg since SQLAlchemy 2.1."""
    spec = find_spec("sqlalchemy")
    if spec is None or spec.origin is None:
        return "psycopg2"
    version = re.search(
        r'^__version__ = "(\d+)\.(\d+)', Path(spec.origin).read_text(), re.MULTILINE
    )
    return "psycopg" if version and (int(version[1]), int(version[2])) >= (2, 1) else "psycopg2"
