"""The look after a run, where that could not look itself: env.py is run once more."""

from __future__ import annotations

from contextlib import closing

from .history import History
from .look import observe
from .process import Talk
from .project import Project
from .results import Found
from .secrets import Secrets
from .witness import Witness


def verify(project: Project, secrets: Secrets, *, history: History) -> Talk:
    """Give what was Found as a dictionary; told a `run` and its `revisions`, record them.

    Answers that with `warnings`: the reason why there is no record, if there is none.
    """
    seen, engines = observe(project, secrets, known=history)
    with closing(Witness(engines)) as witness:
        told = yield Found(seen.states, seen.invalid_indexes).to_dict()
        yield {"warnings": witness.write_down(told)}
