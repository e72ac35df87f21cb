"""The machine itself: name, board, processor, memory, clock, firmware and boot order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.elements.boards.families import ARM_VIRT, Q35, S390
from domcaps.elements.processor.vcpu_count import Topology, initial_vcpus, max_vcpus
from domcaps.facts.emulator import ACCELERATORS
from domcaps.language.quantities import MIB, size_of
from domcaps.native.line import Line, Turn, doubled, options
from domcaps.native.memory import write_memory
from domcaps.native.processor import write_processor
from domcaps.native.reading import untold
from domcaps.native.system import write_system

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_ABOUT = ("title", "description", "metadata")
_IRQ_CHIPS = {"kvm": "on", "qemu": "split"}
_KIB = 1024
_OF_THE_PROCESSOR = {"kvmclock", "hypervclock", "tsc"}
"""Timers that are features of it: see `domcaps.native.processor`."""
_AFTER_CRASHES = {"destroy", "restart", "preserve", "rename-restart", "coredump-destroy",
                  "coredump-restart"}  # fmt: skip
_YES_NO = {"yes", "no"}
_ON_OFF = {"on", "off"}


def write_board(line: Line) -> None:
    """Tell of all that is no device."""
    root, reading = line.domain.root, line.reading
    for tag in _ABOUT:
        for node in reading.children(root, tag):
            reading.set_aside_whole(node)
    # the number is that of a running guest
    reading.set_aside(root, "type", "id")
    name, system, clock = _name(line, root), write_system(line, root), _clock(line, root)
    _features(line, root)
    memory = write_memory(line, root)
    usual = {"usb": "off", "dump-guest-core": "off"}
    machine = options(line.domain.machine, **{**usual, **line.machine})
    line.add(*name, "-machine", machine, "-accel", ACCELERATORS[line.domain.virttype])
    memory += _threads(line, root)
    line.add(*write_processor(line, root), *memory, *_vcpus(line, root))
    line.add(*_identity(line, root), "-no-user-config", "-nodefaults", *clock)
    line.add(*_events(line, root), *_power(line, root), *system)


def _name(line: Line, root: Node) -> list[str]:
    name = line.reading.child(root, "name")
    if name is None:
        return []
    return ["-name", "guest=" + doubled(line.reading.text(name))]


def _identity(line: Line, root: Node) -> list[str]:
    node = line.reading.child(root, "uuid")
    return [] if node is None else ["-uuid", line.reading.text(node)]


def _features(line: Line, root: Node) -> None:
    reading = line.reading
    features = reading.child(root, "features")
    acpi = None if features is None else reading.child(features, "acpi")
    if line.is_x86 or line.holds(ARM_VIRT):
        line.machine["acpi"] = "off" if acpi is None else "on"
    elif acpi is not None:
        raise untold(acpi)
    if features is None:
        return
    if line.is_x86:
        # every PC that QEMU makes has these, and pages of the hardware where there are some
        for tag in ("apic", "pae", "hap"):
            reading.child(features, tag)
        _switches(line, features)
    dump = reading.child(features, "vmcoreinfo")
    if dump is not None and reading.get(dump, "state", _ON_OFF) != "off":
        line.device(Turn.ATTACHED, "vmcoreinfo")
    gic = reading.child(features, "gic")
    if gic is not None:
        version = reading.get(gic, "version", {"2", "3", "host"})
        if version is None or not line.holds(ARM_VIRT):
            raise untold(gic)
        line.machine["gic-version"] = version


def _switches(line: Line, features: Node) -> None:
    """Take what a PC's machine type has options for."""
    reading = line.reading
    for tag, option in (("vmport", "vmport"), ("smm", "smm"), ("ps2", "i8042")):
        node = reading.child(features, tag)
        if node is None:
            continue
        line.machine[option] = reading.get(node, "state", _ON_OFF) or "on"
        segment = reading.child(node, "tseg")
        if segment is not None:
            reading.text(segment)
            reading.set_aside(segment, "unit")
            size = size_of(segment, scale=MIB) or 0
            line.add("-global", f"mch.extended-tseg-mbytes={size // MIB}")
    chip = reading.child(features, "ioapic")
    if chip is not None:
        driver = reading.get(chip, "driver", _IRQ_CHIPS)
        if driver is not None:
            line.machine["kernel_irqchip"] = _IRQ_CHIPS[driver]


