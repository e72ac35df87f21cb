"""``<capabilities>``: a host (`domcaps.serve.xml.host`) and the guests that it can run.

Source of the form: libvirt's document *Driver capabilities* (``formatcaps``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from domcaps.elements.boards.families import preferred_machine
from domcaps.errors import DomcapsError
from domcaps.facts.arch import ARCHITECTURES, UNFOUND, X86
from domcaps.facts.emulator import Unanswered
from domcaps.report.target import offered_virttypes
from domcaps.serve.xml.host import host_part
from domcaps.serve.xml.topology import E

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.facts.emulator import EmulatorFacts, MachineType
    from domcaps.hosts.host import Host
    from domcaps.language.dialect import Dialect

_WORDS_OF_64_BITS = frozenset({
    "alpha", "aarch64", "ia64", "loongarch64", "mips64", "mips64el", "parisc64", "ppc64",
    "ppc64le", "riscv64", "s390x", "sh4eb", "sparc64", "x86_64",
})  # fmt: skip
"""In libvirt's words: a SuperH of 64 bits was never built."""
_ACPI = X86 | {"aarch64", "loongarch64"}


def capabilities_xml(host: Host, dialect: Dialect) -> str:
    """Give the document. An emulator that can't be asked is left out, as libvirt does."""
    root = E("capabilities", host_part(host, dialect))
    for arch in ARCHITECTURES:
        guest = None if arch in UNFOUND else _guest(host, arch, dialect)
        if guest is not None:
            root.append(guest)
    lines = ["<capabilities>\n"]
    for child in root:
        lines += [*_lines(child, "  "), ""]
    return "\n".join([*lines[:-1], "", "</capabilities>", ""])


def _lines(node: Node, indent: str) -> Iterator[str]:
    """Write an element as libvirt does: a line each, attributes in single quotes."""
    tag = str(node.tag)
    attributes = "".join(f" {name!s}='{_escaped(str(value))}'" for name, value in node.items())
    if node.text:
        yield f"{indent}<{tag}{attributes}>{_escaped(node.text)}</{tag}>"
    elif len(node):
        yield f"{indent}<{tag}{attributes}>"
        for child in node:
            yield from _lines(child, indent + "  ")
        yield f"{indent}</{tag}>"
    else:
        yield f"{indent}<{tag}{attributes}/>"


def _escaped(text: str) -> str:
    return escape(text, {"'": "&apos;", '"': "&quot;"})


def _guest(host: Host, arch: str, dialect: Dialect) -> Node | None:
    if not host.has_emulator(arch):
        return None
    try:
        path = host.default_emulator(arch)
        facts = host.emulators.get(path)
        virttypes = offered_virttypes(facts, dialect)
        machines = _machines(facts, dialect)
    except (DomcapsError, Unanswered):
        return None
    found: Node = E(
        "arch",
        E("wordsize", "64" if arch in _WORDS_OF_64_BITS else "32"),
        E("emulator", path),
        *machines,
        # plain emulation first, whatever is preferred
        *(E("domain", type=kind) for kind in ("qemu", "kvm", "hvf", "hyperv") if kind in virttypes),
        name=arch,
    )
    return E("guest", E("os_type", "hvm"), found, _features(arch))


def _machines(facts: EmulatorFacts, dialect: Dialect) -> list[Node]:
    """List every machine type, an alias after the name that it stands for."""
    listed = facts.machines(facts.virttypes[0] if facts.virttypes else "qemu")
    names = {machine.name for machine in listed}
    found = []
    # libvirt puts the default of its own first
    first = preferred_machine(facts.arch, listed, dialect)
    for machine in sorted(listed, key=lambda m: m.name != first):
        found.append(_machine(machine, machine.name))
        if machine.alias and machine.alias not in names:
            found.append(_machine(machine, machine.alias))
    return found


def _machine(machine: MachineType, name: str) -> Node:
    found: Node = E("machine", name)
    if name != machine.name:
        found.set("canonical", machine.name)
    if machine.cpu_max:
        found.set("maxCpus", str(machine.cpu_max))
    if machine.deprecated:
        found.set("deprecated", "yes")
    return found


def _features(arch: str) -> Node:
    found: Node = E("features")
    if arch == "i686":
        found.extend([E("pae"), E("nonpae")])
    if arch in _ACPI:
        found.append(E("acpi", default="on", toggle="yes"))
    if arch in X86:
        found.append(E("apic", default="on", toggle="no"))
    found.extend([
        E("cpuselection"),
        E("deviceboot"),
        E("disksnapshot", default="on", toggle="no"),
        E("externalSnapshot"),
    ])  # fmt: skip
    return found
