"""An emulator that starts before what asks it is loaded, and what else is done while it answers."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from probe_fakes import WELL_BEHAVED, script, shell_script

from domcaps.errors import UntrustedProgramError
from domcaps.facts import asked
from domcaps.facts.asked import HeadStart
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.launch import ProgramsRefusedError
from domcaps.facts.probe import probe
from domcaps.fresh import disk
from domcaps.fresh.answers import Local
from domcaps.fresh.build import Build, Observer
from domcaps.fresh.disk import LOCK_SECONDS, DiskStore
from domcaps.fresh.disk_memo import remembered
from domcaps.fresh.host_view import HostView
from domcaps.fresh.key import Key
from domcaps.fresh.machine import LocalMachine
from domcaps.fresh.package_identity import answer_name
from domcaps.hosts.host import LiveHost
from marked_processes import marked, marked_run, survivors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.fresh.fetch import Fetch


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Mark what is started, and see afterwards that nothing of it is left."""
    yield from marked_run(monkeypatch)


ORDER = """
    import sys
    from pathlib import Path

    import domcaps
    from domcaps.facts import process
    from domcaps.facts.probe import probe
    from domcaps.facts.trust import vouch

    domcaps.Host.local(cache=Path(sys.argv[2])).emulators
    import domcaps.fresh.answers, domcaps.fresh.probing
    made = process.EmulatorProcess.__init__
    def noted(self, *args, **named):
        made(self, *args, **named)
        print(*sorted({"asyncio", "qemu.qmp"} & set(sys.modules)), *"then the emulator".split())
    process.EmulatorProcess.__init__ = noted
    probe([vouch(sys.argv[1])], (), kvm=False)
    print(*sorted({"asyncio", "qemu.qmp"} & set(sys.modules)))
"""


def test_the_emulator_starts_before_what_asks_it_is_loaded(tmp_path: Path) -> None:
    path = script(tmp_path, WELL_BEHAVED)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(ORDER), path, str(tmp_path / "cache")],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split("\n")[:2] == ["then the emulator", "asyncio qemu.qmp"]


@pytest.mark.parametrize(("kvm", "number"), [(True, 2), (False, 1)])
def test_each_process_is_started_once(tmp_path: Path, kvm: bool, number: int) -> None:
    note = tmp_path / "starts"
    counted = f"open({str(note)!r}, 'a').write('x')\n{WELL_BEHAVED}"
    probe([script(tmp_path, counted)], (), kvm=kvm)
    assert note.read_text() == "x" * number


def test_what_nobody_takes_is_ended(tmp_path: Path, mark: str) -> None:
    path = script(tmp_path, WELL_BEHAVED)
    with closing(HeadStart(path, ("kvm", "tcg"))) as ahead:
        taken = ahead.start(path, "tcg")
        taken.stop()
        taken.monitor.close()
        assert any(path in line for line in marked(mark))


def test_what_can_not_be_started_has_no_head_start(tmp_path: Path) -> None:
    gone = str(tmp_path / "nothing")
    with closing(HeadStart(gone, ("kvm", "tcg"))) as ahead, pytest.raises(UntrustedProgramError):
        ahead.start(gone, "kvm")


def test_a_fault_while_starting_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    path = shell_script(tmp_path, "exec sleep 100")
    start = asked.start_asked

    def second_fails(path: str, accelerator: str) -> object:
        if accelerator == "tcg":
            raise KeyboardInterrupt
        return start(path, accelerator)

    monkeypatch.setattr(asked, "start_asked", second_fails)
    with pytest.raises(KeyboardInterrupt):
        HeadStart(path, ("kvm", "tcg"))
    assert survivors(mark) == []


class Told(Key[Any], frozen=True):
    """A key whose task is given by a test."""

    name: str
    how: Callable[[Fetch], Any]

    def task(self, fetch: Fetch) -> Any:
        return self.how(fetch)

    @property
    def text(self) -> str:
        return self.name


def build_of(tmp_path: Path) -> Build:
    return Build(HostView(HostFiles(tmp_path), {}))


def test_what_is_needed_later_is_computed_meanwhile(tmp_path: Path) -> None:
    seen: list[str] = []
    (tmp_path / "a").write_text("1")

    def helper(fetch: Fetch) -> str:
        seen.append(threading.current_thread().name)
        return fetch.files.read("/a").decode()

    later = Told("helper", helper)

    def asks(fetch: Fetch) -> str:
        with fetch.beside() as begin:
            begin()
        assert len(seen) == 1
        return "asked"

    def answer(fetch: Fetch) -> str:
        fetch.later(later)
        return str(fetch(Told("asks", asks))) + str(fetch(later))

    build = build_of(tmp_path)
    key = Told("answer", answer)
    assert build.get(key) == "asked1"
    # computed once, by another thread, and a part of the trace of who needs it
    assert len(seen) == 1
    assert seen != [threading.current_thread().name]
    (tmp_path / "a").write_text("22")
    assert build.get(key) == "asked22"


