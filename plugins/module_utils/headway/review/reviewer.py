"""Judges what a plan sends."""

from __future__ import annotations

from collections import defaultdict

from ..history import Allowance
from ..results import PendingRevision, Plan, Table
from . import rules, squawk
from .advice import advice
from .locks import Lock, Locks, created, locks, runs_code, subjects
from .results import Finding, Review, ReviewedRevision, TouchedTable
from .statements import Sent, sent_by

# What is wrong also with a table that nobody uses yet.
_ALSO_OF_NEW_TABLES = {
    "ban-concurrent-index-creation-in-transaction",
    "identifier-too-long",
}
# Said of each constraint, where another rule says it better.
_SAID_BETTER = "constraint-missing-not-valid"


class Reviewer:
    """What is known of a plan's statements."""

    def __init__(self, plan: Plan) -> None:
        """Read them."""
        self.plan = plan
        self.statements = sent_by(plan)
        self.there: dict[str, Table] = {}
        self.table_of_index: dict[str, str] = {}
        for table in plan.tables:
            self.there[str(table)] = self.there[f"{table.schema}.{table.name}"] = table
            for index in table.indexes:
                self.table_of_index[index] = self.table_of_index[f"{table.schema}.{index}"] = str(
                    table
                )
        self.made_at: dict[str, int] = {}  # the tables that the plan makes
        self._see_what_is_made()
        self.locks = [self._locks(sent) for sent in self.statements]
        self.notes: list[str] = []

    def review(self) -> Review:
        """Judge them. Raises HeadwayError where squawk fails."""
        findings = self._findings()
        self._note_allowances()
        sent_by_revision: dict[str, list[Sent]] = defaultdict(list)
        for sent in self.statements:
            sent_by_revision[sent.revision.revision].append(sent)
        return Review(
            tuple(
                self._revision(r, sent_by_revision[r.revision], findings[r.revision])
                for r in self.plan.pending
            ),
            tuple(self.notes),
            self._how_long(),
        )

    def _see_what_is_made(self) -> None:
        for sent in self.statements:
            made = created(sent.node) if sent.node is not None else None
            if made is not None and made not in self.there:
                self.made_at.setdefault(made, sent.position)
            index = getattr(sent.node, "idxname", None)
            if index:
                self.table_of_index[index] = self._name(next(iter(subjects(sent.node, {}))))

    def _name(self, name: str) -> str:
        """Give the name by which the plan speaks of a table."""
        return str(self.there.get(name, name))

    def _locks(self, sent: Sent) -> Locks:
        if sent.node is None:
            return {}
        return {self._name(n): lock for n, lock in locks(sent.node, self.table_of_index).items()}

    def _strong_locks(self, sent: Sent) -> Locks:
        """Give the locks that stop those who use a table that was there before."""
        return {
            name: lock
            for name, lock in self.locks[sent.position].items()
            if lock.stops_the_app and name not in self.made_at
        }

    def _is_about_new_tables(self, sent: Sent) -> bool:
        about = subjects(sent.node, self.table_of_index) if sent.node is not None else set()
        return bool(about) and all(
            self.made_at.get(name, sent.position) < sent.position for name in about
        )

    def _findings(self) -> dict[str, list[Finding]]:
        said, unread = squawk.judge(self.statements, self.plan.server)
        for sent in unread:
            self.notes.append(
                f"Revision {sent.revision.revision}, line {sent.line}: squawk cannot read the "
                "statement and has not judged it."
            )
        problems = [(s.sent, s.rule, s.problem, s.help) for s in said]
        for sent in self.statements:
            if problem := rules.problem_of(sent):
                problems.append((sent, *problem, ""))
            if runs_code(sent.node):
                self.notes.append(
                    f"Revision {sent.revision.revision}, line {sent.line}, runs a block of code; what "
                    "that locks and does is not seen here."
                )
        for sent, problem in (
            *rules.several_tables(self.statements, self._strong_locks),
            *rules.backfills(self.statements, self._strong_locks),
            *rules.shared_transactions(self.statements),
        ):
            problems.append((sent, *problem, ""))

        problems.sort(key=lambda problem: (problem[0].line, problem[0].position))
        better = {sent.position for sent, rule, *_ in problems if rule != _SAID_BETTER}
        findings: dict[str, list[Finding]] = defaultdict(list)
        for sent, rule, problem_text, help_text in problems:
            if rule == _SAID_BETTER and sent.position in better:
                continue
            if rule not in _ALSO_OF_NEW_TABLES and self._is_about_new_tables(sent):
                continue
            finding = Finding(
                rule=rule,
                revision=sent.revision.revision,
                file=sent.revision.file,
                line=sent.line,
                problem=problem_text.replace("`", ""),
                advice=advice(rule, sent.node, help_text.replace("`", "")),
                allowed=_reason(sent.revision.allowed, rule),
            )
            if finding not in findings[finding.revision]:
                findings[finding.revision].append(finding)
        return findings

    def _note_allowances(self) -> None:
        for revision in self.plan.pending:
            for allowance in revision.allowed:
                if allowance.rule not in rules.OURS and not squawk.knows(allowance.rule):
                    self.notes.append(
                        f"Revision {revision.revision} allows {allowance.rule}, and there is no such "
                        f"rule: correct headway_allow in {revision.file}."
                    )
                elif not allowance.reason:
                    self.notes.append(
                        f"Revision {revision.revision} allows {allowance.rule} without a reason, which "
                        f'does not count: write headway_allow = {{"{allowance.rule}": "why"}} in {revision.file}.'
                    )

    def _how_long(self) -> str:
        locking = [s for s in self.statements if self.locks[s.position].keys() - self.made_at]
        if not locking:
            return ""
        apart = (
            "; outside of a transaction, for as long as its statement runs"
            if any(sent.transaction is None for sent in locking)
            else ""
        )
        return f"A lock is held until its revision commits: for moments, where no danger is named{apart}."

    def _revision(
        self, revision: PendingRevision, statements: list[Sent], findings: list[Finding]
    ) -> ReviewedRevision:
        strongest: dict[str, Lock] = {}
        for sent in statements:
            for name, lock in self.locks[sent.position].items():
                strongest[name] = max(lock, strongest.get(name, lock))
            if sent.node is not None and (made := created(sent.node)):
                strongest.setdefault(self._name(made), Lock.ACCESS_SHARE)
        tables = [self._touched(name, lock) for name, lock in strongest.items()]
        unjudged = None
        if revision.statements is None:
            unjudged = "Its locks and dangers are known only when it runs; a rehearsal tells more."
        return ReviewedRevision(revision.revision, tuple(tables), tuple(findings), unjudged)

    def _touched(self, name: str, lock: Lock) -> TouchedTable:
        table = self.there.get(name)
        if name in self.made_at:
            return TouchedTable(name, "", "", None, None)
        counted = table is not None and table.rows >= 0
        return TouchedTable(
            name,
            str(lock),
            lock.blocks,
            table.rows if table is not None and counted else None,
            table.bytes if table is not None and counted else None,
        )


def _reason(allowed: tuple[Allowance, ...], rule: str) -> str | None:
    return next((a.reason for a in allowed if a.rule == rule and a.reason), None)
