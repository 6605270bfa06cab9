"""Runs the app's code in a process of its own, as an account of its own.

env.py is written to be run once by the `alembic` command. A fresh process for every run of it
keeps that true, keeps all it does (working directory, environment, logging, connections left
open) from the next one, and lets root stay root where the app's code does not.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import IO, Any, NoReturn

from .errors import HeadwayError
from .project import Project
from .secrets import Secrets

Work = Callable[[Project, Secrets], dict[str, Any]]


def run(work: Work, project: Project) -> tuple[dict[str, Any], list[str]]:
    """Give what `work` returns, and the lines that it and all it called printed.

    The answer comes back as JSON, never as pickle: the app's code may not decide what is
    executed here. Raises HeadwayError as the work did, its `data["log"]` the lines printed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            _work_and_exit(work, project, answer, output)
        status = _wait(child)
        answer.seek(0)
        text = answer.read()
        if not text:
            raise _died(status, project, _lines(output))
    reply = json.loads(text)
    if "fault" in reply:
        fault = reply["fault"]
        raise HeadwayError(
            fault["kind"], fault["message"], **{**fault["data"], "log": reply["log"]}
        )
    return reply["result"], reply["log"]


def _wait(child: int) -> int:
    try:
        return os.waitpid(child, 0)[1]
    except BaseException:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        raise


def _work_and_exit(work: Work, project: Project, answer: IO[bytes], output: IO[bytes]) -> NoReturn:
    secrets = Secrets()
    reply: dict[str, Any]
    try:
        _redirect(output)
        secrets.learn_environment({**os.environ, **project.environment})
        for argument in project.x_arguments:
            secrets.learn(argument.partition("=")[2])
        if project.user:
            _become(project.user)
        os.environ.update(project.environment)
        os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
        reply = {"result": work(project, secrets)}
    except HeadwayError as fault:
        reply = {"fault": fault.to_dict()}
    except BaseException as error:
        traceback.print_exc()
        message = f"Headway itself failed: {type(error).__name__}: {error}."
        reply = {"fault": HeadwayError("internal", message).to_dict()}
    sys.stdout.flush()
    reply["log"] = _lines(output)
    answer.write(json.dumps(secrets.clean(reply)).encode())
    answer.flush()
    # Not sys.exit: what the parent registered to happen at its exit is the parent's to do.
    os._exit(0)


def _redirect(output: IO[bytes]) -> None:
    """Send everything that is printed, also by C code and child processes, to `output`."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    stream = open(  # noqa: SIM115 - lives as long as the process
        1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = stream  # type: ignore[misc]
    sys.argv = ["alembic"]


def _become(user: str) -> None:
    """Be `user` for good: its uid, gid and groups, its HOME."""
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise HeadwayError(
            "no_such_user", f"There is no account {user} on this machine; create it first."
        ) from None
    if os.geteuid() != account.pw_uid:
        if os.geteuid() != 0:
            me = pwd.getpwuid(os.geteuid()).pw_name
            raise HeadwayError(
                "not_root",
                f"Only root can run the migrations as {user}, and this is {me}: run as root, "
                f"as {user}, or name no user.",
            )
        os.initgroups(user, account.pw_gid)
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    os.environ.update(HOME=account.pw_dir, USER=user, LOGNAME=user)


def _lines(output: IO[bytes]) -> list[str]:
    output.seek(0)
    return output.read().decode("utf-8", "replace").splitlines()


def _died(status: int, project: Project, lines: list[str]) -> HeadwayError:
    code = os.waitstatus_to_exitcode(status)
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
    secrets = Secrets()
    secrets.learn_environment({**os.environ, **project.environment})
    return HeadwayError(
        "process_ended",
        f"The process that ran env.py of {project.config_path} {how} before it was done; "
        "env.py or what it imports ended it, or the machine ran out of memory.",
        log=secrets.clean(lines),
    )
