"""Command lines: what they say, and that nothing of a domain is left out without a word."""

from __future__ import annotations

import copy
import functools
import shlex
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from domcaps.errors import DomcapsError, UntoldError
from domcaps.native.line import as_shell
from domcaps.shipped import open_shipped
from native_domains import DOMAINS
from plain_hosts import open_plain
from sample_hosts import rich_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.hosts.host import Host

_SILENT = {
    ("alias", "name"),  # what libvirt calls a device
    ("backend", "version"),  # of a TPM: it is for the program that is one
    ("memory", "unit"),  # where there are cells it is they who have the memory
    (
        "model",
        "vram",
    ),  # of some cards: libvirt writes it, and QEMU hears nothing
    ("nvram", "template"),  # what the file is copied from
    ("stats", "period"),  # how often libvirt asks
    ("target", "dev"),  # the name in the host, where the address or the bus tells the place
    ("graphics", "port"),  # with autoport it is not read
    ("console", "type"),  # of one that stands for a serial port, which says it
    ("target", "port"),  # of a console: libvirt numbers them itself
    ("address", "bus"),  # of a port of virtio: only the controller counts
}
"""What may change without another command line."""


@functools.cache
def host(arch: str) -> Host:
    return open_plain(f"debian12-{arch}")


def arch_of(root: Node) -> str:
    return root.find("os/type").get("arch") or ""  # type: ignore[union-attr]


def told(xml: str | Node) -> tuple[str, ...]:
    root = etree.fromstring(xml) if isinstance(xml, str) else xml
    return host(arch_of(root)).native(etree.tostring(root), judge=False)


def refused(root: Node) -> str:
    with pytest.raises(UntoldError) as caught:
        told(root)
    return str(caught.value)


@functools.cache
def plain(name: str) -> Node:
    return etree.fromstring(DOMAINS[name].replace("{dir}", "/images"))


def nodes(root: Node) -> Iterator[int]:
    yield from range(sum(1 for _ in root.iter()))


def nth(root: Node, number: int) -> Node:
    return list(root.iter())[number]


def about(root: Node, number: int) -> bool:
    """Tell whether an element is, or is in, what describes a domain."""
    node: Node | None = nth(root, number)
    while node is not None:
        if node.tag in {"metadata", "title", "description"}:
            return True
        node = node.getparent()
    return False


@pytest.mark.parametrize("name", DOMAINS)
def test_plain_domains_are_told(name: str) -> None:
    root = plain(name)
    words = told(root)
    assert words[0].endswith(f"qemu-system-{arch_of(root)}")
    assert shlex.split(as_shell(words)) == list(words)
    assert words.count("-device") >= len(root.findall("devices/disk"))


@pytest.mark.parametrize("name", DOMAINS)
def test_whatever_is_added_is_refused_or_noted(name: str) -> None:
    for number in nodes(plain(name)):
        if about(plain(name), number):
            continue
        for add in (_attribute, _element, _text):
            root = copy.deepcopy(plain(name))
            add(nth(root, number))
            if add is not _text and told_or_none(root) == told(plain(name)):
                continue  # libvirt ignores a name that it does not know: it is a note
            if add is _text and told_or_none(root) not in {None, told(plain(name))}:
                continue  # a text that is told
            if add is _text and nth(root, number).get("model") == "builtin":
                assert told(root) == told(plain(name))
                continue  # libvirt reads no file of QEMU's own random numbers
            assert "not supported" in refused(root), etree.tostring(nth(root, number))


def _attribute(node: Node) -> None:
    node.set("strange", "1")


def _element(node: Node) -> None:
    etree.SubElement(node, "strange")


def _text(node: Node) -> None:
    node.text = "strange" + (node.text or "")


def told_or_none(root: Node) -> tuple[str, ...] | None:
    try:
        return told(root)
    except DomcapsError:
        return None


