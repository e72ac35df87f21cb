"""Repairing keeps what was meant: each case has a fault, and what a person would write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

import domcaps
from domcaps.choose import losses
from domcaps.choose.candidates import of_same_family
from domcaps.choose.hosts import machine_names
from domcaps.choose.repair import repair
from domcaps.facts.record import Kvm, Recording
from plain_hosts import open_plain
from poor_hosts import emulated_record
from sample_hosts import _path, _rich, _shipped, rich_host

if TYPE_CHECKING:
    from domcaps.choose.repaired import Repair

X86 = (
    "<domain type='{type}'><name>{name}</name><memory unit='MiB'>2048</memory>"
    "<vcpu>{vcpu}</vcpu><os>{os}</os><features><acpi/>{features}</features>{top}"
    "<devices>{devices}</devices></domain>"
)
OS = "<type arch='{}' machine='{}'>hvm</type>"
DEFAULTS = {
    "type": "qemu", "name": "web", "vcpu": "2", "os": OS.format("x86_64", "q35"), "features": "",
    "top": "", "devices": "",
}  # fmt: skip


def domain(**parts: str) -> bytes:
    return X86.format(**DEFAULTS | parts).encode()


def fixed(data: bytes, host: str = "sid-x86_64", libvirt: str = "12.8") -> Repair:
    found = repair([open_plain(host)], data, libvirt)
    if found.accepted:
        assert open_plain(host).validate(found.data, libvirt).accepted
    return found


DISK = "<disk type='{}' device='{}'>{}<target dev='{}' bus='{}'/></disk>"
FILE = "<source file='/a'/>"
VIRTIOFS = (
    "<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv'/><target dir='s'/>"
    "</filesystem>"
)
STIMER = (
    "<hyperv><vapic state='on'/><vpindex state='on'/><synic state='on'/><stimer state='on'/>"
    "</hyperv>"
)
CDROM = DISK.format("file", "cdrom", FILE, "hdd", "ide")
SPICE_CHANNEL = "<channel type='spicevmc'><target type='virtio'/></channel>"
SPICE_DESKTOP = (
    "<graphics type='spice' autoport='yes' defaultMode='secure'>"
    "<listen type='address' address='127.0.0.1'/><image compression='off'/></graphics>"
    "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>"
    "<redirdev bus='usb' type='spicevmc'/><audio id='1' type='spice'/>"
    "<video><model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='1' primary='yes'/>"
    "</video>"
)

KEPT = [
    ("virtiofs gets shared memory", domain(devices=VIRTIOFS),
     ["type='virtiofs'", "mode='shared'"], ["9p"]),
    ("a synthetic timer gets its clock", domain(features=STIMER),
     ["<stimer state='on'/>", "hypervclock"], []),
    ("a TLB flush gets its index",
     domain(features="<hyperv><tlbflush state='on'/></hyperv>"),
     ["<tlbflush state='on'/>", "<vpindex state='on'/>"], []),
    ("an IDE disk on q35 goes to SATA", domain(devices=CDROM),
     ["bus='sata'"], ["scsi"]),
    ("a CPU topology gets sockets",
     domain(vcpu="64", top="<cpu><topology sockets='1' cores='4' threads='1'/></cpu>"),
     ["sockets='16'", "cores='4'"], []),
    ("more than 255 CPUs get a q35 machine",
     domain(vcpu="256", os=OS.format("x86_64", "pc")), [">256<", "machine='q35'"], []),
    ("too many CPUs become as many as there can be",
     domain(vcpu="2000", os=OS.format("aarch64", "virt"), features=""), ["<vcpu>512</vcpu>"], []),
    ("an old machine type becomes the oldest of its family",
     domain(os=OS.format("x86_64", "pc-q35-2.12")), ["machine='pc-q35-"], ["i440fx"]),
    ("an old machine type of the other family",
     domain(os=OS.format("x86_64", "pc-0.12")), ["machine='pc-i440fx-"], ["q35"]),
    ("an architecture's other name", domain(os=OS.format("arm64", "virt"), features=""),
     ["arch='aarch64'"], []),
    ("a machine type is misspelt", domain(os=OS.format("x86_64", "q53")), ["machine='q35'"], []),
    ("a video model is misspelt", domain(devices="<video><model type='vgaa'/></video>"),
     ["type='vga'"], []),
    ("an attribute is misspelt", domain(devices="<graphics tpye='vnc'/>"),
     ["<graphics type='vnc'/>"], ["sdl", "tpye"]),
    ("the type of a disk does not fit its source",
     domain(devices=DISK.format("block", "disk", FILE, "vda", "virtio")),
     ["type='file'", "<source file='/a'/>"], []),
    ("a name that is a path", domain(name="web/1"), ["<name>web-1</name>"], ["sample"]),
    ("SPICE and QXL that QEMU lacks", domain(devices=SPICE_DESKTOP),
     ["type='vnc'", "type='virtio'", "heads='1'", "127.0.0.1", "type='qemu-vdagent'",
      "copypaste='yes'"],
     ["'spice'", "spicevmc", "qxl", "ram=", "vgamem", "redirdev", "image", "sdl"]),
    ("a channel of SPICE without SPICE",
     domain(devices=f"<graphics type='vnc'/>{SPICE_CHANNEL}"),
     ["type='vnc'"], ["channel"]),
    ("host-passthrough without KVM",
     domain(type="kvm", top="<cpu mode='host-passthrough' migratable='on'/>",
            os=OS.format("aarch64", "virt"), features=""),
     ["type='qemu'", "mode='maximum'"], ["host-passthrough"]),
    ("a CPU model is misspelt",
     domain(top="<cpu mode='custom'><model fallback='forbid'>Haswel</model></cpu>"),
     ["Haswell"], []),
    ("a CPU model without the versions that are known",
     domain(top="<cpu mode='custom'><model fallback='forbid'>Skylake-Rocket</model></cpu>"),
     ["<cpu"], ["mode='custom'><", "486"]),
    ("an emulator that is not there",
     domain(devices="<emulator>/usr/bin/kvm-spice</emulator>"),
     ["/usr/bin/qemu-system-x86_64", "arch='x86_64'"], ["kvm-spice"]),
    ("a machine type without its version",
     domain(os=OS.format("x86_64", "pc-q35")), ["machine='q35'"], []),
    ("a second TPM goes",
     domain(devices="<tpm><backend type='passthrough'/></tpm>" * 2), ["<tpm>"], []),
    ("two disks of one name",
     domain(devices=DISK.format("file", "disk", FILE, "vda", "virtio")
            + DISK.format("file", "disk", FILE.replace("/a", "/b"), "vda", "virtio")),
     ["dev='vda'", "dev='vdb'"], []),
]  # fmt: skip


@pytest.mark.parametrize(("case", "data", "there", "gone"), KEPT, ids=[k[0] for k in KEPT])
def test_what_was_meant_is_kept(case: str, data: bytes, there: list[str], gone: list[str]) -> None:
    arm = b"machine='virt'" in data
    # no firmware comes with this host, without which there is no ACPI on ARM
    data = data.replace(b"<acpi/>", b"") if arm else data
    found = fixed(data, "sid-aarch64" if arm else "sid-x86_64")
    text = found.data.decode().replace('"', "'")
    assert found.accepted, found.findings
    assert [word for word in there if word not in text] == []
    assert [word for word in gone if word in text] == []


def test_acpi_on_arm_gets_uefi_where_the_host_has_it() -> None:
    record = _shipped("aarch64", "sid")
    assert record is not None
    host = rich_host("aarch64", record, "sid")
    found = repair([host], domain(os=OS.format("aarch64", "virt")), "12.8")
    assert found.accepted
    assert b"<acpi/>" in found.data
    assert b"firmware='efi'" in found.data


def test_an_empty_drive_on_usb_moves_to_a_bus_that_permits_it() -> None:
    found = fixed(domain(devices=DISK.format("file", "cdrom", "", "sda", "usb")), libvirt="11.3")
    assert found.accepted
    assert b"bus='sata'" in found.data
    assert b"<source" not in found.data


def test_an_emulated_tpm_never_becomes_the_hosts() -> None:
    tpm = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
    found = fixed(domain(devices=tpm))
    assert not found.accepted
    assert found.data == found.original


@pytest.mark.parametrize(
    "device",
    [
        DISK.format("network", "disk", "<source protocol='gluster' name='v/i'/>", "vda", "virtio"),
        "<hostdev mode='subsystem' type='pci'><source/></hostdev>",
        "<filesystem><target dir='b'/></filesystem>",
        "<interface type='bridge'/>",
    ],
)
def test_what_a_guest_was_given_is_not_removed_without_permission(device: str) -> None:
    tag = device[1:].split()[0].split(">")[0]
    for allowed in (False, True):
        host = open_plain("sid-x86_64")
        found = repair([host], domain(devices=device), "12.8", allow_removal=allowed)
        assert (f"<{tag}".encode() in found.data) is not allowed or found.accepted


def test_what_can_be_repaired_is_repaired_though_something_is_left() -> None:
    devices = "<video><model type='qxl'/></video><interface type='bridge'/>"
    found = fixed(domain(devices=devices))
    assert not found.accepted
    assert [finding.path for finding in found.findings] == ["/domain/devices/interface"]
    assert b"type='virtio'" in found.data


def test_lines_are_those_of_the_original() -> None:
    text = domain(
        devices="\n<filesystem type='mount'>\n<driver type='virtiofs'/>\n<source dir='/s'/>\n"
        "<target dir='t'/></filesystem>\n<video>\n<model type='qxl'/></video>\n"
    )
    lines = text.decode().splitlines()
    found = fixed(text)
    assert len(found.changes) == 2
    for change in found.changes:
        assert ("filesystem" in lines[change.line - 1]) or ("qxl" in lines[change.line - 1])


def test_a_removal_is_told() -> None:
    found = fixed(domain(devices="<memballoon model='virtio'/>" * 2))
    (change,) = found.removals
    assert change.removes == "<memballoon>"
    assert losses.SETTING <= change.loss < losses.PROTECTED


def host_without_kvm() -> domcaps.Host:
    poor = msgspec.structs.replace(_rich("x86_64"), kvm=Kvm())
    recording = Recording(host=poor, emulators=(emulated_record(),))
    return domcaps.Host.from_recording(recording, origin="sid")


WITHOUT_KVM = [
    ("<cpu mode='host-passthrough' check='none'/>", ["mode='maximum'"], ["host-passthrough"]),
    ("<cpu mode='custom' match='exact'><model>host</model></cpu>",
     ["mode='maximum'"], ["<model", "mode='custom'"]),
    ("<cpu mode='host-model' check='partial'/>", ["mode='host-model'"], []),
]  # fmt: skip


@pytest.mark.parametrize(("cpu", "there", "gone"), WITHOUT_KVM)
def test_without_kvm_the_guest_is_emulated_and_that_is_said_to_be_slow(
    cpu: str, there: list[str], gone: list[str]
) -> None:
    found = repair([host_without_kvm()], domain(type="kvm", top=cpu), "12.8")
    text = found.data.decode()
    assert found.accepted, found.findings
    assert [word for word in ["type='qemu'", *there] if word not in text] == []
    assert [word for word in gone if word in text] == []
    assert "slower" in found.changes[0].what


HELD = [
    ("a host device on a host without VFIO",
     domain(devices="<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0'"
            " bus='9' slot='0' function='0'/></source></hostdev>"), "vfio"),
    ("UEFI for an architecture without firmware on the host",
     domain(os="<type arch='riscv64' machine='virt'>hvm</type>").replace(
         b"<os>", b"<os firmware='efi'>"), "qemu-efi-riscv64"),
    ("memory encryption",
     domain(type="qemu", top="<launchSecurity type='sev-snp'><cbitpos>51</cbitpos>"
            "<reducedPhysBits>1</reducedPhysBits><policy>0x30000</policy></launchSecurity>"),
     "SEV"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "data", "advice"), HELD, ids=[held[0] for held in HELD])
def test_what_only_the_host_can_repair_is_left_and_told(
    case: str, data: bytes, advice: str
) -> None:
    found = fixed(data, "sid-riscv64" if b"riscv" in data else "sid-x86_64")
    assert not found.accepted
    assert found.data == data
    assert advice in str(found.remedies)


I440FX = (
    "<controller type='pci' index='0' model='pci-root'/><controller type='usb' index='0' "
    "model='piix3-uhci'><address type='pci' domain='0x0000' bus='0x00' slot='0x01' "
    "function='0x2'/></controller><controller type='ide' index='0'/>"
) + DISK.format("file", "disk", FILE, "hda", "ide")
ACPI = b"<acpi/>"
SHARED = ["<source type='memfd'/>", "<access mode='shared'/>"]
WRONG_NETWORK = "<interface type='{}'><source {}/></interface>"
CARD = "<interface type='user'>{}</interface>"

SECURE = b"<os firmware='efi'><firmware><feature enabled='yes' name='secure-boot'/></firmware>"

# the kinds above with other devices, figures and architectures, and kinds that people met later
OTHERS = [
    ("shared memory for vhost-user", "x86_64", domain(
        devices="<interface type='vhostuser'><source type='unix' path='/s' mode='client'/>"
        "<model type='virtio'/></interface>"), SHARED, []),
    ("huge pages stay where memory is shared", "x86_64", domain(
        top="<memoryBacking><hugepages/></memoryBacking>", devices=VIRTIOFS),
     ["<hugepages/>", *SHARED], []),
    ("an interrupt between processors gets its index", "x86_64",
     domain(features="<hyperv><ipi state='on'/></hyperv>"), ["vpindex"], []),
    ("a TPM's interface of another board", "aarch64", domain(
        os=OS.format("aarch64", "virt"),
        devices="<tpm model='tpm-crb'><backend type='emulator'/></tpm>"), ["tpm-tis"], []),
    ("too many CPUs for ARM", "aarch64", domain(vcpu="1000", os=OS.format("aarch64", "virt")),
     [">512<"], []),
    ("an old machine type of ARM", "aarch64", domain(os=OS.format("aarch64", "virt-2.6")),
     ["machine='virt-"], ["2.6"]),
    ("a machine type of a vendor", "x86_64",
     domain(os=OS.format("x86_64", "pc-i440fx-rhel7.6.0")), ["machine='pc-i440fx-5.2'"], []),
    ("a machine type of another vendor", "x86_64",
     domain(os=OS.format("x86_64", "pc-q35-focal")), ["machine='pc-q35-5.2'"], []),
    ("cores make up for CPUs", "x86_64",
     domain(vcpu="12", top="<cpu><topology sockets='2' cores='4' threads='2'/></cpu>"),
     ["cores='3'", "threads='2'"], []),
    ("a prime number of CPUs", "x86_64",
     domain(vcpu="7", top="<cpu><topology sockets='1' cores='2' threads='2'/></cpu>"),
     ["cores='7'", "threads='1'"], []),
    ("an IOMMU's board", "x86_64", domain(
        os=OS.format("x86_64", "pc-i440fx-9.2"), devices=I440FX + "<iommu model='intel'/>"),
     ["pc-q35-9.2", "<iommu model='intel'/>", "dev='sda' bus='sata'", "pcie-root"], ["piix3"]),
    ("protected memory's board", "x86_64", domain(
        os=OS.format("x86_64", "pc"), features="<smm state='on'><tseg unit='MiB'>8</tseg></smm>"),
     ["q35", "<tseg"], []),
    ("secure boot where SMM is off", "x86_64", domain(features="<smm state='off'/>").replace(
        b"<os>", SECURE), ["<smm state='on'/>", "machine='q35'", "secure-boot"], []),
    ("secure boot on the other board, where SMM is off", "x86_64", domain(
        features="<smm state='off'/>", os=OS.format("x86_64", "pc")).replace(b"<os>", SECURE),
     ["<smm state='on'/>", "machine='q35'", "secure-boot"], []),
    ("a bus of the host as lspci prints it", "x86_64", domain(
        devices="<hostdev mode='subsystem' type='pci' managed='yes'><source><address "
        "domain='0x0000' bus='0a' slot='00' function='0'/></source></hostdev>"),
     ["bus='0x0a' slot='00'"], []),
    ("another type of network", "x86_64",
     domain(devices=WRONG_NETWORK.format("bridge", "network='default'")),
     ["type='network'"], []),
    ("another type of bridge", "x86_64",
     domain(devices=WRONG_NETWORK.format("network", "bridge='br0'")), ["type='bridge'"], []),
    ("a file that is no storage on a network", "x86_64",
     domain(devices=DISK.format("network", "disk", FILE, "vda", "virtio")), ["type='file'"], []),
    ("swapped letters", "x86_64",
     domain(devices=DISK.format("ifle", "disk", FILE, "vda", "virtio")), ["type='file'"], []),
    ("a unit is misspelt", "x86_64",
     domain().replace(b"unit='MiB'", b"unit='MB2'"), ["unit='MB'"], []),
    ("a multicast address", "x86_64",
     domain(devices=CARD.format("<mac address='53:54:00:00:00:01'/>")), ["52:54:00:00:00:01"], []),
    ("a place in the boot order that is taken", "x86_64",
     domain(devices=CARD.format("<boot order='1'/>") * 2), ["order='1'", "order='2'"], []),
    ("an I/O thread that is missing", "x86_64", domain(devices=DISK.format(
        "file", "disk", "<driver name='qemu' iothread='2'/>" + FILE, "vda", "virtio")),
     ["<iothreads>2</iothreads>", "iothread='2'"], []),
    ("USB that was switched off", "x86_64", domain(
        devices="<controller type='usb' model='none'/><input type='tablet' bus='usb'/>"),
     ["qemu-xhci", "tablet"], []),
    ("companions of a USB controller", "x86_64", domain(
        devices="<controller type='usb' index='0' model='ich9-uhci1'/>"),
     ["ich9-ehci1", "ich9-uhci1"], []),
    ("an expander of the other board", "x86_64", domain(
        os=OS.format("x86_64", "pc"),
        devices="<controller type='pci' index='1' "
        "model='pcie-expander-bus'><model name='pxb-pcie'/>"
        "</controller>"), ["'pci-expander-bus'"], ["pxb-pcie"]),
    ("an address that is taken", "x86_64", domain(
        os=OS.format("x86_64", "pc"), devices=(
            "<{0}><address type='pci' bus='0' slot='3'/></{0}>".format("memballoon model='virtio'")
        ).replace("</memballoon model='virtio'>", "</memballoon>") + "<sound model='ac97'><address "
        "type='pci' bus='0' slot='3'/></sound>"), ["<memballoon", "<sound"], []),
    ("the format of an ISO image", "x86_64", domain(devices="<disk type='file' device='cdrom'>"
        "<driver name='qemu' type='iso'/><source file='/a.iso'/><target dev='sda' bus='sata'/>"
        "</disk>"), ["type='raw'"], ["iso'/><source"]),
    ("a share by the old name of its driver", "x86_64", domain(devices="<filesystem type='mount'>"
        "<driver type='handle'/><source dir='/srv'/><target dir='s'/></filesystem>"),
     ["<driver type='path'/>"], []),
    ("the memory that a guest begins with", "x86_64", domain().replace(
        b"<memory unit='MiB'>2048</memory>", b"<currentMemory unit='GiB'>3</currentMemory>"),
     ["<memory unit='GiB'>3</memory>"], []),
    ("a GIC that was named serves fewer CPUs", "aarch64",
     domain(vcpu="999", os=OS.format("aarch64", "virt"), features="<gic version='2'/>"),
     ["<gic version='2'/>", "<vcpu>8</vcpu>"], []),
    ("what a slip made of the type of a LUN", "x86_64", domain(
        devices=DISK.format("file", "lun", "<source dev='/dev/sdb'/>", "sda", "scsi")),
     ["type='block' device='lun'"], ["device='disk'"]),
    ("a disk that mainframes have", "s390x", domain(os=OS.format("s390x", "s390-ccw-virtio"),
        devices=DISK.format("file", "disk", FILE, "sda", "sata")),
     ["dev='vda' bus='virtio'"], []),
    ("a drive that mainframes have", "s390x", domain(os=OS.format("s390x", "s390-ccw-virtio"),
        devices=DISK.format("file", "cdrom", FILE, "hdc", "ide")), ["bus='scsi'"], []),
    ("a disk that ARM has", "aarch64", domain(os=OS.format("aarch64", "virt"),
        devices=DISK.format("file", "disk", FILE, "hda", "ide")), ["dev='vda' bus='virtio'"], []),
    ("more memory than an emulated processor addresses", "x86_64", domain(
        top="<maxMemory slots='4' unit='TiB'>2</maxMemory><cpu><numa><cell id='0' cpus='0-1' "
        "memory='2097152'/></numa></cpu>"), ["slots='4' unit='GiB'>974<"], []),
    ("a board with one CPU", "x86_64",
     domain(vcpu="1217", os=OS.format("x86_64", "isapc")).replace(b"<acpi/>", b""),
     ["<vcpu>1</vcpu>"], ["<cpu "]),
    ("a forwarded port's back end", "x86_64", domain(devices=CARD.format(
        "<portForward proto='tcp'><range start='2022' to='22'/></portForward>")),
     ["<backend type='passt'/>", "<range"], []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "arch", "data", "there", "gone"), OTHERS, ids=[o[0] for o in OTHERS]
)
def test_what_was_meant_is_kept_elsewhere(
    case: str, arch: str, data: bytes, there: list[str], gone: list[str]
) -> None:
    record = _shipped(arch, "sid")
    assert record is not None
    data = data if arch == "x86_64" else data.replace(ACPI, b"")
    found = repair([rich_host(arch, record, "sid")], data, "12.8")
    text = found.data.decode().replace('"', "'")
    assert found.accepted, found.findings
    assert [word for word in there if word not in text] == []
    assert [word for word in gone if word in text] == []


NOT_TAKEN = [
    ("the format of an image", ("<disk type='file' device='disk'><driver name='qemu' type='cow'/>"
     "<source file='/a'/><target dev='vda' bus='virtio'/></disk>"), "sid-x86_64", "12.8"),
    ("where a host device is", ("<hostdev mode='subsystem' type='pci' managed='yes'><source>"
     "<address domain='0x0000' bus='0x100' slot='0x00' function='0x0'/></source></hostdev>"),
     "sid-x86_64", "12.8"),
    ("the encryption of a disk", ("<disk type='network' device='disk'><source protocol='rbd' "
     "name='p/i'><host name='h'/><encryption format='luks-any' engine='librbd'><secret "
     "type='passphrase' uuid='0a81f5b2-8403-7b23-c8d6-21ccc2f80fb0'/></encryption></source>"
     "<target dev='vda' bus='virtio'/></disk>"), "debian12-x86_64", "9.3"),
    ("the version of a TPM", "<tpm model='tpm-tis'><backend type='emulator' version='1.2'/></tpm>",
     "sid-aarch64", "12.8"),
    ("what a disk is", ("<disk type='file' device='floppy'><source file='/f'/><target dev='fda' "
     "bus='fdc'/></disk>"), "sid-aarch64", "12.8"),
    ("the protocol of a disk", ("<disk type='network' device='disk'><source protocol='iscsi' "
     "name='iqn.1992-01.com.example:s/1'/><target dev='vda' bus='virtio'/></disk>"),
     "sid-x86_64", "12.8"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "device", "host", "libvirt"), NOT_TAKEN)
def test_what_data_depends_on_is_left(case: str, device: str, host: str, libvirt: str) -> None:
    arch = host.partition("-")[2]
    data = domain(os=OS.format(arch, "virt" if arch != "x86_64" else "q35"), devices=device)
    if arch == "aarch64":
        data = data.replace(ACPI, b"")
    found = fixed(data, host, libvirt)
    assert found.data == data
    assert found.findings


def test_a_pc_never_becomes_q35_for_what_the_board_has_nothing_to_do_with() -> None:
    names = machine_names(open_plain("sid-x86_64").world())
    alike = of_same_family("pc", names)
    assert alike
    assert not [name for name in alike if "q35" in name]
    assert "q35" in of_same_family("pc-q35", names)[0]


def test_acpi_on_arm_without_firmware_on_the_host_is_left_and_told() -> None:
    data = domain(os=OS.format("aarch64", "virt"))
    found = fixed(data, "sid-aarch64")
    assert found.data == data
    assert "qemu-efi-aarch64" in str(found.remedies)


def test_a_guest_of_an_architecture_without_emulator_stays_as_it_is() -> None:
    data = domain(os=OS.format("s390x", "s390-ccw-virtio"),
                  devices="<emulator>/usr/bin/qemu-system-s390x</emulator>"
                  "<video><model type='qxl'/></video>")  # fmt: skip
    found = fixed(data)
    assert found.data == data
    assert found.findings


def test_a_misspelt_name_is_found_where_something_else_is_refused() -> None:
    devices = "<controller type='pci' index='0' model='pcie-root'/>"
    found = fixed(domain(os="<type arch='x86_64' mahcine='q35'>hvm</type>", devices=devices))
    assert found.accepted
    assert b"machine='q35'" in found.data
    assert [change.loss for change in found.changes] == [losses.SLIP]


def test_what_only_the_host_can_repair_costs_little_time() -> None:
    card = (
        "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='{}' "
        "slot='0' function='0'/></source></hostdev>"
    )
    found = fixed(domain(devices="".join(map(card.format, range(1, 9)))))
    assert len(found.findings) == 8
    assert found.looks < 5
    assert found.proven


def test_too_many_cpus_of_a_board_without_another_become_fewer() -> None:
    os = "<type arch='x86_64' machine='microvm'>hvm</type>"
    found = fixed(domain(vcpu="3000", os=os))
    assert found.accepted
    assert b"machine='microvm'" in found.data


def test_virtiofs_without_its_daemon_stays_and_is_told() -> None:
    shared = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
    data = domain(devices=VIRTIOFS, top=shared)
    record = _shipped("x86_64", "sid")
    assert record is not None
    rich = rich_host("x86_64", record, "sid").facts.record
    without = msgspec.structs.replace(
        rich, helpers=tuple(msgspec.structs.replace(h, path="", reason="not found")
                            if h.name == "virtiofsd" else h for h in rich.helpers)
    )  # fmt: skip
    record = msgspec.structs.replace(record, path=_path("x86_64"))
    host = domcaps.Host.from_recording(Recording(host=without, emulators=(record,)), origin="sid")
    found = repair([host], data, "12.8")
    assert found.data == data
    assert found.findings
    assert "virtiofsd" in str(found.remedies)
