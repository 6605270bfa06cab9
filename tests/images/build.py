"""Builds the images of the test hosts, each once for the content of its recipe.

`python -m tests.images.build NAME...` prints the tag of each image, or of all where none is named,
and says on standard error what it is: a vendor's, or a stand-in for it.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import BuildError, DockerException, ImageNotFound

from .catalogue import CATALOGUE
from .pull import UnavailableError
from .recipes import FOLDER, REPOSITORY, Layer, Recipe, Root, Written, parent_image

KIND = "org.headway.kind"
LAST_LINES = 30
CACHE = FOLDER.parents[1] / ".cache" / "images"


class NotBuiltError(Exception):
    """A Dockerfile, with the last of what it said, or mmdebstrap failed."""


def build(name: str, client: docker.DockerClient) -> str:
    """Builds an image, and what it rests on, unless it is there; gives its tag."""
    with _alone():
        return _build(CATALOGUE[name](client), client)


def describe(name: str, client: docker.DockerClient) -> tuple[str, str]:
    """An image's tag and what it is, `real: …` or `stand-in: …`, whether it is built yet or not."""
    recipe = CATALOGUE[name](client)
    return recipe.tag, recipe.kind


def _build(recipe: Recipe, client: docker.DockerClient) -> str:
    try:
        client.images.get(recipe.tag)
    except ImageNotFound:
        print(f"building {recipe.tag}", file=sys.stderr, flush=True)
        if isinstance(recipe, Root):
            _build_root(recipe, client)
        elif isinstance(recipe, Layer):
            _build_layer(recipe, client)
        else:
            _build_written(recipe, client)
    return recipe.tag


def _build_root(recipe: Root, client: docker.DockerClient) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root.tar"
        _run(
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={','.join(recipe.packages)}",
            *recipe.hooks,
            # A package cache that looks fresh makes apt's cache_valid_time skip the refresh.
            '--customize-hook=touch -d 1970-01-02 "$1/var/lib/apt/lists"',
            recipe.suite,
            str(root),
        )
        client.api.import_image_from_file(
            str(root),
            repository=REPOSITORY,
            tag=recipe.tag.partition(":")[2],
            changes=[*recipe.changes, f'LABEL {KIND}="{recipe.kind}"'],
        )


def _build_layer(recipe: Layer, client: docker.DockerClient) -> None:
    for _, parent in recipe.parents:
        if not isinstance(parent, str):
            _build(parent, client)
    parents = {key: parent_image(parent) for key, parent in recipe.parents}
    _build_folder(FOLDER / recipe.folder, recipe, client, {**parents, **dict(recipe.arguments)})


def _build_written(recipe: Written, client: docker.DockerClient) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content, mode in recipe.files:
            (folder / file).write_text(content)
            (folder / file).chmod(mode)
        if recipe.make_tree:
            _run(*recipe.make_tree, str(folder / "tree.tar"))
        _build_folder(folder, recipe, client, {})


def _build_folder(
    folder: Path, recipe: Layer | Written, client: docker.DockerClient, arguments: dict[str, str]
) -> None:
    try:
        client.images.build(
            path=str(folder),
            tag=recipe.tag,
            buildargs=arguments,
            labels={KIND: recipe.kind},
            rm=True,
            forcerm=True,
        )
    except BuildError as error:
        said = "".join(str(part.get("stream", "")) for part in error.build_log).splitlines()
        raise NotBuiltError(
            "\n".join([*said[-LAST_LINES:], f"Image {recipe.tag} could not be built: {error.msg}"])
        ) from None


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, stdout=sys.stderr)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise NotBuiltError(f"A Debian tree could not be made: {error}") from None


@contextmanager
def _alone() -> Iterator[None]:
    """One build at a time on this machine, so that no two build the same."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Prints the tags of the images that are named, or of all."""
    names = sys.argv[1:] or list(CATALOGUE)
    if unknown := [name for name in names if name not in CATALOGUE]:
        sys.exit(f"There is no image {', '.join(unknown)}: the images are {', '.join(CATALOGUE)}.")
    try:
        client = docker.from_env()
    except DockerException as error:
        sys.exit(f"No Docker engine answers here: start one, or name it in DOCKER_HOST. {error}.")
    for name in names:
        try:
            tag = build(name, client)
        except (NotBuiltError, UnavailableError) as error:
            sys.exit(str(error))
        print(f"{name} is {describe(name, client)[1]}", file=sys.stderr)
        print(tag, flush=True)


if __name__ == "__main__":
    main()
