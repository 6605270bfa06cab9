from __future__ import annotations

from pathlib import Path

import pytest
from deployment import source
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
    defaults: dict[str, object] = {"alembic_config": "", "requirements": [], "psycopg2": "source"}
    return source.read(
        str(given),
        archives=tmp_path / "archives",
        wheels="/opt/app/wheels",
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
    assert found.script_location == "migrations"


def test_an_alembic_ini_in_a_folder_below_is_found(app: Path, tmp_path: Path) -> None:
    (app / "backend").mkdir()
    (app / "alembic.ini").rename(app / "backend" / "alembic.ini")
    found = read(app, tmp_path)
    assert (found.alembic_config, found.script_location) == ("backend/alembic.ini", "../migrations")


def test_several_alembic_ini_are_named(app: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (app / folder).mkdir()
        (app / folder / "alembic.ini").write_text("[alembic]\n")
    (app / "alembic.ini").unlink()
    with pytest.raises(
        source.SourceError, match=r"one/alembic\.ini, two/alembic\.ini.*alembic_config"
    ):
        read(app, tmp_path)


def test_no_alembic_ini_is_one_to_render(app: Path, tmp_path: Path) -> None:
    (app / "alembic.ini").unlink()
    found = read(app, tmp_path)
    assert (found.alembic_config, found.alembic_config_exists) == ("alembic.ini", False)


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
    first = read(wheel, tmp_path)
    wheel.write_bytes(b"two")
    second = read(wheel, tmp_path)
    assert first.release != second.release
    assert first.requirements[0] == f"/opt/app/wheels/{first.digest[:12]}/{wheel.name}"


def test_a_pinned_package_is_a_requirement(tmp_path: Path) -> None:
    assert read("shop[postgres]==1.4", tmp_path).requirements == ["shop[postgres]==1.4", "psycopg2"]


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
    with pytest.raises(source.SourceError, match=sentence):
        read(given, tmp_path)
