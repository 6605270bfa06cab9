from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from headway import process
from headway.errors import HeadwayError
from headway.project import Project
from headway.secrets import Secrets

PROJECT = Project("/nowhere/alembic.ini")


def test_it_gives_the_result_and_every_line_printed_by_whomever() -> None:
    def work(project: Project, secrets: Secrets) -> dict[str, Any]:
        print("from python")
        os.write(1, b"from C\n")
        subprocess.run(["/bin/sh", "-c", "echo from a child process >&2"], check=True)
        sys.stderr.write("without an end")
        return {"config": project.config}

    assert process.run(work, PROJECT) == (
        {"config": "/nowhere/alembic.ini"},
        ["from python", "from C", "from a child process", "without an end"],
    )


def test_nothing_of_it_reaches_this_process(capfd: pytest.CaptureFixture[str]) -> None:
    def work(project: Project, secrets: Secrets) -> dict[str, Any]:
        print("noise")
        os.chdir("/")
        os.environ["LEFT_BEHIND"] = "1"
        sys.path.insert(0, "/left/behind")
        logging.getLogger().addHandler(logging.StreamHandler())
        return {}

    before = os.getcwd(), dict(os.environ), list(sys.path), list(logging.getLogger().handlers)
    process.run(work, PROJECT)
    assert (os.getcwd(), dict(os.environ), sys.path, logging.getLogger().handlers) == before
    assert capfd.readouterr() == ("", "")


def test_the_environment_given_is_there() -> None:
    def work(project: Project, secrets: Secrets) -> dict[str, Any]:
        return {"given": os.environ["GIVEN"], "mine": "HOME" in os.environ}

    result, _ = process.run(work, Project("a.ini", environment={"GIVEN": "yes"}))
    assert result == {"given": "yes", "mine": True}


def test_a_fault_comes_back_as_it_was_with_the_log() -> None:
    def work(project: Project, secrets: Secrets) -> dict[str, Any]:
        print("so far")
        raise HeadwayError("two_heads", "There are two.", heads=["a", "b"])

    with pytest.raises(HeadwayError, match=r"There are two\.") as fault:
        process.run(work, PROJECT)
    assert fault.value.kind == "two_heads"
    assert fault.value.data == {"heads": ["a", "b"], "log": ["so far"]}


def test_secrets_are_cleaned_from_result_fault_and_log() -> None:
    def tell(project: Project, secrets: Secrets) -> dict[str, Any]:
        print("the password is hush-hush")
        return {"url": "postgresql://u:hush-hush@h/db"}

    def fail(project: Project, secrets: Secrets) -> dict[str, Any]:
        raise HeadwayError("x", "hush-hush is wrong", sql="hush-hush")

    project = Project("a.ini", environment={"PGPASSWORD": "hush-hush"})
    assert "hush" not in str(process.run(tell, project))
    with pytest.raises(HeadwayError) as fault:
        process.run(fail, project)
    assert "hush" not in str(fault.value.to_dict())


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda: os._exit(3), "exited with 3"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was ended by SIGKILL"),
    ],
)
def test_a_process_that_dies_is_a_fault(end: Any, how: str) -> None:
    def work(project: Project, secrets: Secrets) -> dict[str, Any]:
        print("last words")
        sys.stdout.flush()
        end()
        return {}

    with pytest.raises(HeadwayError, match=how) as fault:
        process.run(work, PROJECT)
    assert fault.value.kind == "process_ended"
    assert fault.value.data["log"] == ["last words"]


def test_standard_input_is_empty() -> None:
    def work(project: Project, secrets: Secrets) -> dict[str, Any]:
        return {"read": sys.stdin.read()}

    assert process.run(work, PROJECT)[0] == {"read": ""}


def test_an_unknown_account_is_a_fault() -> None:
    with pytest.raises(HeadwayError, match="no account nobody-of-that-name"):
        process.run(lambda p, s: {}, Project("a.ini", user="nobody-of-that-name"))


def test_the_account_is_taken_on_for_good() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")

    def work(project: Project, secrets: Secrets) -> dict[str, Any]:
        with pytest.raises(PermissionError):
            os.setuid(0)
        return {
            "uids": os.getresuid(),
            "groups": os.getgroups(),
            "home": os.environ["HOME"],
            "user": os.environ["USER"],
        }

    result, _ = process.run(work, Project("a.ini", user="nobody"))
    assert len(set(result["uids"])) == 1
    assert result["uids"][0] != 0
    assert 0 not in result["groups"]
    assert (result["home"], result["user"]) == ("/nonexistent", "nobody")
    assert os.geteuid() == 0


def test_only_root_may_be_another() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody who is not")

    def work(project: Project, secrets: Secrets) -> dict[str, Any]:
        process.run(lambda p, s: {}, Project("a.ini", user="root"))
        return {}

    with pytest.raises(HeadwayError, match="Only root can run the migrations as root") as fault:
        process.run(work, Project("a.ini", user="nobody"))
    assert fault.value.kind == "not_root"
