from __future__ import annotations

import getpass
import grp
import hashlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from deployment import host, tree

USER = getpass.getuser()
GROUP = grp.getgrgid(os.getgid()).gr_name


def look(root: Path, **given: Any) -> host.Host:
    defaults: dict[str, Any] = {
        "release": "",
        "digest": "",
        "alembic_config": "alembic.ini",
        "venv": "",
        "venv_question": "",
        "unit": "",
        "pidfile": root / "supervisord.pid",
        "running": root / "running",
        "port": 0,
        "read_at_start": [],
        "user": USER,
        "expected": [],
    }
    return host.look(root, **{**defaults, **given})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = tmp_path / "releases" / "one" / "app"
    files.mkdir(parents=True)
    (files / "service.py").write_text("x = 1\n")
    (files / "alembic.ini").write_text("[alembic]\nsqlalchemy.url = postgresql://db\n")
    (tmp_path / "current").symlink_to("releases/one")
    return tmp_path


def test_a_host_that_has_nothing(tmp_path: Path) -> None:
    found = look(tmp_path / "opt" / "app", release="one", venv="a", user="nobody-of-that-name")
    assert (found.live, found.releases, found.account) == ("", [], {})
    assert not found.release_intact
    assert not found.venv_intact
    assert found.process is None
    assert found.free_bytes > 0


def test_a_release_is_intact_until_a_file_but_alembic_ini_differs(root: Path) -> None:
    files = root / "releases" / "one" / "app"
    digest = tree.digest(files, without=["alembic.ini"])
    assert look(root, release="one", digest=digest).release_intact
    (files / "alembic.ini").write_text("")
    assert look(root, release="one", digest=digest).release_intact
    (files / "service.py").write_text("x = 2\n")
    assert not look(root, release="one", digest=digest).release_intact


def test_a_venv_is_intact_until_a_file_goes_comes_or_grows(root: Path) -> None:
    packages = root / "venvs" / "a" / "lib"
    packages.mkdir(parents=True)
    (root / "venvs" / "a" / "bin").mkdir()
    (root / "venvs" / "a" / "bin" / "python").touch()
    (packages / "module.py").write_text("x = 1\n")
    seal = root / "venvs" / "a" / ".seal"
    assert not look(root, venv="a").venv_intact
    seal.write_text(look(root, venv="a").venv_seal + "\n")
    (packages / "__pycache__").mkdir()
    (packages / "__pycache__" / "module.pyc").touch()
    assert look(root, venv="a").venv_intact
    (packages / "module.py").write_text("x = 10\n")
    assert not look(root, venv="a").venv_intact


def test_venvs_are_listed_with_their_releases(root: Path) -> None:
    for name in ("a", "b"):
        (root / "venvs" / name).mkdir(parents=True)
    (root / "releases" / "one" / "venv").symlink_to("../../venvs/a")
    found = look(root, release="one")
    assert found.venvs == {"a": ["one"], "b": []}
    assert found.release_venv == "a"


def expected(path: Path, **given: Any) -> host.Expected:
    return host.Expected(str(path), **{"owner": USER, "group": GROUP, "mode": "0640", **given})


def test_a_file_is_amiss_by_content_mode_owner_or_absence(root: Path) -> None:
    file = root / "app.env"
    content = hashlib.sha256(b"A=1\n").hexdigest()

    def amiss(**given: Any) -> bool:
        return bool(look(root, expected=[expected(file, sha256=content, **given)]).amiss)

    assert amiss()
    file.write_text("A=1\n")
    file.chmod(0o640)
    assert not amiss()
    assert amiss(owner="games")
    assert amiss(group="games")
    file.chmod(0o644)
    assert amiss()
    file.chmod(0o640)
    file.write_text("A=2\n")
    assert amiss()
    file.unlink()
    file.symlink_to(root / "elsewhere")
    assert amiss()


def test_an_ini_file_is_amiss_by_its_options_alone(root: Path) -> None:
    ini = root / "releases" / "one" / "app" / "alembic.ini"
    ini.chmod(0o640)

    def amiss(**options: str) -> list[str]:
        asked = expected(
            ini, section="alembic", options={"sqlalchemy.url": "postgresql://db", **options}
        )
        return look(root, expected=[asked]).amiss

    assert amiss() == []
    assert amiss(script_location="migrations") == [str(ini)]
    ini.write_text("[alembic]\n# theirs\nother = 1\nsqlalchemy.url : postgresql://db\n")
    assert amiss() == []
    ini.write_text("not an ini file")
    assert amiss() == [str(ini)]


