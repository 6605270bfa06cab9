"""docs/cheat-sheet.md, line by line, as a reader would type it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.integration.app.conftest import Developer
from tests.unit.app.example import PROJECT

SHEET = (PROJECT / "docs/cheat-sheet.md").read_text()
HEAD = next((PROJECT / "app/alembic/versions").glob("*_create_person.py")).name.partition("_")[0]

# What a reader of the sheet looks for in the answer; every other line has only to succeed.
ANSWERS = {
    "alembic current": f"{HEAD} (head)",
    "alembic history --verbose": "create person",
    "alembic heads": f"{HEAD} (head)",
    "alembic show head": f"Rev: {HEAD} (head)",
    "alembic check": "No new upgrade operations detected.",
    'alembic revision -m "fill in emails"': "_fill_in_emails.py",
    "alembic upgrade head --sql": "CREATE TABLE person",
    'alembic revision --autogenerate -m "add email"': "_add_email.py",
    'alembic merge -m "merge" heads': "_merge.py",
    "alembic init alembic": "alembic.ini",
    r"\c evaluation_app": "You are now connected to database",
    r"\l": "evaluation_app",
    r"\dt": "alembic_version",
    r"\d person": "pk_person",
    r"\du": "postgres",
    r"\db": "pg_default",
    r"\x auto": "Expanded display is used automatically.",
    "select version_num from alembic_version;": HEAD,
    r"\?": r"\copyright",
}


def blocks(heading: str) -> list[list[str]]:
    """Give the commands of each shell block under a heading, without their comments."""
    section = SHEET.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return [[re.sub(r"\s+# .*", "", line) for line in block.splitlines()] for block in found]


def rows(heading: str) -> list[str]:
    """Give the commands in the first column of a heading's table."""
    section = SHEET.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"(?m)^\| `(.+?)` \|", section)


def test_the_answers_are_of_lines_on_the_sheet() -> None:
    commands = [line for block in blocks("alembic") for line in block] + rows("psql")
    assert set(ANSWERS) <= set(commands)


def prepare(developer: Developer, line: str) -> None:
    """Do what a developer has done before they type a line."""
    if "--autogenerate" in line:
        developer.add_to_person("email: Mapped[str | None] = mapped_column(String(200))")
    if "merge" in line:
        (newest,) = developer.app.glob("alembic/versions/*_add_email.py")
        twin = newest.read_text().replace(newest.name.partition("_")[0], "0ther")
        newest.with_name("0ther_add_email_too.py").write_text(twin)


def test_alembic(developer: Developer, migrated: Database, tmp_path: Path) -> None:
    walk, beginning = blocks("alembic")
    login = {"PGUSER": migrated.user, "PGPASSWORD": migrated.password}
    for line in walk:
        prepare(developer, line)
        done = developer.run("bash", "-c", line, folder="app", **login)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        assert ANSWERS.get(line, "") in done.stdout, line
    assert migrated.query("select count(*) from alembic_version") == [(1,)]

    (tmp_path / "new").mkdir()
    for line in beginning:
        done = developer.run("bash", "-c", line, folder="new")
        assert done.returncode == 0, f"{line}: {done.stderr}"
        assert ANSWERS[line] in done.stdout


def as_here(line: str, database: Database) -> str:
    """Put the test's server in the place of the one that the sheet names."""
    return line.replace("5432", str(database.port)).replace("evaluation_app", database.name)


def test_psql(developer: Developer, migrated: Database) -> None:
    ((connect,),) = blocks("psql")
    password = f"{migrated.password}\n"
    for typed in rows("psql"):
        line = as_here(typed, migrated) + "\n"
        given = (
            password + line + (password if typed.startswith(r"\c ") else "")
        )  # -W: asked for each connection
        done = developer.run("bash", "-c", as_here(connect, migrated), given=given, PAGER="cat")
        assert done.returncode == 0, f"{typed}: {done.stderr}"
        assert not re.search("invalid|error|not find", done.stderr), f"{typed}: {done.stderr}"
        assert as_here(ANSWERS.get(typed, ""), migrated) in done.stdout, typed


def test_psql_asks_for_the_password(developer: Developer, migrated: Database) -> None:
    ((connect,),) = blocks("psql")
    done = developer.run("bash", "-c", as_here(connect, migrated), given="wrong\n")
    assert done.returncode == 2
    assert "password authentication failed" in done.stderr


@pytest.mark.parametrize("whose", ["make deploy's", "one's own"])
def test_who_connects(
    developer: Developer, owner: Database, migrated: Database, whose: str
) -> None:
    (deployed,), (own,) = blocks("Which database")
    if whose == "make deploy's":
        secret = developer.project / ".secrets/local/postgres_owner"
        secret.parent.mkdir(parents=True)
        secret.write_text(owner.password + "\n")
        export = as_here(deployed, owner)
    else:
        export = own.replace("secret", f"'{migrated.password}'")
    done = developer.run("bash", "-c", f"{export}; cd app; alembic current")
    assert done.returncode == 0, done.stderr
    assert HEAD in done.stdout
