"""The truth of a fleet's verdicts: each is that of the host alone, every finding of it."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from domain_generator import Generator
from domcaps._version import DEFAULT_DIALECT
from domcaps.fleet.ask import ask
from domcaps.fleet.fleet import Fleet, accepts_of, verdicts_of
from domcaps.fleet.roles import judged_document
from domcaps.fleet.verdict import Placed
from domcaps.hosts.host import Host
from domcaps.validate.catalogue.rules import rules
from domcaps.validate.catalogue.samples import domain_of
from domcaps.validate.check import validate
from domcaps.validate.document.parse import Unreadable, read
from domcaps.validate.foreign import decided
from domcaps.validate.target import TargetNotFound, nearest_target
from fleet_hosts import fleet, replace

if TYPE_CHECKING:
    from pathlib import Path

    from domcaps.facts.record import Recording
    from domcaps.language.finding import Finding
    from domcaps.language.world import World

EFI = b"""<domain type='qemu'><name>a</name><memory>1048576</memory>
<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os>
<devices>%s<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
</devices></domain>"""


def told(found: Finding) -> tuple[Any, ...]:
    """Give what a verdict tells of a finding; columns move where a host's own path is longer."""
    return (
        found.code, found.message, found.severity, found.stage, found.path, found.line,
        found.accepted, found.as_if,
    )  # fmt: skip


def assert_true(made: Fleet, hosts: dict[str, Host], name: str, data: bytes) -> None:
    """Compare the verdicts on a domain with those of each host alone."""
    answer, placed = made.engine().ask(name, data), Placed(data)
    for number, host in enumerate(made.hosts.names):
        own = made.hosts.own_paths[number]
        # a fleet lists the values of an enum, whatever the rest of the domain rules out
        world = partial(hosts[host].known_world, libvirt=DEFAULT_DIALECT)
        alone = validate(judged_document(data, own, "x86_64"), world)
        found = answer.of(number)
        got = sorted(map(str, map(told, placed.findings(found, own))))
        wanted = sorted(map(str, map(told, (*alone.findings, *alone.notices))))
        assert got == wanted, (name, host, data)
        unknown = decided(found.outcome.unknown, made_world(data, world))
        assert unknown == alone.unknown, (name, host)


def made_world(data: bytes, open_world: Any) -> World:
    """Give the world in which a host alone judges a domain; any world for what is no domain."""
    try:
        return nearest_target(read(data), open_world).world
    except (Unreadable, TargetNotFound):
        return open_world(None, None, None, None)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def recordings() -> dict[str, Recording]:
    return fleet(7, seed=3)


