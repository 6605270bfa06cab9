"""One look at a host: the releases and venv that are there, the app's process, its port, the room left."""

from __future__ import annotations

import configparser
import contextlib
import grp
import hashlib
import os
import pwd
import stat
import subprocess
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import pythons, tree

_LISTEN = "0A"
_UNITS = (Path("/etc/systemd/system"), Path("/run/systemd/system"))


@dataclass(frozen=True)
class Process:
    """A running process; `started` in seconds since the epoch."""

    pid: int
    name: str
    uid: int
    started: float


@dataclass(frozen=True)
class Expected:
    """What a path is to be: a folder, or a file with this content or with these options in an ini section."""

    path: str
    owner: str
    group: str
    mode: str
    sha256: str = ""
    section: str = ""
    options: dict[str, str] | None = None


@dataclass(frozen=True)
class _Manager:
    """What a service manager runs, its own pid where it may listen for that, what it starts at boot.

    `outdated` are units whose files have changed since it read them, `drop_ins` what is laid over them.
    """

    service: Process | None = None
    listener: int = 0
    enabled: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    drop_ins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Host:
    """What was found. Ids are folder names below `releases` and `venvs`, empty where there is none.

    `went_live` has the releases in the order in which they went live, the live one last;
    `alembic_configs` the alembic.ini of each that is there, empty where it is not the only one.
    """

    account: dict[str, str]
    amiss: list[str]
    live: str
    previous: str
    went_live: list[str]
    alembic_configs: dict[str, str]
    releases: list[str]
    venvs: dict[str, list[str]]
    release_intact: bool
    release_venv: str
    venv: str
    venv_answer: dict[str, Any] | None
    venv_seal: str
    venv_intact: bool
    process: Process | None
    socket_held: bool
    enabled: list[str]
    outdated: list[str]
    drop_ins: list[str]
    running_release: str
    stale: bool
    port_user: Process | None
    port_taken: bool
    supervised: bool
    free_bytes: int

    def to_dict(self) -> dict[str, object]:
        """Gives the fields for JSON."""
        return asdict(self)


def look(
    root: Path,
    *,
    release: str,
    digest: str,
    alembic_config: str,
    venv: str,
    venv_question: str,
    unit: str,
    pidfile: Path,
    running: Path,
    port: int,
    read_at_start: list[Path],
    user: str,
    expected: list[Expected],
) -> Host:
    """Looks at the app below `root`, without changing anything.

    `digest` is what the files of `release` are to have; `venv_question` a program that the venv's Python
    runs and whose answer, a JSON object, is `venv_answer` (none where there is no venv); `unit` names the
    systemd unit and `pidfile` supervisor's, whichever runs the app; `running` is the file in which the start
    script leaves its pid and release; the process is stale when a file of `read_at_start` is newer.
    """
    releases = root / "releases"
    systemd = bool(unit) and Path("/run/systemd/system").is_dir()
    manager = _systemd(unit) if systemd else _supervisor(pidfile)
    process = manager.service
    files = releases / release / "app"
    seal = _seal(root / "venvs" / venv) if venv else ""
    asks = bool(seal) and bool(venv_question)
    port_taken, port_user = _stranger(port, manager)
    return Host(
        account=_account(user),
        amiss=[item.path for item in expected if _amiss(item)],
        live=_link(root / "current"),
        previous=_link(root / "previous"),
        went_live=_went_live(root),
        alembic_configs={release.name: _config(release / "app") for release in _folders(releases)},
        releases=_newest_first(releases),
        venvs=_venvs_in_use(root),
        release_intact=bool(release)
        and files.is_dir()
        and (not digest or tree.digest(files, without=[alembic_config]) == digest),
        release_venv=_link(releases / release / "venv"),
        venv=venv,
        venv_answer=pythons.ask(root / "venvs" / venv / "bin" / "python", venv_question)
        if asks
        else None,
        venv_seal=seal,
        venv_intact=bool(seal) and seal == _read(root / "venvs" / venv / ".seal"),
        process=process,
        socket_held=systemd and manager.listener > 0,
        enabled=list(manager.enabled),
        outdated=list(manager.outdated),
        drop_ins=list(manager.drop_ins),
        running_release=_release_of(process, running),
        stale=process is not None
        and any(
            path.exists() and path.stat().st_mtime > process.started
            for path in (*read_at_start, *map(Path, manager.drop_ins))
        ),
        port_user=port_user,
        supervised=_read(pidfile).isdigit() and _process(int(_read(pidfile))) is not None,
        port_taken=port_taken,
        free_bytes=_free_bytes(root),
    )


