"""Whether one may say yes to a plan.

What judges is loaded only for a plan that has something to judge: it takes a tenth of a second.
"""

from __future__ import annotations

from ..errors import HeadwayError
from ..results import Plan
from .results import Review


def review(plan: Plan) -> Review:
    """Say what the pending revisions of a plan lock and what is dangerous in them.

    What is applied already is not judged.
    """
    if not plan.pending:
        return Review(())
    if not plan.server:
        return _none("reviewed are plans for PostgreSQL only")
    try:
        from .reviewer import Reviewer
    except ModuleNotFoundError as error:
        return _none(f"{error.name} is not installed here ({_INSTALL})")
    try:
        return Reviewer(plan).review()
    except HeadwayError as fault:
        return _none(fault.message)


def refuses(review: Review) -> str:
    """Give the sentence that stops a deploy where dangers are errors; "" where nothing does."""
    if review.unjudged:
        return review.unjudged
    if not review.dangers:
        return ""
    count = len(review.dangers)
    named = "; ".join(f"{f.rule} ({f.file}, line {f.line})" for f in review.dangers)
    return (
        f"The plan has {count} danger{'s' * (count > 1)}, so nothing was applied: {named}. Write them "
        "the safe way, which the plan shows, or allow them with a reason in headway_allow."
    )


_INSTALL = "pip install 'headway[review]', where the platform has pglast and squawk-cli"


def _none(why: str) -> Review:
    return Review((), unjudged=f"The plan is not reviewed: {why}.")