@pytest.fixture(scope="module")
def made(recordings: dict[str, Recording], tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    found = Fleet.open(tmp_path_factory.mktemp("fleet"))
    for name, recording in recordings.items():
        found.add(recording, name)
    return found


@pytest.fixture(scope="module")
def hosts(recordings: dict[str, Recording]) -> dict[str, Host]:
    return {name: Host.from_recording(recording) for name, recording in recordings.items()}


def samples() -> list[bytes]:
    return [
        domain_of(sample).encode()
        for of in rules().values()
        for rule in of
        for sample in (rule.bad, rule.good)
        if sample is not None and sample.arch == "x86_64"
    ]


def test_samples_of_rules(made: Fleet, hosts: dict[str, Host]) -> None:
    chosen = random.Random(1).sample(samples(), 60)  # noqa: S311
    for number, data in enumerate(chosen):
        assert_true(made, hosts, str(number), data)


def test_generated_domains_and_texts_that_vary(made: Fleet, hosts: dict[str, Host]) -> None:
    generator = Generator(random.Random(2))  # noqa: S311
    for number in range(40):
        assert_true(made, hosts, str(number), generator.document())


@pytest.mark.parametrize("memory", ["1", "0", "-1", "4194304", "99999999999"])
@pytest.mark.parametrize("vcpus", ["1", "9", "2000"])
def test_one_skeleton_with_other_texts(
    made: Fleet, hosts: dict[str, Host], memory: str, vcpus: str
) -> None:
    text = f"""<domain type='kvm'><name>n{memory}</name><memory>{memory}</memory>
    <vcpu>{vcpus}</vcpu><os><type arch='x86_64' machine='q35'>hvm</type></os>
    <devices><disk type='file'><source file='/a/{memory}'/><target dev='vda' bus='virtio'/></disk>
    </devices></domain>"""
    assert_true(made, hosts, "varied", text.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"", b"<domain", b"<x/>", b"<domain/>", b"<domain type='kvm'><os/></domain>",
        b"<!-- domcaps: ignore memory-missing --><domain type='qemu'/>",
        b"<domain type='qemu'><os><type arch='vax'>hvm</type></os></domain>",
        b"<domain type='qemu'><os><type machine='none-such'>hvm</type></os></domain>",
        b"<domain type='qemu'><devices><emulator>/opt/qemu</emulator></devices></domain>",
        (b"<domain type='kvm'><os><type arch='sparc' machine='q35'>hvm</type></os><devices>"
        b"<interface type='user'/><video><model type='virtio'/></video></devices></domain>"),
        (b"<domain type='kvm'><os><type arch='m68k' machine='virt'>hvm</type></os><devices>"
        b"<rng model='virtio'/><tpm model='tpm-crb'/></devices></domain>"),
        b"<domain type='qemu'><name>a</name><name>b</name><strange/><memory>1</memory></domain>",
    ],
)  # fmt: skip
def test_odd_documents(made: Fleet, hosts: dict[str, Host], data: bytes) -> None:
    assert_true(made, hosts, "odd", data)


@pytest.mark.parametrize("emulator", ["", "/usr/bin/qemu-system-aarch64", "/opt/qemu"])
@pytest.mark.parametrize("comment", ["", "<!-- domcaps: ignore memory-missing -->"])
def test_a_domain_of_an_architecture_without_an_emulator(
    made: Fleet, hosts: dict[str, Host], emulator: str, comment: str
) -> None:
    named = f"<emulator>{emulator}</emulator>" if emulator else ""
    data = f"""<domain type='kvm'><name>a</name>{comment}<vcpu>300</vcpu>
    <os firmware='efi'><type arch='aarch64' machine='virt'>hvm</type></os>
    <cpu mode='host-passthrough'/><features><acpi/><gic version='3'/></features>
    <devices>{named}<disk type='file'><target dev='vda' bus='sd'/></disk>
    <disk type='file'><target dev='vda' bus='virtio'/></disk>
    <video><model type='moon'/></video></devices></domain>"""
    assert_true(made, hosts, f"{emulator}{comment}", data.encode())


@pytest.mark.parametrize("kind", ["xen", "lxc", "kvmm", ""])
@pytest.mark.parametrize("comment", ["", "<!-- domcaps: ignore memory-missing -->"])
def test_a_type_that_is_near_to_none_stands_for_every_type_of_each_host(
    made: Fleet, hosts: dict[str, Host], kind: str, comment: str
) -> None:
    data = f"""<domain type='{kind}'><name>a</name>{comment}<vcpu>300</vcpu>
    <os><type arch='x86_64' machine='q35'>hvm</type></os><cpu mode='host-passthrough'/>
    <features><hyperv><synic state='on'/></hyperv></features>
    <devices><disk type='file'><target dev='vda'/></disk></devices></domain>"""
    assert_true(made, hosts, kind, data.encode())


def test_findings_of_another_type_say_of_which(made: Fleet) -> None:
    data = b"""<domain type='xen'><name>a</name><memory>1048576</memory>
    <os><type arch='x86_64'>hvm</type></os><cpu mode='host-passthrough'/></domain>"""
    answer, placed = made.engine().ask("a", data), Placed(data)
    told_of = {
        found.as_if
        for one in answer.sets
        for found in placed.findings(one, made.hosts.own_paths[next(one.numbers())])
        if found.code == "cpu-mode-unsupported"
    }
    assert told_of == {"type='qemu'"}


