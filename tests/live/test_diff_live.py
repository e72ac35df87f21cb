"""Two looks at this machine, a moment apart: nothing differs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.live


def test_two_recordings_of_this_host_do_not_differ(tmp_path: Path) -> None:
    emulator = shutil.which("qemu-system-x86_64")
    if emulator is None:
        pytest.skip("there is no qemu-system-x86_64 to record")
    files = [str(tmp_path / f"{number}.domcaps") for number in range(2)]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "domcaps", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    for file in files:
        assert run("record", "--emulatorbin", emulator, "-o", file).returncode == 0
    done = run("diff", *files)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    # and what was so when it was recorded is so now
    now = run("diff", f"{files[0]},emulator={emulator}", f"local,emulator={emulator}")
    assert (now.returncode, now.stdout) == (0, ""), now.stderr
