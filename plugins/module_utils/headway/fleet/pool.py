"""A bounded number of processes, each with one database.

They are forked from this process, which has loaded alembic, SQLAlchemy and the driver once and
nothing of the app, so a database costs neither an interpreter's start nor those imports, and what
they share is in memory once. It forks, listens and does no more: a process with threads could not.
"""

from __future__ import annotations

import contextlib
import select
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .. import process
from ..errors import HeadwayError
from ..process import Process, Tell, Work
from ..project import Project
from .members import Member

_DEATH_IS_NOTICED_EVERY = 0.5  # seconds, where what it left running keeps its pipe open

Answer = dict[str, Any] | HeadwayError


def each(
    work: Work,
    members: Iterable[Member],
    project: Project,
    workers: int,
    tell: Tell,
    enough: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Member, Answer]]:
    """Give what comes of `work` for each database, as it comes: its answer or its fault.

    Once there is `enough` no other is begun; those that run come to their end.
    """
    waiting = iter(members)
    running: dict[Process, tuple[Member, contextlib.ExitStack]] = {}
    with contextlib.ExitStack() as all_of_them:
        while True:
            while len(running) < workers and not enough() and (member := next(waiting, None)):
                stack = all_of_them.enter_context(contextlib.ExitStack())
                said = _named(member.name, tell)
                talk = process.conversation(work, member.of(project), said)
                running[stack.enter_context(talk)] = (member, stack)
            if not running:
                return
            select.select(list(running), [], [], _DEATH_IS_NOTICED_EVERY)
            for child in list(running):
                if (answer := _heard(child)) is not None:
                    member, stack = running.pop(child)
                    stack.close()
                    yield member, answer


def _heard(child: Process) -> Answer | None:
    while child.speaks:
        try:
            if answer := child.next():
                return answer[0]
        except HeadwayError as fault:
            return fault
    return None


def _named(name: str, tell: Tell) -> Tell:
    return lambda sentence: tell(f"{name}: {sentence}")
