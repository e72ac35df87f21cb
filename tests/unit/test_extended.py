"""The extended report: what it lists is accepted, and what it does not list is refused."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache, partial
from typing import TYPE_CHECKING

import extended_rows
import jsonschema
import pytest
from extended_rows import compare, disagreements, listed
from lxml import etree

from command_runner import CliRunner
from domcaps import Recording, read_host_facts
from domcaps.cli import _root
from domcaps.cli._documents import schema
from domcaps.extended import rows as module
from domcaps.extended.accepted import is_accepted
from domcaps.extended.capabilities import NAMESPACE
from domcaps.extended.kinds import _VIRTIO, kinds, virtio_devices
from domcaps.facts.question import ask
from domcaps.fleet.hosts import WorldTable
from domcaps.hosts.host import Host
from drift_uses import Subject
from fakes import emulator_record
from machine_table import MachineTable, MachineVerdicts

if TYPE_CHECKING:
    from domcaps.extended.capabilities import ExtendedCapabilities

HOST = "shipped:debian13-x86_64"
FAMILIES = {"sound", "input", "watchdog", "iommu", "vsock", "memballoon", "interface", "controller",
            "serial", "parallel", "shmem", "memory", "tpm", "graphics-video", "firmware",
            "disk"}  # fmt: skip


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have those kinds alone that are quick."""
    quick = tuple(kind for kind in kinds() if kind.name not in {"disk", "firmware"})
    monkeypatch.setattr(module, "kinds", lambda: quick)


@cache
def found() -> ExtendedCapabilities:
    return Host.open(HOST).extended_capabilities(machine="q35", virttype="qemu", libvirt="12.8")


def rows(kind: str, capabilities: ExtendedCapabilities | None = None) -> set[tuple[str, ...]]:
    section = (capabilities or found()).sections[kind]
    return {tuple(row.values.values()) for row in section.rows if row.accepted}


def test_every_family_has_rows() -> None:
    sections = found().sections
    assert set(sections) >= FAMILIES
    assert {f"virtio-{path.removeprefix('devices/')}" for path in virtio_devices()} <= set(sections)
    for name, section in sections.items():
        assert any(row.accepted for row in section.rows), name


def test_every_virtio_device_has_a_sample() -> None:
    assert set(virtio_devices()) <= set(_VIRTIO)


def test_rows_are_joint() -> None:
    tpms = rows("tpm")
    assert ("tpm-crb", "emulator", "2.0") in tpms
    assert ("tpm-crb", "emulator", "1.2") not in tpms
    assert ("tpm-tis", "emulator", "1.2") in tpms
    disks = rows("disk")
    assert ("virtio", "disk", "qcow2") in disks
    assert ("virtio", "cdrom", "qcow2") not in disks
    assert ("virtio", "floppy", "raw") not in disks
    screens = rows("graphics-video")
    assert ("vnc", "virtio", "") in screens
    assert ("spice", "virtio", "yes") in screens
    firmware = {values[1:] for values in rows("firmware") if values[0].startswith("pc-q35-10")}
    assert ("efi", "yes") in firmware
    old = {values[1:] for values in rows("firmware") if values[0].startswith("pc-i440fx")}
    assert ("efi", "yes") not in old


@pytest.mark.usefixtures("few")
def test_rows_depend_on_the_machine_type() -> None:
    old = Host.open(HOST).extended_capabilities(machine="pc", virttype="qemu", libvirt="12.8")
    assert ("itco",) in {row[:1] for row in rows("watchdog")}
    assert ("itco",) not in {row[:1] for row in rows("watchdog", old)}
    assert ("ib700",) in {row[:1] for row in rows("watchdog", old)}


@pytest.mark.usefixtures("few")
def test_rows_depend_on_the_release_of_libvirt() -> None:
    host = Host.open(HOST)
    old = host.extended_capabilities(machine="q35", virttype="qemu", libvirt="9.0")
    values = {row.values["model"] for row in old.sections["sound"].rows}
    assert "virtio" not in values
    assert ("virtio",) in rows("sound")


