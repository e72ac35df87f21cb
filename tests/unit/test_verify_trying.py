"""One machine is started: what it says, and that nothing of it is left behind."""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
from typing import TYPE_CHECKING

import msgspec
import pytest
from probe_fakes import script

from domcaps.facts.record import Helper, HostRecord
from domcaps.facts.trust import ProgramKind, vouch
from domcaps.language.qemu_args import HelperProcess, QemuArgs
from domcaps.verify.result import NOT_TRIED, REFUSED, STARTS
from domcaps.verify.throwaway import throwaway_folder
from domcaps.verify.trying import Outcome, QemuTrier
from fakes import emulator_record, world
from marked_processes import marking, survivors

if TYPE_CHECKING:
    from pathlib import Path

ANSWERING = "ANSWERS['query-status'] = {'status': 'prelaunch'}\ngreet()\nserve()\n"
SAY = "import sys; sys.stderr.write({!r}); sys.exit(1)\n"


def tried(
    path: str, *alternatives: QemuArgs, host: HostRecord | None = None, deadline: float = 10.0
) -> Outcome:
    target = world(emulator_record(path=path), host)

    async def run() -> Outcome:
        with throwaway_folder() as folder:
            trier = QemuTrier(1, folder, deadline)
            return await trier.attempt(target, alternatives or (QemuArgs(),))

    return asyncio.run(run())


def test_a_machine_that_answers_has_started(tmp_path: Path) -> None:
    assert tried(script(tmp_path, ANSWERING)) == Outcome(STARTS)


def test_a_refusal_comes_in_the_emulators_own_words(tmp_path: Path) -> None:
    said = "qemu-system-x86_64: warning: old\nqemu-system-x86_64: -device no: no such device\n"
    outcome = tried(script(tmp_path, SAY.format(said)), QemuArgs("-device no"))
    assert outcome.verdict == REFUSED
    assert outcome.message == "-device no: no such device / warning: old"
    assert outcome.added == ("-device", "no")


def test_an_emulator_that_greets_and_ends_has_not_started(tmp_path: Path) -> None:
    outcome = tried(script(tmp_path, f"greet()\n{SAY.format('no')}"))
    assert outcome == Outcome(REFUSED, "no")


def test_a_crash_is_a_refusal(tmp_path: Path) -> None:
    outcome = tried(script(tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)\n"))
    assert outcome == Outcome(REFUSED, "(killed by SIGSEGV)")


def test_an_emulator_that_somebody_kills_proves_nothing(tmp_path: Path) -> None:
    outcome = tried(script(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)\n"))
    assert outcome.verdict == NOT_TRIED


@pytest.mark.parametrize("body", ["time.sleep(60)\n", "greet()\ntime.sleep(60)\n"])
def test_an_emulator_that_hangs_proves_nothing(tmp_path: Path, body: str) -> None:
    outcome = tried(script(tmp_path, body), deadline=0.5)
    assert outcome.verdict == NOT_TRIED
    assert "0.5 s" in outcome.message


def test_no_emulator_at_all_proves_nothing(tmp_path: Path) -> None:
    assert tried(str(tmp_path / "none")).verdict == NOT_TRIED


def test_what_the_host_lacks_is_not_held_against_the_emulator(tmp_path: Path) -> None:
    path = script(tmp_path, SAY.format("egl: no render node"))
    alternative = QemuArgs("-display egl", lacks=(("render node", "there is no graphics card"),))
    outcome = tried(path, alternative)
    assert outcome.verdict == NOT_TRIED
    assert "there is no graphics card" in outcome.message
    assert tried(path, QemuArgs("-display egl")).verdict == REFUSED


def test_words_files_and_environment_arrive(tmp_path: Path) -> None:
    out = tmp_path / "out"
    body = (
        "size = os.path.getsize(sys.argv[sys.argv.index('-file') + 1])\n"
        "json.dump([sys.argv[1:], os.environ['A'], size], "
        f"open({str(out)!r}, 'w'))\n{ANSWERING}"
    )
    alternative = QemuArgs(
        "-device x,id={id} -file {dir}/f", "a=b", "c", files=(("f", 7),), environ=(("A", "B"),)
    )
    assert tried(script(tmp_path, body), alternative).verdict == STARTS
    arguments, variable, size = msgspec.json.decode(out.read_bytes())
    assert variable == "B"
    assert size == 7
    assert arguments[:5] == ["-S", "-no-user-config", "-nodefaults", "-display", "none"]
    assert "pc-q35-9.9,accel=tcg,a=b" in arguments
    assert arguments[arguments.index("-device") + 1] == "x,id=t0"
    assert arguments[arguments.index("-cpu") + 1] == "c"


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    mark = uuid.uuid4().hex
    for name, value in marking(mark).items():
        monkeypatch.setenv(name, value)
    host = HostRecord(arch="x86_64", helpers=(_helper(tmp_path, 'touch "$1"; sleep 100'),))
    alternative = QemuArgs(files=(("f", 1),), helper=HelperProcess("aide", "{dir}/ready", "ready"))
    # a child that leaves the process group
    child = "subprocess.Popen(['sleep', '100'], start_new_session=True)\n"
    hanging, refusing = child + "time.sleep(60)\n", child + SAY.format("no")
    for body in (ANSWERING, refusing, hanging):
        tried(script(tmp_path, body), alternative, host=host, deadline=1.0)
        assert survivors(mark) == []
    assert list(folder.iterdir()) == []


def _helper(folder: Path, body: str) -> Helper:
    path = folder / "aide"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return Helper("aide", vouch(str(path), ProgramKind.HELPER))


def test_a_program_runs_beside_it(tmp_path: Path) -> None:
    host = HostRecord(arch="x86_64", helpers=(_helper(tmp_path, 'touch "$1"; sleep 100'),))
    look = "assert os.path.exists(sys.argv[sys.argv.index('-x') + 1])\n"
    alternative = QemuArgs("-x {dir}/ready", helper=HelperProcess("aide", "{dir}/ready", "ready"))
    assert tried(script(tmp_path, look + ANSWERING), alternative, host=host) == Outcome(
        STARTS, "", ("-x", "DIR/ready")
    )


@pytest.mark.parametrize("body", ["echo oh >&2; exit 1", 'touch "$1"; echo oh >&2; exit 1'])
def test_a_program_that_ends_early_proves_nothing(tmp_path: Path, body: str) -> None:
    host = HostRecord(arch="x86_64", helpers=(_helper(tmp_path, body),))
    alternative = QemuArgs(helper=HelperProcess("aide", "{dir}/ready", "ready"))
    path = script(tmp_path, "time.sleep(0.3)\n" + SAY.format("connection refused"))
    outcome = tried(path, alternative, host=host)
    assert outcome.verdict == NOT_TRIED
    assert outcome.message == "aide does not run here: oh"


def test_as_many_at_once_as_there_are_slots(tmp_path: Path) -> None:
    path = script(tmp_path, "time.sleep(0.2)\n" + ANSWERING)
    target = world(emulator_record(path=path))

    async def run(slots: int) -> float:
        trier = QemuTrier(slots, tmp_path)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(trier.attempt(target, [QemuArgs()]) for _ in range(4)))
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(run(1)) > 0.8
    assert os.cpu_count()
