"""The question: for which emulator, guest and libvirt an answer is wanted."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from domcaps._version import DEFAULT_DIALECT
from domcaps.language.dialect import Dialect
from domcaps.patterns import fits


class Flags(msgspec.Struct, frozen=True):
    """Options of ``virsh domcapabilities`` besides the target, by the same names."""

    disable_deprecated_features: bool = False
    expand_cpu_features: bool = False
    supported_cpu_features: bool = False


class TargetOptions(TypedDict, total=False):
    """What names a target, as options of public functions; see `Host.domain_capabilities`."""

    emulator: str | None
    arch: str | None
    machine: str | None
    virttype: str | None
    libvirt: str


class ReportOptions(TargetOptions, total=False):
    """The options of `Host.domain_capabilities`."""

    disable_deprecated_features: bool
    expand_cpu_features: bool
    supported_cpu_features: bool
    strict: bool


class Target(msgspec.Struct, frozen=True):
    """Emulator, architecture, machine type, virtualization type and dialect.

    `machine` is the canonical name (no alias), "" where the emulator has no machine at all.
    """

    emulator: str
    arch: str
    machine: str
    virttype: str
    dialect: Dialect
    flags: Flags = Flags()

    def matches(self, attribute: str, patterns: tuple[str, ...]) -> bool:
        """Tell whether a field is one of these texts; ``*`` in one stands for anything."""
        value: str = getattr(self, attribute)
        return any(fits(value, pattern) for pattern in patterns)


class Question(msgspec.Struct, frozen=True):
    """What is asked, before libvirt's defaults are filled in; fields are those of `Target`.

    With ``strict=False`` a virtualization type that the emulator can't serve, and a QEMU that the
    dialect does not take, are answered for all the same.
    """

    emulator: str | None = None
    arch: str | None = None
    machine: str | None = None
    virttype: str | None = None
    libvirt: str = DEFAULT_DIALECT
    flags: Flags = Flags()
    strict: bool = True
