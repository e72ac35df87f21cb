"""Features of an x86 processor by the flags that Linux lists in ``/proc/cpuinfo``.

This is the second source, for hosts whose CPUID was not read. The kernel spells some names in its
own way, shows some features under the name of what it makes of them, does not show others, and
removes those that it switched off. Source: ``arch/x86/include/asm/cpufeatures.h`` and
``arch/x86/kernel/cpu/common.c`` of Linux.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from domcaps.cpu.data import cpu_data
from domcaps.cpu.processor import ProcessorFeatures

if TYPE_CHECKING:
    from domcaps.cpu.data import X86Feature
    from domcaps.cpu.x86map import X86Map
    from domcaps.facts.record import HostCpu

_SHOWN = ("cpuid 0x1 ", "cpuid 0x7 0x0 ", "cpuid 0x80000001 ", "cpuid 0xd 0x1 ")
"""Registers whose features every kernel of today shows under names of its own."""

_HIDDEN = frozenset({
    "osxsave", "ospke", "mpx", "hypervisor", "x2apic", "sgx", "sgxlc", "xfd", "xsaves", "la57",
    "fdp-excptn-only", "zero-fcs-fds", "bus-lock-detect", "pks", "cet-ss", "pcommit", "cvt16",
    "core-capability",
})  # fmt: skip
"""Features there that it shows only where it uses them itself, or not at all."""

_SPELLED = {
    "cet-ibt": "ibt",
    "cmt": "cqm",
    "cr8legacy": "cr8_legacy",
    "ds": "dts",
    "invtsc": "nonstop_tsc",
    "sgxlc": "sgx_lc",
    "tsc-deadline": "tsc_deadline_timer",
    "tsx-ldtrk": "tsxldtrk",
}
"""The kernel's names that are other words; the rest differs in dashes, dots and underscores."""

_MADE_OF = {
    "spec-ctrl": "ibrs",
    "stibp": "stibp",
    "ssbd": "ssbd",
    "ibpb": "ibpb",
    "amd-stibp": "stibp",
    "amd-ssbd": "ssbd",
    "virt-ssbd": "ssbd",
}
"""Features that the kernel hides, but shows a flag that is there where one of them is."""


def kernel_features(cpu: HostCpu, known: X86Map) -> ProcessorFeatures:
    """Give the features that the flags show, and those of which the flags say nothing.

    A feature without a flag is absent where the kernel would show it.
    """
    flags = set(cpu.flags)
    present = unread = 0
    for feature in cpu_data().x86.features:
        bit = known.bits.get(feature.name, 0)
        if flags.intersection(spellings(feature)):
            present |= bit
        elif _is_unnamed(feature, flags):
            unread |= bit
    return ProcessorFeatures(present, unread)


def _is_unnamed(feature: X86Feature, flags: set[str]) -> bool:
    """Tell whether a feature may be there though no flag has its name."""
    if feature.name in _MADE_OF:
        return _MADE_OF[feature.name] in flags
    if feature.word.startswith("msr 0x4"):
        return "vmx" in flags
    return not feature.word.startswith(_SHOWN) or feature.name in _HIDDEN


@cache
def spellings(feature: X86Feature) -> frozenset[str]:
    """Give the names by which Linux may list a feature."""
    if feature.name in _MADE_OF:
        return frozenset()
    names = (feature.name, *feature.qemu)
    spelled = {name.replace("-", "_").replace(".", "_") for name in names}
    parted = {name.replace("avx512", "avx512_") for name in spelled}
    own = {_SPELLED[feature.name]} if feature.name in _SPELLED else set()
    return frozenset(spelled | parted | own | set(feature.linux))
