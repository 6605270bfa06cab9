"""Asks a URL for a list, again and again until it is stopped, then writes how it went.

Its arguments are the URL and the file to write: {"asked": number of requests, "failed": [what went wrong, ...]}.
"""

from __future__ import annotations

import json
import signal
import sys
import time
import urllib.request

url, result = sys.argv[1:]
failed: list[str] = []
asked = 0
stopped: list[bool] = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
while not stopped:
    asked += 1
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 (the test's own)
            names = {entry["name"] for entry in json.load(answer)}
        if not {"Ada", "Grace"} <= names:
            failed.append(f"request {asked} was answered with {names}")
    except (OSError, ValueError) as error:
        failed.append(f"request {asked}: {error}")
    time.sleep(0.02)
with open(result, "w") as file:
    json.dump({"asked": asked, "failed": failed}, file)
