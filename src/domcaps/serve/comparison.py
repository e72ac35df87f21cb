"""Whether a CPU that somebody describes can be had from an emulator (x86 only).

All is arithmetic on sets of features, as `domcaps.cpu.x86map` keeps them. What counts as the
emulator's CPU is its host-model, as libvirt does for ``virConnectCompareHypervisorCPU``.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec
from lxml import etree

from domcaps.serve.faults import Code, Fault

if TYPE_CHECKING:
    from domcaps.cpu import HostModel
    from domcaps.cpu.x86map import X86Map

_POLICIES = frozenset({"force", "require", "optional", "disable", "forbid"})


class Comparison(enum.IntEnum):
    """``virCPUCompareResult``: what the emulator's CPU is to the one described."""

    INCOMPATIBLE = 0
    IDENTICAL = 1
    SUPERSET = 2


class Described(msgspec.Struct, frozen=True):
    """A ``<cpu>``, of a domain or a host: model, vendor, and features with their policies.

    Its architecture and what it says about matching are not looked at; a libvirt that is asked
    overlooks them, too.
    """

    model: str = ""
    vendor: str = ""
    features: tuple[tuple[str, str], ...] = ()


def read_cpu(xml: str) -> Described:
    """Read a ``<cpu>`` element; raises `Fault`."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(xml.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise Fault(Code.XML_ERROR, str(error)) from error
    if root.tag != "cpu":
        raise Fault(Code.XML_ERROR, f"<cpu> is wanted, not <{root.tag}>")
    features = []
    for node in root.iterfind("feature"):
        name, policy = str(node.get("name") or ""), str(node.get("policy") or "require")
        if not name or policy not in _POLICIES:
            raise Fault(Code.XML_ERROR, f"a feature needs a name, and knows no policy {policy!r}")
        features.append((name, policy))
    if len({name for name, _ in features}) < len(features):
        raise Fault(Code.XML_ERROR, "a feature is named twice")
    return Described(
        (root.findtext("model") or "").strip(),
        (root.findtext("vendor") or "").strip(),
        tuple(features),
    )


def compare(emulators: HostModel, cpu: Described, known: X86Map) -> tuple[Comparison, str]:
    """Tell what the emulator's CPU is to another one, and why where it won't do.

    Raises `Fault` for a model or feature that libvirt does not know.
    """
    if cpu.vendor and cpu.vendor != emulators.vendor:
        return Comparison.INCOMPATIBLE, f"its vendor is {cpu.vendor}"
    offered = _offered(emulators, known)
    sets = {policy: _set(cpu, policy, known) for policy in _POLICIES}
    required = sets["require"] | (_model(cpu.model, known) if cpu.model else 0)
    if forbidden := sets["forbid"] & offered:
        return Comparison.INCOMPATIBLE, f"it forbids {_names(forbidden, known)}"
    optional = sets["force"] | sets["optional"] | sets["disable"]
    if missing := required & ~optional & ~offered:
        return Comparison.INCOMPATIBLE, f"there is no {_names(missing, known)}"
    is_more = offered & ~optional & ~required
    return (Comparison.SUPERSET if is_more else Comparison.IDENTICAL), ""


def _offered(emulators: HostModel, known: X86Map) -> int:
    offered = _model(emulators.model, known)
    for feature in emulators.features:
        bit = known.bits_of((feature.name,))
        offered = offered | bit if feature.policy == "require" else offered & ~bit
    return offered


def _set(cpu: Described, policy: str, known: X86Map) -> int:
    names = [name for name, given in cpu.features if given == policy]
    for name in names:
        if name not in known.bits:
            raise Fault(Code.INTERNAL_ERROR, f"no CPU feature is called {name!r}")
    return known.bits_of(names)


def _model(name: str, known: X86Map) -> int:
    found = known.models.get(name)
    if found is None:
        raise Fault(Code.INTERNAL_ERROR, f"no CPU model is called {name!r}")
    return found.features


def _names(features: int, known: X86Map) -> str:
    return ", ".join(known.names_of(features))