@pytest.mark.parametrize("name", DOMAINS)
def test_another_value_is_told_otherwise_or_refused(name: str) -> None:
    usual = told(plain(name))
    silent = set()
    for number in nodes(plain(name)):
        if about(plain(name), number):
            continue
        for attribute in nth(plain(name), number).attrib:
            root = copy.deepcopy(plain(name))
            node = nth(root, number)
            node.set(attribute, _other(node.get(attribute) or ""))
            if told_or_none(root) == usual:
                silent.add((node.tag, attribute))
    assert silent <= _SILENT


_USUAL = {
    "controller/alias", "controller/master", "cpu/vendor", "devices/audio", "devices/panic",
    "domain/memory",
    "domain/on_crash", "graphics/listen", "hyperv/vapic", "memballoon/stats", "target/model",
    "clock/timer", "console/target", "controller/address", "controller/model", "devices/controller",
    "devices/input", "devices/memballoon", "disk/boot", "disk/driver", "disk/readonly",
    "domain/on_poweroff", "domain/on_reboot", "features/apic", "features/gic", "interface/model",
    "os/boot",
    "serial/target",
    # what libvirt adds, and addresses as it chooses them
    "devices/console", "devices/watchdog", "domain/devices", "cpu/model", "video/model",
    "controller/target", "disk/address", "input/address", "interface/address",
    "memballoon/address", "sound/address", "video/address",
}  # fmt: skip
"""What a domain may as well not say: it is what there is anyway, or QEMU is told nothing of it."""


@pytest.mark.parametrize("name", DOMAINS)
def test_what_is_taken_away_is_missed(name: str) -> None:
    usual = told(plain(name))
    silent = set()
    for number in nodes(plain(name)):
        root = copy.deepcopy(plain(name))
        node = nth(root, number)
        parent = node.getparent()
        if parent is None or about(root, number) or node.find("./*") is not None:
            continue
        parent.remove(node)
        if root.find("os/type") is not None and told_or_none(root) == usual:
            silent.add(f"{parent.tag}/{node.tag}")
    assert silent <= _USUAL


def _other(value: str) -> str:
    try:
        return f"{int(value, 0) + 1:#x}" if value.startswith("0x") else str(int(value) + 1)
    except ValueError:
        return f"{value}x"


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        ("<hostdev mode='subsystem' type='usb'/>", "hostdev"),
        ("<tpm model='tpm-new'><backend type='emulator'/></tpm>", "tpm"),
        ("<disk type='network'><target dev='vdz'/></disk>", "disk"),
        ("<graphics type='new'/>", "graphics"),
        ("<channel type='nmdm'><target type='virtio' name='a'/></channel>", "channel"),
        ("<filesystem type='mount'/>", "filesystem"),
        ("<interface type='new'><model type='virtio'/></interface>", "interface"),
        ("<watchdog model='diag'/>", "watchdog"),
        ("<audio id='1' type='new'/>", "audio"),
    ],
)
def test_devices_that_are_not_known_are_named(inside: str, named: str) -> None:
    root = copy.deepcopy(plain("q35, nothing"))
    root.find("devices").append(etree.fromstring(inside))  # type: ignore[union-attr]
    said = refused(root)
    assert "not supported" in said
    assert f"/domain/devices/{named}" in said


@pytest.mark.parametrize(
    "inside",
    [
        "<memoryBacking><source type='new'/></memoryBacking>",
        "<cpu match='newest'><model>qemu64</model></cpu>",
        "<on_reboot>new</on_reboot>",
        "<q:new xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'/>",
    ],
)  # fmt: skip
def test_what_else_is_not_known_is_named(inside: str) -> None:
    root = copy.deepcopy(plain("q35, nothing"))
    root.append(etree.fromstring(inside))
    assert "not supported" in refused(root)


