"""Which features of an x86 processor a guest's system does not run without.

Sources: Apple's lists of computers for each release, Microsoft's list of processor requirements,
the x86-64 levels that distributions are built for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.elements.advice.guest_system import MACOS, WINDOWS, guest_system, system_id
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_V2 = ("cx16", "lahf_lm", "popcnt", "pni", "ssse3", "sse4.1", "sse4.2")
_V3 = (*_V2, "avx", "avx2", "bmi1", "bmi2", "fma", "movbe", "xsave")


class ProcessorNeeds(NamedTuple):
    """The features by libvirt's names, and which system needs them, as it is said to a user."""

    system: str = ""
    features: tuple[str, ...] = ()


_NEW_MACOS = ProcessorNeeds("macOS 13 and later", (*_V2, "avx", "avx2"))
_WINDOWS_11 = ProcessorNeeds(
    "Windows 11 from 24H2", ("cx16", "lahf_lm", "popcnt", "sse4.1", "sse4.2")
)
_ENTERPRISE = (
    r"(redhat\.com/rhel|almalinux\.org/almalinux|rockylinux\.org/rocky|centos\.org/centos[^/]*)"
)
_BY_ID = (
    (r"apple\.com/mac[^/]{0,20}/(1[3-9]|[2-9]\d)", _NEW_MACOS),
    (r"apple\.com/mac[^/]{0,20}/(1[12]|10\.1[45])",
     ProcessorNeeds("macOS 10.14 and later", ("pni", "ssse3", "sse4.1", "sse4.2"))),
    (r"apple\.com/mac[^/]{0,20}/10\.1[23]",
     ProcessorNeeds("macOS 10.12 and later", ("pni", "ssse3", "sse4.1"))),
    (r"microsoft\.com/win/(11|2k25)", _WINDOWS_11),
    (r"microsoft\.com/win/(8|10|2k12r2|2k1[69]|2k22)",
     ProcessorNeeds("Windows 8.1 and later", ("cx16", "lahf_lm"))),
    (rf"{_ENTERPRISE}/10", ProcessorNeeds("this release of Enterprise Linux", _V3)),
    (rf"{_ENTERPRISE}/9", ProcessorNeeds("this release of Enterprise Linux", _V2)),
    (r"(suse\.com/sle[sd]/|opensuse\.org/opensuse/)16", ProcessorNeeds("SUSE 16", _V2)),
)  # fmt: skip
_BY_FAMILY = {MACOS: _NEW_MACOS, WINDOWS: _WINDOWS_11}
"""For guests that do not say which release they run."""


def processor_needs(root: Node) -> ProcessorNeeds:
    """Give what the system of a guest needs; nothing where the domain does not tell its system."""
    name = system_id(root)
    for pattern, needs in _BY_ID:
        if name and re.search(pattern, name):
            return needs
    return ProcessorNeeds() if name else _BY_FAMILY.get(guest_system(root), ProcessorNeeds())
