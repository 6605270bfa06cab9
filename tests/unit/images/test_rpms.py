"""The stand-ins' RPMs have Enterprise Linux's names, each major version its own."""

from __future__ import annotations

import pytest

from tests.images.stand_in.rpms import BASE, Rpm, rpms

ENTERPRISE = {
    "9 on bullseye": rpms("9", "bullseye", "16"),
    "9 on bookworm": rpms("9", "bookworm", "15"),
    "10": rpms("10", "trixie", "16"),
}


def names(major: str) -> set[str]:
    return {name for rpm in ENTERPRISE[major] for name in (rpm.name, *rpm.provides)}


@pytest.mark.parametrize("repository", ENTERPRISE.values(), ids=list(ENTERPRISE))
def test_no_name_twice_and_none_required_that_is_missing(repository: tuple[Rpm, ...]) -> None:
    keys = [(rpm.name, rpm.stream) for rpm in repository]
    assert len(keys) == len({*keys})
    there = {rpm.name for rpm in repository} | {*BASE}
    assert {name for rpm in repository for name in rpm.requires} <= there


def test_what_differs_between_the_major_versions() -> None:
    assert "python3.11" in names("9 on bullseye")
    assert "python3.11" not in names("10")
    assert "postgresql16-server" in names("10")
    assert "postgresql16-server" not in names("9 on bullseye")
    assert {rpm.stream for rpm in ENTERPRISE["9 on bullseye"]} == {"", "16"}
    assert {rpm.stream for rpm in ENTERPRISE["10"]} == {""}


def test_the_plain_server_of_9_is_a_13_or_is_not_there() -> None:
    plain = {
        repository: [
            rpm.debian
            for rpm in ENTERPRISE[repository]
            if rpm.name == "postgresql-server" and not rpm.stream
        ]
        for repository in ("9 on bullseye", "9 on bookworm")
    }
    assert plain == {"9 on bullseye": [("postgresql-13",)], "9 on bookworm": []}