@pytest.mark.parametrize(
    ("inside", "path"),
    [
        ("<cputune><shares>1</shares></cputune>", "/domain/cputune"),
        ("<currentMemory>4096</currentMemory>", "/domain/currentMemory"),
        ("<seclabel type='none'/>", "/domain/seclabel"),
        ("<on_reboot>preserve</on_reboot>", "/domain/on_reboot"),
        ("<blkiotune><weight>800</weight></blkiotune>", "/domain/blkiotune"),
    ],
)
def test_what_libvirt_does_beside_qemu_is_noted(inside: str, path: str) -> None:
    root = copy.deepcopy(plain("q35, nothing"))
    root.append(etree.fromstring(inside))
    command = host("x86_64").native(etree.tostring(root), judge=False)
    assert command == told(plain("q35, nothing"))
    (note,) = command.notes
    assert note.path == path
    assert note.text.startswith("libvirt ")


def test_firmware_that_libvirt_would_choose_is_refused() -> None:
    root = copy.deepcopy(plain("q35, nothing"))
    root.find("os").set("firmware", "efi")  # type: ignore[union-attr]
    assert "firmware" in refused(root)


def test_firmware_that_is_named_is_told() -> None:
    xml = DOMAINS["q35, nothing"].replace(
        "</os>",
        "<loader type='pflash' readonly='yes'>/a,b</loader><nvram>/c d</nvram></os>",
    )
    words = told(xml)
    board = words[words.index("-machine") + 1]
    assert "pflash0=libvirt-pflash0-format" in board
    assert "pflash1=libvirt-pflash1-format" in board
    assert any('"filename": "/a,b"' in word and "pflash0" in word for word in words)
    assert any('"read-only": false' in word and "pflash1" in word for word in words)


def test_names_stay_what_they_are() -> None:
    xml = DOMAINS["q35, nothing"].replace("plain", "a,b 'c' $d")
    words = told(xml)
    assert words[words.index("-name") + 1] == "guest=a,,b 'c' $d,debug-threads=on"
    assert shlex.split(as_shell(words)) == list(words)


def test_boot_order_is_told_of_the_first_of_a_kind() -> None:
    devices = [word for word in told(plain("q35, a desktop")) if "bootindex" in word]
    assert len(devices) == 2
    assert any(w.startswith("ide-cd") and "bootindex=1" in w for w in devices)
    assert any(w.startswith("virtio-blk-pci") and "bootindex=2" in w for w in devices)


def test_machines_without_pci_have_no_addresses_on_it() -> None:
    xml = DOMAINS["q35, nothing"].replace("'q35'", "'microvm'")
    assert not [word for word in told(xml) if "bus=pci" in word]


def cpu_of(inside: str, cpu: str = "") -> str:
    root = copy.deepcopy(plain("q35, nothing"))
    if root.find("features") is not None:
        root.remove(root.find("features"))  # type: ignore[arg-type]
    for xml in (f"<features>{inside}</features>", cpu):
        if xml:
            root.append(etree.fromstring(xml))
    words = told(root)
    return words[words.index("-cpu") + 1] if "-cpu" in words else ""


