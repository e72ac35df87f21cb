"""The units of systemd, looked at by systemd itself, and started by a client's connecting."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from domcaps.facts.record import HostRecord, Recording
from domcaps.facts.recording import save
from fakes import emulator_record
from serve_client import Client

pytestmark = pytest.mark.live

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in PACKAGING.glob("domcaps*.*"):
        # the program has to be there
        text = unit.read_text().replace("/usr/bin/domcaps", sys.executable)
        text = text.replace("EnvironmentFile=/", "EnvironmentFile=-/")
        (tmp_path / unit.name).write_text(text)
    units = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert len(units) == 4
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(
    not shutil.which("systemd-socket-activate"), reason="systemd-socket-activate is not installed"
)
def test_the_first_client_starts_it(tmp_path: Path) -> None:
    recording = tmp_path / "some.domcaps"
    save(Recording(HostRecord("x86_64"), (emulator_record(types=("VGA",)),)), recording)
    path = tmp_path / "s"
    process = subprocess.Popen(
        ["systemd-socket-activate", "-l", path, "-E", "PYTHONPATH", sys.executable, "-m",
         "domcaps", "serve", "--host", recording],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        assert "Listening on" in process.stderr.readline()
        with Client(path) as client:
            assert client.hostname() == "some"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_sandbox_leaves_little_open() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20",
         PACKAGING / "domcaps.service"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    # the threshold is in tenths: an exposure of 2.0
    assert done.returncode == 0, done.stdout[-300:]
