"""QEMU arguments for ``<cpu>``: the model with its features, ``-cpu``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.cpu.compare import optional_switches
from domcaps.cpu.expansion import expansion, model_to_expand
from domcaps.cpu.hostmodel import deprecated_features
from domcaps.cpu.names import libvirt_names, qemu_name
from domcaps.cpu.x86map import x86_map
from domcaps.elements.boards.defaults import CPU_MODE, CPU_POLICY
from domcaps.elements.boards.families import PPC64, PSERIES
from domcaps.elements.processor.cpu import HOST_MODEL, MIGRATABLE, accelerator, features_of_host
from domcaps.elements.processor.definition import default_cpu
from domcaps.facts.arch import ARM, is_native
from domcaps.language.command_line import ON_OFF, Line, asks_for_help, untold
from domcaps.language.qemu_args import QemuArgs, alternatives_of
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element as Node


_FULL, _LIMIT = "host-phys-bits", "host-phys-bits-limit"
_NAME = late_pattern(r"[A-Za-z0-9][\w.-]*", re.ASCII)
"""A name in ``-cpu``, where QEMU splits at commas and equals signs, and ``-`` takes away."""
_POLICIES = {"require": "on", "force": "on", "disable": "off", "forbid": "off", "optional": ""}
_OF_LIBVIRT = {"cmt", "mbm_total", "mbm_local"}
"""Features of x86 hosts that QEMU has no properties for."""
_MODES = {"custom", "host-model", "host-passthrough", "maximum"}


def default_model(line: Line) -> str:
    """Give the CPU model that a machine has where the domain names none, "" for QEMU's own."""
    named = default_cpu(line.domain)
    if not named and line.is_x86:
        named = "qemu64" if line.domain.arch == "x86_64" else "qemu32"
    return named


def model_words(line: Line, root: Node) -> str:
    """Give the CPU model with its features, "" where the domain says nothing of it."""
    reading = line.reading
    cpu = reading.child(root, "cpu")
    if cpu is None:
        return ""
    mode = reading.get(cpu, "mode", _MODES) or CPU_MODE
    # what libvirt compares before it starts QEMU, and what it may do instead
    match = reading.get(cpu, "match", {"exact", "minimum", "strict"})
    reading.get(cpu, "check", {"none", "partial", "full"})
    model = reading.child(cpu, "model")
    name, vendor_id = "", None
    if model is not None:
        reading.get(model, "fallback", {"allow", "forbid"})
        vendor_id = reading.get(model, "vendor_id")
        name = reading.text(model)
        if name and not _is_name(name):
            raise untold(model, "", f"the value {name!r}")
    _vendor(line, cpu)
    if match == "minimum" and mode == "custom":
        # it is given all that the host has
        mode, name = "host-model", ""
    told = _named(line, cpu, mode, name)
    if vendor_id and "," in vendor_id:
        raise untold(cpu, "vendor_id", f"the value {vendor_id!r}")
    more = [*([f"vendor={vendor_id}"] if vendor_id else []), *_features(line, cpu),
            *_cache(line, cpu), *_address(line, cpu), *_deprecated(line, cpu)]  # fmt: skip
    if more and not told:
        told = default_model(line)
        if not told:
            raise untold(cpu, "", "a feature of the default CPU")
    return ",".join([told, *more]) if told else ""


def _vendor(line: Line, cpu: Node) -> None:
    """Take the vendor, which libvirt compares with that of the host."""
    vendor = line.reading.child(cpu, "vendor")
    if vendor is not None:
        dialect = line.domain.world.target.dialect
        known = x86_map(dialect).vendors if line.is_x86 else ()
        line.reading.text(vendor, [name for name, _ in known])


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and not asks_for_help(text)


def _deprecated(line: Line, cpu: Node) -> list[str]:
    """Switch the features of the host's model that QEMU calls deprecated.

    libvirt ignores the attribute for other modes. A later word overrides an earlier one.
    """
    switch = line.reading.get(cpu, "deprecated_features", ON_OFF)
    if switch is None or cpu.get("mode") != "host-model":
        return []
    world = line.domain.world
    return [f"{name}={switch}" for name in deprecated_features(world.emulator, accelerator(world))]


def _known_to_qemu(line: Line) -> frozenset[str] | None:
    """Give the features that QEMU can switch, by libvirt's names; None where QEMU can't tell."""
    world = line.domain.world
    emulator, by = world.emulator, accelerator(world)
    answers = (expansion(emulator, by, model_to_expand(by), kind, needed=False)
               for kind in ("static", "full"))  # fmt: skip
    names = frozenset(name for answer in answers if answer is not None for name in answer.props)
    return frozenset(libvirt_names(emulator.arch, names)) or None


