"""Promises, true and false ones, tried with the emulators that are installed here."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from domcaps.elements import table
from domcaps.elements.display import video
from domcaps.facts.discovery import installed_emulators
from domcaps.hosts.host import Host
from domcaps.language import ALWAYS, NEVER
from domcaps.language.qemu_args import QemuArgs
from domcaps.verify.engine import verify_target
from domcaps.verify.plan import plan
from domcaps.verify.result import NOT_TRIED, REFUSED, STARTS, Tried
from domcaps.verify.throwaway import throwaway_folder
from domcaps.verify.trying import QemuTrier
from marked_processes import marking, survivors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language import Predicate, World

MACHINES = {"x86_64": "q35", "s390x": "s390-ccw-virtio"}
NAMES = {path.rpartition("-")[2]: path for path in installed_emulators()}
INSTALLED = [arch for arch in MACHINES if arch in NAMES]

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not INSTALLED, reason="no QEMU system emulator is installed"),
]


@pytest.fixture(params=INSTALLED)
def world(request: pytest.FixtureRequest) -> World:
    arch = request.param
    return Host.local().world(NAMES[arch], machine=MACHINES[arch], virttype="qemu")


def verify(world: World, *names: str) -> dict[str, Tried]:
    with throwaway_folder() as folder:
        found = asyncio.run(verify_target(world, plan(world, names), QemuTrier(2, folder)))
    return {tried.path: tried for tried in found.tried}


@pytest.fixture
def slip(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    table.cache_clear()


def _model(name: str, when: Predicate, told: QemuArgs | None = None) -> None:
    choices = tuple(
        replace(c, when=when, qemu_args=told or c.qemu_args, at_start=()) if c.name == name else c
        for c in video.MODEL_TYPE.choices
    )
    enum = replace(video.MODEL_TYPE, choices=choices)
    video.ELEMENT = replace(video.ELEMENT, content=(enum,))
    table.cache_clear()


def test_the_machine_itself_starts(world: World) -> None:
    assert verify(world, "nothing")["machine"].verdict == STARTS


def test_a_false_promise_is_found_and_a_true_one_is_kept(
    world: World, slip: pytest.MonkeyPatch
) -> None:
    slip.setattr(video, "ELEMENT", video.ELEMENT)
    _model("qxl", ALWAYS, QemuArgs("-device no-such-device"))
    found = verify(world, "video")
    lie = found["video.modelType=qxl"]
    assert lie.promised
    assert lie.verdict == REFUSED
    assert lie.disagreement == "lie"
    assert not lie.known
    assert "no-such-device" in lie.message
    assert found["video.modelType=virtio"].verdict == STARTS
    assert found["video.modelType=none"].verdict == STARTS


def test_a_missed_chance_is_found(world: World, slip: pytest.MonkeyPatch) -> None:
    slip.setattr(video, "ELEMENT", video.ELEMENT)
    _model("virtio", NEVER)
    chance = verify(world, "video.modelType=virtio")["video.modelType=virtio"]
    assert not chance.promised
    assert chance.verdict == STARTS
    assert chance.disagreement == "missed chance"


def test_no_lie_that_is_not_on_the_drift_list(world: World) -> None:
    """Devices and features; the whole table takes a while, and is in docs/truth.md."""
    found = verify(world, "video", "rng", "disk", "channel", "console", "crypto", "iothreads")
    lies = [t for t in found.values() if t.disagreement == "lie" and not t.known]
    assert not lies
    assert sum(t.verdict == STARTS for t in found.values()) > 20


def test_tpms_are_emulated_for_real(world: World) -> None:
    if world.host.helper("swtpm") is None:
        pytest.skip("swtpm is not installed")
    found = verify(world, "tpm.backendModel")["tpm.backendModel=emulator"]
    assert found.promised == (found.verdict == STARTS), found


def test_a_hanging_start_proves_nothing(world: World, tmp_path: Path) -> None:
    async def run() -> Tried:
        trier = QemuTrier(1, tmp_path, deadline=0.001)
        (machine, *_) = (await verify_target(world, plan(world, ["x"]), trier)).tried
        return machine

    assert asyncio.run(run()).verdict == NOT_TRIED


def test_nothing_is_left_behind(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mark = uuid.uuid4().hex
    for name, value in marking(mark).items():
        monkeypatch.setenv(name, value)
    verify(world, "tpm", "filesystem", "graphics")
    assert survivors(mark) == []
    assert not list(tmp_path.glob("domcaps-*"))


@pytest.fixture
def short() -> Iterator[Path]:
    """Give a folder with a path that leaves room for those of sockets."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


@pytest.mark.skipif("x86_64" not in INSTALLED, reason="no emulator of PCs is installed")
@pytest.mark.parametrize(
    ("number", "code", "interrupts"),
    [
        (signal.SIGINT, 130, "default_int_handler"),
        (signal.SIGTERM, 143, "default_int_handler"),
        (signal.SIGHUP, 129, "default_int_handler"),
        # as a shell starts what runs in the background
        (signal.SIGTERM, 143, "SIG_IGN"),
        (signal.SIGHUP, 129, "SIG_IGN"),
        (signal.SIGKILL, -signal.SIGKILL, "default_int_handler"),
    ],
)
def test_who_ends_it_finds_nothing_left(
    short: Path, number: int, code: int, interrupts: str
) -> None:
    mark = f"TEST_RUN_{uuid.uuid4().hex}"
    program = (
        f"import signal; signal.signal(signal.SIGINT, signal.{interrupts})\n"
        "from domcaps.cli import main; main()"
    )
    arguments = ["verify", "--emulatorbin", NAMES["x86_64"], "--machine", "q35"]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(short)} | marking(mark),
    ) as running:
        limit = time.monotonic() + 60
        while time.monotonic() < limit and not list(short.iterdir()):
            time.sleep(0.01)
        running.send_signal(number)
        _, said = running.communicate(timeout=60)
    assert running.returncode == code, said
    assert "Traceback" not in said
    # what looks after it needs a moment where the process itself could not
    limit = time.monotonic() + (10 if number == signal.SIGKILL else 0)
    while (survivors(mark) or any(short.iterdir())) and time.monotonic() < limit:
        time.sleep(0.1)
    assert survivors(mark) == []
    assert not any(short.iterdir())
