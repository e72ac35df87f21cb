"""An emulator that fails is not started by every call; one that changed is asked at once."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import pytest

import fresh_fakes as fakes
from command_runner import CliRunner
from domcaps.errors import EmulatorDiedError, NotAnEmulatorError, UntrustedProgramError
from domcaps.facts.launch import ProgramsRefusedError, no_programs
from domcaps.fresh.disk import DiskStore
from domcaps.fresh.failures import EmulatorFailure, kept_failures
from domcaps.hosts.host import Host
from fresh_fakes import EMULATOR, PretendedHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from domcaps.fresh.probing import Probed

    Fails = Callable[[Exception | None], None]


DIED = EmulatorDiedError("it died", where=EMULATOR, remedy="see there")


class Failing(fakes.PretendedProber):
    """Fails as long as there is an error, and counts."""

    error: ClassVar[Exception | None] = DIED

    def __call__(self, path: str, kvm: bool, inventory: bool) -> Probed:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return super().__call__(path, kvm, inventory)


@pytest.fixture(autouse=True)
def fails(monkeypatch: pytest.MonkeyPatch) -> Fails:
    """Give a function that says with which error emulators fail, None for none."""

    def set_error(error: Exception | None) -> None:
        monkeypatch.setattr(Failing, "error", error)

    return set_error


@pytest.fixture(params=["memory", "disk"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> PretendedHost:
    disk = DiskStore(tmp_path / "cache") if request.param == "disk" else None
    made = PretendedHost(tmp_path / "host", disk=disk)
    time.sleep(0.1)
    made.prober = Failing(made.files)
    made.host = made.another()
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1e9]
    monkeypatch.setattr("domcaps.fresh.failures.time.time", lambda: now[0])
    return now


def asked(host: PretendedHost, error: type[Exception] = EmulatorDiedError) -> int:
    """Ask once, and give how often the emulator was asked until then."""
    with pytest.raises(error):
        host.host.domain_capabilities(machine="q35")
    return host.prober.asked


def test_a_failure_that_names_no_text_is_told_though_it_is_not_kept(
    host: PretendedHost, fails: Fails
) -> None:
    fails(EmulatorDiedError("\udcff died", where="/\udcff", remedy="see there"))
    assert [asked(host), asked(host)] == [1, 2]


def test_the_pauses_grow(host: PretendedHost, clock: list[float]) -> None:
    counts = []
    for _ in range(300):
        counts.append(asked(host))
        clock[0] += 0.5
    # at 0 and 0.5 s, then after 1, 2, 4, 8, 16, 32 and at most 60 s
    assert counts[:9] == [1, 2, 2, 3, 3, 3, 3, 4, 4]
    assert counts[-1] in {8, 9}


def test_the_error_stays_the_same_and_tells_of_the_pause(
    host: PretendedHost, clock: list[float]
) -> None:
    found = []
    for _ in range(3):
        with pytest.raises(EmulatorDiedError) as caught:
            host.host.domain_capabilities(machine="q35")
        found.append(caught.value)
    assert len(set(map(str, found))) == 1
    assert found[-1].__notes__ == ["it failed 2 times, and is asked again in 1 s"]


@pytest.mark.parametrize("path", [EMULATOR, fakes.REAL_EMULATOR])
def test_what_changed_is_asked_at_once(
    host: PretendedHost, clock: list[float], path: str, fails: Fails
) -> None:
    for _ in range(4):
        asked(host)
    before = host.prober.asked
    place = host.at(path)
    place.write_text(place.read_text() + "\n")
    assert asked(host) == before + 1
    fails(None)
    place.write_text(place.read_text() + "\n")
    assert host.host.domain_capabilities(machine="q35").xml


def test_after_a_long_time_it_begins_anew(host: PretendedHost, clock: list[float]) -> None:
    for _ in range(20):
        asked(host)
        clock[0] += 10
    clock[0] += 200
    before = host.prober.asked
    assert [asked(host) for _ in range(3)] == [before + 1, before + 2, before + 2]


def test_a_clock_that_is_set_back_keeps_nothing(host: PretendedHost, clock: list[float]) -> None:
    for _ in range(3):
        asked(host)
    clock[0] -= 1000
    assert asked(host) == 3


def test_what_is_not_trusted_is_judged_each_time(host: PretendedHost, fails: Fails) -> None:
    fails(UntrustedProgramError("every user may write to it", where=EMULATOR))
    for _ in range(3):
        asked(host, UntrustedProgramError)
    fails(None)
    assert host.host.domain_capabilities(machine="q35").xml


def test_processes_share_it(tmp_path: Path, clock: list[float], fails: Fails) -> None:
    host = PretendedHost(tmp_path / "host", disk=DiskStore(tmp_path / "cache"))
    time.sleep(0.1)
    host.prober = Failing(host.files)
    fails(NotAnEmulatorError("it speaks no QMP", where=EMULATOR))
    for number in (1, 2, 2, 2):
        host.host = host.another()
        assert asked(host, NotAnEmulatorError) == number
    clock[0] += 1.1
    assert asked(host, NotAnEmulatorError) == 3


def test_why_fresh_lists_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from domcaps.cli.why_fresh import command

    host = PretendedHost(tmp_path / "host", disk=DiskStore(tmp_path / "cache"))
    time.sleep(0.1)
    broken = "/usr/local/bin/qemu-broken"
    host.write(broken, "#!/bin/sh\n", 0o755)
    prober = host.prober

    class Both(fakes.PretendedProber):
        def __call__(self, path: str, kvm: bool, inventory: bool) -> Probed:
            if path == broken:
                raise EmulatorDiedError("it died", where=broken)
            return prober(path, kvm, inventory)

    host.prober = Both(host.files)
    host.host = host.another()
    for _ in range(3):
        with pytest.raises(EmulatorDiedError):
            host.host.machine.emulator(broken)
    (kept,) = kept_failures(host.disk)
    assert (kept.where, kept.count) == (broken, 2)
    monkeypatch.setattr(Host, "local", lambda **_: host.host)
    text = CliRunner().invoke(command, ["--machine", "q35"]).output
    assert f"{broken}: not asked for 1 s, since it failed 2 times:\n    it died" in text
    data: Any = msgspec.json.decode(CliRunner().invoke(command, ["--format", "json"]).output)
    assert [one["where"] for one in data["failures"]] == [broken]


@pytest.mark.parametrize("damage", [b"", b"{}", b"[1]", b'{"kind":"OSError"}'])
def test_a_damaged_file_is_none(tmp_path: Path, damage: bytes, clock: list[float]) -> None:
    host = PretendedHost(tmp_path / "host", disk=DiskStore(tmp_path / "cache"))
    time.sleep(0.1)
    host.prober = Failing(host.files)
    host.host = host.another()
    assert [asked(host) for _ in range(3)] == [1, 2, 2]
    for place in (tmp_path / "cache" / "failures").glob("*.trace"):
        place.write_bytes(damage)
    assert asked(host) == 3


def test_an_odd_kind_of_error_is_none_that_is_raised() -> None:
    failure = EmulatorFailure("SystemExit", "a", "b", "c", 1, 0.0)
    assert type(failure.error()).__name__ == "ProbeError"


def test_who_may_start_no_program_waits_for_no_other_process(tmp_path: Path) -> None:
    """A server's nursery and its spare workers would wait until the server gives them up."""
    disk = DiskStore(tmp_path / "cache")
    host = PretendedHost(tmp_path / "host", disk=disk)
    time.sleep(0.1)
    host.host = host.another()
    held = []
    lock = disk.lock

    @contextmanager
    def note(name: str, patience: float = 0.0, family: str = "") -> Iterator[bool]:
        held.append(name)
        with lock(name, patience, family) as is_held:
            yield is_held

    disk.lock = note  # type: ignore[method-assign]
    with pytest.raises(ProgramsRefusedError), no_programs():
        host.host.domain_capabilities(machine="q35")
    assert not held
    assert host.host.domain_capabilities(machine="q35").xml
    assert held
