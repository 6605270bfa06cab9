"""What pip compiled on a host, so that other hosts of its kind need not."""

from __future__ import annotations

import hashlib
from importlib.metadata import distributions
from pathlib import Path

# PEP 427 and 600: a published wheel for Linux says manylinux or musllinux.
_LINUX = "-linux_"


def compiled(venv: Path) -> list[str]:
    """The pinned requirements of a venv's distributions that were compiled for it, from an index's source."""
    found = []
    for folder in sorted(venv.glob("lib/python*/site-packages")):
        for distribution in distributions(path=[str(folder)]):
            tags = [
                line
                for line in (distribution.read_text("WHEEL") or "").splitlines()
                if line.startswith("Tag:")
            ]
            if any(_LINUX in tag for tag in tags) and not distribution.read_text("direct_url.json"):
                found.append(f"{distribution.metadata['Name']}=={distribution.version}")
    return sorted(found)


def described(folder: Path) -> list[dict[str, str]]:
    """Each compiled wheel of a folder (PEP 427: name-version-…-platform.whl) as a hashed requirement."""
    return [
        {
            "file": path.name,
            "requirement": "==".join(path.name.split("-")[:2]),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.glob(f"*{_LINUX}*.whl"))
    ]