def _link(path: Path) -> str:
    return Path(os.readlink(path)).name if path.is_symlink() else ""


def _went_live(root: Path) -> list[str]:
    """One id a line; whatever `current` was pointed to by hand has gone live last."""
    live = _link(root / "current")
    order = _read(root / "went_live").split() or [_link(root / "previous")]
    return [release for release in order if release not in ("", live)] + ([live] if live else [])


def _config(files: Path) -> str:
    """The one alembic.ini at most two folders below, as a deploy finds it in a source."""
    found = [
        str(path.relative_to(files))
        for pattern in ("", "*/", "*/*/")
        for path in files.glob(f"{pattern}alembic.ini")
    ]
    return found[0] if found[:1] == ["alembic.ini"] or len(found) == 1 else ""


def _folders(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def _account(user: str) -> dict[str, str]:
    try:
        entry = pwd.getpwnam(user)
        return {
            "group": grp.getgrgid(entry.pw_gid).gr_name,
            "home": entry.pw_dir,
            "shell": entry.pw_shell,
        }
    except KeyError:
        return {}


def _amiss(item: Expected) -> bool:
    """Whether a path is not what it is to be, its content, mode or owner."""
    path = Path(item.path)
    try:
        found = path.lstat()
        owner, group = pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid).gr_name
    except (OSError, KeyError):
        return True
    if (owner, group, stat.S_IMODE(found.st_mode)) != (item.owner, item.group, int(item.mode, 8)):
        return True
    if item.options is not None:
        return not _has_options(path, item.section, item.options)
    if item.sha256:
        return (
            not stat.S_ISREG(found.st_mode)
            or hashlib.sha256(path.read_bytes()).hexdigest() != item.sha256
        )
    return not stat.S_ISDIR(found.st_mode)


def _has_options(path: Path, section: str, options: dict[str, str]) -> bool:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(path, encoding="utf-8")
        return all(parser.get(section, option) == value for option, value in options.items())
    except configparser.Error:
        return False


def _newest_first(folder: Path) -> list[str]:
    return [
        e.name
        for e in sorted(_folders(folder), key=lambda entry: entry.stat().st_mtime, reverse=True)
    ]


def _venvs_in_use(root: Path) -> dict[str, list[str]]:
    """Each venv with the releases that point to it."""
    users: dict[str, list[str]] = {name: [] for name in _newest_first(root / "venvs")}
    for release in _newest_first(root / "releases"):
        venv = _link(root / "releases" / release / "venv")
        if venv in users:
            users[venv].append(release)
    return users


def _seal(venv: Path) -> str:
    """A digest of which files are in a venv and how long they are; empty when there is no venv."""
    if not (venv / "bin" / "python").exists():
        return ""
    total = hashlib.sha256()
    for relative in tree.files(venv, exclude=("__pycache__", ".seal")):
        total.update(f"{relative} {os.lstat(venv / relative).st_size}\n".encode())
    return total.hexdigest()


