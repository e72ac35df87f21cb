"""The machine itself: name, board, processor, memory, clock, firmware and boot order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domcaps.elements.cpu import HOST_MODEL
from domcaps.elements.machines import ARM_VIRT, Q35
from domcaps.elements.quantities import MAX_BYTES, MIB, kib, size_of
from domcaps.elements.vcpucount import Topology, initial_vcpus, max_vcpus
from domcaps.facts.emulator import ACCELERATORS
from domcaps.language.told import Told, ways_of
from domcaps.native.line import Line, options
from domcaps.native.reading import untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_ABOUT = ("title", "description", "metadata")
_POLICIES = {"require": "on", "force": "on", "disable": "off", "forbid": "off"}
_KIB_OF_MIB = MIB // 1024
_YES_NO = {"yes", "no"}
_ON_OFF = {"on", "off"}


def write_board(line: Line) -> None:
    """Tell of all that is no device."""
    root, reading = line.domain.root, line.reading
    for tag in _ABOUT:
        for node in reading.children(root, tag):
            reading.set_aside_whole(node)
    reading.set_aside(root, "type")
    name, system, clock = _name(line, root), _system(line, root), _clock(line, root)
    _features(line, root)
    machine = options(line.domain.machine, usb="off", **{"dump-guest-core": "off"}, **line.machine)
    line.add(*name, "-machine", machine, "-accel", ACCELERATORS[line.domain.virttype])
    line.add(*_processor(line, root), *_memory(line, root), *_vcpus(line, root))
    line.add(*_identity(line, root), "-no-user-config", "-nodefaults", *clock)
    line.add(*_events(line, root), *_power(line, root), *system)


def _name(line: Line, root: Node) -> list[str]:
    name = line.reading.child(root, "name")
    if name is None:
        return []
    return ["-name", "guest=" + line.reading.text(name).replace(",", ",,")]


def _identity(line: Line, root: Node) -> list[str]:
    node = line.reading.child(root, "uuid")
    return [] if node is None else ["-uuid", line.reading.text(node)]


def _system(line: Line, root: Node) -> list[str]:
    reading = line.reading
    system = reading.child(root, "os")
    if system is None:
        return []
    kind = reading.child(system, "type")
    if kind is not None:
        # the target has both
        reading.text(kind, {"hvm"})
        reading.set_aside(kind, "arch", "machine")
    words = _firmware(line, system)
    for tag, option in (("kernel", "-kernel"), ("initrd", "-initrd"), ("cmdline", "-append"),
                        ("dtb", "-dtb")):  # fmt: skip
        node = reading.child(system, tag)
        if node is not None:
            words += [option, reading.text(node)]
    return [*words, *_order(line, system)]


def _order(line: Line, system: Node) -> list[str]:
    """Take the boot order; which devices it means is known when they are told."""
    reading = line.reading
    kinds = [reading.get(node, "dev", {"hd", "cdrom", "network"}) or ""
             for node in reading.children(system, "boot")]  # fmt: skip
    own = any(node.get("order") for node in line.domain.root.iterfind("devices/*/boot"))
    if not kinds and not own and system.find("kernel") is None:
        kinds = ["hd"]
    line.bootable = {kind: number for number, kind in enumerate(dict.fromkeys(kinds), start=1)}
    menu = reading.child(system, "bootmenu")
    if menu is None:
        return ["-boot", "strict=on"]
    shown = {"yes": "on", "no": "off"}.get(reading.get(menu, "enable", _YES_NO) or "")
    timeout = reading.number(menu, "timeout")
    first = "strict=on" if shown is None else f"menu={shown},strict=on"
    return ["-boot", first if timeout is None else f"{first},splash-time={timeout}"]


def _firmware(line: Line, system: Node) -> list[str]:
    """Take an image that the domain names; one that libvirt would choose is not told."""
    reading = line.reading
    loader, nvram = reading.child(system, "loader"), reading.child(system, "nvram")
    if loader is None:
        if nvram is not None:
            raise untold(nvram)
        return []
    path = reading.text(loader)
    kind = reading.get(loader, "type", {"rom", "pflash"}) or "rom"
    read_only = reading.get(loader, "readonly", _YES_NO)
    if kind == "rom":
        if nvram is not None:
            raise untold(nvram)
        return ["-bios", path]
    if read_only != "yes":
        raise untold(loader, "readonly", "flash memory that is written to")
    words = _flash(line, loader, path, 0)
    if reading.get(loader, "secure", _YES_NO) == "yes":
        words += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    if nvram is not None:
        words += _flash(line, nvram, reading.text(nvram), 1)
    return words


def _flash(line: Line, node: Node, path: str, number: int) -> list[str]:
    form = line.reading.get(node, "format", {"raw", "qcow2"}) or "raw"
    if not path:
        raise untold(node, "", "an image that libvirt would choose")
    name = f"flash{number}"
    below: dict[str, object] = {"driver": "file", "filename": path, "node-name": f"{name}-storage"}
    above: dict[str, object] = {
        "node-name": name, "read-only": not number, "driver": form, "file": f"{name}-storage",
    }  # fmt: skip
    line.machine[f"pflash{number}"] = name
    return ["-blockdev", json.dumps(below), "-blockdev", json.dumps(above)]


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
        # every PC that QEMU makes has these
        for tag in ("apic", "pae"):
            reading.child(features, tag)
        for tag in ("vmport", "smm"):
            node = reading.child(features, tag)
            if node is not None:
                line.machine[tag] = reading.get(node, "state", _ON_OFF) or "on"
    gic = reading.child(features, "gic")
    if gic is not None:
        version = reading.get(gic, "version", {"2", "3", "host"})
        if version is None or not line.holds(ARM_VIRT):
            raise untold(gic)
        line.machine["gic-version"] = version


def _processor(line: Line, root: Node) -> list[str]:
    reading = line.reading
    cpu = reading.child(root, "cpu")
    if cpu is None:
        return []
    mode = reading.get(cpu, "mode", {"custom", "host-model", "host-passthrough", "maximum"})
    reading.get(cpu, "match", {"exact"})
    # what libvirt compares before it starts QEMU, and what it may do instead
    reading.get(cpu, "check", {"none", "partial"})
    model = reading.child(cpu, "model")
    name = ""
    if model is not None:
        reading.get(model, "fallback", {"allow", "forbid"})
        name = reading.text(model)
    told = _model(line, cpu, mode or "custom", name)
    for feature in reading.children(cpu, "feature"):
        policy = reading.get(feature, "policy", _POLICIES) or "require"
        if not told:
            raise untold(feature, "", "a feature of the default CPU")
        told += f",{reading.get(feature, 'name')}={_POLICIES[policy]}"
    return ["-cpu", told] if told else []


def _model(line: Line, cpu: Node, mode: str, name: str) -> str:
    reading = line.reading
    if mode == "custom":
        return name
    if name:
        raise untold(cpu, "mode", f"a model with {mode}")
    if mode == "host-model":
        ways = ways_of(HOST_MODEL.told or (), line.domain.world)
        found = next((way.cpu for way in ways if isinstance(way, Told)), "")
        if not found:
            raise untold(cpu, "mode", "the host's model, which is not known")
        return found
    told = "host" if mode == "host-passthrough" else "max"
    migratable = reading.get(cpu, "migratable", _ON_OFF)
    if migratable is not None:
        if not line.is_x86:
            raise untold(cpu, "migratable")
        told += f",migratable={migratable}"
    return told


def _memory(line: Line, root: Node) -> list[str]:
    reading = line.reading
    sizes = {}
    for tag in ("memory", "currentMemory"):
        node = reading.child(root, tag)
        if node is not None:
            reading.text(node)
            reading.set_aside(node, "unit")
            sizes[tag] = kib(size_of(node, limit=MAX_BYTES))
    size = sizes.get("memory", 0)
    if sizes.get("currentMemory", size) != size:
        less = root.find("currentMemory")
        raise untold(root if less is None else less, "", "less memory than there is")
    if not size:
        raise untold(root, "", "a domain without <memory>")
    rounded = -(-size // _KIB_OF_MIB) * _KIB_OF_MIB
    return ["-m", f"size={rounded}k"]


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
        name = reading.get(timer, "name", {"rtc", "pit", "hpet"})
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
    for tag, usual in (("on_poweroff", {"destroy"}), ("on_reboot", {"restart", "destroy"}),
                       ("on_crash", {"destroy"})):  # fmt: skip
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
