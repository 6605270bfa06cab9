from __future__ import annotations

import getpass
import grp
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.unit.app.example import PROJECT

OWN = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}


def host_files(*files: dict[str, str], check: bool = False, backup: bool = False) -> dict[str, Any]:
    """What the module answers, run as Ansible runs it."""
    arguments = {"files": [{**OWN, **file} for file in files], "backup": backup}
    done = subprocess.run(
        [
            Path(sys.executable).with_name("ansible"),
            "localhost",
            "--inventory=localhost,",
            "--connection=local",
            "--module-name=host_files",
            f"--args={json.dumps(arguments)}",
            f"--extra-vars=ansible_python_interpreter={sys.executable}",
            *(["--check", "--diff"] if check else []),
        ],
        env={**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_NOCOLOR": "1"},
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.partition("=>")[2])
    return {**answer, "shown": done.stdout}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_and_folders_come_to_be_and_stay(tmp_path: Path) -> None:
    folder = tmp_path / "parent" / "etc"
    file = folder / "app.env"
    wanted = (
        {"path": str(folder), "mode": "0750"},
        {"path": str(file), "content": "A=1\n", "mode": "0640"},
    )
    assert host_files(*wanted)["changed"]
    assert (mode(folder), mode(file), file.read_text()) == (0o750, 0o640, "A=1\n")
    assert mode(folder.parent) == 0o755
    again = host_files(*wanted)
    assert (again["changed"], again["written"]) == (False, [])


def test_check_mode_shows_and_leaves(tmp_path: Path) -> None:
    file = tmp_path / "app.env"
    file.write_text("A=1\n")
    file.chmod(0o600)
    wanted = {"path": str(file), "content": "A=2\n", "mode": "0640"}
    told = host_files(wanted, {"path": str(tmp_path / "new"), "mode": "0755"}, check=True)
    assert told["changed"]
    assert "-A=1" in told["shown"]
    assert "+A=2" in told["shown"]
    assert (file.read_text(), mode(file), (tmp_path / "new").exists()) == ("A=1\n", 0o600, False)


def test_a_mode_alone_is_mended_and_nothing_written(tmp_path: Path) -> None:
    file = tmp_path / "app.pgpass"
    file.write_text("secret")
    file.chmod(0o644)
    told = host_files({"path": str(file), "content": "secret", "mode": "0600"})
    assert (told["changed"], told["written"], mode(file)) == (True, [], 0o600)


def test_what_is_overwritten_can_be_put_back_and_what_is_new_cannot(tmp_path: Path) -> None:
    old, new = tmp_path / "start", tmp_path / "unit"
    old.write_text("before")
    told = host_files(
        {"path": str(old), "content": "after", "mode": "0755"},
        {"path": str(new), "content": "new", "mode": "0644"},
        backup=True,
    )
    kept, made = told["written"]
    assert Path(kept["backup_file"]).read_text() == "before"
    assert "backup_file" not in made


def test_what_fails_half_way_says_what_was_written_and_a_rerun_does_the_rest(
    tmp_path: Path,
) -> None:
    first, second, third = (tmp_path / name for name in ("app.env", "start", "unit"))
    first.write_text("before")
    second.mkdir(0o700)
    (second / "in the way").touch()
    wanted = [{"path": str(p), "content": "after", "mode": "0700"} for p in (first, second, third)]

    told = host_files(*wanted, backup=True)

    assert "FAILED!" in told["shown"]
    assert told["changed"], "so that what hangs on it is not lost"
    assert f"{second} cannot be had as it is to be: Is a directory. " in told["msg"]
    assert f"Changed: {first}. Not come to: {third}." in told["msg"]
    assert "Traceback" not in told["shown"]
    (kept,) = told["written"]
    assert Path(kept["backup_file"]).read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {
        *("app.env", "start", Path(kept["backup_file"]).name)
    }

    (second / "in the way").unlink()
    second.rmdir()
    again = host_files(*wanted)
    assert [each["path"] for each in again["written"]] == [str(second), str(third)]
    assert {path.read_text() for path in (first, second, third)} == {"after"}


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = host_files({"path": str(tmp_path / "file" / "folder"), "mode": "0755"})
    assert "Not a directory" in told["msg"]
    assert "Changed: nothing. Not come to: none." in told["msg"]
    assert not told["changed"]


def test_a_link_is_replaced_and_what_it_points_to_is_left(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("theirs")
    link.symlink_to(target)
    host_files({"path": str(link), "content": "ours", "mode": "0644"})
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("theirs", "ours", False)
