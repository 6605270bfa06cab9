"""What the Ansible modules share. Knows AnsibleModule by its shape only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import HeadwayError
from .options import RunOptions
from .project import Project
from .results import Plan
from .secrets import Secrets

ARGUMENTS: dict[str, dict[str, Any]] = {
    "config": {"type": "path", "required": True},
    "name": {"type": "str", "default": "alembic"},
    "x_arguments": {"type": "list", "elements": "str", "default": []},
    "environment": {"type": "dict", "default": {}, "no_log": True},
    "user": {"type": "str"},
}


# As options.RunOptions has them.
RUN_ARGUMENTS: dict[str, dict[str, Any]] = {
    "lock": {"type": "bool", "default": True},
    "lock_wait": {"type": "float", "default": 60},
    "retry_for": {"type": "float", "default": 60},
    "lock_timeout": {"type": "str", "default": "2s"},
    "statement_timeout": {"type": "str", "default": ""},
    "record": {"type": "bool", "default": True},
    "who": {"type": "str", "default": ""},
    "release": {"type": "str", "default": ""},
}


def run_options(params: dict[str, Any]) -> RunOptions:
    """Give how a run is to behave, from a module's parameters."""
    return RunOptions(**{name: params[name] for name in RUN_ARGUMENTS})


def predicted(planned: Plan) -> dict[str, Any]:
    """Give a plan in the form of the run it foretells."""
    values = planned.to_dict()
    return {"changed": planned.changes, "before": values.pop("current"), "applied": [], **values}


def perform(module: Any, work: Callable[[Project], dict[str, Any]]) -> None:
    """End the module with what `work` returns, or with the fault it raises, in a sentence."""
    project = _project(module.params)
    _hide_secrets_alone(module, project)
    # These are told to nobody, not even where no secret is seen in them.
    hidden = {n: "(not shown)" for n in ("environment", "databases") if n in module.params}
    invocation = {"module_args": {**module.params, **hidden}}
    try:
        result = work(project)
    except HeadwayError as fault:
        data = _warned(module, {"kind": fault.kind, **fault.data})
        module.fail_json(msg=fault.message, invocation=invocation, **data)
    else:
        module.exit_json(**_warned(module, result), invocation=invocation)


def _warned(module: Any, result: dict[str, Any]) -> dict[str, Any]:
    """Hand the warnings to Ansible, which shows them and puts them into the result itself."""
    for warning in result.get("warnings", ()):
        module.warn(warning)
    return {name: value for name, value in result.items() if name != "warnings"}


def _project(params: dict[str, Any]) -> Project:
    return Project(
        config=params["config"],
        name=params["name"],
        x_arguments=tuple(params["x_arguments"]),
        environment={name: str(value) for name, value in params["environment"].items()},
        user=params["user"],
    )


def _hide_secrets_alone(module: Any, project: Project) -> None:
    """Have Ansible blank out the secrets, not every value of `environment`.

    It replaces each no_log value wherever it occurs: with DEBUG: "1" in the environment, every
    1 in the revision ids of the result would be gone.
    """
    secrets = Secrets()
    secrets.learn_project(project)
    module.no_log_values.clear()
    module.no_log_values.update(secrets.known)
