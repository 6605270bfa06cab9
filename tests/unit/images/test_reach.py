"""What answers from here is asked once in a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.images import reach


@pytest.fixture(autouse=True)
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every address that was asked; none answers."""
    addresses: list[str] = []

    def found(url: str) -> bool:
        addresses.append(url)
        return False

    monkeypatch.setattr(reach, "ANSWERS", tmp_path / "cache" / "answers.json")
    monkeypatch.setattr(reach, "_found", found)
    return addresses


def test_a_refusal_is_remembered(asked: list[str]) -> None:
    assert not reach.mirror_has("http://one")
    assert not reach.mirror_has("http://one")
    assert not reach.mirror_has("http://two")
    assert asked == ["http://one", "http://two"]


def test_an_old_answer_is_asked_for_again(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reach.mirror_has("http://one")
    monkeypatch.setattr(reach, "ANSWERS_LAST_SECONDS", 0)
    reach.mirror_has("http://one")
    assert asked == ["http://one", "http://one"]


def test_a_spoilt_memory_is_no_memory(asked: list[str]) -> None:
    reach.ANSWERS.parent.mkdir()
    reach.ANSWERS.write_text("{")
    reach.mirror_has("http://one")
    reach.mirror_has("http://one")
    assert asked == ["http://one"]
