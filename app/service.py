"""The web service: lists and adds persons, and says whether the database fits the code.

Runs in its own folder as `python serve.py --port 8000`, with the database in DATABASE_URL
(`postgresql+psycopg2://user@host/database?passfile=/path`).
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from fastapi import Depends, FastAPI, Request, Response, status
from fastapi.responses import JSONResponse
from models.orm import Person
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

log = logging.getLogger("uvicorn.error")


def connect(url: str) -> Engine:
    """Give the engine for a database that may go away and come back; nothing is sent yet.

    libpq bounds how long a silent server holds a request: `connect_timeout` (seconds) and
    `tcp_user_timeout` (milliseconds), PostgreSQL manual, "Parameter Key Words".
    """
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=5,
        connect_args={"connect_timeout": 5, "tcp_user_timeout": 5000},
    )


if "DATABASE_URL" not in os.environ:
    sys.exit(
        "DATABASE_URL is not set: give the database as postgresql+psycopg2://user@host/database"
    )
engine = connect(os.environ["DATABASE_URL"])
scripts = ScriptDirectory(Path(__file__).with_name("alembic"))
code_heads = sorted(scripts.get_heads())
# Revisions of the branch `contract` wait until no older code runs, so this code does without them.
AFTER_THE_SWITCH = "contract"
revisions = {s.revision: s for s in scripts.walk_revisions()}
needed = {name for name, s in revisions.items() if AFTER_THE_SWITCH not in s.branch_labels}
app = FastAPI(title="Persons")


class NewPerson(BaseModel):
    """What POST /persons takes. PostgreSQL's text holds any character but NUL."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"^[^\x00]+$")]


class KnownPerson(BaseModel):
    """What GET and POST /persons give."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str


class Health(BaseModel):
    """The revisions that the database is at and the heads of the code."""

    database: list[str]
    code: list[str]
    detail: str


def database() -> Iterator[Session]:
    """Give one request its session."""
    with Session(engine) as session:
        yield session


Database = Annotated[Session, Depends(database)]


@app.exception_handler(OperationalError)
@app.exception_handler(PoolTimeoutError)
def database_silent(_request: Request, error: Exception) -> JSONResponse:
    """Answer 503 where the database does not; why is for the log."""
    log.error("%s", str(getattr(error, "orig", error)).strip())
    return JSONResponse(
        {"detail": "The database does not answer."}, status.HTTP_503_SERVICE_UNAVAILABLE
    )


@app.get("/persons")
def list_persons(database: Database) -> list[KnownPerson]:
    """List everybody, in the order they were added."""
    persons = database.scalars(select(Person).order_by(Person.id))
    return [KnownPerson.model_validate(person) for person in persons]


@app.post("/persons", status_code=status.HTTP_201_CREATED)
def add_person(new: NewPerson, database: Database) -> KnownPerson:
    """Add somebody."""
    person = Person(name=new.name)
    database.add(person)
    database.commit()
    return KnownPerson.model_validate(person)


def fits(found: Sequence[str]) -> bool:
    """Say whether a database at these revisions has all that the code needs, and nothing newer."""
    if not revisions.keys() >= {*found}:
        return False
    return needed <= {s.revision for s in scripts.iterate_revisions(tuple(found), "base")}


@app.get("/healthz")
def health(response: Response, database: Database) -> Health:
    """Answer 200 where the database has what the code needs and nothing it does not know, else 503."""
    found = sorted(MigrationContext.configure(database.connection()).get_current_heads())
    if fits(found):
        return Health(database=found, code=code_heads, detail="The database fits the code.")
    response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return Health(
        database=found,
        code=code_heads,
        detail=f"The database is at {', '.join(found) or 'no revision'}, the code at "
        f"{', '.join(code_heads) or 'no revision'}: migrate, or deploy the code that fits.",
    )
