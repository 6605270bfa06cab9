"""Runs the app's code in a process of its own, as an account of its own.

env.py is written to be run once by the `alembic` command. A fresh process for every run of it
keeps that true, keeps all it does (working directory, environment, logging, connections left
open) from the next one, and lets root stay root where the app's code does not.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import pwd
import select
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from typing import IO, Any, NoReturn

from .errors import HeadwayError
from .project import Project
from .secrets import Secrets

Work = Callable[[Project, Secrets], "dict[str, Any] | Talk"]
# Work that gives an answer, keeps what it holds until it is spoken to again, and answers that.
Talk = Generator[dict[str, Any], dict[str, Any], None]
Tell = Callable[[str], None]

_DEATH_IS_NOTICED_EVERY = 0.5  # seconds, where what it left running keeps its pipe open


def run(work: Work, project: Project) -> tuple[dict[str, Any], list[str]]:
    """Give what `work` returns, and the lines that it and all it called printed.

    The answer comes back as JSON, never as pickle: the app's code may not decide what is
    executed here. Raises HeadwayError as the work did, its `data["log"]` the lines printed.
    """
    with conversation(work, project) as process:
        return process.hear()


@contextlib.contextmanager
def conversation(work: Work, project: Project, tell: Tell | None = None) -> Iterator[Process]:
    """Have `work` run until the end of the block; `tell` is given what it says meanwhile.

    What the work holds (a lock, a connection) it lets go of at the end of the block, or when this
    process ends in whatever way.
    """
    import tempfile  # here, since a run without another process is to be fast

    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as output, contextlib.ExitStack() as pipes:
        our_ears, their_mouth = os.pipe()
        their_ears, our_mouth = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(our_ears)
            os.close(our_mouth)
            _work_and_exit(work, project, their_ears, their_mouth, output)
        os.close(their_mouth)
        os.close(their_ears)
        hears = pipes.enter_context(open(our_ears, "rb", buffering=0))
        says = pipes.enter_context(open(our_mouth, "wb", buffering=0))
        process = Process(child, hears, says, output, project, tell)
        try:
            yield process
        except BaseException as error:
            if not isinstance(error, HeadwayError):
                process.end()
            raise
        finally:
            says.close()
            process.wait()


class Process:
    """The other side of a conversation."""

    def __init__(
        self,
        child: int,
        hears: IO[bytes],
        says: IO[bytes],
        output: IO[bytes],
        project: Project,
        tell: Tell | None,
    ) -> None:
        """Take the process's id and the two ends that are ours."""
        self._child = child
        self._hears = hears
        self._says = says
        self._output = output
        self._project = project
        self._tell = tell
        self._heard = b""
        self._status: int | None = None

    def hear(self) -> tuple[dict[str, Any], list[str]]:
        """Give its next answer, and the lines printed so far. Raises HeadwayError as `run`."""
        while (answer := self.next()) is None:
            pass
        return answer

    def next(self) -> tuple[dict[str, Any], list[str]] | None:
        """Give what `hear` does; None where it only told something first, which may be all it has."""
        line = self._line()
        if not line:
            raise _died(self.wait(), self._project, _lines(self._output))
        reply = json.loads(line)
        if "told" in reply:
            if self._tell:
                self._tell(reply["told"])
            return None
        if "fault" in reply:
            fault = reply["fault"]
            raise HeadwayError(
                fault["kind"], fault["message"], **{**fault["data"], "log": reply["log"]}
            )
        return reply["result"], reply["log"]

    def say(self, message: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Speak to it, and give its answer."""
        with contextlib.suppress(BrokenPipeError):
            self._says.write(json.dumps(message).encode() + b"\n")
        return self.hear()

    def end(self) -> None:
        """Ask it to end, in the middle of whatever it does."""
        if self._status is None:
            os.kill(self._child, signal.SIGTERM)

    def wait(self) -> int:
        """Wait for its end, and give its status as os.waitpid has it."""
        if self._status is None:
            try:
                self._status = os.waitpid(self._child, 0)[1]
            except BaseException:
                self.end()
                self._status = os.waitpid(self._child, 0)[1]
                raise
        return self._status

    def fileno(self) -> int:
        """Give what select(2) watches for words of it."""
        return self._hears.fileno()

    @property
    def speaks(self) -> bool:
        """Whether `next` would not have to wait: it has said something, or has ended."""
        return (
            b"\n" in self._heard
            or bool(select.select([self._hears], [], [], 0)[0])
            or self._ended()
        )

    def _line(self) -> bytes:
        """Give the next line that it wrote; nothing where it ended before."""
        while b"\n" not in self._heard:
            if select.select([self._hears], [], [], _DEATH_IS_NOTICED_EVERY)[0]:
                some = self._hears.read(1 << 20)
            elif not self._ended():
                continue
            elif select.select([self._hears], [], [], 0)[0]:
                some = self._hears.read(1 << 20)
            else:
                some = b""
            if not some:
                return b""
            self._heard += some
        line, _, self._heard = self._heard.partition(b"\n")
        return line

    def _ended(self) -> bool:
        if self._status is None:
            ended, status = os.waitpid(self._child, os.WNOHANG)
            self._status = status if ended else None
        return self._status is not None


class _Answers:
    """Where the process of the app's own writes to the one that asked."""

    def __init__(self) -> None:
        self._stream: IO[bytes] | None = None
        self._secrets = Secrets()
        self._one_at_a_time = threading.Lock()

    def open(self, stream: IO[bytes], secrets: Secrets) -> None:
        self._stream = stream
        self._secrets = secrets

    def send(self, message: dict[str, Any]) -> None:
        if self._stream is None:
            return
        with self._one_at_a_time:
            self._stream.write(json.dumps(self._secrets.clean(message)).encode() + b"\n")
            self._stream.flush()


_answers = _Answers()


def tell(sentence: str) -> None:
    """Let the caller of the engine know something while the work goes on."""
    with contextlib.suppress(BrokenPipeError):
        _answers.send({"told": sentence})


def _work_and_exit(
    work: Work, project: Project, ears: int, mouth: int, output: IO[bytes]
) -> NoReturn:
    gc.freeze()  # what was loaded before the fork is never garbage here: no time to look for it
    secrets = Secrets()
    _answers.open(open(mouth, "wb"), secrets)  # noqa: SIM115 - lives as long as the process
    # One that has nobody to answer to any more still comes to its end.
    with contextlib.suppress(BrokenPipeError):
        try:
            _redirect(output)
            secrets.learn_environment(os.environ)
            secrets.learn_project(project)
            if project.user:
                _become(project.user)
            os.environ.update(project.environment)
            os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
            _talk(work(project, secrets), ears, output)
        except HeadwayError as fault:
            _answers.send({"fault": fault.to_dict(), "log": _lines(output)})
        except BaseException as error:
            import traceback

            traceback.print_exc()
            message = f"Headway itself failed: {type(error).__name__}: {error}."
            internal = HeadwayError("internal", message)
            _answers.send({"fault": internal.to_dict(), "log": _lines(output)})
    # Not sys.exit: what the parent registered to happen at its exit is the parent's to do.
    os._exit(0)


def _talk(work: dict[str, Any] | Talk, ears: int, output: IO[bytes]) -> None:
    if isinstance(work, dict):
        _answers.send({"result": work, "log": _lines(output)})
        return
    with contextlib.closing(work), open(ears, "rb") as questions:
        answer = next(work)
        while True:
            _answers.send({"result": answer, "log": _lines(output)})
            question = questions.readline()
            if not question:
                return
            answer = work.send(json.loads(question))


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
    import tempfile

    tempfile.tempdir = None  # to be found anew: the one found before may be root's alone


def _lines(output: IO[bytes]) -> list[str]:
    sys.stdout.flush()
    # Not by seek and read: the position is shared with all that prints.
    printed = os.pread(output.fileno(), os.fstat(output.fileno()).st_size, 0)
    return printed.decode("utf-8", "replace").splitlines()


def _died(status: int, project: Project, lines: list[str]) -> HeadwayError:
    code = os.waitstatus_to_exitcode(status)
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
    secrets = Secrets()
    secrets.learn_environment(os.environ)
    secrets.learn_project(project)
    return HeadwayError(
        "process_ended",
        f"The process that ran env.py of {project.config_path} {how} before it was done; "
        "env.py or what it imports ended it, or the machine ran out of memory.",
        log=secrets.clean(lines),
    )
