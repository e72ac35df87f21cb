"""What is handed out: answers with a name, printed reports, provenance, events."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import fresh_fakes as fakes
from command_runner import CliRunner
from domcaps.fresh import report_cache
from domcaps.fresh.disk import DiskStore
from domcaps.fresh.emulators import EmulatorAnswers
from domcaps.fresh.explain import provenance
from domcaps.fresh.probing import Probed
from domcaps.fresh.report_cache import Printed
from domcaps.fresh.store import doubts
from domcaps.fresh.watching import Watcher
from domcaps.hosts.host import Host
from fakes import emulator_record
from fresh_fakes import PretendedHost, descriptor, emulator_text

if TYPE_CHECKING:
    from pathlib import Path

    from domcaps.facts.record import EmulatorRecord
    from domcaps.report.capabilities import DomainCapabilities


@pytest.fixture
def host(tmp_path: Path) -> PretendedHost:
    return PretendedHost(tmp_path / "root", disk=DiskStore(tmp_path / "cache"))


def caps(host: PretendedHost, **question: Any) -> DomainCapabilities:
    return host.host.domain_capabilities(**{"machine": "q35", **question})


# -- snapshots -------------------------------------------------------------------------------


def test_equal_answers_have_equal_names(host: PretendedHost) -> None:
    first = caps(host)
    assert re.fullmatch(r"[0-9a-f]{32}", first.snapshot)
    assert caps(host) is first
    host.host = host.another()
    assert caps(host).snapshot == first.snapshot
    assert host.plain().domain_capabilities(machine="q35").snapshot == first.snapshot


def test_different_answers_have_different_names(host: PretendedHost) -> None:
    names = {caps(host).snapshot}
    names.add(caps(host, machine="pc").snapshot)
    names.add(caps(host, libvirt="11.3").snapshot)
    names.add(caps(host, virttype="qemu").snapshot)
    host.write(f"{fakes.FIRMWARE}/60-b.json", descriptor(interface="bios"))
    names.add(caps(host).snapshot)
    assert len(names) == 5
    host.at(f"{fakes.FIRMWARE}/60-b.json").unlink()
    assert caps(host).snapshot in names


def test_facts_and_worlds_are_those_of_now(host: PretendedHost) -> None:
    for usable in (True, False):
        if not usable:
            host.at(fakes.KVM).unlink()
        assert host.host.facts.kvm.usable is usable
        assert host.host.world(machine="q35").host.kvm.usable is usable
    assert host.host.emulators.find("qemu-system-x86_64") == fakes.EMULATOR
    host.at(fakes.EMULATOR).unlink()
    assert not host.host.has_emulator()


def test_validation_is_about_the_host_of_now(host: PretendedHost) -> None:
    domain = """<domain type='kvm'><name>a</name><memory>1</memory>
      <os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""
    before = host.host.validate(domain)
    host.at(fakes.KVM).unlink()
    after = host.host.validate(domain)
    plain = host.plain().validate(domain)
    assert [str(f) for f in after.findings] == [str(f) for f in plain.findings]
    assert [str(f) for f in after.findings] != [str(f) for f in before.findings]


DISTURBED: dict[str, dict[str, Any]] = {
    "one accelerator's process killed": {"sessions": "died"},
    "one accelerator's process stopped": {"sessions": "timeout"},
    "died at a question": {"answers": ("died", "it was killed by SIGSEGV")},
    "no answer to a question": {"answers": ("timeout", "it did not answer within 10 s")},
    "question left out": {"answers": ("not-asked", "it was killed")},
    "short of memory": {"answers": ("GenericError", "kvm_init_vcpu: Cannot allocate memory")},
    "out of files": {"answers": ("GenericError", "Too many open files")},
}


