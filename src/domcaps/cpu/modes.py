"""Which CPU modes an emulator offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.hostmodel import host_model
from domcaps.cpu.models import custom_models, has_maximum
from domcaps.facts.arch import S390, is_native
from domcaps.language.changes.processor import HVF_ASKED

if TYPE_CHECKING:
    from domcaps.cpu.hostmodel import HostCpuFacts
    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.language.dialect import Dialect

PASSTHROUGH = "host-passthrough"
MAXIMUM = "maximum"
HOST_MODEL = "host-model"
CUSTOM = "custom"
MODES = (PASSTHROUGH, MAXIMUM, HOST_MODEL, CUSTOM)
"""All modes, in the order of the report."""

_PASSTHROUGH_ONLY = {f"s390-ccw-virtio-2.{minor}" for minor in range(4, 8)}
"""Machines from before QEMU had CPU models on s390x."""


def mode_supported(
    mode: str,
    emulator: EmulatorFacts,
    accelerator: str,
    host: HostCpuFacts,
    machine: str,
    dialect: Dialect,
    arch: str = "",
) -> bool:
    """Tell whether ``<cpu mode='…'>`` is available.

    `machine` is the domain's canonical machine type, `arch` its architecture, "" for that of the
    emulator. Raises `ValueError` for a mode that is none, `Unanswered` where the emulator was not
    asked.
    """
    if mode not in MODES:
        raise ValueError(f"{mode!r} is not a CPU mode")
    if mode != PASSTHROUGH and not models_usable(emulator, accelerator, machine):
        return False
    if mode == PASSTHROUGH:
        return accelerator != "tcg" and is_native(host.arch, emulator.arch)
    if mode in (HOST_MODEL, CUSTOM) and accelerator == "hvf" and not dialect.has(HVF_ASKED):
        return False
    if mode == MAXIMUM:
        return has_maximum(emulator)
    if mode == HOST_MODEL:
        return host_model(emulator, accelerator, host, dialect) is not None
    return bool(custom_models(emulator, accelerator, arch or emulator.arch, dialect))


def models_usable(emulator: EmulatorFacts, accelerator: str, machine: str) -> bool:
    """Tell whether a machine can have any CPU but the host's own (s390x with KVM)."""
    old = emulator.arch in S390 and machine in _PASSTHROUGH_ONLY
    return not (old and accelerator == "kvm")
