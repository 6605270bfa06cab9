#!/usr/bin/python
# Copyright the Headway authors
# SPDX-License-Identifier: Apache-2.0
"""Has several files and folders on a host as they are to be."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: host_files
short_description: Several files and folders as they are to be, in one call
version_added: 0.1.0
description:
  - Writes files whole, each at once or not at all, and makes folders, with owner, group and mode. What a loop over
    M(ansible.builtin.copy) and M(ansible.builtin.file) does, without their connections for each item.
  - Ends at the first that cannot be had. What came before it stays and is named, in the message and in C(written),
    and the next run does the rest.
  - Put C(no_log) on the task where a content is secret.
options:
  files:
    description: The files and folders, parents first.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Where it is.
        type: path
        required: true
      content:
        description: What a file holds. Not given for a folder.
        type: str
      owner:
        description: Whose it is.
        type: str
        default: root
      group:
        description: Which group it has.
        type: str
        default: root
      mode:
        description: Which mode it has, in octal digits.
        type: str
        required: true
  backup:
    description: Whether a file that is overwritten is kept beside the new one.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Tells what it would change.
  diff_mode:
    support: full
    description: Shows contents.
author:
  - The Headway authors (@headway)
"""

EXAMPLES = r"""
- name: Have the app's configuration
  host_files:
    files:
      - {path: /etc/evaluation_app, group: evaluation_app, mode: "0750"}
      - {path: /etc/evaluation_app/app.env, content: "A=1\n", group: evaluation_app, mode: "0640"}
"""

RETURN = r"""
written:
  description: The C(path) of each file whose content was written, with C(backup_file) where one was kept.
  returned: always
  type: list
  elements: dict
"""

import os
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes, to_text

FILES = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "required": True},
}


class Module(AnsibleModule):  # type: ignore[misc]
    """Says of a failure what it came after; `at` is the path that is worked on."""

    at = ""
    changed: tuple[str, ...] = ()
    written: tuple[dict[str, str], ...] = ()

    def had(self, change: bool) -> None:
        """Remembers whether something of the path was changed."""
        if change and self.at not in self.changed:
            self.changed += (self.at,)

    def fail_json(self, msg: str, **more: Any) -> None:
        """Fails with `msg`, with what was changed before and what was not come to."""
        if self.at:
            paths = [wanted["path"] for wanted in self.params["files"]]
            left = paths[paths.index(self.at) + 1 :]
            msg = (
                f"{self.at} cannot be had as it is to be: {msg.rstrip('.')}. "
                f"Changed: {', '.join(self.changed) or 'nothing'}. "
                f"Not come to: {', '.join(left) or 'none'}. The next run does what is left."
            )
        super().fail_json(msg, **{**more, "changed": bool(self.changed), "written": self.written})


def content_of(path: str) -> bytes | None:
    """What a file holds; none where it is not there, or is a link or a folder."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def write(module: Module, path: str, content: bytes) -> None:
    """Puts a whole file in the place of what is there; a new one is its maker's alone until it has its mode."""
    usual = os.umask(0o077)
    descriptor, temporary = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    module.atomic_move(temporary, path)
    os.umask(usual)


def attributes(module: Module, wanted: dict[str, Any]) -> bool:
    """Sets owner, group and mode of what is there, in check mode only in thought. Whether that is a change."""
    if not os.path.exists(wanted["path"]):
        return False
    arguments = module.load_file_common_arguments(wanted, path=wanted["path"])
    return bool(module.set_fs_attributes_if_different(arguments, False))


def have_folder(module: Module, path: str) -> None:
    """Makes a folder where there is none."""
    if os.path.isdir(path):
        return
    if not module.check_mode:
        os.makedirs(path)
    module.had(True)


def have_content(module: Module, path: str, content: str) -> None:
    """Writes a file that holds something else, keeping that where it was asked."""
    before = content_of(path)
    if before == to_bytes(content):
        return
    kept = ""
    if not module.check_mode:
        if module.params["backup"] and before is not None:
            kept = module.backup_local(path)
            module.add_cleanup_file(kept)  # unless it is told
        write(module, path, to_bytes(content))
    module.had(True)
    module.written += ({"path": path, "backup_file": kept} if kept else {"path": path},)
    if kept:
        module.cleanup_files.remove(kept)


def have(module: Module, wanted: dict[str, Any]) -> None:
    """Has one file or folder as it is to be."""
    # First, lest a secret be written into a file that anybody may read.
    module.had(attributes(module, wanted))
    if wanted["content"] is None:
        have_folder(module, wanted["path"])
    else:
        have_content(module, wanted["path"], wanted["content"])
    module.had(attributes(module, wanted))


def difference(path: str, content: str) -> dict[str, str]:
    """What diff mode shows of a file that is about to be written."""
    before = to_text(content_of(path) or b"", errors="surrogate_or_replace")
    return {"before_header": path, "after_header": path, "before": before, "after": content}


def main() -> None:
    """Runs the module."""
    module = Module(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "required": True, "options": FILES},
            "backup": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    diff = []
    for wanted in module.params["files"]:
        module.at = wanted["path"]
        told, shown = len(module.written), difference(wanted["path"], wanted["content"] or "")
        try:
            have(module, wanted)
        except (
            Exception
        ) as error:  # also what Ansible's own parts raise, which is of no other class
            cause = error.__cause__ or error
            module.fail_json(msg=getattr(cause, "strerror", None) or str(cause))
        if len(module.written) > told:
            diff.append(shown)
    module.exit_json(changed=bool(module.changed), written=module.written, diff=diff)


if __name__ == "__main__":
    main()
