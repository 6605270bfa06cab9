"""Asks apps which revision their code is for, again and again until it is stopped, then writes what it saw.

Its arguments are the file to write and the hosts: {"seen": [the hosts' revisions, each time that they differ],
"failed": [what went wrong, ...]}.
"""

from __future__ import annotations

import json
import signal
import sys
import time
import urllib.error
import urllib.request

result, *hosts = sys.argv[1:]
seen: list[list[list[str]]] = []
failed: list[str] = []
stopped: list[bool] = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))


def revision(host: str) -> list[str]:
    """Give the revision; an app whose database is ahead of its code tells it too, with status 503."""
    try:
        answer = urllib.request.urlopen(f"http://{host}:8000/healthz", timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        code: list[str] = json.load(answer)["code"]
    return code


while not stopped:
    try:
        revisions = [revision(host) for host in hosts]
        if revisions not in seen[-1:]:
            seen.append(revisions)
    except (OSError, ValueError, KeyError) as error:
        failed.append(str(error))
    time.sleep(0.02)
with open(result, "w") as file:
    json.dump({"seen": seen, "failed": failed}, file)
