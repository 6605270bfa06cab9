"""The look after a run, which then writes down what came of it."""

from __future__ import annotations

from functools import partial

from .aside import Aside
from .database import database_sentence
from .history import History
from .look import observe
from .process import Talk
from .project import Project
from .record import end
from .secrets import Secrets


def verify(project: Project, secrets: Secrets, *, history: History) -> Talk:
    """Give a Look as a dictionary; told a `run` and its `revisions`, record them.

    Answers that with `warnings`: the reason why there is no record, if there is none.
    """
    seen, engines = observe(project, secrets, known=history)
    told = yield seen.to_dict()
    warnings = []
    for engine in engines:
        aside = Aside(engine, autocommit=False)
        try:
            aside.call(partial(end, told["run"], told["revisions"]))
        except Exception as error:
            said, _ = database_sentence(error) or (f"{type(error).__name__}: {error}", None)
            warnings.append(
                f"The run is not written down in the schema headway of the database: {said}."
            )
        finally:
            aside.close()
    yield {"warnings": warnings}
