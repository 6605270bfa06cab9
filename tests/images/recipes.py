"""What the images are made of: Debian roots, layers that a Dockerfile puts on other images, files written for one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

REPOSITORY = "headway-test"
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Root:
    """A Debian root of `packages` (minbase, no recommends), with `changes` in a Dockerfile's words."""

    name: str
    suite: str
    packages: tuple[str, ...]
    changes: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return f"real: Debian {self.suite}"

    @property
    def tag(self) -> str:
        return _tag(self.name, [repr(self)])


@dataclass(frozen=True)
class Layer:
    """What the Dockerfile in `folder` makes of other images, each the value of one of its ARGs.

    A parent that is a string is an image that this machine has already, by its id.
    """

    name: str
    folder: str
    parents: tuple[tuple[str, Recipe | str], ...]
    arguments: tuple[tuple[str, str], ...] = ()
    own_kind: str = ""

    @property
    def kind(self) -> str:
        parents = (parent for _, parent in self.parents if not isinstance(parent, str))
        return self.own_kind or next(parents).kind

    @cached_property
    def tag(self) -> str:
        parents = [f"{key}={parent_image(parent)}" for key, parent in self.parents]
        return _tag(self.name, [*parents, repr(self.arguments), self.kind, *self._files()])

    def _files(self) -> Iterator[str]:
        folder = FOLDER / self.folder
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                yield f"{path.relative_to(folder)} {os.access(path, os.X_OK)} {content}"


@dataclass(frozen=True)
class Written:
    """What a Dockerfile makes that is among `files`, each (name, content, mode), beside the tree.tar of a command.

    The command is given the file's name; without one there is no tree.
    """

    name: str
    files: tuple[tuple[str, str, int], ...]
    kind: str
    make_tree: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        return _tag(self.name, [repr(self)])


Recipe: TypeAlias = Root | Layer | Written


def parent_image(parent: Recipe | str) -> str:
    """What a Dockerfile's FROM calls a parent."""
    return parent if isinstance(parent, str) else parent.tag


def _tag(name: str, inputs: list[str]) -> str:
    digest = hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:12]
    return f"{REPOSITORY}:{name}-{digest}"
