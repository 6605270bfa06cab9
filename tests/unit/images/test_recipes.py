"""Which image a name stands for, and when it is built anew."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import ImageNotFound

from tests.images import postgres, reach, recipes
from tests.images.catalogue import CATALOGUE
from tests.images.enterprise_linux import VENDOR_IMAGES, stand_in
from tests.images.pull import UnavailableError
from tests.images.recipes import Layer, Root

ROOT = Root("root", "bookworm", ("python3",))


class Engine:
    """A Docker engine that has some images."""

    def __init__(self, *there: str) -> None:
        self.there = {*there}
        self.images = self

    def get(self, tag: str) -> Any:
        if tag not in self.there:
            raise ImageNotFound(tag)
        return SimpleNamespace(id=f"sha256:{tag}")

    def pull(self, tag: str) -> Any:
        self.there.add(tag)
        return self.get(tag)


@pytest.fixture(autouse=True)
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What answers: parts of addresses and names of images; nothing, unless a test adds to it."""
    answering: set[str] = set()
    for name in ("EL9_IMAGE", "EL10_IMAGE", "POSTGRES_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(reach, "mirror_has", lambda url: any(part in url for part in answering))
    monkeypatch.setattr(reach, "registry_has", lambda image: image in answering)
    return answering


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(recipes, "FOLDER", tmp_path)
    (tmp_path / "layer").mkdir()
    (tmp_path / "layer" / "Dockerfile").write_text("FROM scratch\n")
    return tmp_path / "layer"


def layer(root: Root = ROOT, **arguments: str) -> Layer:
    return Layer("layer", "layer", (("BASE", root),), tuple(arguments.items()))


def test_a_tag_is_of_the_content_and_not_of_its_times(folder: Path) -> None:
    tag = layer().tag
    os.utime(folder / "Dockerfile", (0, 0))
    assert layer().tag == tag


@pytest.mark.parametrize("change", ["content", "another file", "parent", "argument"])
def test_a_tag_changes_with_all_that_goes_in(folder: Path, change: str) -> None:
    tag, changed = layer().tag, layer()
    if change == "content":
        (folder / "Dockerfile").write_text("FROM scratch\nUSER root\n")
    elif change == "another file":
        (folder / "another").touch()
    elif change == "parent":
        changed = layer(Root("root", "bookworm", ("python3", "make")))
    else:
        changed = layer(MAJOR="9")
    assert changed.tag != tag


def kind(major: str, engine: Engine | None = None) -> str:
    return CATALOGUE[f"el{major}"](engine or Engine()).kind  # type: ignore[arg-type]


@pytest.mark.parametrize("major", ["9", "10"])
def test_the_vendors_image_where_its_registry_answers(major: str, answers: set[str]) -> None:
    answers.add(VENDOR_IMAGES[major])
    assert kind(major) == f"real: {VENDOR_IMAGES[major]}"


def test_the_vendors_image_that_is_there_needs_no_registry() -> None:
    image = VENDOR_IMAGES["9"]
    assert kind("9", Engine(image)) == f"real: {image}"


def test_the_image_that_was_asked_for(monkeypatch: pytest.MonkeyPatch, answers: set[str]) -> None:
    monkeypatch.setenv("EL9_IMAGE", "example.org/rocky:9")
    answers.update({"example.org/rocky:9", "bullseye", "ubuntu"})
    assert kind("9") == "real: example.org/rocky:9"


def test_no_stand_in_for_an_image_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, answers: set[str]
) -> None:
    monkeypatch.setenv("EL9_IMAGE", "example.org/rocky:9")
    answers.update({"bullseye", "ubuntu"})
    with pytest.raises(UnavailableError, match="EL9_IMAGE is "):
        kind("9")


@pytest.mark.parametrize(
    ("major", "answering", "expected"),
    [
        ("9", {"bullseye", "ubuntu"}, "stand-in: Debian bullseye with EL9's names, PostgreSQL 16"),
        (
            "9",
            {"bullseye", "postgresql.org"},
            "stand-in: Debian bullseye with EL9's names, PostgreSQL 16",
        ),
        (
            "9",
            {"bullseye", "bookworm"},
            "stand-in: Debian bullseye with EL9's names, PostgreSQL 15",
        ),
        ("9", {"bookworm"}, "stand-in: Debian bookworm with EL9's names, PostgreSQL 15"),
        ("10", {"trixie", "ubuntu"}, "stand-in: Debian trixie with EL10's names, PostgreSQL 16"),
    ],
)
def test_the_best_stand_in_that_can_be_built(
    major: str, answering: set[str], expected: str, answers: set[str]
) -> None:
    answers.update(answering)
    assert kind(major) == expected


def test_a_stand_in_that_is_built_needs_no_network(answers: set[str]) -> None:
    answers.update({"bullseye", "ubuntu"})
    built = stand_in("9", Engine())  # type: ignore[arg-type]
    answers.clear()
    assert stand_in("9", Engine(built.tag)) == built  # type: ignore[arg-type]


def test_neither_image_nor_stand_in() -> None:
    with pytest.raises(UnavailableError, match="EL10 can neither be pulled"):
        kind("10")


def test_the_official_postgres_where_its_registry_answers(answers: set[str]) -> None:
    answers.add(postgres.OFFICIAL)
    assert postgres.image(Engine()).kind == f"real: {postgres.OFFICIAL}"  # type: ignore[arg-type]


def test_a_postgres_of_the_roles_own_recipe() -> None:
    image = postgres.image(Engine())  # type: ignore[arg-type]
    assert image.kind.startswith("stand-in: ")
    assert image.make_tree[0] == "mmdebstrap"
    dockerfile, entrypoint = (content for _, content, _ in image.files)
    assert "ENV PG_MAJOR=15 PGDATA=/var/lib/postgresql/data" in dockerfile
    assert entrypoint.startswith("#!/bin/bash\n")
