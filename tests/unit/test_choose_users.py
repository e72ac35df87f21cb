"""Repairs of what users get wrong, on several boards: each is what a person would write."""

from __future__ import annotations

import pytest

from plain_hosts import open_plain

DOMAIN = (
    "<domain type='qemu'><name>g</name><memory{memory}/memory><vcpu{attributes}>{vcpu}"
    "</vcpu>{top}<os{firmware}><type arch='{arch}' machine='{machine}'>hvm</type>{os}</os>"
    "{features}<devices>{devices}</devices></domain>"
)
DEFAULTS = {
    "memory": " unit='MiB'>2048<", "attributes": "", "vcpu": "2", "top": "", "firmware": "",
    "arch": "x86_64", "machine": "q35", "os": "", "features": "", "devices": "",
}  # fmt: skip
ARM = {"arch": "aarch64", "machine": "virt"}
S390 = {"arch": "s390x", "machine": "s390-ccw-virtio"}
RISCV = {"arch": "riscv64", "machine": "virt"}


def _domain(parts: dict[str, str]) -> bytes:
    return DOMAIN.format(**DEFAULTS | parts).encode()


def _devices(text: str, **more: str) -> dict[str, str]:
    return {"devices": text, **more}


def _features(text: str, **more: str) -> dict[str, str]:
    return {"features": f"<features><acpi/>{text}</features>", **more}


def _memory(text: str) -> dict[str, str]:
    return {"memory": text}


def _disk(target: str, inside: str = "", kind: str = "disk") -> str:
    return f"<disk type='file' device='{kind}'>{inside}<source file='/a'/>{target}</disk>"


def _cells(*cells: str) -> dict[str, str]:
    inside = "".join(f"<cell {cell} memory='1048576'/>" for cell in cells)
    return {"vcpu": "4", "top": f"<cpu mode='maximum'><numa>{inside}</numa></cpu>"}


CARD = "<interface type='{}'><source {}/></interface>"
USER = "<interface type='user'><model type='{}'/></interface>"
PORT = "<serial type='{}'><source {}/></serial>"
VDA = "<target dev='vda' bus='virtio'/>"

