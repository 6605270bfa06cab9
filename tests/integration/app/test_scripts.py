"""What the developer types: make revision, make psql."""

from __future__ import annotations

import re

from tests.conftest import Database
from tests.integration.app.conftest import Developer

EMAIL = "email: Mapped[str | None] = mapped_column(String(200), unique=True)"


def test_a_revision_from_the_deployed_database(deployed: Developer, owner: Database) -> None:
    deployed.add_to_person(EMAIL)
    before = deployed.revisions()

    made = deployed.run("scripts/revision", "add email")

    assert made.returncode == 0, made.stderr
    (revision,) = set(deployed.revisions()) - set(before)
    assert revision.name.endswith("_add_email.py")
    assert f"app/alembic/versions/{revision.name}" in made.stdout
    assert "Detected added column 'person.email'" in made.stderr
    assert 'op.f("uq_person_email")' in revision.read_text()
    for lint in (["check"], ["format", "--check"]):
        linted = deployed.run("ruff", *lint, str(revision))
        assert linted.returncode == 0, linted.stdout

    login = {"PGUSER": owner.user, "PGPASSWORD": owner.password}
    for steps in (["upgrade", "head"], ["check"], ["downgrade", "-1"]):
        done = deployed.run("alembic", *steps, folder="app", **login)
        assert done.returncode == 0, done.stderr


def test_who_connects_may_be_said_in_libpqs_environment(
    developer: Developer, migrated: Database
) -> None:
    developer.add_to_person(EMAIL)
    made = developer.run(
        "scripts/revision", "add email", PGUSER=migrated.user, PGPASSWORD=migrated.password
    )
    assert made.returncode == 0, made.stderr


def test_another_database_may_be_named(developer: Developer, owner: Database) -> None:
    developer.add_to_person(EMAIL)
    ini = developer.app / "alembic.ini"
    ini.write_text(ini.read_text().replace(f":{owner.port}/", ":1/"))
    assert "%25" in owner.url(), "a password that needs encoding, in ini files too"
    made = developer.run("scripts/revision", "add email", DATABASE_URL=owner.url())
    assert made.returncode == 0, made.stderr


def refusal(developer: Developer, *arguments: str, **environment: str) -> str:
    """The sentence that says why there is no revision; there is none."""
    before = developer.revisions()
    made = developer.run("scripts/revision", *arguments, **environment)
    assert made.returncode == 1
    assert "Traceback" not in made.stderr
    assert developer.revisions() == before
    return re.sub(r"(?m)^INFO .*\n", "", made.stderr)


def test_a_revision_needs_a_message(deployed: Developer) -> None:
    sentence = 'A revision needs a message: make revision m="add email"\n'
    assert refusal(deployed) == sentence
    assert refusal(deployed, "") == sentence


def test_no_revision_of_nothing(deployed: Developer) -> None:
    assert refusal(deployed, "nothing") == (
        "No revision was made: the models and the database agree. "
        'For an empty one: cd app && alembic revision -m "nothing"\n'
    )


def test_no_revision_while_others_are_pending(deployed: Developer, owner: Database) -> None:
    owner.query("delete from alembic_version")
    assert refusal(deployed, "add email") == (
        "The database lacks revisions of app/: apply them first, with make deploy.\n"
    )


def test_no_revision_without_a_login(developer: Developer) -> None:
    sentence = refusal(developer, "add email")
    assert "no password supplied" in sentence
    assert "Set PGUSER and PGPASSWORD" in sentence


def test_a_wrong_password_is_not_repeated(developer: Developer, migrated: Database) -> None:
    sentence = refusal(developer, "add email", PGUSER=migrated.user, PGPASSWORD="wr0ngw0rd")
    assert "password authentication failed" in sentence
    assert "wr0ngw0rd" not in sentence


def test_what_is_no_url_is_said_so(developer: Developer) -> None:
    assert refusal(developer, "add email", DATABASE_URL="evaluation_app") == (
        "DATABASE_URL is no URL: give postgresql+psycopg2://user@host:port/database\n"
    )


def test_psql_opens_the_deployed_database_as_its_owner(
    deployed: Developer, owner: Database
) -> None:
    asked = deployed.run(
        "scripts/psql",
        "--tuples-only",
        "--no-align",
        "--command=select current_user, current_database()",
        PGPORT=str(owner.port),
        PGDATABASE=owner.name,
    )
    assert asked.stdout == f"{owner.user}|{owner.name}\n", asked.stderr


def test_psql_opens_what_the_environment_names(developer: Developer, migrated: Database) -> None:
    asked = developer.run(
        "scripts/psql",
        "-Atc",
        "select current_user",
        PGPORT=str(migrated.port),
        PGDATABASE=migrated.name,
        PGUSER=migrated.user,
        PGPASSWORD=migrated.password,
    )
    assert asked.stdout == f"{migrated.user}\n", asked.stderr


def test_psql_says_that_nothing_was_deployed(developer: Developer) -> None:
    asked = developer.run("scripts/psql")
    assert asked.returncode == 1
    assert asked.stderr.startswith("No database was deployed from here")


def test_psql_says_that_it_is_not_installed(developer: Developer) -> None:
    programs = developer.project / "programs"
    programs.mkdir()
    for program in ("bash", "dirname"):
        found = developer.run("which", program).stdout.strip()
        (programs / program).symlink_to(found)
    asked = developer.run("scripts/psql", PATH=str(programs))
    assert asked.returncode == 1
    assert asked.stderr.startswith("psql is not installed here: apt-get install")