def _features(line: Line, cpu: Node) -> list[str]:
    """Take the features that the domain names, and those that libvirt adds to them."""
    policies: dict[str, str] = {}
    known = _known_to_qemu(line)
    for feature in line.reading.children(cpu, "feature"):
        name, switch = _feature(line, feature)
        policies[name] = switch
        if name in _OF_LIBVIRT and line.is_x86:
            line.reading.besides[feature] = "only libvirt's monitoring of the host knows it"
        elif switch == "off" and known is not None and name not in known:
            line.reading.besides[feature] = "this QEMU does not have it, so it is off"
    for name, switch in _added(line, cpu, policies):
        policies.setdefault(name, switch)
    hidden = _OF_LIBVIRT if line.is_x86 else ()
    return [
        f"{qemu_name(line.domain.arch, name)}={switch}"
        for name, switch in policies.items()
        if switch and name not in hidden and (switch == "on" or known is None or name in known)
    ]


def _feature(line: Line, feature: Node) -> tuple[str, str]:
    """Give the name of a feature with its switch, "" for an optional one that may be there."""
    policy = line.reading.get(feature, "policy", _POLICIES) or CPU_POLICY
    name = line.reading.get(feature, "name") or ""
    switch = _POLICIES[policy]
    if not switch and line.is_x86:
        switch = _optional(line, name)
    if not switch:
        line.reading.besides[feature] = "libvirt asks for it where the host has it"
    elif not _is_name(name):
        raise untold(feature, "name", f"the value {name!r}")
    return name, switch


def _optional(line: Line, name: str) -> str:
    """Switch a feature as libvirt does that compares with the host."""
    world = line.domain.world
    if not is_native(world.host.arch, world.emulator.arch):
        return ""
    known = x86_map(world.target.dialect)
    return optional_switches(features_of_host(world), known, (name,)).get(name, "")


def _added(line: Line, cpu: Node, policies: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give the features that libvirt switches where the domain does not name them."""
    if line.is_x86 and cpu.get("mode", CPU_MODE) == "custom":
        model = x86_map(line.domain.world.target.dialect).models.get(cpu.findtext("model") or "")
        # what the model had once, and QEMU's may still have
        yield from ((name, "off") for name in (model.removed if model is not None else ()))
    if line.domain.arch in ARM and any(name.startswith("sve") for name in policies):
        # a length of vectors needs them
        yield "sve", "on"


def _cache(line: Line, cpu: Node) -> list[str]:
    cache = line.reading.child(cpu, "cache")
    if cache is None:
        return []
    mode = line.reading.get(cache, "mode", {"emulate", "passthrough", "disable"})
    line.reading.get(cache, "level", {"3"} if mode == "emulate" else set())
    if mode == "passthrough":
        return ["host-cache-info=on", "l3-cache=off"]
    # other models have none of the host's
    hidden = ["host-cache-info=off"] if cpu.get("mode") in {"host-passthrough", "maximum"} else []
    return [*hidden, f"l3-cache={'on' if mode == 'emulate' else 'off'}"]


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
        return [f"phys-bits={bits}" if bits else f"{_FULL}=off"]
    return [f"{_FULL}=on", *([f"{_LIMIT}={limit}"] if limit else [])]


def _named(line: Line, cpu: Node, mode: str, name: str) -> str:
    reading = line.reading
    if mode == "custom":
        if any(not (c.isalnum() or c in "-_.") for c in name):
            raise untold(cpu, "model", f"the value {name!r}")
        return name.lower() if line.holds(PPC64) and name.startswith("POWER") else name
    if name and mode == "host-model" and line.holds(PSERIES):
        # the guest's processor is the host's, as an older one
        line.machine["max-cpu-compat"] = name.lower()
        return "host"
    if mode == "host-model":
        ways = alternatives_of(HOST_MODEL.qemu_args or (), line.domain.world)
        found = next((way.cpu for way in ways if isinstance(way, QemuArgs)), "")
        if not found:
            raise untold(cpu, "mode", "the host's model, which is not known")
        return found
    told = "host" if mode == "host-passthrough" else "max"
    migratable = reading.get(cpu, "migratable", ON_OFF)
    if migratable is not None and not line.is_x86:
        raise untold(cpu, "migratable")
    if migratable is None and told == "host" and line.is_x86 and line.holds(MIGRATABLE):
        # libvirt's default, where QEMU has the property
        migratable = "on"
    return told if migratable is None else f"{told},migratable={migratable}"