REPAIRED = [
    # other words and typos
    ("QEMU's name of the balloon", _devices("<memballoon model='virtio-balloon'/>"),
     ["model='virtio'"], ["transitional"]),
    ("a short name of a USB controller", _devices("<controller type='usb' model='xhci'/>"),
     ["model='qemu-xhci'"], ["ehci"]),
    ("a word of QEMU for the host's CPU", {"top": "<cpu mode='max'/>"}, ["mode='maximum'"], []),
    ("reboot after a crash", {"top": "<on_crash>reboot</on_crash>"},
     ["<on_crash>restart<"], ["destroy"]),
    ("a switch that says false", _devices("<memballoon model='virtio' autodeflate='false'/>"),
     ["autodeflate='off'"], []),
    ("a switch that says true", _features("<pmu state='true'/>"), ["<pmu state='on'/>"], []),
    ("a unit in other letters",
     {"top": "<memoryBacking><hugepages><page size='1' unit='gig'/></hugepages></memoryBacking>"},
     ["<page size="], ["gig", "<hugepages/>"]),
    ("the disk in the boot order", {"os": "<boot dev='disk'/>"}, ["<boot dev='hd'/>"], []),
    ("a CD-ROM drive by another name", _devices(_disk("<target dev='sda' bus='sata'/>", "", "cd")),
     ["device='cdrom'"], []),
    ("a version of qcow2", _devices(_disk(VDA, "<driver name='qemu' type='qcow3'/>")),
     ["type='qcow2'"], []),
    ("letters swapped twice", {"top": "<cpu><model fallback='forbid'>Nahelem</model></cpu>"},
     [">Nehalem<"], ["maximum"]),
    ("a CPU feature with a letter too much",
     {"top": "<cpu mode='maximum'><feature name='aess'/></cpu>"}, ["name='aes'"], []),
    ("a CPU feature as Linux names it",
     {"top": "<cpu mode='maximum'><feature policy='disable' name='tsc_deadline_timer'/></cpu>"},
     ["policy='disable' name='tsc-deadline'"], []),
    ("QEMU's name of a card", _devices(USER.format("virtio-net")),
     ["<model type='virtio'/>"], []),
    ("an older card of VMware", _devices(USER.format("vmxnet")),
     ["<model type='vmxnet3'/>"], []),
    # the attribute of another type, or the type of another attribute
    ("a bridge as a device", _devices(CARD.format("bridge", "dev='br0'")),
     ["<interface type='bridge'><source bridge='br0'/>"], []),
    ("a device as a bridge", _devices(CARD.format("direct", "bridge='eno1'")),
     ["<interface type='direct'><source dev='eno1'/>"], []),
    ("a device of the host in a bridge", _devices(CARD.format("bridge", "dev='eth0'")),
     ["<interface type='direct'><source dev='eth0'/>"], []),
    ("a bridge in a device", _devices(CARD.format("direct", "bridge='virbr0'")),
     ["<interface type='bridge'><source bridge='virbr0'/>"], []),
    ("a port of the network as a file",
     _devices(PORT.format("file", "mode='bind' host='127.0.0.1' service='2445'")),
     ["<serial type='tcp'><source mode='bind' host='127.0.0.1'"], []),
    ("the file of a port in the attribute of a disk", _devices(PORT.format("file", "file='/a'")),
     ["<serial type='file'><source path='/a'/>"], []),
    ("a device of the host as a file", _devices(PORT.format("file", "dev='/dev/ttyS0'")),
     ["<serial type='dev'><source path='/dev/ttyS0'/>"], []),
    ("a socket in a file as one of the network",
     _devices(PORT.format("tcp", "mode='bind' path='/run/s'")),
     ["<serial type='unix'><source mode='bind' path='/run/s'/>"], []),
    ("a folder in the attribute of a disk",
     _devices("<filesystem type='mount'><source file='/srv'/><target dir='s'/></filesystem>"),
     ["<source dir='/srv'/>"], []),
    # the same in another form
    ("a unit behind the size", _memory(">4GiB<"), ["<memory unit='GiB'>4<"], []),
    ("a unit behind a part of a size", _memory(" unit='KiB'>1.5 G<"),
     ["<memory unit='MiB'>1536<"], []),
    ("a unit twice", _memory(" unit='MiB'>2048M<"), ["<memory unit='MiB'>2048<"], []),
    ("a size with commas", _memory(" unit='MiB'>2,048<"), ["<memory unit='MiB'>2048<"], []),
    ("a whole number with a point", {"vcpu": "4.0"}, [">4</vcpu>"], []),
    ("a MAC address of Windows", _devices(USER.replace("model type", "mac address").format(
        "52-54-00-AB-34-56")), ["<mac address='52:54:00:AB:34:56'/>"], []),
    ("a MAC address of Cisco", _devices(USER.replace("model type", "mac address").format(
        "5254.0012.3456")), ["<mac address='52:54:00:12:34:56'/>"], []),
    ("a UUID in braces", {"top": "<uuid>{4dea22b3-1d52-d8f3-2516-782e98ab3f00}</uuid>"},
     ["<uuid>4dea22b3-1d52-d8f3-2516-782e98ab3f00</uuid>"], []),
    ("CPUs with points", {"attributes": " cpuset='0..1'"}, ["cpuset='0-1'"], []),
    ("CPUs with blanks", {"attributes": " cpuset='0 1; 2'"}, ["cpuset='0,1,2'"], []),
    ("CPUs downwards", {"attributes": " cpuset='3-1'"}, ["cpuset='1-3'"], []),
    ("pinned to CPUs with blanks", {"top": "<cputune><vcpupin vcpu='0' cpuset='0 1'/></cputune>"},
     ["cpuset='0,1'"], []),
    ("a feature in other letters", {"features": "<features><APIC/></features>"},
     ["<apic/>"], ["APIC"]),
    ("a limit with its unit", _devices(_disk(VDA).replace(
        "</disk>", "<iotune><total_bytes_sec>10M</total_bytes_sec></iotune></disk>")),
     ["<total_bytes_sec>10485760<"], []),
    # other words
    ("a cable that is off", _devices(USER.replace("model type", "link state").format("off")),
     ["<link state='down'/>"], []),
    ("the keyboard of a country", _devices("<graphics type='vnc' keymap='german'/>"),
     ["keymap='de'"], []),
    ("QEMU's word for a keyboard", _devices("<input type='kbd' bus='ps2'/>"),
     ["type='keyboard'"], []),
    ("a console of virtio",
     _devices("<console type='pty'><target type='virtio-serial'/></console>"),
     ["<target type='virtio'/>"], []),
    ("a switch of another kind", _devices(
        "<memballoon model='virtio'><address type='pci' slot='5' multifunction='yes'/></memballoon>"
    ), ["slot='5' multifunction='on'"], []),
    # numbers: the nearest one
    ("too few retries of spin locks",
     _features("<hyperv><spinlocks state='on' retries='100'/></hyperv>"), ["retries='4095'"], []),
    ("a port that VNC does not have", _devices("<graphics type='vnc' port='590'/>"),
     ["port='5900'"], []),
    ("too many ports", _devices("<controller type='usb' model='qemu-xhci' ports='20'/>"),
     ["ports='15'"], []),
    ("a size that is no power of two",
     _features("<kvm><dirty-ring state='on' size='5000'/></kvm>"), ["size='4096'"], []),
    # what is missing is added
    ("a disk without a target", _devices(_disk("")), ["dev='sda'", "bus='sata'"], ["pc'"]),
    ("a disk without a target on ARM", _devices(_disk(""), **ARM),
     ["dev='vda'", "bus='virtio'"], []),
    ("a target without a name", _devices(_disk("<target bus='virtio'/>")), ["dev='vda'"], []),
    ("a target of an odd name", _devices(_disk("<target dev='vd1' bus='virtio'/>")),
     ["dev='vda'"], []),
    ("native I/O without its cache", _devices(_disk(VDA, "<driver name='qemu' io='native'/>")),
     ["io='native'", "cache='none'"], []),
    ("native I/O with a cache that was asked for",
     _devices(_disk(VDA, "<driver name='qemu' io='native' cache='writeback'/>")),
     ["io='threads'", "cache='writeback'"], []),
    ("an enlightenment without its state", _features("<hyperv><relaxed/></hyperv>"),
     ["<relaxed state='on'/>"], []),
    ("a source of random numbers without a backend", _devices("<rng model='virtio'/>"),
     ["<backend model='random'>/dev/urandom</backend>"], []),
    ("a topology without threads",
     {"vcpu": "8", "top": "<cpu mode='maximum'><topology sockets='1' cores='4'/></cpu>"},
     ["cores='4'", "threads='1'", "sockets='2'"], []),
    ("a named CPU of many that lacks x2APIC",
     _features("<ioapic driver='qemu'/>", vcpu="300",
               top="<cpu mode='custom' match='exact' check='none'><model>core2duo</model></cpu>",
               devices="<iommu model='intel'><driver intremap='on' eim='on'/></iommu>"),
     ["core2duo", "<feature policy='require' name='x2apic'/>", ">300<"], []),
    # NUMA
    ("CPUs that are not there", _cells("id='0' cpus='0-1'", "id='1' cpus='2-7'"),
     ["cpus='2-3'"], []),
    ("CPUs of two cells", _cells("id='0' cpus='0-2'", "id='1' cpus='2-3'"), ["cpus='3'"], []),
    ("cells that count from one", _cells("id='1' cpus='0-1'", "id='2' cpus='2-3'"),
     ["<cell id='0' cpus='0-1'", "<cell id='1' cpus='2-3'"], []),
    ("a cell without memory",
     {"top": "<cpu mode='maximum'><numa><cell id='0' cpus='0-1'/></numa></cpu>"},
     ["memory='2097152'"], []),
    # what stands there twice, or can't be there, goes; nothing else changes
    ("two screens of one kind", _devices("<graphics type='vnc'/>" * 2), ["type='vnc'"], ["spice"]),
    ("no screen beside one",
     _devices("<video><model type='none'/></video><video><model type='vga'/></video>"),
     ["<model type='vga'/>"], ["none", "virtio"]),
    ("two watchdogs of one kind", _devices("<watchdog model='itco'/>" * 2), ["itco"], ["i6300esb"]),
    ("a timer that the guest can't have",
     {"top": "<clock offset='utc'><timer name='tsc' present='yes'/></clock>", **ARM},
     ["<clock"], ["pit", "tsc"]),
    ("a disk of SATA with an I/O thread",
     _devices(_disk("<target dev='sda' bus='sata'/>", "<driver name='qemu' iothread='1'/>"),
              top="<iothreads>1</iothreads>"),
     ["bus='sata'", "name='qemu'"], ["virtio"]),
    ("a serial with signs that it can't have", _devices(_disk(VDA, "<serial>a/b?c</serial>")),
     ["<serial>a-b-c</serial>"], []),
    ("a floppy drive keeps its name",
     _devices(_disk("<target dev='fda' bus='ide'/>", "", "floppy"), machine="pc"),
     ["<target dev='fda' bus='fdc'/>"], []),
    ("a disk of NVMe that is named otherwise", _devices(_disk("<target dev='sda' bus='nvme'/>")),
     ["<target dev='sda' bus='sata'/>"], ["<serial"]),
    # other boards
    ("a switch of the processor on ARM",
     {**ARM, "features": "<features><pmu state='off'/></features>"},
     ["<pmu state='off'/>", "<cpu mode='maximum'/>"], []),
    ("a CD-ROM drive of a mainframe", _devices(_disk("<target dev='hdc' bus='ide'/>", "", "cdrom"),
                                               **S390), ["<target dev='sdc' bus='scsi'/>"], []),
    ("a card of PCs on a mainframe", _devices(USER.format("e1000"), **S390),
     ["<model type='virtio'/>"], []),
    ("a tablet on a mainframe",
     _devices("<input type='tablet' bus='usb'/><graphics type='vnc'/>", **S390),
     ["<input type='tablet' bus='virtio'/>"], []),
    ("a board of a PC on RISC-V", {**RISCV, "machine": "q35"}, ["machine='virt'"], []),
    ("a board of Xen", {"machine": "xenfv"}, ["machine='pc'"], []),
    ("a disk of virtio where there is no PCI", _devices(_disk(VDA), machine="microvm"),
     ["bus='virtio'", "<address type='virtio-mmio'/>"], []),
    ("a disk of SATA where there is no PCI",
     _devices(_disk("<target dev='sda' bus='sata'/>"), machine="microvm"),
     ["dev='vda' bus='virtio'", "<address type='virtio-mmio'/>"], []),
    ("a card where there is no PCI", _devices(USER.format("e1000"), machine="microvm"),
     ["<model type='virtio'/>", "<address type='virtio-mmio'/>"], []),
    ("a card of PCI on a board without", _devices(USER.format("e1000"), machine="isapc", vcpu="1"),
     ["machine='pc'", "e1000"], ["isapc"]),
    ("a port whose file is not named", _devices("<serial type='file'/>"), ["type='pty'"], []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "parts", "there", "gone"), REPAIRED, ids=[case[0] for case in REPAIRED]
)
def test_what_a_person_would_write(
    case: str, parts: dict[str, str], there: list[str], gone: list[str]
) -> None:
    host = open_plain(f"sid-{parts.get('arch', 'x86_64')}")
    data = _domain(parts)
    assert host.validate(data, "12.8").errors, case
    found = host.repair(data, "12.8")
    text = found.data.decode()
    assert found.accepted, found.findings
    assert [word for word in there if word not in text] == []
    assert [word for word in gone if word in text] == []


