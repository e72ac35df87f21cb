"""What a host's facts are made of: processor, KVM, firmware, helper programs, NUMA cells.

These are raw facts as they were read, and part of the format of a recording; `HostRecord` has them.
"""

from __future__ import annotations

import msgspec


class Presence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether something of the host can be used, and if not, why not."""

    usable: bool
    reason: str = ""


class Kvm(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the host's KVM offers (``/dev/kvm``, ``/sys/module/kvm*``, ``KVM_CHECK_EXTENSION``).

    `max_vcpus` is ``KVM_CAP_MAX_VCPUS``; 0 when it could not be read. `secure_guest` tells
    whether the kernel can run protected guests (s390 ultravisor, AMD SEV), `tdx` whether it can
    run Intel TDX guests. `smm` is ``KVM_CAP_X86_SMM``, System Management Mode for x86 guests; None
    when it was not asked for, as in recordings that are older than this question.
    """

    usable: bool = False
    reason: str = ""
    max_vcpus: int = 0
    nested: bool = False
    secure_guest: bool = False
    tdx: bool = False
    smm: bool | None = None


class HostCpu(msgspec.Struct, frozen=True, omit_defaults=True):
    """The host's CPU as the kernel shows it (``/proc/cpuinfo``) and as CPUID answers.

    `model` names a CPU model of the architecture when one could be determined, else "";
    `name` is what the kernel calls the processor, for people. `phys_addr_bits` is the width of a
    physical address, 0 when unknown. `signature` is (family, model, stepping) on x86.
    `cpuid_8000001f_ecx` and `…_edx` are that CPUID leaf's registers: the largest ASID for
    encrypted guests, and the smallest for those that are not SEV-ES; 0 when they are unknown.
    """

    model: str = ""
    name: str = ""
    vendor: str = ""
    signature: tuple[int, int, int] | None = None
    flags: tuple[str, ...] = ()
    microcode: int = 0
    phys_addr_bits: int = 0
    cpuid_8000001f_ecx: int = 0
    cpuid_8000001f_edx: int = 0
    sockets: int = 1
    cores: int = 1
    threads: int = 1


class FirmwareDescriptor(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file of a firmware descriptor folder (QEMU's ``docs/interop/firmware.json``).

    `text` is its content, empty for a file that masks others. `failure` says why it could not be
    read; then a `name` of "" stands for the folder itself. `masks` tells whether the file hides
    those of the same name in less important folders: what is no regular file does not. Files are
    kept as found; which of them count is decided by `domcaps.facts.firmware`.
    """

    directory: str
    name: str
    text: str = ""
    failure: str = ""
    masks: bool = True


class Helper(msgspec.Struct, frozen=True, omit_defaults=True):
    """A helper program: where it is, and what it says that it can do.

    `path` is empty where there is none. `reason` says why not, or why it did not tell its
    features. `size` and `mtime_ns` identify the file that was asked.
    """

    name: str
    path: str = ""
    features: tuple[str, ...] = ()
    reason: str = ""
    size: int = 0
    mtime_ns: int = 0


class NumaCell(msgspec.Struct, frozen=True, omit_defaults=True):
    """One NUMA cell of the host: its number, memory in KiB and CPUs."""

    id: int
    memory_kib: int = 0
    cpus: tuple[int, ...] = ()


class Libvirt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The libvirt that a host has: its version, "" where none was found.

    `distribution` is identifier and version of the distribution (``debian12``), `found` the file
    that tells the version. `spice_tls` is its setting for TLS with SPICE, None where it is not
    known.
    """

    version: str = ""
    distribution: str = ""
    found: str = ""
    spice_tls: bool | None = None