def _systemd(unit: str) -> _Manager:
    """What systemd runs as `unit`, and whether it listens for it by the socket unit of the same name."""
    socket = Path(unit).with_suffix(".socket").name
    wanted = "MainPID,ActiveState,UnitFileState,NeedDaemonReload,DropInPaths"
    shown = subprocess.run(
        ["systemctl", "show", f"--property={wanted}", unit, socket],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    service, _, listening = shown.partition("\n\n")
    units = {unit: _properties(service), socket: _properties(listening)}
    pid = int(units[unit].get("MainPID", "0"))
    read, there = _drop_ins_read(units), _drop_ins_there(units)
    return _Manager(
        service=_process(pid) if pid else None,
        listener=1 if units[socket].get("ActiveState") == "active" else 0,
        enabled=tuple(n for n, has in units.items() if has.get("UnitFileState") == "enabled"),
        outdated=tuple(
            n
            for n, has in units.items()
            if has.get("NeedDaemonReload") == "yes" or not there[n] <= read[n]
        ),
        drop_ins=tuple(sorted(set().union(*read.values(), *there.values()))),
    )


def _drop_ins_read(units: dict[str, dict[str, str]]) -> dict[str, set[str]]:
    """Those that systemd has read for each unit alone; others are for many units."""
    return {
        name: {p for p in has.get("DropInPaths", "").split() if Path(p).parent.name == f"{name}.d"}
        for name, has in units.items()
    }


def _drop_ins_there(units: Iterable[str]) -> dict[str, set[str]]:
    """Those that are there, since NeedDaemonReload does not tell of the first of a unit (systemd 252)."""
    return {
        name: {str(path) for folder in _UNITS for path in folder.glob(f"{name}.d/*.conf")}
        for name in units
    }


def _properties(shown: str) -> dict[str, str]:
    """What systemctl shows of a unit, a line each."""
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def _supervisor(pidfile: Path) -> _Manager:
    """What supervisor runs; it may listen for it."""
    supervisor = _read(pidfile)
    if not supervisor.isdigit() or _process(int(supervisor)) is None:
        return _Manager()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _parent(int(entry.name)) == int(supervisor):
            return _Manager(_process(int(entry.name)), int(supervisor))
    return _Manager(listener=int(supervisor))


def _stat_fields(pid: int) -> list[str]:
    """proc(5): the fields of /proc/PID/stat from the third on; the second may hold blanks and brackets."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _parent(pid: int) -> int:
    fields = _stat_fields(pid)
    return int(fields[1]) if fields else 0


def _process(pid: int) -> Process | None:
    fields = _stat_fields(pid)
    if not fields:
        return None
    uptime = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    age = uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return Process(
        pid, _read(Path(f"/proc/{pid}/comm")), os.stat(f"/proc/{pid}").st_uid, time.time() - age
    )


def _release_of(process: Process | None, running: Path) -> str:
    """What the start script left: its own pid, which the app took over, and the release."""
    pid, _, release = _read(running).partition(" ")
    return release if process and pid == str(process.pid) else ""


def _listeners(port: int) -> dict[str, int]:
    """The sockets that listen on a TCP port (proc(5), /proc/net/tcp), with the uid that opened each."""
    found: dict[str, int] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not port or not os.path.exists(table):
            continue
        for line in Path(table).read_text(encoding="utf-8").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found[f"socket:[{fields[9]}]"] = int(fields[7])
    return found


def _stranger(port: int, manager: _Manager) -> tuple[bool, Process | None]:
    """Whether something other than the service listens on the port, and what, where that can be seen.

    Without CAP_SYS_PTRACE, in a container for instance, not even root sees the sockets of another
    account's processes; then a socket of the service's own account, or of the manager's where that
    listens for it, counts as the service's.
    """
    listeners = _listeners(port)
    if not listeners:
        return False, None
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        if _open_files(entry) & set(listeners):
            owner = _process(int(entry.name))
            return not _belongs(owner, manager), owner
    own = {process.uid for process in (manager.service, _process(manager.listener)) if process}
    return not own.issuperset(listeners.values()), None


def _open_files(process: Path) -> set[str]:
    """Where a process's descriptors point, as far as they can be seen and stay."""
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(descriptor))
    return found


def _belongs(process: Process | None, manager: _Manager) -> bool:
    """Whether `process` is the service, below it, or its manager that listens for it."""
    pid = process.pid if process else 0
    if pid and pid == manager.listener:
        return True
    while manager.service and pid > 1:
        if pid == manager.service.pid:
            return True
        pid = _parent(pid)
    return False


def _free_bytes(path: Path) -> int:
    while not path.exists():
        path = path.parent
    room = os.statvfs(path)
    return room.f_bavail * room.f_frsize