def _vcpus(line: Line, root: Node) -> list[str]:
    reading, domain = line.reading, line.domain
    vcpu = reading.child(root, "vcpu")
    if vcpu is not None:
        reading.text(vcpu)
        reading.get(vcpu, "placement", {"static"})
        reading.set_aside(vcpu, "current")
    most, there = max_vcpus(domain), initial_vcpus(domain)
    topology = domain.first(Topology)
    told: dict[str, object] = {"maxcpus": most if most != there else None}
    if topology is None:
        told |= {"sockets": most, "cores": 1, "threads": 1}
    else:
        reading.children(topology.node.getparent(), "topology")  # type: ignore[arg-type]
        for name in ("sockets", "dies", "clusters", "cores", "threads"):
            count = reading.number(topology.node, name)
            told[name] = None if count == 1 and name in {"dies", "clusters"} else count
    return ["-smp", options(str(there), **told)]


def _count(line: Line, node: Node) -> int:
    """Take the text of an element as a number of things, each of which is told."""
    text = line.reading.text(node)
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII):
        raise untold(node, "", "a number of that form")
    return int(text)


def _threads(line: Line, root: Node) -> list[str]:
    """Take the threads that disks and controllers may have."""
    reading = line.reading
    count, named = reading.child(root, "iothreads"), reading.child(root, "iothreadids")
    given = [] if named is None else reading.children(named, "iothread")
    numbers = [reading.number(node, "id") or 0 for node in given]
    wanted = 0 if count is None else _count(line, count)
    free = (number for number in range(1, wanted + len(numbers) + 1) if number not in numbers)
    numbers += [next(free) for _ in range(wanted - len(numbers))]
    return [word for number in numbers for word in ("-object", f"iothread,id=iothread{number}")]


def _clock(line: Line, root: Node) -> list[str]:
    reading = line.reading
    clock = reading.child(root, "clock")
    if clock is None:
        return ["-rtc", "base=utc"]
    base = reading.get(clock, "offset", {"utc", "localtime"}) or "utc"
    told = ["-rtc", f"base={base}"]
    for timer in reading.children(clock, "timer"):
        if not line.is_x86:
            raise untold(timer)
        name = reading.get(timer, "name", {"rtc", "pit", "hpet", *_OF_THE_PROCESSOR})
        if name in _OF_THE_PROCESSOR:
            continue
        if name == "hpet":
            present = reading.get(timer, "present", _YES_NO) or "yes"
            line.machine["hpet"] = "on" if present == "yes" else "off"
        elif name == "rtc":
            if reading.get(timer, "tickpolicy", {"delay", "catchup"}) == "catchup":
                told[1] += ",driftfix=slew"
        elif reading.get(timer, "tickpolicy", {"delay"}) and line.domain.virttype == "kvm":
            # QEMU's own PIT has no such policy: it never catches up
            told += ["-global", "kvm-pit.lost_tick_policy=delay"]
    return told


def _events(line: Line, root: Node) -> list[str]:
    """Take what is to be done at an end; QEMU by itself ends, and restarts for a reboot."""
    reading, told = line.reading, []
    # QEMU hears of a crash by a device for it; a mainframe says so itself
    is_heard = root.find("devices/panic") is not None or line.holds(S390)
    for tag, usual in (("on_poweroff", {"destroy"}), ("on_reboot", {"restart", "destroy"}),
                       ("on_crash", {"destroy"} if is_heard else _AFTER_CRASHES)):  # fmt: skip
        node = reading.child(root, tag)
        if node is not None and reading.text(node, usual) == "destroy" and tag == "on_reboot":
            told.append("-no-reboot")
    return told


def _power(line: Line, root: Node) -> list[str]:
    reading, told = line.reading, []
    power = reading.child(root, "pm")
    if power is None:
        return []
    board = "ICH9-LPC" if line.holds(Q35) else "PIIX4_PM"
    for tag, name in (("suspend-to-mem", "disable_s3"), ("suspend-to-disk", "disable_s4")):
        node = reading.child(power, tag)
        if node is None:
            continue
        enabled = reading.get(node, "enabled", _YES_NO)
        if not line.is_x86:
            raise untold(node)
        if enabled is not None:
            told += ["-global", f"{board}.{name}={int(enabled == 'no')}"]
    return told