def test_a_refused_row_says_why() -> None:
    (row,) = [
        row for row in found().sections["tpm"].rows
        if tuple(row.values.values()) == ("tpm-crb", "emulator", "1.2")
    ]  # fmt: skip
    assert (row.accepted, row.code) == (False, "tpm-version-unsupported")
    assert "1.2" in row.domain


@pytest.mark.parametrize(
    ("name", "machine"), [("debian13-x86_64", "pc"), ("debian12-s390x", "s390-ccw-virtio")]
)
@pytest.mark.usefixtures("few")
def test_a_row_is_listed_if_and_only_if_it_is_accepted(name: str, machine: str) -> None:
    counts: Counter[str] = Counter()
    host = Host.open(f"shipped:{name}")
    assert list(disagreements(host, machine, "qemu", counts)) == []
    assert sum(counts.values()) > 200


def test_a_planted_row_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison sees a row that is listed though no domain with it is accepted."""
    real = module._Judge.row

    def wrong(judge: module._Judge, kind: object, values: object) -> object:
        row = real(judge, kind, values)  # type: ignore[arg-type]
        lies = tuple(row.values.values()) == ("tpm-crb", "emulator", "1.2")
        return module.ExtendedRow(row.values, True, row.domain) if lies else row

    monkeypatch.setattr(module._Judge, "row", wrong)
    monkeypatch.setattr(module, "kinds", lambda: tuple(k for k in kinds() if k.name == "tpm"))
    (one,) = disagreements(Host.open(HOST), "q35", "qemu", Counter())
    assert "tpm-crb" in one


def domains(kind: str, host: Host, machine: str) -> list[str]:
    """Give the domains of all rows of a kind."""
    world = host.world(machine=machine, virttype="qemu", libvirt="12.8")
    (found,) = (one for one in kinds() if one.name == kind)
    return [
        domain
        for values in module.rows_of(found, world)
        for domain in module.domains_of(found, values, world)
    ]


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_a_domain_is_accepted_if_validate_accepts_it(machine: str) -> None:
    host = Host.open(HOST)
    seen = set()
    for domain in (*domains("watchdog", host, machine), *domains("memory", host, machine)):
        accepted = is_accepted(domain.encode(), partial(host.known_world, libvirt="12.8"))
        assert accepted == host.validate(domain, "12.8").accepted, domain
        seen.add(accepted)
    assert seen == {True, False}


def test_a_domain_without_its_target_is_refused() -> None:
    host = Host.open(HOST)
    opener = partial(host.known_world, libvirt="12.8")
    xml = (
        "<domain type='{}'><name>a</name><memory>65536</memory>"
        "<os><type machine='{}'>hvm</type></os></domain>"
    )
    assert is_accepted(xml.format("qemu", "q35").encode(), opener)
    assert not is_accepted(xml.format("qemu", "q36").encode(), opener)
    assert not is_accepted(xml.format("quemu", "q35").encode(), opener)
    assert not is_accepted(b"<network/>", opener)


def test_a_document_is_judged_for_all_machine_types_at_once() -> None:
    """The engine of fleets, for the machine types of two emulators, against `Host.validate`."""
    worlds, hosts = [], []
    for name in ("debian12-riscv64", "sid-riscv64"):
        host = Host.open(f"shipped:{name}")
        names = host.emulators.get(host.emulators.paths()[0]).machines("qemu")
        worlds += [host.world(None, "riscv64", one.name, "qemu", "12.8").again() for one in names]
        hosts += [host] * len(names)
    verdicts = MachineVerdicts(worlds)
    seen = set()
    for domain in domains("tpm", hosts[0], "virt")[::5]:
        bits = verdicts.accepting(domain.encode())
        for number, (world, host) in enumerate(zip(worlds, hosts, strict=True)):
            named = domain.replace('machine="virt"', f'machine="{world.target.machine}"')
            assert host.validate(named, "12.8").accepted == bool(bits >> number & 1), named
            seen.add(bool(bits >> number & 1))
    assert seen == {True, False}


def test_the_machine_types_have_all_that_the_engine_reads_of_hosts() -> None:
    """Some of it is read by documents that are like no other one, which a long run has."""
    world = Host.open("shipped:debian12-riscv64").world(None, "riscv64", "virt", "qemu", "12.8")
    names = {name for name in dir(WorldTable) if not name.startswith("_")}
    assert {"dialects", "known_images", "world"} <= names
    assert names <= set(dir(MachineTable([world])))


@pytest.fixture
def watchdogs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the rows of watchdogs and firmware alone."""
    some = tuple(kind for kind in kinds() if kind.name in {"watchdog", "firmware"})
    monkeypatch.setattr(module, "kinds", lambda: some)
    monkeypatch.setattr(extended_rows, "kinds", lambda: some)