@pytest.mark.parametrize(
    ("inside", "cpu", "found"),
    [
        ("", "", "qemu64"),
        ("<pmu state='off'/>", "", "qemu64,pmu=off"),
        ("<kvm><hidden state='on'/><pv-ipi state='on'/></kvm>", "", "qemu64,kvm=off"),
        ("<kvm><pv-ipi state='off'/></kvm>", "", "qemu64,kvm-pv-ipi=off"),
        ("<kvm><hidden state='off'/></kvm>", "", "qemu64"),
        ("<apic eoi='on'/>", "", "qemu64,kvm-pv-eoi=on"),
        (
            "<hyperv><synic state='on'/><stimer state='on'><direct state='on'/></stimer></hyperv>",
            "<cpu mode='maximum'/>",
            "max,hv-synic=on,hv-stimer=on,hv-stimer-direct=on",
        ),
        ("<hyperv mode='passthrough'/>", "<cpu mode='maximum'/>", "max,hv-passthrough=on"),
        (
            "",
            "<cpu mode='maximum'><cache mode='passthrough'/></cpu>",
            "max,host-cache-info=on,l3-cache=off",
        ),
        (
            "",
            "<cpu mode='maximum'><maxphysaddr mode='passthrough' limit='40'/></cpu>",
            "max,host-phys-bits=on,host-phys-bits-limit=40",
        ),
        ("", "<cpu mode='maximum'><maxphysaddr mode='emulate'/></cpu>", "max,host-phys-bits=off"),
        (
            "",
            "<cpu mode='maximum'><cache mode='disable'/></cpu>",
            "max,host-cache-info=off,l3-cache=off",
        ),
        ("", "<cpu match='strict'><model>qemu64</model></cpu>", "qemu64"),
        # libvirt disables what a model had once, and QEMU does not have all of it
        ("", "<cpu><model>Icelake-Server</model></cpu>", "Icelake-Server,intel-pt=off,mpx=off"),
        (
            "",
            (
                "<cpu><model>Skylake-Server</model><feature name='mpx'/><feature name='ds_cpl'/>"
                "<feature name='pconfig' policy='disable'/><feature name='cmt'/></cpu>"
            ),
            "Skylake-Server,mpx=on,ds-cpl=on",
        ),
        (
            "",
            (
                "<cpu><model>qemu64</model><feature name='pni' policy='optional'/>"
                "<feature name='avx512f' policy='optional'/></cpu>"
            ),
            "qemu64,pni=on,avx512f=off",
        ),
    ],
)
def test_what_is_shown_of_the_hypervisor_is_told(inside: str, cpu: str, found: str) -> None:
    assert cpu_of(inside, cpu) == found


@pytest.mark.parametrize(
    ("arch", "machine", "inside", "words"),
    [
        ("aarch64", "virt", "<cpu mode='maximum'><feature name='sve128'/></cpu>",
         "-cpu max,sve128=on,sve=on"),
        ("x86_64", "q35", "<cpu mode='maximum'><topology sockets='1' cores='2' threads='1'/></cpu>",
         "-smp 2,sockets=1,dies=1,clusters=1,cores=2,threads=1"),
        ("aarch64", "virt", ("<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/>"
         "<timer name='pit' tickpolicy='delay'/></clock>"), "-rtc base=utc,driftfix=slew"),
        ("s390x", "s390-ccw-virtio", "<cpu mode='maximum' deprecated_features='off'/>", "-cpu max"),
    ],
)  # fmt: skip
def test_what_libvirt_adds_or_leaves_out(arch: str, machine: str, inside: str, words: str) -> None:
    root = etree.fromstring(
        f"<domain type='qemu'><name>a</name><memory>1048576</memory><vcpu>2</vcpu>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os>{inside}</domain>"
    )
    assert f" {words} " in " ".join(told(root))


def test_deprecated_features_are_those_of_the_hosts_model() -> None:
    shipped = open_shipped("sid-s390x")
    record = shipped.emulators.get(shipped.emulators.paths()[0]).record
    host = rich_host("s390x", record, "a mainframe")
    xml = (
        "<domain type='qemu'><name>a</name><memory>1048576</memory>"
        "<os><type arch='s390x' machine='s390-ccw-virtio'>hvm</type></os>"
        "<cpu mode='host-model' deprecated_features='off'/></domain>"
    )
    words = host.native(xml, judge=False)
    cpu = words[words.index("-cpu") + 1]
    last = dict(word.split("=") for word in cpu.split(",")[1:])
    assert [last[name] for name in ("bpb", "te", "cte", "csske")] == ["off"] * 4


