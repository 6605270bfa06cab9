# Copyright the Headway authors
# SPDX-License-Identifier: Apache-2.0
"""Ends a playbook's output with what a person wants to know of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: summary
type: aggregate
short_description: Ends the output with what the run did
version_added: 0.1.0
description:
  - After the recap, one line a fact for each app. Where it answers, its database, the revision before and after,
    the release, which tasks changed something and what to type next.
  - Shows what roles leave in the statistic C(headway) of a host by M(ansible.builtin.set_stats), and the tasks that
    reported a change. Stays silent where a host failed, since the failure's own sentence says what to do.
"""

FEW = 15
ORDER = (
    "answers",
    "database",
    "backup",
    "rehearsal",
    "revision",
    "plan",
    "2nd backup",
    "afterwards",
    "last run",
    "release",
    "changed",
    "next",
)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Remembers which tasks changed something and prints the summary at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "summary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Starts with no change seen."""
        super().__init__()
        self._changed: dict[str, list[str]] = {}

    def v2_runner_on_ok(self, result: Any) -> None:
        """Remembers a task that changed something."""
        if result.result.get("changed", False):
            self._changed.setdefault(result.host.get_name(), []).append(result.task.get_name())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Prints the summary of each host that left one."""
        if stats.failures or stats.dark:
            return
        for host in sorted(stats.processed):
            lines = stats.custom.get(host, {}).get("headway", {})
            if lines:
                self._print(host, {**lines, "changed": changes(self._changed.get(host, []))})

    def _print(self, host: str, lines: dict[str, str]) -> None:
        self._display.banner(f"{lines['app']} on {host}")
        for label in filter(lines.get, ORDER):
            first, *more = lines[label].splitlines()
            self._display.display(f"{label:<10} {first}")
            for line in more:
                self._display.display(f"{'':<10} {line}")


def changes(tasks: list[str]) -> str:
    """The tasks by name where they are few, else how many there were in each role."""
    if not tasks:
        return "nothing"
    if len(tasks) <= FEW:
        return "\n".join(tasks)
    roles = Counter(task.partition(" : ")[0] if " : " in task else "playbook" for task in tasks)
    return f"{len(tasks)} tasks: " + ", ".join(f"{role} {count}" for role, count in roles.items())