def disturbed(how: dict[str, Any]) -> EmulatorRecord:
    from domcaps.facts.question import ask
    from domcaps.facts.record import Failure, ProbeSession

    answers = how.get("answers")
    given = {ask("query-tpm-models"): Failure(*answers)} if answers else {}
    record = emulator_record(answers=given)
    if "sessions" not in how:
        return record
    failed = ProbeSession("kvm", failure=Failure(how["sessions"], "it was killed by SIGKILL"))
    return msgspec.structs.replace(record, sessions=(failed, *record.sessions))


@pytest.mark.parametrize("name", DISTURBED)
def test_what_a_disturbed_probe_gave_is_never_kept(
    name: str, host: PretendedHost, caplog: pytest.LogCaptureFixture
) -> None:
    class Once(fakes.PretendedProber):
        def __call__(self, path: str, kvm: bool, inventory: bool) -> Probed:
            self.asked += 1
            record = disturbed(DISTURBED[name]) if self.asked == 1 else emulator_record()
            return Probed(record, frozenset())

    time.sleep(0.1)
    host.prober = Once(host.files)
    host.host = host.another()
    caps(host)
    assert "the next call probes again" in caplog.text
    assert [doubt.is_momentary for doubt in doubts(host.host.entry(machine="q35"))] == []
    assert host.prober.asked == 2
    caps(host)
    # another process finds what the undisturbed probe gave
    host.host = host.another()
    caps(host)
    assert host.prober.asked == 2


def test_a_disturbed_probe_is_not_there_for_other_processes(host: PretendedHost) -> None:
    class Disturbed(fakes.PretendedProber):
        def __call__(self, path: str, kvm: bool, inventory: bool) -> Probed:
            self.asked += 1
            return Probed(disturbed({"sessions": "died"}), frozenset())

    time.sleep(0.1)
    host.prober = Disturbed(host.files)
    for number in range(1, 4):
        host.host = host.another()
        caps(host)
        assert host.prober.asked == number
    (doubt,) = doubts(host.host.machine.build.store.entry(_answers(host)))
    assert "kvm: it was killed by SIGKILL" in doubt.text