def test_a_network_is_a_tap_device_and_who_connects_it_is_noted() -> None:
    root = copy.deepcopy(plain("q35, nothing"))
    devices = root.find("devices")
    assert devices is not None
    for kind, inside in (
        ("bridge", "<source bridge='br0'/><model type='virtio'/>"),
        ("ethernet", "<target dev='tap7' managed='no'/><model type='e1000'/>"),
        ("network", "<source network='default'/><model type='virtio'/>"),
    ):
        devices.append(etree.fromstring(f"<interface type='{kind}'>{inside}</interface>"))
    command = host("x86_64").native(etree.tostring(root), judge=False)
    taps = [word for word in command if word.startswith("tap,")]
    assert [tap.split(",")[2] for tap in taps] == ["ifname=vnet0", "ifname=tap7", "ifname=vnet2"]
    assert all(tap.endswith("script=no,downscript=no") for tap in taps)
    assert [note.path for note in command.notes] == [
        "/domain/devices/interface[1]",
        "/domain/devices/interface[3]",
    ]
    assert [need.value for need in command.needs if need.kind == "tap"] == [
        "vnet0",
        "tap7",
        "vnet2",
    ]


def test_huge_pages_need_no_file_system() -> None:
    root = copy.deepcopy(plain("q35, nothing"))
    root.append(
        etree.fromstring(
            "<memoryBacking><hugepages><page size='2' unit='M'/></hugepages><locked/>"
            "</memoryBacking>"
        )
    )
    words = told(root)
    (memory,) = [word for word in words if word.startswith("memory-backend-")]
    assert memory.startswith("memory-backend-memfd,id=pc.ram,")
    assert memory.endswith("size=268435456")
    assert "hugetlb=on" in memory and "hugetlbsize=2097152" in memory
    assert "mem-lock=on" in words


def test_threads_are_numbered_around_those_that_have_numbers() -> None:
    root = copy.deepcopy(plain("q35, nothing"))
    for xml in ("<iothreads>3</iothreads>", "<iothreadids><iothread id='2'/></iothreadids>"):
        root.append(etree.fromstring(xml))
    found = {word for word in told(root) if word.startswith("iothread,")}
    assert found == {f"iothread,id=iothread{number}" for number in (1, 2, 3)}


def test_what_libvirt_would_make_up_is_in_the_folder_of_the_command() -> None:
    root = copy.deepcopy(plain("q35, nothing"))
    root.find("name").text = "a/../b c"  # type: ignore[union-attr]
    devices = root.find("devices")
    assert devices is not None
    devices.append(
        etree.fromstring("<channel type='unix'><target type='virtio' name='x'/></channel>")
    )
    (socket,) = [word for word in told(root) if word.startswith("socket,")]
    assert "path=a_.._b_c-x.sock," in socket


def test_a_command_says_what_became_of_judging_the_domain() -> None:
    xml = (
        "<domain type='qemu'><name>a</name><memory>65536</memory><os><type arch='x86_64' "
        "machine='q35'>hvm</type></os>{}<devices><controller type='usb' model='none'/>"
        "<memballoon model='none'/></devices></domain>"
    )
    found = host("x86_64").native(xml.format(""))
    assert found.judged
    assert found.accepted
    assert found[0].startswith("/")
    refused = host("x86_64").native(xml.format("<vcpu>100000</vcpu>"))
    assert refused.accepted is False
    assert refused.validation is not None
    assert "vcpu" in refused.validation.findings[0].code
    unjudged = host("x86_64").native(xml.format("<vcpu>100000</vcpu>"), judge=False)
    assert (unjudged.judged, unjudged.accepted) == (False, None)
    assert unjudged == refused


@pytest.mark.parametrize(
    "inside",
    [
        "<model>a,b</model>",
        "<model>qemu64,check=off</model>",
        "<model>qemu64</model><feature policy='require' name='a,b'/>",
        "<model>qemu64</model><feature policy='require' name='a=off,b'/>",
        "<model>qemu64</model><feature policy='require' name=''/>",
    ],
)
def test_what_would_be_more_than_a_name_is_not_written_into_cpu(inside: str) -> None:
    text = f"""<domain type='qemu'><name>a</name><memory>1048576</memory>
    <os><type arch='x86_64' machine='q35'>hvm</type></os>
    <cpu mode='custom' match='exact'>{inside}</cpu></domain>"""
    assert "not supported" in refused(etree.fromstring(text))
