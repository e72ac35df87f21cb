"""QEMU arguments for features that the processor shows of the hypervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import FEATURE_STATE
from domcaps.elements.features.hyperv import FEATURES
from domcaps.language.command_line import ON_OFF, Line, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node


_KVM_SWITCHES = (
    ("hint-dedicated", "on", "kvm-hint-dedicated=on"),
    ("poll-control", "on", "kvm-poll-control=on"),
    ("pv-ipi", "off", "kvm-pv-ipi=off"),
    ("hidden", "on", "kvm=off"),
)
"""An element, the state that needs an argument, and the argument."""


def feature_words(line: Line, root: Node) -> list[str]:
    """Give the options of the CPU that ``<features>`` stands for."""
    features = line.reading.child(root, "features")
    told = [] if root.find("devices/panic[@model='hyperv']") is None else ["hv-crash"]
    if features is None:
        return told
    apic, pmu = line.reading.child(features, "apic"), line.reading.child(features, "pmu")
    if apic is not None and line.is_x86:
        eoi = line.reading.get(apic, "eoi", ON_OFF)
        told += [f"kvm-pv-eoi={eoi}"] if eoi else []
    if pmu is not None:
        told.append(f"pmu={line.reading.get(pmu, 'state', ON_OFF) or FEATURE_STATE}")
    spinlock = line.reading.child(features, "pvspinlock")
    if spinlock is not None and line.is_x86:
        told.append(f"kvm-pv-unhalt={line.reading.get(spinlock, 'state', ON_OFF) or FEATURE_STATE}")
    return [*told, *_kvm(line, features), *_hyperv(line, features)]


def _kvm(line: Line, features: Node) -> list[str]:
    reading = line.reading
    kvm = reading.child(features, "kvm")
    if kvm is None:
        return []
    told = []
    ring = reading.child(kvm, "dirty-ring")
    if ring is not None and reading.get(ring, "state", ON_OFF) == "on":
        line.accelerator["dirty-ring-size"] = str(reading.number(ring, "size"))
    elif ring is not None:
        reading.set_aside(ring, "size")
    for tag, state, told_so in _KVM_SWITCHES:
        node = reading.child(kvm, tag)
        if node is not None and reading.get(node, "state", ON_OFF) == state and line.is_x86:
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
    told = []
    if reading.get(hyperv, "mode", {"custom", "passthrough"}) == "passthrough":
        told = ["hv-passthrough=on"]
    known = {choice.name for choice in FEATURES.choices}
    for node in hyperv.iterfind("*"):
        if node.tag not in known:
            raise untold(node)
        reading.children(hyperv, str(node.tag))
        if reading.get(node, "state", ON_OFF) == "on":
            told += _enlightenment(line, node, str(node.tag))
    return told


def _enlightenment(line: Line, node: Node, name: str) -> list[str]:
    reading, word = line.reading, f"hv-{name.replace('_', '-')}"
    if name == "spinlocks":
        retries = reading.number(node, "retries")
        return [f"{word}={4095 if retries is None else retries:#x}"]
    if name == "vendor_id":
        shown = reading.get(node, "value") or ""
        if "," in shown:
            # in the options of a CPU a comma has no escape
            raise untold(node, "value", f"the value {shown!r}")
        return [f"{word}={shown}"]
    told = [f"{word}=on"]
    for child in node.iterfind("*"):
        if (name, child.tag) not in {("stimer", "direct"), ("tlbflush", "direct"),
                                     ("tlbflush", "extended")}:  # fmt: skip
            raise untold(child)
        reading.children(node, str(child.tag))
        if reading.get(child, "state", ON_OFF) == "on":
            told.append(f"{word}-{'ext' if child.tag == 'extended' else child.tag}=on")
    return told
