"""Fifty domains as people have them: desktops, servers, passthrough, guests with macOS.

Written for these tests after what such domains usually look like: machine types and emulators of
several distributions and years, addresses that libvirt once chose, settings from guides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class RealDomain:
    """A domain and what it is for."""

    name: str
    kind: str
    xml: bytes


_PCI = "<address type='pci' domain='0x0000' bus='0x{:02x}' slot='0x{:02x}' function='0x{:x}'{}/>"
_HEAD = """<domain type='kvm'{namespace}>
  <name>{name}</name>
  <uuid>4dea22b3-1d52-d8f3-2516-782e98ab{number:04x}</uuid>
  <memory unit='KiB'>{memory}</memory>
  <currentMemory unit='KiB'>{memory}</currentMemory>
{top}  <vcpu placement='static'>{vcpus}</vcpu>
{tune}  <os{firmware}>
    <type arch='x86_64' machine='{machine}'>hvm</type>
{boot}  </os>
  <features>
    <acpi/>
    <apic/>
{features}  </features>
{cpu}  <clock offset='{clock}'>
{timers}  </clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>{emulator}</emulator>
{devices}  </devices>
{after}</domain>
"""
_TIMERS = """    <timer name='rtc' tickpolicy='catchup'/>
    <timer name='pit' tickpolicy='delay'/>
    <timer name='hpet' present='no'/>
"""
_HYPERV = """    <hyperv mode='custom'>
      <relaxed state='on'/>
      <vapic state='on'/>
      <spinlocks state='on' retries='8191'/>
    </hyperv>
"""
_HIDDEN = """    <hyperv mode='custom'>
      <relaxed state='on'/>
      <vapic state='on'/>
      <spinlocks state='on' retries='8191'/>
      <vendor_id state='on' value='randomid'/>
    </hyperv>
    <kvm>
      <hidden state='on'/>
    </kvm>
    <vmport state='off'/>
    <ioapic driver='kvm'/>
"""
_PASSTHROUGH = "  <cpu mode='host-passthrough' check='none' migratable='on'/>\n"
_WITH_CACHE = """  <cpu mode='host-passthrough' check='none'>
    <topology sockets='1' dies='1' cores='{cores}' threads='2'/>
    <cache mode='passthrough'/>
    <feature policy='require' name='topoext'/>
  </cpu>
"""
_MODEL = """  <cpu mode='custom' match='exact' check='partial'>
    <model fallback='allow'>{}</model>
    <feature policy='require' name='{}'/>
  </cpu>
"""
_HOST_MODEL = "  <cpu mode='host-model' check='partial'/>\n"
_PINS = """  <iothreads>1</iothreads>
  <cputune>
    <vcpupin vcpu='0' cpuset='0'/>
    <vcpupin vcpu='1' cpuset='1'/>
    <emulatorpin cpuset='0-1'/>
    <iothreadpin iothread='1' cpuset='0-1'/>
  </cputune>
"""
_SPICE = """    <channel type='spicevmc'>
      <target type='virtio' name='com.redhat.spice.0'/>
      <address type='virtio-serial' controller='0' bus='0' port='1'/>
    </channel>
    <input type='tablet' bus='usb'>
      <address type='usb' bus='0' port='1'/>
    </input>
    <input type='mouse' bus='ps2'/>
    <input type='keyboard' bus='ps2'/>
    <graphics type='spice' autoport='yes'>
      <listen type='address'/>
      <image compression='off'/>
    </graphics>
"""
_REDIRECTED = """    <redirdev bus='usb' type='spicevmc'>
      <address type='usb' bus='0' port='2'/>
    </redirdev>
    <redirdev bus='usb' type='spicevmc'>
      <address type='usb' bus='0' port='3'/>
    </redirdev>
"""
_QXL = """    <video>
      <model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='1' primary='yes'/>
      {}
    </video>
"""
_GL = """    <graphics type='spice'>
      <listen type='none'/>
      <gl enable='yes'/>
    </graphics>
    <video>
      <model type='virtio' heads='1' primary='yes'>
        <acceleration accel3d='yes'/>
      </model>
      {}
    </video>
"""
_VNC = """    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'>
      <listen type='address' address='127.0.0.1'/>
    </graphics>
    <video>
      <model type='cirrus' vram='16384' heads='1' primary='yes'/>
      {}
    </video>
"""
_SERIAL = """    <serial type='pty'>
      <target type='isa-serial' port='0'>
        <model name='isa-serial'/>
      </target>
    </serial>
    <console type='pty'>
      <target type='serial' port='0'/>
    </console>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
      <address type='virtio-serial' controller='0' bus='0' port='2'/>
    </channel>
