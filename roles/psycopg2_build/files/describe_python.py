"""Tell, as JSON, this Python's version, and whether it makes venvs and compiles extensions."""

import importlib.util
import json
import os
import sys
import sysconfig

print(
    json.dumps(
        {
            "version": ".".join(map(str, sys.version_info[:3])),
            "venv": all(map(importlib.util.find_spec, ["venv", "ensurepip"])),
            "headers": os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")),
        }
    )
)