@pytest.mark.usefixtures("watchdogs")
def test_the_runner_compares_every_machine_type() -> None:
    targets, tally = compare([Subject("debian12-riscv64", None, rich=False)], "qemu", 40)
    assert (targets, tally.wrong) == (6, [])
    assert tally.counts["watchdog: listed"] + tally.counts["watchdog: not listed"] == 6 * 32
    assert tally.counts["firmware: listed"]
    assert tally.counts["validated again"]


class OldSubject(Subject):
    """An emulator that the newest libvirt does not take."""

    def host(self) -> Host:
        version = {"qemu": {"major": 6, "minor": 2, "micro": 0}, "package": ""}
        record = emulator_record(answers={ask("query-version"): version})
        facts = read_host_facts(b'{"arch": "x86_64"}', where="test")
        return Host.from_recording(Recording(host=facts, emulators=(record,)))


@pytest.mark.usefixtures("watchdogs")
def test_an_old_emulator_is_compared_in_a_release_that_takes_it() -> None:
    subjects = [OldSubject("old-x86_64", None, rich=False),
                Subject("debian12-x86_64", None, rich=False)]  # fmt: skip
    targets, tally = compare(subjects, "qemu", 5)
    assert tally.wrong == []
    assert tally.counts["machine types, libvirt 12.0"] == 2
    assert tally.counts["machine types, libvirt 12.8"] == targets - 2 > 10


@pytest.mark.usefixtures("watchdogs")
def test_the_runner_finds_a_row_that_is_wrongly_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = module._Judge.row

    def wrong(judge: module._Judge, kind: object, values: object) -> object:
        row = real(judge, kind, values)  # type: ignore[arg-type]
        lies = row.values == {"model": "diag288", "action": "pause"}
        return module.ExtendedRow(row.values, True, row.domain) if lies else row

    monkeypatch.setattr(module._Judge, "row", wrong)
    _, tally = compare([Subject("debian12-riscv64", None, rich=False)], "qemu", 0)
    assert tally.wrong
    assert all("diag288" in text for text in tally.wrong)


@pytest.mark.usefixtures("few")
def test_the_document_has_a_namespace_of_its_own() -> None:
    words = ["report", "--extended", "--host", HOST, "--machine", "q35", "--virttype", "qemu",
             "--libvirt", "12.8"]  # fmt: skip
    done = CliRunner().invoke(_root, words)
    assert done.exit_code == 0, done.output
    root = etree.fromstring(done.stdout.encode())
    assert {etree.QName(node).namespace for node in root.iter()} == {NAMESPACE}
    told = listed(done.stdout)
    assert told == {name: rows for name, rows in listed(found().xml).items() if name in told}


def test_json_has_refused_rows_too_and_is_what_the_schema_says() -> None:
    document = json.loads(found().json)
    jsonschema.validate(document, schema("extended"), cls=jsonschema.Draft202012Validator)
    for name, listed_rows in listed(found().xml).items():
        accepted = [row for row in document["rows"][name] if row["accepted"]]
        assert len(accepted) == len(listed_rows)
    assert any(row["code"] for row in document["rows"]["tpm"] if not row["accepted"])


@pytest.mark.parametrize("more", ["--truth", "--format=html", "--expand-cpu-features"])
def test_options_that_do_not_belong_together(more: str) -> None:
    done = CliRunner().invoke(_root, ["report", "--extended", "--host", HOST, more])
    assert done.exit_code == 2
    assert "--extended" in done.stderr


def test_the_domain_of_a_row_stands_alone() -> None:
    row = next(row for row in found().sections["sound"].rows if row.accepted)
    assert Host.open(HOST).validate(row.domain, "12.8").accepted