"""
_USB_STICK = """    <hostdev mode='subsystem' type='usb' managed='yes'>
      <source>
        <vendor id='0x046d'/>
        <product id='0xc52b'/>
      </source>
    </hostdev>
"""
_GPU = """    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source>
        <address domain='0x0000' bus='0x{bus:02x}' slot='0x00' function='0x{function}'/>
      </source>
      {at}
    </hostdev>
"""
_SHARED = """    <shmem name='looking-glass'>
      <model type='ivshmem-plain'/>
      <size unit='M'>32</size>
    </shmem>
"""
_EVDEV = """  <qemu:commandline>
    <qemu:arg value='-global'/>
    <qemu:arg value='ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'/>
  </qemu:commandline>
"""
_OSK = """  <qemu:commandline>
    <qemu:arg value='-device'/>
    <qemu:arg value='isa-applesmc'/>
    <qemu:arg value='-smbios'/>
    <qemu:arg value='type=2'/>
  </qemu:commandline>
"""
_NAMESPACE = " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
_PAGES = "  <memoryBacking>\n    <hugepages/>\n    <nosharepages/>\n  </memoryBacking>\n"


class _Board:
    """The devices of one board, with the addresses that libvirt gave them."""

    def __init__(self, *, express: bool) -> None:
        self.express = express
        self.bus = 0
        self.slot = 2
        self.ports: list[str] = []
        self.text = ""

    def at(self) -> str:
        """Give the next address."""
        if not self.express:
            self.slot += 1
            return _PCI.format(0, self.slot, 0, "")
        self.bus += 1
        more = " multifunction='on'" if self.bus == 1 else ""
        place = _PCI.format(0, 2 + (self.bus - 1) // 8, (self.bus - 1) % 8, more)
        self.ports.append(
            f"    <controller type='pci' index='{self.bus}' model='pcie-root-port'>\n"
            "      <model name='pcie-root-port'/>\n"
            f"      <target chassis='{self.bus}' port='0x{15 + self.bus:x}'/>\n"
            f"      {place}\n    </controller>\n"
        )
        return _PCI.format(self.bus, 0, 0, "")

    def disk(self, bus: str, letter: str, *, device: str = "disk", form: str = "qcow2") -> None:
        """Add a disk, or a drive with a disc."""
        name = {"virtio": "vd", "ide": "hd"}.get(bus, "sd") + letter
        place = self.at() if bus == "virtio" else ""
        if bus in {"ide", "sata"}:
            unit = "abcdef".index(letter)
            ide = bus == "ide"
            place = (
                f"<address type='drive' controller='0' bus='{unit // 2 if ide else 0}' target='0' "
                f"unit='{unit % 2 if ide else unit}'/>"
            )
        suffix = "iso" if device == "cdrom" else form
        kind = "raw" if device == "cdrom" else form
        self.text += (
            f"    <disk type='file' device='{device}'>\n"
            f"      <driver name='qemu' type='{kind}'/>\n"
            f"      <source file='/var/lib/libvirt/images/{name}.{suffix}'/>\n"
            f"      <target dev='{name}' bus='{bus}'/>\n"
            + ("      <readonly/>\n" if device == "cdrom" else "")
            + (f"      {place}\n" if place else "")
            + "    </disk>\n"
        )

    def card(self, model: str, number: int, network: str = "network='default'") -> None:
        """Add a network card."""
        kind = network.partition("=")[0]
        self.text += (
            f"    <interface type='{kind}'>\n"
            f"      <mac address='52:54:00:6b:3c:{number:02x}'/>\n"
            f"      <source {network}/>\n"
            f"      <model type='{model}'/>\n"
            f"      {self.at()}\n    </interface>\n"
        )

    def add(self, text: str) -> None:
        """Add other devices; a pair of braces becomes an address."""
        while "{}" in text:
            text = text.replace("{}", self.at(), 1)
        self.text += text

    def devices(self, *, usb: str) -> str:
        """Give all devices, with the controllers before them."""
        own = (_usb_of(usb, self.at if usb == "qemu-xhci" else None),
               (f"    <controller type='virtio-serial' index='0'>\n      {self.at()}\n"
               "    </controller>\n"))  # fmt: skip
        root = "pcie-root" if self.express else "pci-root"
        ide = "" if self.express else (
            f"    <controller type='ide' index='0'>\n      {_PCI.format(0, 1, 1, '')}\n"
            "    </controller>\n"
        )  # fmt: skip
        balloon = f"    <memballoon model='virtio'>\n      {self.at()}\n    </memballoon>\n"
        return (
            "".join(own) + ide + f"    <controller type='pci' index='0' model='{root}'/>\n"
            + "".join(self.ports) + self.text + balloon
        )  # fmt: skip


def _usb_of(model: str, place: Callable[[], str] | None) -> str:
    one = "    <controller type='usb' index='0' model='{}'>\n      {}\n    </controller>\n"
    if place is not None:
        return one.format(f"{model}' ports='15", place())
    if model == "piix3-uhci":
        return one.format(model, _PCI.format(0, 1, 2, ""))
    text = ""
    for number, function in enumerate((7, 0, 1, 2)):
        more = " multifunction='on'" if function == 0 else ""
        name = "ich9-ehci1" if number == 0 else f"ich9-uhci{number}"
        master = "" if number == 0 else f"<master startport='{2 * number - 2}'/>\n      "
        text += one.format(name, master + _PCI.format(0, 0x1D, function, more))
    return text


_DESKTOPS = (
    ("pc-q35-6.2", _HOST_MODEL), ("pc-q35-focal", _PASSTHROUGH), ("pc-i440fx-bionic", _HOST_MODEL),
    ("pc-q35-4.2", _PASSTHROUGH), ("pc-q35-rhel9.2.0", _HOST_MODEL),
    ("pc-i440fx-2.11", _MODEL.format("Haswell-noTSX", "vmx")), ("pc-q35-8.1", _PASSTHROUGH),
    ("pc-q35-2.10", _MODEL.format("SandyBridge", "vmx")), ("pc-q35-7.1", _HOST_MODEL),
    ("pc-i440fx-3.1", ""), ("pc-q35-5.1", _PASSTHROUGH), ("pc-q35-jammy", _HOST_MODEL),
    ("pc-i440fx-artful", _MODEL.format("Broadwell", "invtsc")), ("pc-q35-9.0", _PASSTHROUGH),
)  # fmt: skip
_EMULATORS = ("/usr/bin/qemu-system-x86_64", "/usr/bin/kvm-spice", "/usr/libexec/qemu-kvm",
              "/usr/bin/kvm")  # fmt: skip


def _desktops() -> Iterator[tuple[str, dict[str, str]]]:
    for number, (machine, cpu) in enumerate(_DESKTOPS):
        express = "q35" in machine
        windows = number % 2 == 0
        board = _Board(express=express)
        board.disk("virtio" if number % 3 else ("sata" if express else "ide"), "a")
        board.disk("sata" if express else "ide", "b", device="cdrom")
        board.card(("e1000e" if express else "rtl8139") if windows else "virtio", number)
        if number % 4 == 3:
            board.add(_GL)
        else:
            board.add(_SPICE + _QXL + (_REDIRECTED if number % 3 else ""))
        board.add("    <sound model='ich" + ("9" if express else "6") + "'>\n      {}\n"
                  "    </sound>\n" + "    <audio id='1' type='spice'/>\n")  # fmt: skip
        usb = "qemu-xhci" if number % 2 else "ich9-ehci1"
        yield f"desktop-{number}", {
            "machine": machine, "cpu": cpu, "features": _HYPERV if windows else "",
            "clock": "localtime" if windows else "utc", "devices": board.devices(usb=usb),
            "emulator": _EMULATORS[number % 4],
            "top": "" if number % 5 else "  <memoryBacking>\n    <access mode='shared'/>\n"
                   "    <source type='memfd'/>\n  </memoryBacking>\n",
        }  # fmt: skip


_SERVERS = (
    "pc-i440fx-rhel7.6.0", "pc-q35-rhel8.6.0", "pc-i440fx-xenial", "pc-i440fx-2.4", "pc-q35-5.2",
    "pc", "q35", "pc-i440fx-4.1", "pc-q35-3.0", "pc-i440fx-trusty", "pc-q35-7.2", "pc-i440fx-6.2",
    "pc-q35-rhel7.4.0", "pc-1.0",
)  # fmt: skip


def _servers() -> Iterator[tuple[str, dict[str, str]]]:
    for number, machine in enumerate(_SERVERS):
        express = "q35" in machine
        board = _Board(express=express)
        for letter in "abc"[: 1 + number % 3]:
            board.disk("virtio", letter, form="raw" if number % 2 else "qcow2")
        board.disk("ide" if not express else "sata", "a", device="cdrom")
        board.card("virtio", 0x20 + number, "bridge='br0'" if number % 2 else "network='default'")
        board.add(_SERIAL)
        if number % 3 == 0:
            board.add(_SPICE + _QXL)
        elif number % 3 == 1:
            board.add(_VNC)
        board.add("    <watchdog model='i6300esb' action='reset'>\n      {}\n    </watchdog>\n")
        board.add("    <rng model='virtio'>\n      <backend model='random'>/dev/urandom</backend>\n"
                  "      {}\n    </rng>\n")  # fmt: skip
        cpus = (_HOST_MODEL, _PASSTHROUGH, _MODEL.format("Westmere", "pcid"), "")
        yield f"server-{number}", {
            "machine": machine, "cpu": cpus[number % 4], "emulator": _EMULATORS[(number + 2) % 4],
            "tune": _PINS if number % 4 == 1 else "",
            "devices": board.devices(usb="piix3-uhci" if not express else "qemu-xhci"),
        }  # fmt: skip


_PASSED = ("pc-q35-6.1", "pc-q35-4.0", "pc-q35-7.0", "pc-q35-2.12", "pc-q35-8.0", "pc-i440fx-2.12",
           "pc-q35-5.0", "pc-q35-focal", "pc-q35-3.1", "pc-i440fx-5.1", "pc-q35-9.1",
           "pc-q35-rhel9.0.0")  # fmt: skip


def _passed_through() -> Iterator[tuple[str, dict[str, str]]]:
    for number, machine in enumerate(_PASSED):
        express = "q35" in machine
        board = _Board(express=express)
        board.disk("virtio", "a", form="raw")
        board.disk("sata" if express else "ide", "b", device="cdrom")
        board.card("virtio" if number % 2 else "e1000", 0x40 + number)
        for function in (0, 1):
            board.add(_GPU.format(bus=1 + number % 3, function=function, at="{}"))
        board.add(_SPICE + (_QXL if number % 3 == 0 else ""))
        board.add((_SHARED if number % 2 else "") + (_USB_STICK if number % 3 else ""))
        yield f"passthrough-{number}", {
            "machine": machine, "features": _HIDDEN, "clock": "localtime",
            "cpu": _WITH_CACHE.format(cores=2), "firmware": " firmware='efi'" if express else "",
            "devices": board.devices(usb="qemu-xhci"), "tune": _PINS if number % 2 else "",
            "top": _PAGES if number % 4 == 0 else "", "namespace": _NAMESPACE, "after": _EVDEV,
            "emulator": _EMULATORS[number % 2],
        }  # fmt: skip


def _apples() -> Iterator[tuple[str, dict[str, str]]]:
    for number, machine in enumerate(("pc-q35-4.2", "pc-q35-2.11", "pc-q35-6.0", "q35",
                                      "pc-q35-3.1", "pc-q35-7.1", "pc-q35-5.1", "pc-q35-8.2",
                                      "pc-q35-2.9", "pc-q35-6.2")):  # fmt: skip
        board = _Board(express=True)
        for letter in "abc":
            board.disk("sata", letter, form="qcow2" if letter != "c" else "raw")
        board.card(("e1000-82545em", "vmxnet3", "virtio")[number % 3], 0x60 + number)
        model = ("vmvga", "qxl", "vga")[number % 3]
        shown = _SPICE if number % 2 else _VNC.split("    <video>", maxsplit=1)[0]
        board.add(f"{shown}    <video>\n      <model type='{model}' vram='65536' heads='1'/>\n"
                  "      {}\n    </video>\n")  # fmt: skip
        yield f"macos-{number}", {
            "machine": machine, "firmware": " firmware='efi'" if number % 2 else "",
            "features": "    <kvm>\n      <hidden state='on'/>\n    </kvm>\n",
            "cpu": _MODEL.format("Penryn", "invtsc") if number % 2 else _PASSTHROUGH,
            "devices": board.devices(usb="ich9-ehci1"), "namespace": _NAMESPACE, "after": _OSK,
        }  # fmt: skip


def real_domains() -> list[RealDomain]:
    """Give all fifty."""
    found: list[RealDomain] = []
    usual = {
        "namespace": "", "memory": "4194304", "top": "", "vcpus": "4", "tune": "", "firmware": "",
        "boot": "    <boot dev='hd'/>\n", "features": "", "cpu": "", "clock": "utc",
        "timers": _TIMERS, "emulator": _EMULATORS[0], "after": "",
    }  # fmt: skip
    groups = (("desktop", _desktops()), ("server", _servers()),
              ("passthrough", _passed_through()), ("macos", _apples()))  # fmt: skip
    for kind, group in groups:
        for name, parts in group:
            text = _HEAD.format(**usual | parts | {"name": name, "number": len(found) + 1})
            found.append(RealDomain(name, kind, text.encode()))
    return found
