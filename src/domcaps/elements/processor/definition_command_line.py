"""QEMU arguments for ``<cpu>``: the model with its features, ``-cpu``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.x86map import x86_map
from domcaps.elements.boards.defaults import CPU_MODE, CPU_POLICY
from domcaps.elements.processor.cpu import HOST_MODEL
from domcaps.language.command_line import ON_OFF, Line, untold
from domcaps.language.qemu_args import QemuArgs, alternatives_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node


_FULL, _LIMIT = "host-phys-bits", "host-phys-bits-limit"
_SEPARATORS = frozenset(",=")
"""``-cpu`` has no form in which they are part of a name: QEMU splits at each of them."""
_POLICIES = {"require": "on", "force": "on", "disable": "off", "forbid": "off"}


def default_model(line: Line, root: Node) -> str:
    """Give the CPU model that QEMU takes by itself, which has no name in a domain."""
    if not line.is_x86:
        raise untold(root, "", "features of the default CPU")
    return "qemu64" if line.domain.arch == "x86_64" else "qemu32"


def model_words(line: Line, root: Node) -> str:
    """Give the CPU model with its features, "" where the domain says nothing of it."""
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
        if set(name) & _SEPARATORS:
            raise untold(model, "", f"the value {name!r}")
    vendor = reading.child(cpu, "vendor")
    if vendor is not None:
        # libvirt compares it with that of the host
        dialect = line.domain.world.target.dialect
        known = x86_map(dialect).vendors if line.is_x86 else ()
        reading.text(vendor, [name for name, _ in known])
    told = _named(line, cpu, mode or CPU_MODE, name)
    more = [*_features(line, cpu), *_cache(line, cpu), *_address(line, cpu)]
    if more and not told:
        raise untold(cpu, "", "a feature of the default CPU")
    return ",".join([told, *more]) if told else ""


def _features(line: Line, cpu: Node) -> list[str]:
    told = []
    for feature in line.reading.children(cpu, "feature"):
        policy = line.reading.get(feature, "policy", _POLICIES) or CPU_POLICY
        name = line.reading.get(feature, "name") or ""
        if not name or set(name) & _SEPARATORS:
            raise untold(feature, "name", f"the value {name!r}")
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
    migratable = reading.get(cpu, "migratable", ON_OFF)
    if migratable is not None:
        if not line.is_x86:
            raise untold(cpu, "migratable")
        told += f",migratable={migratable}"
    return told
