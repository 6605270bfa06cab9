"""What answers from here, each asked once in a run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import docker
import requests
from docker.errors import DockerException
from requests.exceptions import RequestException

SECONDS = 4
# The processes of one run of the tests share their answers for so long.
ANSWERS_LAST_SECONDS = 3600
ANSWERS = Path(__file__).parents[2] / ".cache" / "images" / "answers.json"


def mirror_has(url: str) -> bool:
    """Whether a file can be had."""
    return _remembered(url, lambda: _found(url))


def registry_has(image: str) -> bool:
    """Whether the engine can pull an image; nothing is pulled."""
    return _remembered(image, lambda: _pullable(image))


def _found(url: str) -> bool:
    try:
        return requests.head(url, timeout=SECONDS, allow_redirects=True).ok
    except RequestException:
        return False


def _pullable(image: str) -> bool:
    try:
        docker.from_env(timeout=SECONDS).images.get_registry_data(image)
    except (DockerException, RequestException):
        return False
    return True


def _remembered(question: str, ask: Callable[[], bool]) -> bool:
    now = time.time()
    try:
        answers = json.loads(ANSWERS.read_text())
    except (FileNotFoundError, ValueError):
        answers = {}
    answer, since = answers.get(question, (False, 0.0))
    if now - since > ANSWERS_LAST_SECONDS:
        answer = ask()
        ANSWERS.parent.mkdir(parents=True, exist_ok=True)
        ANSWERS.write_text(json.dumps({**answers, question: (answer, now)}))
    return bool(answer)
