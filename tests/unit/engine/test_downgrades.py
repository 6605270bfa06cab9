"""Which revisions have a way back, and to which of them it leads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from headway import engine
from headway.downgrades import no_downgrade
from headway.errors import HeadwayError
from headway.project import Project
from headway.results import DOWN

from tests.unit.engine.apps import App

UPGRADE = "def upgrade():\n    op.create_table('t')\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (UPGRADE, "there is none"),
        (UPGRADE + "def downgrade():\n    pass\n", "it is empty"),
        (UPGRADE + "def downgrade():\n    '''Never.'''\n", "it is empty"),
        (UPGRADE + "def downgrade():\n    ...\n", "it is empty"),
        (UPGRADE + "def downgrade():\n    raise NotImplementedError\n", "it raises NotImplementedError"),
        (UPGRADE + "def downgrade():\n    raise NotImplementedError('x')\n", "it raises NotImplementedError"),
        (UPGRADE + "def downgrade():\n    op.drop_table('t')\n", None),
        (UPGRADE + "from shop.ways import downgrade\n", None),
        (UPGRADE + "downgrade = back\n", None),
        ("def upgrade():\n    '''Merge.'''\n    pass\ndef downgrade():\n    pass\n", None),
    ],
)  # fmt: skip
def test_a_way_back_is_told_from_the_file(tmp_path: Path, text: str, why: str | None) -> None:
    path = tmp_path / "aaaa.py"
    path.write_text(text)
    found = no_downgrade("aaaa", str(path))
    assert (found.why if found else None) == why


@pytest.fixture
def branches(app: App, project: Project) -> App:
    """Give an app of two branches, at the heads of both; `xxxx` is of a later release."""
    app.revision("aaaa", downgrade="op.drop_table('t_aaaa')")
    app.revision("bbbb", "aaaa", downgrade="op.drop_table('t_bbbb')")
    app.revision("xxxx", None, downgrade="op.drop_table('t_xxxx')")
    engine.upgrade(project, engine.plan(project, allow_several_heads=True))
    return app


def test_what_another_release_does_not_know_is_taken_back(project: Project, branches: App) -> None:
    planned = engine.plan_downgrade(project, stays=["aaaa", "other"])
    assert (planned.direction, planned.target, planned.after) == (DOWN, "aaaa", ("aaaa",))
    done = engine.downgrade(project, planned, accept_loss=True)
    assert {a.revision for a in done.applied} == {"bbbb", "xxxx"}
    assert done.after == ("aaaa",)
    assert not engine.plan_downgrade(project, stays=["aaaa"]).changes
    assert engine.plan_downgrade(project, stays=[]).after == ()


def test_what_is_still_built_on_cannot_be_taken_back(project: Project, branches: App) -> None:
    with pytest.raises(HeadwayError) as fault:
        engine.plan_downgrade(project, stays=["bbbb", "xxxx"])
    assert fault.value.kind == "still_needed"
    assert "Revision aaaa cannot be taken back: bbbb" in fault.value.message


def test_a_plan_that_was_overtaken_is_not_carried_out(project: Project, branches: App) -> None:
    planned = engine.plan_downgrade(project, "aaaa")
    branches.revision("cccc", "bbbb")
    engine.upgrade(project, engine.plan(project, "cccc"))
    renewed = engine.plan_downgrade(project, "cccc")
    assert renewed.look
    with pytest.raises(HeadwayError) as fault:
        engine.downgrade(project, replaced(planned, renewed), accept_loss=True)
    assert fault.value.kind == "still_needed"
    assert engine.status(project).current == ("cccc", "xxxx")


def replaced(planned: engine.Plan, renewed: engine.Plan) -> engine.Plan:
    """Give a plan with the later look at the files, which has the revision that came since."""
    return replace(planned, look=renewed.look)


@pytest.mark.parametrize(
    ("target", "stays"), [("", None), ("aaaa", ["aaaa"]), ("heads", None), ("+1", None)]
)
def test_where_it_ends_is_said_once_and_below(
    project: Project, branches: App, target: str, stays: list[str] | None
) -> None:
    with pytest.raises(HeadwayError) as fault:
        engine.plan_downgrade(project, target, stays=stays)
    assert fault.value.kind == "unknown_target"


def test_several_targets_up(project: Project, app: App) -> None:
    app.revision("aaaa", branch_labels=("one",))
    app.revision("bbbb", None, branch_labels=("two",))
    app.revision("cccc", None, branch_labels=("three",))
    planned = engine.plan(project, "two@head one@head")
    assert [p.revision for p in planned.pending] == ["bbbb", "aaaa"]
    assert engine.upgrade(project, planned).after == ("aaaa", "bbbb")