def test_a_probe_that_is_disturbed_again_and_again_is_repeated_with_growing_pauses(
    host: PretendedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Disturbed(fakes.PretendedProber):
        def __call__(self, path: str, kvm: bool, inventory: bool) -> Probed:
            self.asked += 1
            return Probed(disturbed({"sessions": "died"}), frozenset())

    clock = [1000.0]
    monkeypatch.setattr("domcaps.fresh.store.time.monotonic", lambda: clock[0])
    time.sleep(0.1)
    host.prober = Disturbed(host.files)
    host.host = host.another()
    asked = []
    for _ in range(200):
        caps(host)
        asked.append(host.prober.asked)
        clock[0] += 0.5
    # at 0 and 0.5 s, then after 1, 2, 4, 8, 16, 32 and at most 60 s
    assert asked[:9] == [1, 2, 2, 3, 3, 3, 3, 4, 4]
    assert asked[-1] == 8


def test_an_accelerator_that_is_not_built_in_is_no_mishap(host: PretendedHost) -> None:
    from domcaps.facts.record import Failure, ProbeSession
    from domcaps.fresh.probing import mishaps

    refused = ProbeSession("tcg", failure=Failure("refused", "invalid accelerator tcg"))
    useless = ProbeSession("kvm", failure=Failure("not-asked", "TCG was asked there"))
    record = emulator_record()
    whole = msgspec.structs.replace(record, sessions=(*record.sessions, refused, useless))
    assert not list(mishaps(whole))


def _answers(host: PretendedHost) -> EmulatorAnswers:
    local = host.host.machine.local
    return EmulatorAnswers(local.host, fakes.EMULATOR, local.inventory, local.prober)


# -- what does not last ----------------------------------------------------------------------


def test_an_emulator_that_was_too_slow_is_asked_again(
    host: PretendedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    from domcaps.facts.question import ask
    from domcaps.facts.record import Failure
    from domcaps.fresh.probing import Probed
    from fakes import emulator_record

    slow = {ask("query-tpm-models"): Failure("timeout", "too slow")}

    class Slow(fakes.PretendedProber):
        def __call__(self, path: str, kvm: bool, inventory: bool) -> Probed:
            self.asked += 1
            return Probed(emulator_record(answers=slow if self.asked < 3 else {}), frozenset())

    time.sleep(0.1)
    monkeypatch.setattr("domcaps.fresh.store._LONGEST_PAUSE", 0.0)
    host.prober = Slow(host.files)
    host.host = host.another()
    unknown = [bool(caps(host, libvirt="11.3").unknown) for _ in range(5)]
    assert host.prober.asked == 3
    assert unknown[0]
    host.host = host.another()
    caps(host)
    # only the answers that are complete were kept for other processes
    assert host.prober.asked == 3


# -- printed reports -------------------------------------------------------------------------


def keep(host: PretendedHost, options: tuple[object, ...]) -> Printed:
    answer = Printed(caps(host).xml, "{}", (), caps(host).snapshot)
    report_cache.keep(options, answer, host.host.entry(machine="q35"), host.disk)
    return answer


def recall(host: PretendedHost, options: tuple[object, ...]) -> Printed | None:
    return report_cache.recall(options, host.disk, host.host.machine.build.host_view)


def test_a_printed_report_is_found_as_long_as_it_holds(host: PretendedHost) -> None:
    answer = keep(host, ("a",))
    assert recall(host, ("a",)) == answer
    assert recall(host, ("b",)) is None
    place = host.at(f"{fakes.FIRMWARE}/50-a.json")
    text = place.read_text()
    place.write_text(text.replace("CODE_A", "CODE_B"))
    assert recall(host, ("a",)) is None
    place.write_text(text)
    assert recall(host, ("a",)) == answer


@pytest.mark.parametrize(
    "path", [fakes.REAL_EMULATOR, f"{fakes.LIBRARY}.0", fakes.KVM, fakes.NESTED, fakes.IMAGES[1]]
)
def test_a_printed_report_rests_on_all_that_the_answer_does(host: PretendedHost, path: str) -> None:
    keep(host, ("a",))
    host.at(path).unlink()
    assert recall(host, ("a",)) is None


def test_a_damaged_printed_report_is_not_there(host: PretendedHost) -> None:
    assert host.disk is not None
    keep(host, ("a",))
    for file in host.disk.folder.glob("*.trace"):
        file.write_bytes(file.read_bytes()[:-1])
    assert recall(host, ("a",)) is None


# -- where an answer comes from --------------------------------------------------------------


def test_provenance_names_what_was_read(host: PretendedHost) -> None:
    caps(host)
    found = provenance(host.host.entry(machine="q35"), host.host.machine.build.host_view)
    places = {one.place for fact in found.facts for one in fact.inputs}
    assert {"/dev/kvm", "$PATH", f"{fakes.FIRMWARE}/50-a.json", fakes.EMULATOR} <= places
    assert "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size" not in places
    assert found.inputs == len({(i.kind, i.place) for f in found.facts for i in f.inputs})
    assert all(fact.checked_at > "2020" and fact.inputs for fact in found.facts)
    msgspec.json.encode(found)


def test_why_fresh_shows_it(host: PretendedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    from domcaps.cli.why_fresh import command

    monkeypatch.setattr(Host, "local", lambda **_: host.host)
    text = CliRunner().invoke(command, ["--machine", "q35"])
    assert text.exit_code == 0, text.output
    assert "host: firmware" in text.output
    assert "/dev/kvm" not in text.output
    every = CliRunner().invoke(command, ["--machine", "q35", "--inputs"])
    assert "/dev/kvm" in every.output
    data = msgspec.json.decode(CliRunner().invoke(command, ["--format", "json"]).output)
    assert {"snapshot", "inputs", "facts"} <= set(data)


def test_commands_are_found_by_the_names_of_their_files() -> None:
    from domcaps.cli import _root

    assert {"why-fresh", "watch", "import"} <= set(_root.list_commands(None))  # type: ignore[arg-type]
    assert _root.get_command(None, "why-fresh") is not None  # type: ignore[arg-type]
    assert _root.get_command(None, "why_fresh") is None  # type: ignore[arg-type]


# -- watching --------------------------------------------------------------------------------


def watcher(host: PretendedHost) -> Watcher:
    found = Watcher(host.host.machine.build, lambda: caps(host))
    found.start()
    return found


def test_installed_firmware_is_told_with_its_cause(host: PretendedHost) -> None:
    host.at(f"{fakes.FIRMWARE}/50-a.json").unlink()
    watching = watcher(host)
    host.write(f"{fakes.FIRMWARE}/60-edk2-x86_64.json", descriptor())
    watching.wait(0)
    events = watching.changes()
    assert "+ os.firmware=efi (60-edk2-x86_64.json installed)" in map(str, events)
    assert all(event.snapshot == caps(host).snapshot for event in events)
    assert watching.changes() == ()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda h: h.write(f"{fakes.FIRMWARE}/50-a.json", descriptor(interface="bios")),
            "+ os.firmware=bios (50-a.json changed)",
        ),
        (
            lambda h: h.at(f"{fakes.FIRMWARE}/50-a.json").unlink(),
            "- os.firmware=efi (50-a.json removed)",
        ),
        (
            lambda h: h.at(fakes.IMAGES[1]).unlink(),
            f"- os.loader: {fakes.IMAGES[1]} (CODE_A.fd removed)",
        ),
        (lambda h: h.at(fakes.KVM).unlink(), "~ virttype: kvm → qemu (/dev/kvm can not be used)"),
        (
            lambda h: h.write(fakes.KVM, "12 16 8", 0o666),
            "~ vcpu max: 288 → 16 (/dev/kvm answers)",
        ),
        (
            lambda h: h.write(fakes.REAL_EMULATOR, emulator_text("cirrus-vga"), 0o755),
            "+ video.modelType=cirrus (qemu-real changed)",
        ),
        (
            lambda h: h.at("/usr/bin/swtpm").unlink(),
            "- tpm.backendVersion=2.0 (swtpm removed)",
        ),
    ],
)
def test_a_change_is_told_in_words_of_the_report(
    host: PretendedHost, change: Any, line: str
) -> None:
    watching = watcher(host)
    change(host)
    assert line in map(str, watching.changes())