def test_the_port_of_a_stranger_is_taken(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = look(root, port=port)
        assert found.port_taken
        assert found.port_user
        assert found.port_user.pid == os.getpid()
    assert not look(root, port=port).port_taken


def test_a_port_on_which_the_supervisor_listens_for_the_app_is_not_taken(root: Path) -> None:
    script = (
        "import socket, sys\n"
        's = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)\n'
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout
        port = int(supervisor.stdout.readline())
        assert look(root, port=port).port_taken
        (root / "supervisord.pid").write_text(f"{supervisor.pid}\n")
        assert not look(root, port=port).port_taken
        supervisor.communicate("")


def test_the_process_that_supervisor_runs_is_the_app(root: Path) -> None:
    script = (
        "import os, subprocess, sys, socket, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import socket, time;"
        's = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True); time.sleep(60)\'])\n'
        "open(sys.argv[1], 'w').write(f'{child.pid} one')\n"
        "child.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(root / "running")], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        try:
            assert supervisor.stdout
            port = int(supervisor.stdout.readline())
            (root / "supervisord.pid").write_text(f"{supervisor.pid}\n")
            old, new = root / "old.env", root / "new.env"
            old.touch()
            os.utime(old, (1, 1))
            found = look(root, port=port, read_at_start=[old])
            assert found.process
            assert (found.supervised, found.running_release) == (True, "one")
            assert abs(found.process.started - time.time()) < 60
            assert not found.port_taken
            assert not found.stale
            new.touch()
            os.utime(new, (time.time() + 5, time.time() + 5))
            assert look(root, read_at_start=[old, new]).stale
            (root / "running").write_text("1 one")
            assert look(root).running_release == ""
        finally:
            child = int((root / "running").read_text().split()[0])
            supervisor.kill()
            if found.process and child:
                os.kill(found.process.pid, 9)
    assert not look(root).supervised


def test_the_order_in_which_releases_went_live(root: Path) -> None:
    assert look(root).went_live == ["one"]
    (root / "previous").symlink_to("releases/zero")
    assert look(root).went_live == ["zero", "one"]
    (root / "went_live").write_text("first\nzero\none\n")
    assert look(root).went_live == ["first", "zero", "one"]


def test_what_was_made_live_by_hand_went_live_last(root: Path) -> None:
    (root / "went_live").write_text("one\ntwo\n")
    assert look(root).went_live == ["two", "one"]


def test_the_alembic_ini_of_each_release(root: Path) -> None:
    for release, files in {
        "two": ["a/alembic.ini"],
        "three": ["a/alembic.ini", "b/alembic.ini"],
    }.items():
        for config in files:
            path = root / "releases" / release / "app" / config
            path.parent.mkdir(parents=True)
            path.touch()
    configs = look(root).alembic_configs
    assert configs == {"one": "alembic.ini", "two": "a/alembic.ini", "three": ""}


def test_units_that_systemd_has_not_read_and_what_is_laid_over_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for systemctl, which answers as the real one does."""
    answer = (
        "MainPID=0\nNeedDaemonReload=yes\nActiveState=active\nUnitFileState=enabled\n"
        "DropInPaths=/usr/lib/systemd/system/service.d/10-all.conf "
        "/etc/systemd/system/app.service.d/more.conf\n\n"
        "NeedDaemonReload=no\nActiveState=active\nUnitFileState=disabled\nDropInPaths=\n"
    )
    standin = tmp_path / "systemctl"
    standin.write_text(f"#!/bin/sh\ncat <<'E'\n{answer}E\n")
    standin.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(host, "_UNITS", (tmp_path,))
    found = host._systemd("app.service")
    assert found.outdated == ("app.service",)
    assert found.drop_ins == ("/etc/systemd/system/app.service.d/more.conf",)
    assert found.enabled == ("app.service",)
    assert (found.service, found.listener) == (None, 1)

    (tmp_path / "app.socket.d").mkdir()
    unread = tmp_path / "app.socket.d" / "new.conf"
    unread.touch()
    found = host._systemd("app.service")
    assert found.outdated == ("app.service", "app.socket")
    assert str(unread) in found.drop_ins
