"""What a person does where the fewest edits would take away what was asked for: one row each.

The hosts are those on which the case was met: sid's QEMU without SPICE and QXL, one that has QXL,
and one without KVM.
"""

from __future__ import annotations

import msgspec
import pytest

import domcaps
from domcaps.facts.record import Recording
from plain_hosts import open_plain
from poor_hosts import poor_host
from sample_hosts import _path, _shipped, rich_host

DOMAIN = (
    "<domain type='{type}'><name>{name}</name><memory unit='GiB'>8</memory><vcpu>{vcpu}</vcpu>{top}"
    "<os><type arch='{arch}' machine='{machine}'>hvm</type></os><features>{features}</features>"
    "{cpu}{clock}<devices>{devices}</devices></domain>"
)
USUAL = {
    "type": "qemu", "name": "web", "vcpu": "2", "top": "", "arch": "x86_64", "machine": "q35",
    "features": "", "cpu": "", "clock": "", "devices": "",
}  # fmt: skip
HYPERV = "<hyperv><vapic state='on'/><vpindex state='on'/><synic state='on'/>{}</hyperv>"
VIRTIOFS = (
    "<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv'/><target dir='s'/>"
    "</filesystem>"
)
LEFT_OF_PC = (
    "<controller type='pci' index='0' model='pci-root'/><controller type='usb' index='0' "
    "model='piix3-uhci'><address type='pci' domain='0' bus='0' slot='1' function='2'/></controller>"
    "<controller type='ide' index='0'/><disk type='file'><source file='/a'/><target dev='hda' "
    "bus='ide'/></disk>"
)
DISK = "<disk type='{}' device='{}'>{}<target dev='{}' bus='{}'/></disk>"
CHANNEL = "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>"
SPICE = (
    "<graphics type='spice' autoport='yes'><listen type='address' address='127.0.0.1'/>"
    f"<image compression='off'/></graphics>{CHANNEL}<redirdev bus='usb' type='spicevmc'/>"
    "<audio id='1' type='spice'/>"
)
QXL = "<video><model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='1'/></video>"

ROWS = [
    ("virtiofs without shared memory", {"devices": VIRTIOFS},
     ["type='virtiofs'", "type='memfd'", "<access mode='shared'/>"], ["9p"]),
    ("stimer without its timer",
     {"features": HYPERV.format("<stimer state='on'/>")},
     ["<stimer state='on'/>", "<timer name='hypervclock' present='yes'/>"], []),
    ("IDE disk on q35",
     {"devices": DISK.format("file", "disk", "<source file='/a'/>", "hda", "ide")},
     ["bus='sata'"], ["scsi", "lsilogic", "bridge"]),
    ("512 vCPUs", {"vcpu": "512", "machine": "pc-q35-6.2"}, ["<vcpu>288</vcpu>"], []),
    ("2000 vCPUs", {"vcpu": "2000", "machine": "pc-q35-6.2"}, ["<vcpu>288</vcpu>"], []),
    ("256 vCPUs on pc", {"vcpu": "256", "machine": "pc"},
     ["<vcpu>256</vcpu>", "machine='q35'"], []),
    ("machine pc-q35-2.12 is gone", {"machine": "pc-q35-2.12"},
     ["machine='pc-q35-5.2'"], ["i440fx"]),
    ("machine changed to q35, i440fx devices left", {"devices": LEFT_OF_PC},
     ["machine='q35'", "model='pcie-root'", "bus='sata'"], ["piix3", "'pci-root'", "type='ide'"]),
    ("topology makes 4, vCPUs are 64",
     {"vcpu": "64", "cpu": "<cpu><topology sockets='1' cores='4' threads='1'/></cpu>"},
     ["<vcpu>64</vcpu>", "sockets='16'", "cores='4'"], []),
    ("spicevmc channel without SPICE", {"devices": f"<graphics type='vnc'/>{CHANNEL}"},
     ["type='vnc'"], ["spicevmc", "pty"]),
    ("q53", {"machine": "q53"}, ["machine='q35'"], ["'pc"]),
    ("tpye", {"devices": "<graphics tpye='vnc'/>"}, ["<graphics type='vnc'/>"], ["sdl", "tpye"]),
    ("type='block' with a file",
     {"devices": DISK.format("block", "disk", "<source file='/a'/>", "vda", "virtio")},
     ["type='file'", "<source file='/a'/>"], []),
    ("web/1", {"name": "web/1"}, ["<name>web-1</name>"], ["sample"]),
    ("SPICE that QEMU lacks", {"devices": SPICE},
     ["type='vnc'", "127.0.0.1"],
     ["'spice'", "spicevmc", "sdl", "redirdev", "<audio", "<image"]),
    ("qxl that QEMU lacks", {"devices": f"<graphics type='vnc'/>{QXL}"},
     ["type='virtio'", "heads='1'"], ["qxl", "ram=", "vgamem", "'none'"]),
    ("tlbflush without vpindex",
     {"features": "<hyperv><tlbflush state='on'/></hyperv>"},
     ["<tlbflush state='on'/>", "<vpindex state='on'/>"], []),
    ("host without KVM, host-passthrough",
     {"type": "kvm", "cpu": "<cpu mode='host-passthrough'/>"},
     ["<domain type='qemu'", "<cpu mode='maximum'/>"], ["host-passthrough"]),
    ("CPU model that nothing has",
     {"cpu": "<cpu mode='custom'><model fallback='forbid'>Skylake-Rocket</model></cpu>"},
     ["<cpu"], ["Rocket", "<cpu mode='custom'/>"]),
]  # fmt: skip


