"""What a finding asks for is added, and what only the owner of a domain can add stays missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import domcaps
from domcaps.choose.repair import repair
from sample_hosts import _shipped, rich_host

if TYPE_CHECKING:
    from domcaps.choose.repaired import Repair

DOMAIN = (
    "<domain type='{kind}'><name>a</name><memory unit='GiB'>2</memory><vcpu>{vcpu}</vcpu>"
    "<os{efi}><type arch='{arch}' machine='{machine}'>hvm</type>{os}</os>"
    "<features>{features}</features>{top}<devices>{devices}</devices></domain>"
)


def domain(**parts: str) -> bytes:
    known = {
        "kind": "kvm", "vcpu": "2", "arch": "x86_64", "machine": "q35", "efi": "", "os": "",
        "features": "<acpi/>", "top": "", "devices": "",
    }  # fmt: skip
    return DOMAIN.format(**known | parts).encode()


def fixed(data: bytes, arch: str = "x86_64", libvirt: str = "12.8", release: str = "sid") -> Repair:
    record = _shipped(arch, release)
    assert record is not None
    return repair([rich_host(arch, record, release)], data, libvirt)


PASSTHROUGH = "<cpu mode='host-passthrough'/>"
EIM = ["<ioapic driver='qemu'/>", "intremap='on' eim='on'", "machine='q35'"]
IDE = "<disk type='file'><source file='/a'/><target dev='hda' bus='ide'/></disk>"
SECURE = "<firmware><feature enabled='yes' name='secure-boot'/></firmware>"
SIX = domain(vcpu="300", machine="pc", top=PASSTHROUGH, devices=IDE)
ADDED = [
    ("many CPUs on pc, before libvirt adds an IOMMU", SIX, "9.0",
     [*EIM, "<vcpu>300</vcpu>", "bus='sata'"], ["machine='pc'"]),
    ("many CPUs on pc, of libvirt 10.0", SIX, "10.0", [*EIM, "<vcpu>300</vcpu>"], []),
    ("many CPUs on pc, where libvirt adds it", SIX, "12.8",
     ["machine='q35'", "<vcpu>300</vcpu>"], ["<iommu"]),
    ("an IOMMU that says nothing", domain(
        vcpu="300", top=PASSTHROUGH, devices="<iommu model='intel'/>"), "9.0", EIM, []),
    ("extended interrupts without remapping", domain(
        devices="<iommu model='intel'><driver eim='on'/></iommu>"), "12.8",
     ["eim='on' intremap='on'"], []),
    ("secure boot on pc", domain(machine="pc", efi=" firmware='efi'", os=SECURE, devices=IDE),
     "12.8", ["machine='q35'", "firmware='efi'", SECURE, "bus='sata'"], []),
    ("secure boot on an old pc", domain(
        machine="pc-i440fx-9.2", efi=" firmware='efi'", os=SECURE), "12.8",
     ["machine='pc-q35-9.2'", SECURE], []),
    ("secure boot without SMM", domain(
        efi=" firmware='efi'", os=SECURE, features="<acpi/><smm state='off'/>"), "12.8",
     ["<smm state='on'/>", SECURE], []),
    ("features of a CPU without a model", domain(
        top="<cpu><feature policy='require' name='vmx'/></cpu>"), "12.8",
     ["mode='host-model'", "name='vmx'"], []),
    ("pages of a size that is not there", domain(
        top="<memoryBacking><hugepages><page size='3' unit='M'/></hugepages></memoryBacking>"),
     "12.8", ["size='2' unit='MiB'"], []),
    ("a channel without a type", domain(devices="<channel type='pty'><target name='x'/></channel>"),
     "12.8", ["<target name='x' type='virtio'/>"], []),
    ("a second serial console", domain(
        devices="<console type='pty'/><console type='pty'><target type='serial'/></console>"),
     "12.8", ["<target type='virtio'/>"], []),
    ("an audio back end without a number", domain(
        devices="<audio id='1' type='none'/><audio type='none'/>"), "12.8", ["id='2'"], []),
    ("a name of shared memory with slashes", domain(
        devices="<shmem name='/vm/looking'><model type='ivshmem-plain'/></shmem>"), "12.8",
     ["name='vm-looking'"], []),
    ("the display of a card without a screen", domain(
        devices="<hostdev mode='subsystem' type='mdev' model='vfio-pci' display='on'><source>"
        "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>"), "12.8",
     ["display='on'", "<graphics type='vnc'/>"], []),
    ("a NUMA cell that keeps its memory to itself", domain(
        top="<cpu><numa><cell id='0' cpus='0-1' memory='2' unit='GiB' memAccess='private'/></numa>"
        "</cpu>", devices="<filesystem><driver type='virtiofs'/><source dir='/srv'/>"
        "<target dir='s'/></filesystem>"), "12.8", ["memAccess='shared'", "mode='shared'"], []),
    ("a floppy drive on a bus of disks", domain(
        devices="<disk type='file' device='floppy'><target dev='sda' bus='usb'/></disk>"), "11.3",
     ["dev='fda' bus='fdc'"], []),
    ("a CD-ROM drive on virtio", domain(
        devices="<disk type='file' device='cdrom'><target dev='vda' bus='virtio'/></disk>"), "12.8",
     ["dev='sda' bus='sata'"], []),
    ("many CPUs on a pc of a version", domain(
        vcpu="256", machine="pc-i440fx-9.2", top=PASSTHROUGH), "12.8",
     ["machine='pc-q35-9.2'", "<vcpu>256</vcpu>"], []),
    ("a misspelt machine type without a version", domain(machine="pc-q53"), "12.8",
     ["machine='q35'"], []),
    ("a template whose format is not said", domain(
        os="<loader readonly='yes' type='pflash'>/b/code.qcow2</loader>"
        "<nvram template='/b/vars.qcow2' format='qcow2'/>"), "12.8",
     ["format='qcow2' templateFormat='qcow2'"], []),
    ("a folder as a writable disk", domain(
        devices="<disk type='dir'><driver type='fat'/><source dir='/a'/><target dev='vda'/></disk>"
    ), "12.8", ["<readonly"], []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "data", "libvirt", "there", "gone"), ADDED, ids=[case[0] for case in ADDED]
)
def test_what_a_finding_asks_for_is_added(
    case: str, data: bytes, libvirt: str, there: list[str], gone: list[str]
) -> None:
    found = fixed(data, libvirt=libvirt)
    text = found.data.decode().replace('"', "'")
    assert found.accepted, found.findings
    assert not found.removals
    assert [word for word in there if word not in text] == []
    assert [word for word in gone if word in text] == []
    assert all(change.what for change in found.changes)


OF_BOARDS = [
    ("a card of PCs", "s390x", "s390-ccw-virtio",
     "<interface type='user'><model type='e1000'/></interface>", "type='virtio'"),
    ("a watchdog of PCs", "s390x", "s390-ccw-virtio",
     "<watchdog model='i6300esb' action='reset'/>", "model='diag288'"),
    ("an IOMMU of PCs", "aarch64", "virt",
     "<iommu model='intel'><driver caching_mode='on'/></iommu>", "<iommu model='smmuv3'/>"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "arch", "machine", "device", "there"), OF_BOARDS)
def test_a_device_of_pcs_becomes_what_the_architecture_has(
    case: str, arch: str, machine: str, device: str, there: str
) -> None:
    data = domain(kind="qemu", arch=arch, machine=machine, features="", devices=device)
    found = fixed(data, arch)
    assert found.accepted, found.findings
    assert there in found.data.decode()


def test_the_nearest_version_of_an_interrupt_controller_is_taken() -> None:
    gic = "<gic version='4'/>"
    found = fixed(domain(kind="qemu", arch="aarch64", machine="virt", features=gic), "aarch64")
    assert b"<gic version='3'/>" in found.data


INCOMPLETE = [
    "<channel type='pty'><target type='guestfwd'/></channel>",
    "<shmem><model type='ivshmem-plain'/></shmem>",
    "<redirdev bus='usb'/>",
    "<smartcard mode='passthrough'/>",
    "<smartcard mode='host-certificates'><certificate>a</certificate></smartcard>",
    "<input type='evdev'/>",
]


@pytest.mark.parametrize("device", INCOMPLETE)
def test_a_device_that_is_incomplete_is_left_to_its_owner(device: str) -> None:
    data = domain(devices=device)
    found = fixed(data)
    assert found.findings
    assert found.data == data
    assert not found.changes


def test_a_full_bus_is_left_to_its_owner() -> None:
    """A port that is made a controller of another type, so that it can be removed, is no repair."""
    ports = "".join(
        f"<controller type='pci' index='{number}' model='pcie-root-port'/>"
        for number in range(1, 249)
    )
    found = fixed(domain(devices=ports))
    assert found.findings
    assert not [change for change in found.changes if "type=" in change.what]
    assert found.looks < 5


def test_what_needs_spice_goes_where_there_is_none() -> None:
    channel = "<channel type='spicevmc'><target type='virtio'/></channel>"
    found = fixed(domain(devices=f"<graphics type='vnc'/>{channel}"))
    assert found.accepted
    assert [change.removes for change in found.removals] == ["<channel>"]


LOADER = "<loader readonly='yes' type='pflash'>/opt/osx/OVMF_CODE.fd</loader><nvram>{}</nvram>"


def test_a_store_of_variables_that_its_owner_made_is_assumed_to_be_there() -> None:
    record = _shipped("x86_64", "sid")
    assert record is not None
    host = rich_host("x86_64", record, "sid")
    report = host.validate(domain(os=LOADER.format("/opt/osx/OVMF_VARS.fd")))
    assert "os-nvram-template-missing" not in {finding.code for finding in report.findings}
    assert any("/opt/osx/OVMF_VARS.fd exists" in unknown for unknown in report.unknown)
    own = LOADER.format("/var/lib/libvirt/qemu/nvram/osx_VARS.fd")
    codes = {finding.code for finding in host.validate(domain(os=own)).findings}
    assert "os-nvram-template-missing" in codes
    assert isinstance(host, domcaps.Host)
