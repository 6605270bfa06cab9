"""Keeps passwords out of everything that leaves the engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from .project import Project

HIDDEN = "***"
SHORTEST = 4

_whole_url = re.compile(r"\s*[\w+.-]+://(?P<user>[^:/@]*):(?P<password>.*)@(?P<rest>.*)", re.DOTALL)
_url_in_text = re.compile(r"(?P<head>[A-Za-z][\w+.-]*://[^\s:/@]*:)\S*(?=@)")
_parameter = re.compile(r"(?P<head>\bpassword=)[^&\s]+", re.IGNORECASE)
_secret_name = re.compile(r"PASS(WORD|WD|PHRASE)?$|SECRET|TOKEN|_KEY$", re.IGNORECASE)


class Secrets:
    """The passwords this process has come across, and the texts cleaned of them."""

    def __init__(self) -> None:
        """Start with none."""
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    @property
    def known(self) -> frozenset[str]:
        """Every spelling of every secret met so far."""
        return frozenset(self._known)

    def learn(self, text: str) -> None:
        """Take note of the password if `text` as a whole is a URL that has one.

        A password that is also the URL's user, host or database is hidden in URLs only: hidden
        everywhere it would take the names out of the messages.
        """
        if match := _whole_url.match(text):
            names = {match["user"], *re.split(r"[/:?&=,]", match["rest"])}
            if match["password"] not in names:
                self.learn_password(match["password"])
        for parameter in re.finditer(r"\bpassword=([^&\s]+)", text, re.IGNORECASE):
            self.learn_password(parameter[1])

    def learn_password(self, password: str) -> None:
        """Take note of a password, in each way it may be written."""
        self._known.update(s for s in _spellings(password) if len(s) >= SHORTEST)
        self._pattern = None

    def learn_environment(self, environment: Mapping[str, str]) -> None:
        """Take note of the URLs and the variables named like a secret in an environment."""
        for name, value in environment.items():
            self.learn(value)
            if _secret_name.search(name):
                self.learn_password(value)

    def learn_project(self, project: Project) -> None:
        """Take note of what a caller says of an app."""
        self.learn_environment(project.environment)
        for argument in project.x_arguments:
            self.learn(argument.partition("=")[2])
        self.learn(project.url)

    def are_in(self, text: str) -> bool:
        """Tell whether there is anything in a text that would have to be hidden."""
        return self._clean_text(text) != text

    def clean(self, value: Any) -> Any:
        """Give `value` (JSON of any depth) with every secret in its texts hidden."""
        if isinstance(value, str):
            return self._clean_text(value)
        if isinstance(value, Mapping):
            return {key: self.clean(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.clean(item) for item in value]
        return value

    def _clean_text(self, text: str) -> str:
        if self._known:
            if self._pattern is None:
                longest_first = sorted(self._known, key=len, reverse=True)
                alternatives = "|".join(map(re.escape, longest_first))
                # Bounded, so that a short password leaves longer words and revision ids alone.
                self._pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)")
            text = self._pattern.sub(HIDDEN, text)
        text = _url_in_text.sub(rf"\g<head>{HIDDEN}", text)
        return _parameter.sub(rf"\g<head>{HIDDEN}", text)


def _spellings(password: str) -> Iterator[str]:
    single = password.replace("%%", "%")  # as an ini file has it
    for plain in {password, single, unquote(password), unquote(single)}:
        yield plain
        yield repr(plain)[1:-1]
        for quoted in (quote(plain, safe=""), quote_plus(plain)):
            yield quoted
            yield quoted.replace("%", "%%")
