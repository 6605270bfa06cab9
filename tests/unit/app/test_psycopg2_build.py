from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.app.example import PROJECT

ROLE = PROJECT / "roles/psycopg2_build"


def templated(expression: str, family: str, **variables: Any) -> Any:
    """What the role's own variables say on a platform, as Ansible templates them."""
    given = {"psycopg2_build_pg_config": "", **variables}
    done = subprocess.run(
        [
            Path(sys.executable).with_name("ansible"),
            "localhost",
            "--inventory=localhost,",
            "--connection=local",
            "--module-name=ansible.builtin.debug",
            f"--args=var={expression}",
            *(f"--extra-vars=@{ROLE}/vars/{name}.yml" for name in ("main", *family.split())),
            f"--extra-vars={json.dumps(given)}",
        ],
        env={**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_NOCOLOR": "1"},
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.partition("=>")[2])[expression]


@pytest.mark.parametrize("prefix", ["/opt/homebrew", "/usr/local"])
def test_on_macos_the_build_finds_homebrews_libpq_and_openssl(prefix: str) -> None:
    environment = templated(
        "__psycopg2_build_environment", "Darwin", __psycopg2_build_prefix=prefix
    )
    assert environment == {
        "PATH": f"{prefix}/opt/libpq/bin:{prefix}/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "LDFLAGS": f"-L{prefix}/opt/openssl@3/lib -L{prefix}/opt/libpq/lib",
        "CPPFLAGS": f"-I{prefix}/opt/openssl@3/include -I{prefix}/opt/libpq/include",
    }


@pytest.mark.parametrize(
    ("family", "variables", "environment"),
    [
        ("Debian", {}, {}),
        ("RedHat RedHat_9", {}, {}),
        ("Darwin", {"psycopg2_install": "binary", "__psycopg2_build_prefix": "/opt/homebrew"}, {}),
        (
            "RedHat",
            {"psycopg2_build_pg_config": "/usr/pgsql-17/bin/pg_config"},
            {
                "PATH": "/usr/pgsql-17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            },
        ),
    ],
)
def test_pip_gets_an_environment_only_where_pg_config_is_elsewhere(
    family: str, variables: dict[str, str], environment: dict[str, str]
) -> None:
    assert templated("__psycopg2_build_environment", family, **variables) == environment


@pytest.mark.parametrize(
    ("family", "variables", "candidates"),
    [
        ("Debian", {}, ["python3"]),
        ("RedHat", {}, ["python3"]),
        ("RedHat RedHat_9", {}, ["python3.12", "python3.11"]),
        ("RedHat RedHat_9", {"app_python": "python3.11"}, ["python3.11"]),
        ("RedHat RedHat_9", {"app_python": "/opt/python/bin/python3"}, []),
    ],
)
def test_the_packages_for_the_apps_python(
    family: str, variables: dict[str, str], candidates: list[str]
) -> None:
    assert templated("__psycopg2_build_candidates", family, **variables) == candidates


def described(program: str, python: str = sys.executable) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-Ic", (ROLE / "files" / program).read_text()],
        check=True,
        capture_output=True,
        text=True,
    )
    description: dict[str, Any] = json.loads(done.stdout)
    return description


def test_a_python_says_what_it_is() -> None:
    description = described("describe_python.py")
    assert description["version"] == ".".join(map(str, sys.version_info[:3]))
    assert description["venv"] is True


def test_the_binary_wheel_is_known_for_what_it_is() -> None:
    """The project's own venv has it."""
    description = described("describe_psycopg2.py")
    assert description["binary"] is True
    assert description["built_with"] == description["runs_with"]


def test_a_venv_without_psycopg2_says_nothing(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    assert described("describe_psycopg2.py", str(tmp_path / "bin/python")) == {}
