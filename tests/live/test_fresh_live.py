"""Freshness with a real QEMU: asked once, proven, and asked again when it changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator  # noqa: TC003 - read by pytest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import domcaps
from domcaps.fresh.build import Observer
from domcaps.fresh.emulators import EmulatorAnswers
from domcaps.fresh.explain import provenance
from domcaps.fresh.store import closure

QEMU = shutil.which("qemu-system-x86_64")

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(QEMU is None, reason="no qemu-system-x86_64 here"),
]


class Probes(Observer):
    """Counts how often an emulator was asked."""

    def __init__(self) -> None:
        self.count = 0

    def ran(self, key: object, seconds: float) -> None:
        self.count += isinstance(key, EmulatorAnswers)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[str]:
    """An emulator that a test may change: a link to QEMU."""
    assert QEMU is not None
    link = tmp_path / "qemu-system-x86_64"
    link.symlink_to(QEMU)
    # what was changed just now is waited for before it is asked
    time.sleep(0.1)
    yield str(link)


def asked_of(host: domcaps.Host, emulator: str) -> float:
    """Give the seconds that an answer takes."""
    began = time.perf_counter()
    host.domain_capabilities(emulator, machine="q35")
    return time.perf_counter() - began


def test_the_second_answer_is_the_first_one_proven(emulator: str, cache: Path) -> None:
    host = domcaps.Host.local(cache=cache)
    first = host.domain_capabilities(emulator, machine="q35")
    times = [asked_of(host, emulator) for _ in range(20)]
    assert host.domain_capabilities(emulator, machine="q35") is first
    # a machine that is busy with other things may take longer, but not as long as a probe
    assert sorted(times)[10] < 0.02


def test_another_process_does_not_ask_again(emulator: str, cache: Path) -> None:
    first = domcaps.Host.local(cache=cache).domain_capabilities(emulator, machine="q35")
    host = domcaps.Host.local(cache=cache)
    assert host.domain_capabilities(emulator, machine="q35").snapshot == first.snapshot
    entry = host.entry(emulator=emulator, machine="q35")
    (answers,) = (part for part in closure(entry) if isinstance(part.key, EmulatorAnswers))
    assert answers.from_disk


def test_what_it_loaded_is_among_its_witnesses(emulator: str, cache: Path) -> None:
    host = domcaps.Host.local(cache=cache)
    host.domain_capabilities(emulator, machine="q35")
    found = provenance(host.entry(emulator=emulator, machine="q35"), host.machine.build.host_view)
    inputs = {(one.kind, one.place) for fact in found.facts for one in fact.inputs}
    # a program is the file that a link leads to, which is what is executed
    assert ("ProgramFile", str(Path(emulator).resolve())) in inputs
    assert any(kind == "ProgramFile" and "libc.so" in place for kind, place in inputs)
    assert ("Content", "/etc/ld.so.cache") in inputs


def test_a_wrapper_in_its_place_is_asked_again(emulator: str, cache: Path) -> None:
    host = domcaps.Host.local(cache=cache)
    probes = host.machine.build.observer = Probes()
    first = host.domain_capabilities(emulator, machine="q35")
    other = Path(emulator).with_name("other")
    other.write_text(f'#!/bin/sh\nexec {QEMU} "$@"\n')
    other.chmod(0o755)
    other.rename(emulator)
    again = host.domain_capabilities(emulator, machine="q35")
    assert probes.count == 2
    # it is the same QEMU: what came out equal was not built again
    assert again is first
    inputs = {
        one.place
        for fact in provenance(
            host.entry(emulator=emulator, machine="q35"), host.machine.build.host_view
        ).facts
        for one in fact.inputs
    }
    assert {os.path.realpath(str(QEMU)), "/bin/sh"} <= inputs | {str(QEMU)}


def test_an_emulator_that_is_none_any_more_is_noticed(emulator: str, cache: Path) -> None:
    host = domcaps.Host.local(cache=cache)
    host.domain_capabilities(emulator, machine="q35")
    Path(emulator).unlink()
    with pytest.raises(domcaps.EmulatorNotFoundError):
        host.domain_capabilities(emulator, machine="q35")
    Path(emulator).symlink_to("/bin/true")
    with pytest.raises(domcaps.NotAnEmulatorError):
        host.domain_capabilities(emulator, machine="q35")


def test_threads_ask_once(emulator: str, cache: Path) -> None:
    host = domcaps.Host.local(cache=cache)
    probes = host.machine.build.observer = Probes()
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda _: host.domain_capabilities(emulator, machine="q35"), range(8))
        )
    assert probes.count == 1
    assert len({caps.snapshot for caps in found}) == 1


def test_processes_ask_once(emulator: str, cache: Path) -> None:
    code = (
        "import sys, domcaps; from pathlib import Path; from domcaps.fresh.store import closure\n"
        "from domcaps.fresh.emulators import EmulatorAnswers\n"
        f"host = domcaps.Host.local(cache=Path({str(cache)!r}))\n"
        f"host.domain_capabilities({emulator!r}, machine='q35')\n"
        f"parts = closure(host.entry(emulator={emulator!r}, machine='q35'))\n"
        "print([p.from_disk for p in parts if isinstance(p.key, EmulatorAnswers)][0])\n"
    )
    asking = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [process.communicate(timeout=120)[0].strip() for process in asking]
    assert sorted(said) == ["False", "True", "True", "True"]


def test_asking_works_within_a_running_event_loop(emulator: str, cache: Path) -> None:
    import asyncio

    async def ask() -> str:
        return domcaps.Host.local(cache=cache).domain_capabilities(emulator).path

    assert asyncio.run(ask()) == emulator


def run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home / "c")}
    command = [sys.executable, "-m", "domcaps", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)


def test_a_report_is_the_same_from_the_cache(emulator: str, tmp_path: Path) -> None:
    reports = [run("report", "--emulatorbin", emulator, home=tmp_path) for _ in range(2)]
    assert reports[0].stdout == reports[1].stdout
    assert reports[0].stdout.startswith("<domainCapabilities>")
    Path(emulator).unlink()
    gone = run("report", "--emulatorbin", emulator, home=tmp_path)
    assert (gone.returncode, gone.stdout) == (2, "")


def test_a_process_without_a_home_answers(emulator: str) -> None:
    command = [sys.executable, "-m", "domcaps", "report", "--emulatorbin", emulator]
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("<domainCapabilities>"), done.stderr


def test_watch_tells_what_happened(emulator: str) -> None:
    command = [sys.executable, "-m", "domcaps", "watch", "--emulatorbin", emulator, "--count", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "watching" in process.stderr.readline()
    Path(emulator).unlink()
    said, _ = process.communicate(timeout=60)
    assert said.startswith("- the answer (qemu-system-x86_64 changed): ")
    assert "there is no emulator" in said