KEPT = [
    ("protection of memory", {"top": "<launchSecurity type='sev'><policy>0x3</policy>"
                                     "</launchSecurity>"}, "type='sev'"),
    ("a board that QEMU has", {"arch": "aarch64", "machine": "realview-eb", "vcpu": "1"},
     "realview-eb"),
    ("a memory module", _devices("<memory model='nvdimm'><target><size unit='MiB'>512</size>"
                                 "</target></memory>",
                                 top="<maxMemory slots='4' unit='GiB'>8</maxMemory>"),
     "model='nvdimm'"),
    ("a password", _devices("<graphics type='vnc' passwd='a-long-password'/>"), "'a-long-p"),
    ("a network of its own", _devices(
        "<interface type='network'><source network='default'/><vlan><tag id='5000'/></vlan>"
        "</interface>"), "<tag id='5000'/>"),
    ("a size that is no number", _memory(" unit='MiB'>much<"), ">much<"),
    ("a part of a size without a unit behind it", _memory(">1.5<"), ">1.5<"),
    ("a number in words", {"vcpu": "four"}, ">four<"),
    ("a port that only its owner knows",
     _devices("<interface type='user'><backend type='passt'/><portForward proto='tcp'>"
              "<range/></portForward></interface>"), "<interface"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "parts", "word"), KEPT, ids=[case[0] for case in KEPT])
def test_nothing_is_made_up(case: str, parts: dict[str, str], word: str) -> None:
    host = open_plain(f"sid-{parts.get('arch', 'x86_64')}")
    found = host.repair(_domain(parts), "12.8")
    assert word in found.data.decode(), case
    assert "start='22'" not in found.data.decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<domain><name>a</name>{}<os><type>hvm</type></os></domain>", "<domain type='kvm'>"),
        ("<domain type='qemu'><name>a</name>{}<os/></domain>", "<os><type>hvm</type></os>"),
        ("<domain type='qemu'><name>a</name>{}</domain>", "<os><type>hvm</type></os>"),
    ],
)
def test_what_every_domain_needs_is_added(before: str, after: str) -> None:
    found = open_plain("sid-x86_64").repair(
        before.format("<memory>65536</memory>").encode(), "12.8"
    )
    assert found.accepted
    assert after in found.data.decode()
