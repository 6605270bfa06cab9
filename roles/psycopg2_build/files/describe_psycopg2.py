"""Tell, as JSON, which psycopg2 this Python has, and which libpq it was built and runs with."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution, version


def installed(distribution: str) -> str | None:
    """Give the version of what pip installed under this name, if it did."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def brings_its_own(name: str) -> bool:
    """Tell whether it is a wheel made for any Linux, which has to bring what it links to (PEP 600)."""
    tags = distribution(name).read_text("WHEEL") or ""
    return "-manylinux" in tags or "-musllinux" in tags


def written(libpq: int) -> str:
    """Write libpq's number (150018) as its makers do (15.18)."""
    return "{}.{}".format(*divmod(libpq, 10000))


def describe() -> dict[str, object]:
    """Give nothing where there is no psycopg2; what broke it where it does not load."""
    binary = installed("psycopg2-binary")
    found = binary or installed("psycopg2")
    if not found:
        return {}
    try:
        import psycopg2
        from psycopg2.extensions import libpq_version
    except ImportError as error:
        return {"psycopg2": found, "broken": str(error)}
    return {
        "psycopg2": found,
        "built_with": written(psycopg2.__libpq_version__),
        "runs_with": written(libpq_version()),
        "binary": bool(binary) or brings_its_own("psycopg2"),
    }


print(json.dumps(describe()))
