"""The guest's processor: its model, features, and what it shows of the hypervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.x86map import x86_map
from domcaps.elements.boards.families import ARM_VIRT
from domcaps.elements.features.hyperv import FEATURES
from domcaps.elements.processor.cpu import HOST_MODEL
from domcaps.language.qemu_args import QemuArgs, alternatives_of
from domcaps.native.line import doubled
from domcaps.native.reading import untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.native.line import Line

_POLICIES = {"require": "on", "force": "on", "disable": "off", "forbid": "off"}
_ON_OFF = {"on", "off"}
_FULL, _LIMIT = "host-phys-bits", "host-phys-bits-limit"
_KVM_SWITCHES = (
    ("hint-dedicated", "on", "kvm-hint-dedicated=on"),
    ("poll-control", "on", "kvm-poll-control=on"),
    ("pv-ipi", "off", "kvm-pv-ipi=off"),
    ("hidden", "on", "kvm=off"),
)
"""An element, the state in which QEMU is told, and how."""


def write_processor(line: Line, root: Node) -> list[str]:
    """Tell of the processor. What stands in ``<features>`` about it is appended to its model."""
    told = _model(line, root)
    more = [*_of_features(line, root), *_of_timers(line, root)]
    if more and not told:
        # the one that QEMU takes by itself has no name of its own that could be written
        told = _usual(line, root)
    return ["-cpu", ",".join([told, *more])] if told else []


def _usual(line: Line, root: Node) -> str:
    if not line.is_x86:
        raise untold(root, "", "features of the default CPU")
    return "qemu64" if line.domain.arch == "x86_64" else "qemu32"


def _model(line: Line, root: Node) -> str:
    reading = line.reading
    cpu = reading.child(root, "cpu")
    if cpu is None:
        return ""
    mode = reading.get(cpu, "mode", {"custom", "host-model", "host-passthrough", "maximum"})
    reading.get(cpu, "match", {"exact"})
    # what libvirt compares before it starts QEMU, and what it may do instead
    reading.get(cpu, "check", {"none", "partial", "full"})
    model = reading.child(cpu, "model")
    name = ""
    if model is not None:
        reading.get(model, "fallback", {"allow", "forbid"})
        name = reading.text(model)
    vendor = reading.child(cpu, "vendor")
    if vendor is not None:
        # libvirt compares it with that of the host
        dialect = line.domain.world.target.dialect
        known = x86_map(dialect).vendors if line.is_x86 else ()
        reading.text(vendor, [name for name, _ in known])
    told = _named(line, cpu, mode or "custom", name)
    more = [*_features(line, cpu), *_cache(line, cpu), *_address(line, cpu)]
    if more and not told:
        raise untold(cpu, "", "a feature of the default CPU")
    return ",".join([told, *more]) if told else ""


def _features(line: Line, cpu: Node) -> list[str]:
    told = []
    for feature in line.reading.children(cpu, "feature"):
        policy = line.reading.get(feature, "policy", _POLICIES) or "require"
        name = doubled(line.reading.get(feature, "name") or "")
        told.append(f"{name}={_POLICIES[policy]}")
    return told


def _cache(line: Line, cpu: Node) -> list[str]:
    cache = line.reading.child(cpu, "cache")
    if cache is None:
        return []
    mode = line.reading.get(cache, "mode", {"emulate", "passthrough", "disable"})
    line.reading.get(cache, "level", {"3"} if mode == "emulate" else set())
    if mode == "passthrough":
        return ["host-cache-info=on"]
    return [f"l3-cache={'on' if mode == 'emulate' else 'off'}"]


def _address(line: Line, cpu: Node) -> list[str]:
    """Take how wide a physical address is."""
    reading = line.reading
    node = reading.child(cpu, "maxphysaddr")
    if node is None:
        return []
    if not line.is_x86:
        raise untold(node)
    mode, bits = reading.get(node, "mode", {"emulate", "passthrough"}), reading.number(node, "bits")
    limit = reading.number(node, "limit")
    if mode == "emulate":
        return [f"phys-bits={bits}"] if bits else []
    return [f"{_FULL}=on", *([f"{_LIMIT}={limit}"] if limit else [])]


def _named(line: Line, cpu: Node, mode: str, name: str) -> str:
    reading = line.reading
    if mode == "custom":
        return name
    if name:
        raise untold(cpu, "mode", f"a model with {mode}")
    if mode == "host-model":
        ways = alternatives_of(HOST_MODEL.qemu_args or (), line.domain.world)
        found = next((way.cpu for way in ways if isinstance(way, QemuArgs)), "")
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


# -- what stands elsewhere in a domain -------------------------------------------------------------


def _of_features(line: Line, root: Node) -> list[str]:
    features = line.reading.child(root, "features")
    told = [] if root.find("devices/panic[@model='hyperv']") is None else ["hv-crash=on"]
    if features is None:
        return told
    apic, pmu = line.reading.child(features, "apic"), line.reading.child(features, "pmu")
    if apic is not None and line.is_x86:
        eoi = line.reading.get(apic, "eoi", _ON_OFF)
        told += [f"kvm-pv-eoi={eoi}"] if eoi else []
    if pmu is not None:
        if not line.is_x86 and not line.holds(ARM_VIRT):
            raise untold(pmu)
        told.append(f"pmu={line.reading.get(pmu, 'state', _ON_OFF) or 'on'}")
    spinlock = line.reading.child(features, "pvspinlock")
    if spinlock is not None and line.is_x86:
        told.append(f"kvm-pv-unhalt={line.reading.get(spinlock, 'state', _ON_OFF) or 'on'}")
    return [*told, *_kvm(line, features), *_hyperv(line, features)]


def _kvm(line: Line, features: Node) -> list[str]:
    reading = line.reading
    kvm = reading.child(features, "kvm")
    if kvm is None:
        return []
    if not line.is_x86:
        raise untold(kvm)
    told = []
    for tag, state, told_so in _KVM_SWITCHES:
        node = reading.child(kvm, tag)
        if node is not None and reading.get(node, "state", _ON_OFF) == state:
            told.append(told_so)
    return told


def _hyperv(line: Line, features: Node) -> list[str]:
    """Take what the guest is shown as if it ran on Hyper-V."""
    reading = line.reading
    hyperv = reading.child(features, "hyperv")
    if hyperv is None:
        return []
    if not line.is_x86:
        raise untold(hyperv)
    if reading.get(hyperv, "mode", {"custom", "passthrough"}) == "passthrough":
        return ["hv-passthrough"]
    told = []
    known = {choice.name for choice in FEATURES.choices}
    for node in hyperv.iterfind("*"):
        if node.tag not in known:
            raise untold(node)
        reading.children(hyperv, str(node.tag))
        if reading.get(node, "state", _ON_OFF) == "on":
            told += _enlightenment(line, node, str(node.tag))
    return told


def _enlightenment(line: Line, node: Node, name: str) -> list[str]:
    reading, word = line.reading, f"hv-{name.replace('_', '-')}"
    if name == "spinlocks":
        retries = reading.number(node, "retries")
        return [f"{word}={4095 if retries is None else retries}"]
    if name == "vendor_id":
        return [f"{word}={doubled(reading.get(node, 'value') or '')}"]
    told = [f"{word}=on"]
    for child in node.iterfind("*"):
        if (name, child.tag) not in {("stimer", "direct"), ("tlbflush", "direct"),
                                     ("tlbflush", "extended")}:  # fmt: skip
            raise untold(child)
        reading.children(node, str(child.tag))
        if reading.get(child, "state", _ON_OFF) == "on":
            told.append(f"{word}-{'ext' if child.tag == 'extended' else child.tag}=on")
    return told


def _of_timers(line: Line, root: Node) -> list[str]:
    """Take the timers that are shown by features of the processor."""
    told = []
    for timer in root.iterfind("clock/timer"):
        name = timer.get("name")
        if name not in {"kvmclock", "hypervclock", "tsc"} or not line.is_x86:
            continue
        line.reading.get(timer, "name")
        present = line.reading.get(timer, "present", {"yes", "no"})
        switch = "off" if present == "no" else "on"
        if name == "hypervclock":
            told.append(f"hv-time={switch}")
        elif name == "kvmclock" and present is not None:
            told.append(f"kvmclock={switch}")
        elif name == "tsc" and (rate := line.reading.number(timer, "frequency")) is not None:
            told.append(f"tsc-frequency={rate}")
    return told
