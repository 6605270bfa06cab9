"""Runs squawk on what the revisions of a plan send.

https://squawkhq.com/docs/rules
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import HeadwayError
from .statements import Sent

# Matters of taste, or of a script that is run again where it broke off: alembic runs a revision
# in a transaction and keeps its place. Dropping a constraint or a NOT NULL loses nobody anything,
# and the safe way to NOT NULL does it. Timeouts, BEGIN and COMMIT are ours.
NOT_ASKED = (
    "ban-char-field",
    "ban-drop-constraint",
    "ban-drop-not-null",
    "ban-uncommitted-transaction",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-timestamp-tz",
    "require-enum-value-ordering",
    "require-timeout-settings",
    "transaction-nesting",
)
_TIMEOUTS = "set lock_timeout = '2s';\nset statement_timeout = '1min';\n"
_SYNTAX = "syntax-error"


@dataclass(frozen=True)
class Said:
    """What squawk says of a statement."""

    sent: Sent
    rule: str
    problem: str
    help: str


def _program() -> str | None:
    """Give squawk's path: the one installed with this Python, or the first on PATH."""
    return shutil.which("squawk", path=sysconfig.get_path("scripts")) or shutil.which("squawk")


def judge(statements: Sequence[Sent], server: str) -> tuple[list[Said], list[Sent]]:
    """Give what squawk finds, and the statements that it cannot read.

    `server` is PostgreSQL's version. Raises HeadwayError where squawk itself fails.
    """
    readable = [sent for sent in statements if sent.node is not None]
    found = _findings(readable, server)
    # With one statement that it cannot read, it judges none.
    unread = [said.sent for said in found if said.rule == _SYNTAX]
    if unread:
        skipped = {sent.position for sent in unread}
        readable = [sent for sent in readable if sent.position not in skipped]
        found = _findings(readable, server)
    return [said for said in found if said.rule != _SYNTAX], unread


def knows(rule: str) -> bool:
    """Tell whether squawk has a rule of that name; it refuses to exclude one that it has not."""
    return _run(["--exclude", rule, "--reporter", "json"], "").returncode == 0


def _findings(statements: Sequence[Sent], server: str) -> list[Said]:
    if not statements:
        return []
    text, sent_at = _script(statements)
    options = [
        "--reporter",
        "json",
        "--stdin-filepath",
        "plan.sql",
        "--exclude",
        ",".join(NOT_ASKED),
    ]
    if server:
        options += ["--pg-version", ".".join(server.split(".")[:2])]
    done = _run(options, text)
    try:
        findings = json.loads(done.stdout)
    except ValueError:
        raise HeadwayError(
            "squawk_failed",
            f"squawk says {(done.stderr or done.stdout).strip()}",
        ) from None
    return [
        Said(sent_at[f["line"]], f["rule_name"], f["message"], f["help"] or "")
        for f in findings
        if f["line"] in sent_at
    ]


def _script(statements: Sequence[Sent]) -> tuple[str, dict[int, Sent]]:
    """Give the statements as a script with its transactions, and which one each line is of."""
    lines = _TIMEOUTS.splitlines()
    sent_at: dict[int, Sent] = {}
    before: int | None = None
    for sent in statements:
        if sent.transaction != before:
            lines += ["commit;"] if before is not None else []
            lines += ["begin;"] if sent.transaction is not None else []
            before = sent.transaction
        for line in f"{sent.sql};".splitlines():
            sent_at[len(lines)] = sent
            lines.append(line)
    return "\n".join([*lines, "commit;" if before is not None else ""]), sent_at


def _run(options: Sequence[str], script: str) -> subprocess.CompletedProcess[str]:
    squawk = _program()
    if squawk is None:
        raise HeadwayError(
            "no_squawk",
            "squawk is not installed here (pip install squawk-cli, where the platform has it)",
        )
    return subprocess.run(
        [squawk, *options],
        input=script,
        cwd="/",  # where no .squawk.toml of somebody else's lies
        capture_output=True,
        text=True,
        check=False,
    )
