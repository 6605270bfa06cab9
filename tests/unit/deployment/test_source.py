from __future__ import annotations

from pathlib import Path

import pytest
from deployment import source
from deployment.errors import SourceError
from deployment.requirements import RequirementsError


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    (root / "migrations").mkdir(parents=True)
    (root / "requirements.txt").write_text("alembic==1.20.1\npsycopg2==2.9.13\n")
    (root / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
    (root / "migrations" / "env.py").write_text("")
    (root / "migrations" / "script.py.mako").write_text("")
    return root


def read(given: Path | str, tmp_path: Path, **options: object) -> source.Source:
    defaults: dict[str, object] = {
        "alembic_config": "",
        "alembic_name": "alembic",
        "script_location": "",
        "requirements": [],
        "psycopg2": "source",
    }
    return source.read(
        str(given),
        archives=tmp_path / "archives",
        **{**defaults, **options},  # type: ignore[arg-type]
    )


def test_a_folder_gives_the_same_release_until_its_content_changes(
    app: Path, tmp_path: Path
) -> None:
    first = read(app, tmp_path)
    assert read(app, tmp_path) == first
    assert Path(first.archive).is_file()
    (app / "new.py").write_text("")
    assert read(app, tmp_path).release != first.release


def test_alembic_ini_and_requirements_make_another_release_of_the_same_files(
    app: Path, tmp_path: Path
) -> None:
    first = read(app, tmp_path)
    (app / "alembic.ini").write_text("[alembic]\n")
    second = read(app, tmp_path)
    third = read(app, tmp_path, requirements=["requirements.txt", "extra==1"])
    assert first.digest == second.digest == third.digest
    assert len({first.release, second.release, third.release}) == 3


def test_the_migration_environment_is_found(app: Path, tmp_path: Path) -> None:
    found = read(app, tmp_path)
    assert (found.alembic_config, found.alembic_config_exists) == ("alembic.ini", True)
    assert found.script_location == ""
    assert found.versions == str(app / "migrations" / "versions")


def test_the_migration_environment_may_be_told(app: Path, tmp_path: Path) -> None:
    told = read(app, tmp_path, script_location="other")
    assert (told.script_location, told.versions) == ("other", str(app / "other" / "versions"))
    inside = read(app, tmp_path, script_location="shop:migrations")
    assert (inside.script_location, inside.versions) == ("shop:migrations", "")


@pytest.mark.parametrize(
    ("ini", "versions"),
    [
        ("script_location = %(here)s/migrations", "migrations/versions"),
        ("script_location: migrations", "migrations/versions"),
        ("script_location = migrations\nversion_locations = one two", ""),
        ("script_location = %(folder)s/migrations", ""),
        ("script_location = shop:migrations", ""),
    ],
)
def test_the_revision_files_are_found_where_alembic_finds_them(
    app: Path, tmp_path: Path, ini: str, versions: str
) -> None:
    (app / "alembic.ini").write_text(f"[alembic]\n{ini}\n")
    assert read(app, tmp_path).versions == (str(app / versions) if versions else "")


def test_a_section_that_is_not_there_is_refused(app: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"no section \[stock\].* are \[alembic\]: .*alembic_name"
    ):
        read(app, tmp_path, alembic_name="stock")


def test_an_alembic_ini_that_is_none_is_refused(app: Path, tmp_path: Path) -> None:
    (app / "alembic.ini").write_text("[alembic]\nscript_location\n")
    with pytest.raises(SourceError, match=r"alembic\.ini is not a valid ini file.*line"):
        read(app, tmp_path)


def test_pyproject_may_have_what_alembic_ini_would(app: Path, tmp_path: Path) -> None:
    (app / "alembic.ini").unlink()
    (app / "pyproject.toml").write_text('[tool.alembic]\nscript_location = "%(here)s/migrations"\n')
    found = read(app, tmp_path)
    assert (found.alembic_config_exists, found.alembic_in_pyproject) == (False, True)
    assert (found.script_location, found.versions) == ("", str(app / "migrations" / "versions"))


def test_no_word_on_where_the_migrations_are_is_refused(app: Path, tmp_path: Path) -> None:
    (app / "alembic.ini").unlink()
    (app / "migrations" / "env.py").unlink()
    with pytest.raises(SourceError, match="alembic_script_location"):
        read(app, tmp_path)
    with pytest.raises(SourceError, match="alembic_script_location"):
        read("shop==1", tmp_path)


def test_an_alembic_ini_in_a_folder_below_is_found(app: Path, tmp_path: Path) -> None:
    (app / "backend").mkdir()
    (app / "alembic.ini").rename(app / "backend" / "alembic.ini")
    found = read(app, tmp_path)
    assert found.alembic_config == "backend/alembic.ini"


def test_several_alembic_ini_are_named(app: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (app / folder).mkdir()
        (app / folder / "alembic.ini").write_text("[alembic]\n")
    (app / "alembic.ini").unlink()
    with pytest.raises(SourceError, match=r"one/alembic\.ini, two/alembic\.ini.*alembic_config"):
        read(app, tmp_path)


def test_no_alembic_ini_is_one_to_render(app: Path, tmp_path: Path) -> None:
    (app / "alembic.ini").unlink()
    found = read(app, tmp_path)
    assert (found.alembic_config, found.alembic_config_exists) == ("alembic.ini", False)
    assert found.script_location == "migrations"


def test_requirements_come_from_pyproject_where_there_is_no_requirements_txt(
    app: Path, tmp_path: Path
) -> None:
    (app / "requirements.txt").unlink()
    with pytest.raises(RequirementsError, match=r"neither requirements\.txt nor pyproject"):
        read(app, tmp_path)
    (app / "pyproject.toml").write_text(
        '[project]\nname = "x"\ndependencies = ["psycopg2", "flask"]\n'
    )
    assert read(app, tmp_path).requirements == ["psycopg2", "flask"]


def test_a_wheel_is_required_by_its_content(tmp_path: Path) -> None:
    wheel = tmp_path / "app-1-py3-none-any.whl"
    wheel.write_bytes(b"one")
    first = read(wheel, tmp_path, script_location="app:migrations")
    wheel.write_bytes(b"two")
    second = read(wheel, tmp_path, script_location="app:migrations")
    assert first.release != second.release
    assert first.installs != second.installs
    assert first.requirements[0] == "./app-1-py3-none-any.whl"
    assert first.local


def test_a_requirement_of_the_source_itself_makes_the_venv_that_of_its_content(
    app: Path, tmp_path: Path
) -> None:
    shared, own = (
        read(app, tmp_path),
        read(app, tmp_path, requirements=["-e .[pg]", "requirements.txt"]),
    )
    assert (shared.local, own.local) == (False, True)
    assert own.requirements[0] == ".[pg]"
    (app / "new.py").write_text("")
    assert read(app, tmp_path).installs == shared.installs
    assert (
        read(app, tmp_path, requirements=["-e .[pg]", "requirements.txt"]).installs != own.installs
    )


def test_a_pinned_package_is_a_requirement(tmp_path: Path) -> None:
    shop = read("shop[postgres]==1.4", tmp_path, script_location="shop:migrations")
    assert shop.requirements == ["shop[postgres]==1.4", "psycopg2"]
    assert not shop.local


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("./gone", "does not exist on the controller"),
        ("/gone/app-1-py3-none-any.whl", "does not exist on the controller"),
        ("shop", "neither a folder, git"),
        ("shop>=1", "neither a folder, git"),
    ],
)
def test_a_source_that_cannot_be_is_refused(given: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=sentence):
        read(given, tmp_path)