def test_an_answer_that_is_gone_and_comes_back_is_told(host: PretendedHost) -> None:
    watching = watcher(host)
    text = host.at(fakes.REAL_EMULATOR).read_text()
    host.at(fakes.EMULATOR).unlink()
    (event,) = watching.changes()
    assert (event.sign, "no emulator" in event.error) == ("-", True)
    assert watching.changes() == ()
    host.write(fakes.EMULATOR, text, 0o755)
    assert watching.changes() == ()
    assert watching.error == ""


def test_watch_prints_lines(host: PretendedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    from domcaps.cli.watch import command

    monkeypatch.setattr(Host, "local", lambda **_: host.host)
    waits: list[int] = []

    def wait(self: Watcher, settle: float = 0) -> None:
        waits.append(1)
        image = fakes.IMAGES[len(waits) % 2]
        host.write(f"{fakes.FIRMWARE}/50-a.json", descriptor(image))

    monkeypatch.setattr(Watcher, "wait", wait)
    text = CliRunner().invoke(command, ["--machine", "q35", "--count", "1"])
    assert f"+ os.loader: {fakes.IMAGES[0]} (50-a.json changed)" in text.output
    waits.clear()
    lines = (
        CliRunner()
        .invoke(command, ["--machine", "q35", "--count", "2", "--format", "json"])
        .stdout.splitlines()
    )
    events = [msgspec.json.decode(line) for line in lines if line.startswith("{")]
    assert {event["sign"] for event in events} == {"+", "-"}
    assert len(waits) >= 2
