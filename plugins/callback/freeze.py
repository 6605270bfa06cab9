# Copyright the Headway authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps Python from looking for garbage, in each task's process, among all that the controller has loaded."""

from __future__ import annotations

import gc
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: freeze
type: aggregate
short_description: Spares each task's process the search for garbage in what the controller has loaded
version_added: 0.1.0
description:
  - Ansible forks a process for each task and host. Where the controller is about to look for garbage when it forks,
    each of these processes does so, through the whole playbook and inventory, until the controller has done it itself.
    That can take longer than a task that only decides.
  - When a play starts, what is loaded by then is put where that search does not go (gc.freeze of Python).
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Freezes what is loaded when a play starts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "freeze"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Freezes, before the play's first process is forked."""
        gc.freeze()
