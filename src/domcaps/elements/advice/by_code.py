"""What helps on the host against findings of some codes, where no choice of the table tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.remedies import (
    ENABLE_VFIO,
    emulator_package,
    firmware_package,
    install,
    kvm,
    on_host,
)
from domcaps.language.remedy import Effort, Remedy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domcaps.language import World
    from domcaps.language.remedy import Adviser


def _vfio(world: World) -> Remedy | None:  # noqa: ARG001
    return Remedy(Effort.HOST, ENABLE_VFIO)


def _emulator(world: World) -> Remedy:
    return emulator_for(world.target.arch)


def emulator_for(arch: str) -> Remedy:
    """Advise to install an emulator for an architecture."""
    package = emulator_package(arch)
    return Remedy(Effort.PACKAGE, f"install QEMU for {arch} (Debian's package {package})")


def _firmware(world: World) -> Remedy | None:
    """Advise to install firmware where the host has none for the guest's architecture.

    Where it has some, the finding names the package that brings what fits, if any does.
    """
    arch = world.target.arch
    known = world.host.firmware.firmwares
    has = any(target.arch == arch for one in known for target in one.targets)
    return None if has else firmware_package(world)


BY_CODE: Mapping[str, Adviser] = {
    "tpm-version-unsupported": install("swtpm-tools"),
    "tpm-setup-unsupported": on_host("install a newer swtpm, one that supports it"),
    "filesystem-driver-type-fails-at-start": install("virtiofsd"),
    "os-firmware-unavailable": _firmware,
    "features-acpi-without-uefi": _firmware,
    "domain-type-unsupported": kvm,
    "hostdev-vfio-unavailable": _vfio,
    "emulator-unsupported": _emulator,
    "emulator-not-probed": on_host(
        "make the emulator a file that only root can change, or permit it with --allow-emulator"
    ),
    "os-machine-unsupported": lambda world: Remedy(  # noqa: ARG005
        Effort.QEMU, "use a QEMU release that still has this machine type"
    ),
}
"""Advice by the code of a finding."""
