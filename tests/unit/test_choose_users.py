"""Repairs of what users get wrong, on several boards: each is what a person would write."""

from __future__ import annotations

import pytest

from plain_hosts import open_plain

DOMAIN = (
    "<domain type='qemu'><name>g</name><memory unit='MiB'>2048</memory><vcpu{attributes}>{vcpu}"
    "</vcpu>{top}<os{firmware}><type arch='{arch}' machine='{machine}'>hvm</type>{os}</os>"
    "{features}<devices>{devices}</devices></domain>"
)
DEFAULTS = {
    "attributes": "", "vcpu": "2", "top": "", "firmware": "", "arch": "x86_64", "machine": "q35",
    "os": "", "features": "", "devices": "",
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


def _disk(target: str, inside: str = "", kind: str = "disk") -> str:
    return f"<disk type='file' device='{kind}'>{inside}<source file='/a'/>{target}</disk>"


def _cells(*cells: str) -> dict[str, str]:
    inside = "".join(f"<cell {cell} memory='1048576'/>" for cell in cells)
    return {"vcpu": "4", "top": f"<cpu mode='maximum'><numa>{inside}</numa></cpu>"}


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
    # other boards
    ("a tablet on a mainframe",
     _devices("<input type='tablet' bus='usb'/><graphics type='vnc'/>", **S390),
     ["<input type='tablet' bus='virtio'/>"], []),
    ("a board of a PC on RISC-V", {**RISCV, "machine": "q35"}, ["machine='virt'"], []),
    ("a board of Xen", {"machine": "xenfv"}, ["machine='pc'"], []),
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
