"""The `headway` command.

What only some of its commands need is loaded by them: `status` and `upgrade` at head are to be fast.
"""

from __future__ import annotations

import argparse
import gc
import getpass
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from importlib import import_module
from typing import Any

from . import engine
from .errors import HeadwayError
from .fleet.arguments import add_options
from .history import History
from .options import RunOptions
from .project import Project

FINE, FAULT, PENDING, DANGEROUS, STALE = 0, 1, 2, 3, 4

EXIT_CODES = (
    "Exit codes: 0 fine, 1 a fault (said on stderr), 2 `status --check` found the database not at head, "
    "3 `plan --lint error` found a danger, 4 `snapshot --check` found none or one that is not current."
)


def program() -> int:
    """Run the command in a process that ends with it, and give its exit code."""
    try:
        return main()
    finally:
        # At its end Python would look through all that was loaded for garbage, which goes anyway.
        gc.freeze()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code."""
    options = _parser().parse_args(arguments)
    project = Project(options.config, options.name, tuple(options.x), user=options.user)
    try:
        code: int = options.run(project, options)
    except HeadwayError as fault:
        if options.format == "json":
            print(json.dumps(fault.to_dict(), indent=2))
        else:
            for line in fault.data.get("log", ()):
                print(line, file=sys.stderr)
        print(f"headway: {fault.message}", file=sys.stderr)
        return FAULT
    except KeyboardInterrupt:
        print("headway: interrupted; `headway status` says what is applied.", file=sys.stderr)
        return FAULT
    return code


def _status(project: Project, options: argparse.Namespace) -> int:
    if options.databases:
        from .fleet import cli as many
        from .fleet import text

        fleet = many.status(project, options, _say)
        _show(options, fleet.to_dict(), lambda: text.fleet_text(fleet, every=True))
        if fleet.counts["failed"]:
            return FAULT
        elsewhere = fleet.counts["pending"] or fleet.counts["ahead"]
        return PENDING if options.check and elsewhere else FINE
    status = engine.status(project)
    _show(options, status.to_dict(), lambda: _report().status_text(status))
    return PENDING if options.check and not status.at_head else FINE


def _history(project: Project, options: argparse.Namespace) -> int:
    status = engine.status(project)
    history = History(status.history)
    _show(
        options,
        {"history": history.to_dict()["revisions"]},
        lambda: _report().history_text(status.history, history, status.current),
    )
    return FINE


def _plan(project: Project, options: argparse.Namespace) -> int:
    from .review.verdict import refuses, review

    target = " ".join(options.revision)
    if options.down:
        planned = engine.plan_downgrade(project, target)
        _show(options, planned.to_dict(), lambda: _report("plan_report").plan_text(planned))
        return FINE
    planned = engine.plan(
        project,
        target,
        allow_several_heads=options.allow_several_heads,
        edited=options.edited,
        snapshot=options.snapshot,
    )
    reviewed = review(planned) if options.lint != "off" else None
    values = {**planned.to_dict(), "review": reviewed and reviewed.to_dict()}
    _show(options, values, lambda: _report("plan_report").plan_text(planned, reviewed))
    return DANGEROUS if reviewed and options.lint == "error" and refuses(reviewed) else FINE


def _rehearse(project: Project, options: argparse.Namespace) -> int:
    from .rehearsal import PASSED, RehearsalOptions

    target = " ".join(options.revision)
    if options.down:
        planned = engine.plan_downgrade(project, target)
    else:
        planned = engine.plan(
            project,
            target,
            allow_several_heads=options.allow_several_heads,
            sql=False,
            edited=options.edited,
        )
    how = RehearsalOptions(rows=options.rows, scratch=options.scratch, who=_who())
    rehearsal = engine.rehearse(project, planned, options=how)
    _show(options, rehearsal.to_dict(), lambda: _report("scratch_report").rehearsal_text(rehearsal))
    return FINE if rehearsal.outcome == PASSED else FAULT


def _adopt(project: Project, options: argparse.Namespace) -> int:
    from .adoption import AdoptionOptions

    how = AdoptionOptions(
        revision=options.revision,
        accept_differences=options.accept_differences,
        scratch=options.scratch,
        who=_who(),
        record=options.record,
    )
    adoption = engine.adopt(project, how)
    _show(options, adoption.to_dict(), lambda: _report("scratch_report").adoption_text(adoption))
    return FINE if adoption.after or adoption.matches else FAULT


def _snapshot(project: Project, options: argparse.Namespace) -> int:
    check = options.check
    state = engine.snapshot_state(project) if check else engine.snapshot(project, _who())
    _show(options, state.to_dict(), lambda: _report().snapshot_text(state))
    return FINE if state.current else STALE


def _upgrade(project: Project, options: argparse.Namespace) -> int:
    if options.databases:
        from .fleet import cli as many
        from .fleet import text

        fleet = many.upgrade(project, options, _run_options(options), _say)
        _show(options, fleet.to_dict(), lambda: text.fleet_text(fleet))
        return FINE
    planned = engine.plan(
        project,
        " ".join(options.revision),
        allow_several_heads=options.allow_several_heads,
        sql=False,
        edited=options.edited,
        command=options.command,
        snapshot=options.snapshot,
    )
    migration = engine.upgrade(project, planned, options.command, _run_options(options), _say)
    _show(options, migration.to_dict(), lambda: _report().migration_text(migration))
    return FINE


def _downgrade(project: Project, options: argparse.Namespace) -> int:
    planned = engine.plan_downgrade(project, options.revision)
    run_options = _run_options(options)
    migration = engine.downgrade(
        project, planned, run_options, _say, accept_loss=options.accept_loss
    )
    _show(options, migration.to_dict(), lambda: _report().migration_text(migration))
    return FINE


def _run_options(options: argparse.Namespace) -> RunOptions:
    return RunOptions(**{field.name: getattr(options, field.name) for field in fields(RunOptions)})


def _who() -> str:
    return f"{getpass.getuser()}@{os.uname().nodename}"


def _say(sentence: str) -> None:
    print(f"headway: {sentence}", file=sys.stderr, flush=True)


def _report(module: str = "report") -> Any:
    return import_module(f".{module}", __package__)


def _show(options: argparse.Namespace, data: dict[str, Any], text: Callable[[], str]) -> None:
    print(_json(data) if options.format == "json" else text().rstrip())


def _json(data: dict[str, Any]) -> str:
    """Give JSON with a line for each item of each list: a history is long."""
    one = json.JSONEncoder().encode

    def lines(value: Any) -> str:
        if not isinstance(value, (list, tuple)) or not value:
            return one(value)
        return "[\n    " + ",\n    ".join(map(one, value)) + "\n  ]"

    return "{\n" + ",\n".join(f"  {one(n)}: {lines(v)}" for n, v in data.items()) + "\n}"


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-c", "--config", default="alembic.ini", help="default: %(default)s")
    common.add_argument("-n", "--name", default="alembic", help="section of it")
    common.add_argument("-x", action="append", default=[], help="argument for env.py")
    common.add_argument("--user", help="account to run the app's code as (needs root)")
    common.add_argument("--format", choices=["text", "json"], default="text")

    target = argparse.ArgumentParser(add_help=False)
    target.add_argument("revision", nargs="*", default=[], help="one or several; default: heads")
    target.add_argument("--allow-several-heads", action="store_true")
    target.add_argument(
        "--edited",
        choices=["off", "warn", "error"],
        default="warn",
        help="what an applied revision whose file was edited since is (%(default)s)",
    )

    parser = argparse.ArgumentParser(prog="headway", description=__doc__, epilog=EXIT_CODES)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    status = commands.add_parser("status", parents=[common], help="where things stand")
    status.add_argument("--check", action="store_true", help="exit with 2 unless at head")
    add_options(status)
    status.set_defaults(run=_status)

    plan = commands.add_parser("plan", parents=[common, target], help="what an upgrade would do")
    plan.add_argument("--down", action="store_true", help="what a downgrade would do, to REVISION")
    plan.add_argument(
        "--lint",
        choices=["off", "warn", "error"],
        default="warn",
        help="whether the SQL is judged, and a danger is a fault (%(default)s)",
    )
    plan.set_defaults(run=_plan)

    rehearse = commands.add_parser(
        "rehearse", parents=[common, target], help="run what is pending in a scratch database"
    )
    rehearse.add_argument("--down", action="store_true", help="a downgrade instead, to REVISION")
    rehearse.add_argument(
        "--rows",
        choices=["none", "all"],
        default="none",
        help="what of the rows to copy (%(default)s)",
    )
    rehearse.add_argument(
        "--scratch", default="", help="a scratch database that was made for this run"
    )
    rehearse.set_defaults(run=_rehearse)

    upgrade = commands.add_parser("upgrade", parents=[common, target], help="apply what is pending")
    for command in (plan, upgrade):
        command.add_argument(
            "--no-snapshot",
            dest="snapshot",
            action="store_false",
            help="run the revisions also where the app's snapshot could be loaded",
        )
    upgrade.add_argument(
        "--command", default="", help="the app's own, run in place of alembic's upgrade"
    )
    add_options(upgrade)
    _add_run_options(upgrade)
    upgrade.set_defaults(run=_upgrade)

    downgrade = commands.add_parser(
        "downgrade", parents=[common], help="take back what is above a revision"
    )
    downgrade.add_argument("revision", help="where to end: -1, an id, branch@-1, base")
    downgrade.add_argument(
        "--accept-loss",
        action="store_true",
        help="also where data is lost, or a downgrade() is empty and leaves the schema as it is",
    )
    _add_run_options(downgrade)
    downgrade.set_defaults(run=_downgrade)
    adopt = commands.add_parser(
        "adopt",
        parents=[common],
        help="find the revision whose schema a database without a version has, or stamp it with it",
    )
    adopt.add_argument("revision", nargs="?", default="", help="stamp it with this one")
    adopt.add_argument("--accept-differences", action="store_true", help="though they differ")
    adopt.add_argument("--scratch", default="", help="an empty scratch database made for this run")
    _add_no_record(adopt)
    adopt.set_defaults(run=_adopt)

    snapshot = commands.add_parser(
        "snapshot",
        parents=[common],
        help="write what the revisions make of an empty database as one SQL file beside them",
    )
    snapshot.add_argument(
        "--check", action="store_true", help="only tell, and exit with 4 unless it is current"
    )
    snapshot.set_defaults(run=_snapshot)

    history = commands.add_parser("history", parents=[common], help="the revisions, base first")
    history.set_defaults(run=_history)
    return parser


def _add_run_options(command: argparse.ArgumentParser) -> None:
    default = RunOptions(who=_who())

    def add(option: str, text: str, **more: Any) -> None:
        value = getattr(default, option.replace("-", "_"))
        command.add_argument(f"--{option}", default=value, help=f"{text} (%(default)s)", **more)

    command.add_argument(
        "--no-lock", dest="lock", action="store_false", help="run beside other migrations"
    )
    add("lock-wait", "seconds to wait for another migration", type=float)
    add("retry-for", "seconds to go on trying where a lock is not to be had", type=float)
    add("lock-timeout", "how long a statement may wait for a lock, with unit; 0: for ever")
    add(
        "statement-timeout", "how long a statement may take, with unit; empty: as the server has it"
    )
    _add_no_record(command)
    add("who", "who runs this, shown to those who wait")
    add("release", "what is released, shown to those who wait")


def _add_no_record(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--no-record", dest="record", action="store_false", help="do not write the run down"
    )


if __name__ == "__main__":
    sys.exit(program())
