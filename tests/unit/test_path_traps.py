"""Programs that other users put into the search path are not started, whatever is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = str(Path(__file__).parents[2] / "examples/web.xml")
SHIPPED = ("--host", "shipped:debian13-x86_64")
NAMES = (
    "gcc", "cc", "ld", "objdump", "ldconfig", "uname", "file", "virsh", "sensible-editor", "editor",
    "my-editor", "vi", "nano", "ssh", "git", "dpkg", "rpm", "qemu-system-x86_64", "qemu-img",
    "swtpm", "sh",
)  # fmt: skip

WATCHED = """
import json, os, sys
def note(event, arguments):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
        with open(os.environ["STARTED"], "a") as file:
            file.write(json.dumps([str(word) for word in arguments[:2]]) + "\\n")
sys.addaudithook(note)
"""
INOTIFY = """
from domcaps.fresh.guard import InotifyWatch
from domcaps.fresh.host_view import HostView
from domcaps.fresh.store import Sighting
from domcaps.fresh.witness import Existence
watch = InotifyWatch()
cover = watch.cover([Sighting(Existence("/etc/passwd"))], HostView())
assert cover is not None
"""
COMMAND = """
from domcaps.__main__ import run
run()
"""


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """Make a folder to which every user may write, with programs that leave a proof."""
    folder = tmp_path / "traps"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(f"#!/bin/sh\necho $0 >>{tmp_path}/proof\nexit 1\n")
        (folder / name).chmod(0o755)
    folder.chmod(0o777)
    return folder


def run(
    traps: Path, program: str, *words: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a program with the traps first in its path; give what it started."""
    started = traps.parent / "started"
    done = subprocess.run(
        [sys.executable, "-c", WATCHED + program, *words],
        env=os.environ
        | {
            "VISUAL": "my-editor",
            "PATH": f"{traps}:/usr/bin:/bin",
            "STARTED": str(started),
            "XDG_CACHE_HOME": str(traps.parent / "cache"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert not (traps.parent / "proof").exists(), (traps.parent / "proof").read_text()
    lines = started.read_text().splitlines() if started.exists() else []
    return done, [json.loads(line)[0] for line in lines]


def test_to_watch_files_starts_nothing(traps: Path) -> None:
    done, started = run(traps, INOTIFY)
    assert not done.stderr
    assert started == []


@pytest.mark.parametrize(
    "words",
    [
        ("report", *SHIPPED),
        ("validate", *SHIPPED, EXAMPLE),
        ("fix", *SHIPPED, EXAMPLE),
        ("native", *SHIPPED, EXAMPLE),
        ("explain", *SHIPPED, "video.modelType"),
        ("new", *SHIPPED, "--name", "x", "--os", "linux"),
        ("host", *SHIPPED),
        ("edit", "some-domain"),
        ("edit", EXAMPLE),
    ],
    ids=lambda words: words[0],
)
def test_commands_start_no_program_of_others(traps: Path, words: tuple[str, ...]) -> None:
    _, started = run(traps, COMMAND, *words)
    assert all(not name.startswith(str(traps)) and "/" in name for name in started)
    if words[0] != "edit":
        assert started == []
