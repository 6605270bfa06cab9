# Copyright the Headway authors
# Apache License 2.0 (see LICENSE)
"""Has the module run on the host, and reviews its plan here on the controller."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """Adds `review` and `text` to a plan, shows it in diff mode, and fails where `lint` is error."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give the module's result, reviewed where it is a plan."""
        super().run(tmp, task_vars)
        result: dict[str, Any] = self._execute_module(task_vars=task_vars)
        if result.get("failed") or "sql_complete" not in result:
            return result
        plan = _headway("results").Plan.from_dict(
            {**result, "current": result["before"], "warnings": ()}
        )
        plan = _with_short_paths(plan, self._task.args["config"])
        lint = self._task.args.get("lint", "warn")
        reviewed = _headway("review.verdict").review(plan) if lint != "off" else None
        result["text"] = _headway("plan_report").plan_text(plan, reviewed)
        if "diff" in result:
            result["diff"] = {"prepared": result["text"]}
        result["refused"] = ""
        if reviewed:
            result["review"] = reviewed.to_dict()
            result["refused"] = _headway("review.verdict").refuses(reviewed)
            if result["refused"] and lint == "error":
                return {"failed": True, "kind": "dangerous_plan", "msg": result["refused"]}
            if reviewed.unjudged:
                self._display.warning(reviewed.unjudged)
        return result


def _with_short_paths(plan: Any, config: str) -> Any:
    """Give the plan with files as they lie beside alembic.ini: on the host they may lie there for this plan alone."""
    folder = f"{Path(config).parent}/"
    pending = (replace(r, file=r.file.removeprefix(folder)) for r in plan.pending)
    return replace(plan, pending=tuple(pending))


def _headway(module: str) -> Any:
    """Load a part of the engine: of the collection that this is in, or as it is installed beside Ansible."""
    collection = __name__.rpartition(".action.")[0] if "ansible_collections" in __name__ else ""
    package = f"{collection}.module_utils.headway" if collection else "headway"
    return import_module(f"{package}.{module}")
