"""The arguments of `headway` for many databases."""

from __future__ import annotations

import argparse
from dataclasses import replace

from .options import FleetOptions


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what names many databases, and divides them."""
    default = FleetOptions()
    many = command.add_argument_group("many databases")
    many.add_argument(
        "--databases",
        default="",
        metavar="FILE",
        help="of all that this JSON file names: a list, a query or a command; - is stdin",
    )
    many.add_argument(
        "--workers", type=int, default=default.workers, help="databases at a time (%(default)s)"
    )
    many.add_argument(
        "--waves",
        type=lambda text: tuple(text.split(",")),
        default=default.waves,
        help="databases a wave, or percent of those pending; the last again (1,10%%,100%%)",
    )
    many.add_argument(
        "--max-failures",
        type=int,
        default=default.max_failures,
        help="how many may fail before no other is begun (%(default)s)",
    )


def fleet_options(options: argparse.Namespace) -> FleetOptions:
    """Give how a run over them is to behave."""
    several = FleetOptions(
        workers=options.workers, waves=options.waves, max_failures=options.max_failures
    )
    if "revision" not in options:
        return several
    return replace(
        several,
        target=" ".join(options.revision) or several.target,
        allow_several_heads=options.allow_several_heads,
        edited=options.edited,
    )