@pytest.mark.parametrize("path", ["/usr/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm"])
def test_hosts_of_other_distributions_are_judged_with_their_own_emulator(
    recordings: dict[str, Recording], tmp_path: Path, path: str
) -> None:
    one = next(iter(recordings.values()))
    found = Fleet.open(tmp_path)
    for name, own in (("debian", "/usr/bin/qemu-system-x86_64"), ("rhel", "/usr/libexec/qemu-kvm")):
        emulator = replace(one.emulators[0], path=own)
        found.add(replace(one, emulators=(emulator,)), name)
    data = EFI.replace(b"%s", f"<emulator>{path}</emulator>".encode())
    answer = found.engine().ask("a", data)
    assert len(answer.sets) == 1
    assert accepts_of(answer, found.hosts, data).own_path is bool(answer.accepting)


def test_reasons_are_counted(made: Fleet, hosts: dict[str, Host]) -> None:
    data = EFI.replace(b"%s", b"")
    found = made.accepts(data)
    accepted = {name for name, host in hosts.items() if host.validate(data).accepted}
    assert set(found.accepted) == accepted
    assert set(found.refused) == set(hosts) - accepted
    assert found.reasons
    for reason in found.reasons:
        having = {
            name
            for name, host in hosts.items()
            if any(f.message == reason.message for f in host.validate(data).errors)
        }
        assert set(reason.hosts) == having
        assert reason.count == len(having) >= reason.alone


def test_ask_gives_what_the_engine_gives(made: Fleet) -> None:
    documents = [(str(n), data) for n, data in enumerate(samples()[:30])]
    answers = {answer.name: answer for answer in ask(made.store, documents)}
    for name, data in documents:
        want = list(verdicts_of(made.engine().ask(name, data), made.hosts, data))
        assert list(verdicts_of(answers[name], made.hosts, data)) == want


def test_what_some_host_finds_in_a_shape_is_found_in_every_document_of_it(tmp_path: Path) -> None:
    """A check that is silent on the first host may find something on the next one."""
    made, recordings = Fleet.open(tmp_path), fleet(9, seed=11)
    for name, recording in recordings.items():
        made.add(recording, name)
    alone = {name: Host.from_recording(recording) for name, recording in recordings.items()}
    text = """<domain type='{}'><name>a</name><memory>1048576</memory>
    <os><type arch='x86_64' machine='{}'>hvm</type></os><devices>{}</devices></domain>"""
    devices = ("", "<video><model type='qxl'/></video>", "<sound model='ich9'/>")
    for more in devices:
        for machine in ("q35", "pc", "pc-i440fx-2.4"):
            for kind in ("kvm", "qemu"):
                data = text.format(kind, machine, more).encode()
                assert_true(made, alone, f"{kind} {machine}", data)


@pytest.mark.parametrize("comment", ["", "<!-- domcaps: ignore memory-missing -->"])
@pytest.mark.parametrize("kind", ["qemu", "kvm", "xen"])
@pytest.mark.parametrize("os", [b" firmware='efi'", b""])
def test_what_follows_from_another_finding_is_left_out_as_on_each_host(
    made: Fleet, hosts: dict[str, Host], comment: str, kind: str, os: bytes
) -> None:
    loader = b"" if os else b"<loader secure='yes' type='pflash' readonly='yes'/>"
    data = EFI.replace(b"%s", comment.encode()).replace(b"'qemu'", f"'{kind}'".encode())
    data = data.replace(b" firmware='efi'", os).replace(b"</type>", b"</type>" + loader)
    assert_true(made, hosts, kind, data.replace(b"<os", b"<vcpu>300</vcpu><os"))
