"""Images of registries."""

from __future__ import annotations

import os

import docker
from docker.errors import ImageNotFound

from . import reach


class UnavailableError(Exception):
    """An image can neither be pulled nor built from here."""


def pulled(variable: str, default: str, client: docker.DockerClient) -> tuple[str, str]:
    """Name and id of the image that an environment variable names, else of the default.

    It is pulled where it is not there yet. The id is empty where the default cannot be had; where the one
    that was asked for cannot, this raises UnavailableError.
    """
    asked = os.environ.get(variable, "")
    name = asked or default
    try:
        image = client.images.get(name)
    except ImageNotFound:
        if reach.registry_has(name):
            image = client.images.pull(name)
        elif asked:
            raise UnavailableError(
                f"{variable} is {name}, which is neither here nor to be pulled from here."
            ) from None
        else:
            return name, ""
    return name, str(image.id)