def domain(**parts: str) -> str:
    return DOMAIN.format(**USUAL | parts)


@pytest.mark.parametrize(
    ("parts", "there", "gone"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS]
)
def test_a_person_would_do_the_same(
    parts: dict[str, str], there: list[str], gone: list[str]
) -> None:
    found = poor_host().repair(domain(**parts), libvirt="12.8")
    text = found.data.decode().replace('"', "'")
    assert found.accepted, found.findings
    assert [word for word in there if word not in text] == []
    assert [word for word in gone if word in text] == []


def test_slow_emulation_is_said_to_be_slow() -> None:
    found = poor_host().repair(domain(type="kvm"))
    assert "many times slower" in str(found.decisions[0])


def test_an_empty_usb_drive_goes_to_sata() -> None:
    drive = DISK.format("file", "cdrom", "", "sda", "usb")
    found = poor_host().repair(domain(devices=drive), libvirt="11.3")
    assert found.accepted
    assert b"bus='sata'" in found.data
    assert b"<source" not in found.data


def test_arm64_is_aarch64() -> None:
    found = open_plain("sid-aarch64").repair(domain(arch="arm64", machine="virt"))
    assert found.accepted
    assert b"arch='aarch64'" in found.data


def test_a_misspelt_qxl_is_qxl_where_qemu_has_it() -> None:
    found = open_plain("debian12-x86_64").repair(
        domain(devices="<graphics type='vnc'/><video><model type='qlx'/></video>")
    )
    assert found.accepted
    assert b"<model type='qxl'/>" in found.data


def test_acpi_on_arm_gets_firmware() -> None:
    record = _shipped("aarch64", "sid")
    assert record is not None
    host = rich_host("aarch64", record, "sid")
    found = host.repair(domain(arch="aarch64", machine="virt", features="<acpi/>"))
    assert found.accepted
    assert b"<acpi/>" in found.data
    assert b"firmware='efi'" in found.data


def test_a_tpm_without_its_program_is_left_and_the_package_named() -> None:
    record = _shipped("x86_64", "sid")
    assert record is not None
    rich = rich_host("x86_64", record, "sid").facts.record
    helpers = tuple(
        msgspec.structs.replace(one, path="", reason="not found") if "swtpm" in one.name else one
        for one in rich.helpers
    )
    host = domcaps.Host.from_recording(
        Recording(
            host=msgspec.structs.replace(rich, helpers=helpers),
            emulators=(msgspec.structs.replace(record, path=_path("x86_64")),),
        ),
        origin="sid",
    )
    text = domain(devices="<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>")
    found = host.repair(text)
    assert found.changes == ()
    assert not found.accepted
    assert "swtpm-tools" in str(found.remedies)