def test_an_error_of_what_is_computed_meanwhile_is_met_by_who_needs_it(tmp_path: Path) -> None:
    def fails(fetch: Fetch) -> str:
        raise ValueError(fetch.files.names_or_none("/"))

    later = Told("fails", fails)

    def answer(fetch: Fetch) -> str:
        fetch.later(later)
        with fetch.beside() as begin:
            begin()
        return "needs nothing" if (tmp_path / "x").exists() else str(fetch(later))

    build = build_of(tmp_path)
    with pytest.raises(ValueError, match=r"\(\)"):
        build.get(Told("answer", answer))
    (tmp_path / "x").touch()
    assert build.get(Told("answer", answer)) == "needs nothing"


def lock_of(name: str) -> int:
    return int(answer_name(name)[:8], 16) % disk._LOCKS


@pytest.mark.parametrize("other", [False, True], ids=["its own lock", "that of another process"])
def test_a_lock_is_not_waited_for_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: bool
) -> None:
    """Who waits for the other thread holds one, and another process may do the same."""
    if not other:
        monkeypatch.setattr(disk, "_LOCKS", 1)
    store = DiskStore(str(tmp_path / "cache"))
    later = Told("helper", lambda fetch: remembered(fetch, ("helper",), str, lambda _: "helper"))

    # one that has another lock, where there are several
    numbers = (f"emulator {number}" for number in range(1000))
    emulator = next(n for n in numbers if not other or lock_of(n) != lock_of("helper"))

    def asks(fetch: Fetch) -> str:
        with fetch.beside() as begin:
            begin()
        return "emulator "

    def answer(fetch: Fetch) -> str:
        fetch.later(later)
        return str(remembered(fetch, (emulator,), str, asks)) + str(fetch(later))

    build = Build(HostView(HostFiles(tmp_path), {}), disk=store)
    with contextlib.ExitStack() as locks:
        if other:
            locks.enter_context(store.lock(answer_name("helper"), family="helper."))
        began = time.monotonic()
        assert build.get(Told("answer", answer)) == "emulator helper"
        assert time.monotonic() - began < LOCK_SECONDS / 2


def test_another_thread_does_not_wait_for_the_lock_of_who_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread may want a helper for itself, while another one asks the emulator."""
    monkeypatch.setattr(disk, "_LOCKS", 1)
    store = DiskStore(str(tmp_path / "cache"))
    later = Told("helper", lambda fetch: remembered(fetch, ("helper",), str, lambda _: "helper"))
    build = Build(HostView(HostFiles(tmp_path), {}), disk=store)
    found: list[str] = []
    other = threading.Thread(target=lambda: found.append(build.get(later)))

    def asks(_: Fetch) -> str:
        other.start()
        other.join(LOCK_SECONDS / 2)
        return "emulator"

    key = Told("answer", lambda fetch: remembered(fetch, ("emulator",), str, asks))
    assert (build.get(key), found) == ("emulator", ["helper"])


def test_nothing_is_started_meanwhile_where_no_program_may_be(tmp_path: Path) -> None:
    def refused(_: Fetch) -> str:
        raise ProgramsRefusedError

    def answer(fetch: Fetch) -> str:
        fetch.later(Told("refused", refused))
        with fetch.beside() as begin:
            begin()
        return "answer"

    assert build_of(tmp_path).get(Told("answer", answer)) == "answer"


class Ran(Observer):
    """Notes which tasks run."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def ran(self, key: Key[Any], seconds: float) -> None:
        self.names.append(key.text)


def test_who_reads_few_facts_does_not_wait_for_helpers(tmp_path: Path) -> None:
    """They are asked while the emulator answers: who asks for all facts before that waits."""
    ran = Ran()
    build = Build(HostView(HostFiles(tmp_path), {}), observer=ran)
    host = LiveHost(LocalMachine(build, Local()))
    assert host.few_facts().record.libvirt.version == ""
    assert not host.has_emulator()
    assert host.guest_arch == host.few_facts().arch
    assert "host: libvirt" in ran.names
    assert "host: helpers" not in ran.names
    assert host.facts.record.helpers
    assert "host: helpers" in ran.names


@pytest.mark.parametrize("place", sorted(Path("src/domcaps/cli").glob("*.py")), ids=str)
def test_commands_read_only_the_fact_that_they_need(place: Path) -> None:
    # a field of the record: with `facts` all others would be read as well
    assert not re.search(r"\bhost\.facts\.record\.(?!\w+\()\w+", place.read_text())
