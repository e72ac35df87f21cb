"""A domain for an architecture that a host has no emulator for: one cause, and its own faults."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

import domcaps
from domcaps.editor.target import world_at
from domcaps.facts.arch import ARCHITECTURES
from domcaps.facts.named_files import look_at
from domcaps.validate.catalogue.rules import rules
from domcaps.validate.catalogue.samples import domain_of
from domcaps.validate.check import validate
from plain_hosts import open_plain

if TYPE_CHECKING:
    from pathlib import Path

    from domcaps.language.world import World

CAUSE = "os-arch-unsupported"
DOMAIN = """<domain type='kvm'>
<name>a</name><memory>1048576</memory><vcpu>4</vcpu>
<os{os}><type arch='{arch}' machine='{machine}'>hvm</type></os>
<features><acpi/>{features}</features><cpu mode='host-passthrough'/>
<devices>{devices}</devices></domain>"""
RICH = {
    "x86_64": (
        "pc-q35-8.2",
        "<apic/><vmport state='off'/><hyperv mode='custom'><vpindex state='on'/></hyperv>",
        (
            "<disk type='file'><source file='/a'/><target dev='sda' bus='sata'/></disk>"
            "<interface type='user'><model type='e1000e'/></interface><sound model='ich9'/>"
            "<tpm model='tpm-crb'><backend type='emulator'/></tpm>"
            "<video><model type='qxl'/></video>"
        ),
    ),
    "aarch64": (
        "virt",
        "<gic version='3'/>",
        (
            "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>"
            "<iommu model='smmuv3'/><video><model type='ramfb'/></video>"
        ),
    ),
    "s390x": (
        "s390-ccw-virtio",
        "",
        "<console type='pty'><target type='sclp'/></console><panic model='s390'/>",
    ),
    "ppc64": (
        "pseries",
        "<htm state='on'/>",
        (
            "<disk type='file'><source file='/a'/><target dev='sda' bus='scsi'/></disk>"
            "<controller type='scsi' index='0' model='ibmvscsi'/><panic model='pseries'/>"
        ),
    ),
}
OTHER = {"x86_64": "s390x", "aarch64": "x86_64", "s390x": "aarch64", "ppc64": "aarch64"}


def domain(arch: str, devices: str = "", os: str = "") -> str:
    machine, features, own = RICH[arch]
    given = own + devices
    if arch == "s390x":
        features = "</features><features>"
    text = DOMAIN.format(os=os, arch=arch, machine=machine, features=features, devices=given)
    return text.replace("<acpi/>", "") if arch in {"s390x", "ppc64"} else text


def host_without(arch: str) -> domcaps.Host:
    return open_plain(f"debian13-{OTHER[arch]}")


def codes(host: domcaps.Host, text: str) -> list[str]:
    return [finding.code for finding in host.validate(text).errors]


@pytest.mark.parametrize("arch", list(RICH))
@pytest.mark.parametrize("os", ["", " firmware='efi'"])
def test_one_cause_is_one_finding(arch: str, os: str) -> None:
    if os and arch in {"s390x", "ppc64"}:
        os = ""
    found = host_without(arch).validate(domain(arch, os=os))
    assert [one.code for one in found.errors] == [CAUSE]
    assert [one.as_if for one in found.findings] == [""]
    emulator = f"what depends on the emulator for {arch} guests, which this host lacks"
    assert [one for one in found.unknown if "exists" not in one] == [emulator]


@pytest.mark.parametrize("arch", list(RICH))
def test_faults_of_the_document_are_found_with_it(arch: str) -> None:
    twice = "<disk type='file'><source file='/b'/><target dev='vdz' bus='virtio'/></disk>"
    text = domain(arch, f"{twice}{twice.replace('/b', '/c')}<video><model type='moon'/></video>")
    text = text.replace("<vcpu>", "<uuid>four</uuid><vcpu>")
    found = set(codes(host_without(arch), text))
    assert {CAUSE, "domain-uuid-invalid", "disk-target-duplicate"} <= found
    assert "video-model-type-unknown" in found


def test_a_value_of_another_word_offers_those_of_the_guest() -> None:
    text = domain("x86_64").replace("'qxl'", "'moon'")
    findings = host_without("x86_64").validate(text).findings
    (found,) = [one for one in findings if one.code == "video-model-type-unknown"]
    assert {"vga", "qxl", "virtio", "none"} <= set(found.accepted)


@pytest.mark.parametrize("path", ["/usr/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm"])
def test_the_usual_emulator_comes_with_the_package(path: str) -> None:
    text = domain("x86_64", f"<emulator>{path}</emulator>")
    assert codes(host_without("x86_64"), text) == [CAUSE]


def test_an_emulator_at_another_path_is_another_fault() -> None:
    text = domain("x86_64", "<emulator>/opt/qemu</emulator>")
    assert sorted(codes(host_without("x86_64"), text)) == ["emulator-unsupported", CAUSE]


def test_good_samples_have_no_follow_ups() -> None:
    here = open_plain("debian13-x86_64")
    away = open_plain("debian13-s390x")
    samples = [
        rule.good
        for of in rules().values()
        for rule in of
        if rule.good is not None and rule.good.arch == "x86_64"
    ]
    for sample in random.Random(5).sample(samples, 60):  # noqa: S311
        # a domain that names no architecture would be one of the host's own
        text = domain_of(sample).replace("<type>", "<type arch='x86_64'>")
        own = {finding.code for finding in here.validate(text).errors}
        follow = set(codes(away, text)) - own - {CAUSE}
        assert not follow, (text, follow)


def test_a_live_host_looks_at_the_files_of_the_domain(tmp_path: Path) -> None:
    host = host_without("x86_64")

    def open_world(
        emulator: str | None, arch: str | None, machine: str | None, virttype: str | None
    ) -> World:
        world = host.world(emulator, arch, machine, virttype, strict=False)
        world.look = look_at
        return world

    text = domain("x86_64").replace("'/a'", f"'{tmp_path}/missing'")
    found = [finding.code for finding in validate(text.encode(), open_world).errors]
    assert sorted(found) == ["disk-source-file-missing", CAUSE]


def test_repair_and_convert_leave_it_and_say_what_to_install() -> None:
    host, text = host_without("x86_64"), domain("x86_64")
    repair = host.repair(text)
    assert (repair.accepted, repair.changes, repair.data) == (False, (), text.encode())
    assert [(one.code, advice) for one, advice in repair.left] == [
        (CAUSE, ("install QEMU for x86_64 (Debian's package qemu-system-x86)",))
    ]
    converted = host.convert(text)
    assert (converted.accepted, converted.data) == (False, text.encode())
    with pytest.raises(domcaps.RequestError, match="no emulator for x86_64 guests"):
        host.convert(text, to="pc")


def test_others_say_the_cause() -> None:
    host, text = host_without("x86_64"), domain("x86_64")
    for call in (host.explain_domain, host.native):
        with pytest.raises(domcaps.DomainError, match="no emulator for x86_64 guests"):
            call(text)


def test_an_editor_offers_what_the_host_has() -> None:
    world = world_at(host_without("x86_64"), domain("x86_64"), "auto")
    assert world is not None
    assert world.emulator.is_there


GUEST = """<domain type='kvm'>
<name>a</name><memory>1048576</memory><vcpu>4</vcpu>
<os><type arch='{arch}'{machine}>hvm</type></os>
<features><acpi/><apic/></features><cpu mode='host-passthrough'/>
<devices><disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>
<controller type='usb' model='qemu-xhci'/><interface type='user'><model type='virtio'/></interface>
<graphics type='vnc'/><video><model type='virtio'/></video><rng model='virtio'>
<backend model='random'>/dev/urandom</backend></rng>{more}</devices></domain>"""


@pytest.mark.parametrize("name", ["debian13-x86_64", "debian13-aarch64"])
@pytest.mark.parametrize("machine", ["q35", "pc-q35-9.2", "nonsense"])
def test_what_follows_from_the_board_of_another_architecture_is_left_out(
    name: str, machine: str
) -> None:
    host = open_plain(name)
    for arch in sorted(ARCHITECTURES):
        if host.has_emulator(arch):
            continue
        named = f" machine='{machine}'"
        if arch in {"i686", "x86_64"} and machine == "nonsense":
            continue  # what is found of a board of x86 is known
        assert codes(host, GUEST.format(arch=arch, machine=named, more="")) == [CAUSE], arch
        more = "<disk type='file'><source file='/b'/><target dev='vda' bus='virtio'/></disk>"
        found = codes(host, GUEST.format(arch=arch, machine=named, more=more))
        assert sorted(found) == ["disk-target-duplicate", CAUSE], arch


def test_a_real_board_of_the_architecture_is_judged_by_its_own() -> None:
    text = GUEST.format(arch="aarch64", machine=" machine='raspi3b'", more="")
    found = codes(open_plain("debian13-x86_64"), text)
    assert "memory-board-size-wrong" in found or CAUSE in found
    host = open_plain("debian13-x86_64")
    assert len(found) > len(codes(host, text.replace("raspi3b", "nonsense")))
