"""Names of x86 features: QEMU's spelling and libvirt's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.facts.arch import X86

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIBVIRT_SPELLING = {
    "cmp-legacy": "cmp_legacy",
    "ds-cpl": "ds_cpl",
    "fxsr-opt": "fxsr_opt",
    "kvm-pv-eoi": "kvm_pv_eoi",
    "kvm-pv-unhalt": "kvm_pv_unhalt",
    "lahf-lm": "lahf_lm",
    "nodeid-msr": "nodeid_msr",
    "pclmulqdq": "pclmuldq",
    "perfctr-core": "perfctr_core",
    "perfctr-nb": "perfctr_nb",
    "tsc-adjust": "tsc_adjust",
    "vmx-invept-single-context-noglobals": "vmx-invvpid-single-context-noglobals",
    "hv-vendor-id": "hv-vendor_id",
    "hv-emsr-bitmap": "hv-emsr_bitmap",
    "hv-xmm-input": "hv-xmm_input",
}
"""By the name that QEMU prefers; all others are spelled alike."""

_QEMU_SPELLING = {name: preferred for preferred, name in _LIBVIRT_SPELLING.items()}


def qemu_name(arch: str, feature: str) -> str:
    """Give the name that QEMU prefers of a feature that libvirt named."""
    return _QEMU_SPELLING.get(feature, feature) if arch in X86 else feature


def libvirt_name(arch: str, feature: str) -> str:
    """Give libvirt's name of a feature that QEMU named."""
    return _LIBVIRT_SPELLING.get(feature, feature) if arch in X86 else feature


def libvirt_names(arch: str, features: Iterable[str]) -> tuple[str, ...]:
    """Give libvirt's names of features that QEMU named, in the same order."""
    if arch not in X86:
        return tuple(features)
    names = tuple(features)
    # most names are their own: the lookup with itself as default runs without a Python frame
    return tuple(map(_LIBVIRT_SPELLING.get, names, names))
