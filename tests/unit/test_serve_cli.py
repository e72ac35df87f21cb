"""``domcaps serve`` as a process: how it starts, what it refuses, how it ends."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from command_runner import CliRunner
from domcaps.cli import _root
from domcaps.facts.record import HostRecord, Recording
from domcaps.facts.recording import save
from domcaps.fresh.disk import cache_folder
from fakes import emulator_record
from serve_client import Client, listens

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "domcaps", "serve"]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "old.domcaps"
    save(Recording(HostRecord(arch="x86_64"), (emulator_record(),)), path)
    return path


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while not listens(path):
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def server(recording: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    path = tmp_path / "s"
    options = [
        "--socket",
        str(path),
        "--mode",
        "0660",
        "--host",
        str(recording),
        "--log-level",
        "debug",
    ]
    with subprocess.Popen([*COMMAND, *options], stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(path, process)
            yield process, path
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_when_it_is_asked_to(
    server: tuple[subprocess.Popen[str], Path], number: signal.Signals
) -> None:
    process, path = server
    assert path.stat().st_mode & 0o777 == 0o660
    with Client(path) as client:
        assert client.hostname() == "old"
    process.send_signal(number)
    _, log = process.communicate(timeout=20)
    assert process.returncode == 0
    assert not path.exists()
    assert f"listening={path}" in log
    assert "procedure=59 serial=3 status=0" in log
    assert "Traceback" not in log


def test_a_client_that_stays_does_not_keep_it(
    server: tuple[subprocess.Popen[str], Path],
) -> None:
    process, path = server
    with Client(path) as client:
        process.send_signal(signal.SIGTERM)
        assert client.receive() is None
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ([], "--socket or --listen"),
        (["--listen", "0.0.0.0:1"], "loopback"),
        (["--listen", "127.0.0.1:0", "--mode", "rw"], "mode"),
        (["--listen", "127.0.0.1:0", "--libvirt", "1.0"], "1.0"),
        (["--listen", "127.0.0.1:0", "--host", "/nowhere"], "/nowhere"),
        (["--listen", "127.0.0.1:0", "--host", "x", "--zoo", "/"], "exclude each other"),
    ],
)
def test_what_can_not_be_served_is_said_at_once(options: list[str], text: str) -> None:
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_socket_of_systemd_is_taken_over(recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        # what systemd does: the socket is descriptor 3, and the process is told that it is meant
        start = (
            f"import os; os.dup2({listening.fileno()}, 3); os.set_inheritable(3, True); "
            "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid())); "
            f"os.execv({sys.executable!r}, {[*COMMAND, '--host', str(recording)]!r})"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", start], pass_fds=[listening.fileno()], env=dict(os.environ)
        )
    try:
        with Client(path) as client:
            assert client.hostname() == "old"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        # it is systemd's, and stays
        assert path.exists()
    finally:
        process.kill()
        process.wait()


def test_the_units_cache_is_not_the_one_of_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Systemd gives a CacheDirectory to the service's user, which would take root's away."""
    unit = Path(__file__).resolve().parents[2] / "packaging" / "domcaps.service"
    lines = [line.partition("=") for line in unit.read_text().splitlines()]
    given = {name: value for name, _, value in lines if value}
    folder = Path("/var/cache") / given["CacheDirectory"]
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    of_root = cache_folder({})
    assert of_root is not None
    assert folder not in (Path(of_root), *Path(of_root).parents)
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    environ = given["Environment"].partition("=")
    assert environ[0] == "XDG_CACHE_HOME"
    used = cache_folder({"XDG_CACHE_HOME": environ[2].replace("%C", "/var/cache")})
    assert used is not None
    assert folder in Path(used).parents


def test_the_log_of_the_command_ends_with_it() -> None:
    logs = [logging.getLogger(name) for name in ("", "domcaps.serve", "domcaps.trust")]
    before = [(log.handlers[:], log.level, log.propagate) for log in logs]
    words = ["serve", "--log-level", "debug", "--host", "a", "--zoo", "."]
    assert CliRunner().invoke(_root, words).exit_code == 2
    assert [(log.handlers, log.level, log.propagate) for log in logs] == before
