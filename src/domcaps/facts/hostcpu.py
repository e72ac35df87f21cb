"""The host's processor, as ``/proc/cpuinfo`` and ``/sys/devices/system/cpu`` show it.

The lines of ``/proc/cpuinfo`` differ by architecture; Linux's ``arch/*/kernel`` writes them. Only
its beginning is read: it repeats itself for every CPU, and on a large host takes long to make.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.facts.arch import PPC64, X86
from domcaps.facts.host_parts import HostCpu

if TYPE_CHECKING:
    from domcaps.facts.hostfiles import HostFiles

_BEGINNING = 16 * 1024
_TOPOLOGY = "/sys/devices/system/cpu/cpu0/topology"
_MAX_CPUS = 1 << 20

_WITH_ADDRESS_SIZES = X86 | {"sh4", "sh4eb", "loongarch64"}
"""Architectures whose kernel tells the width of physical addresses."""


def read_cpu(files: HostFiles, arch: str) -> HostCpu:
    """Read the host's CPU; whatever can't be read keeps its default value."""
    lines = cpuinfo_lines(files.text("/proc/cpuinfo", _BEGINNING))
    sockets, cores, threads = _topology(files)
    flags = tuple(_first(lines, "flags", "features").split())
    ecx, edx = _sev_limits(files, flags) if arch in X86 else (0, 0)
    model = _power_model(lines.get("cpu", "")) if arch in PPC64 else ""
    return HostCpu(
        model=model,
        name=_first(lines, "model name", "cpu", "uarch"),
        # the kernel names no vendor of POWER: there is only one
        vendor="IBM" if model else _first(lines, "vendor_id", "cpu implementer"),
        signature=_signature(lines) if arch in X86 else None,
        flags=flags,
        microcode=_number(lines.get("microcode", "")) if arch in X86 else 0,
        phys_addr_bits=_address_bits(lines) if arch in _WITH_ADDRESS_SIZES else 0,
        cpuid_8000001f_ecx=ecx,
        cpuid_8000001f_edx=edx,
        sockets=sockets,
        cores=cores,
        threads=threads,
    )


def cpuinfo_lines(text: str) -> dict[str, str]:
    """Index lines of the form ``key : value`` by their key in lower case; the first one counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip().lower(), value.strip())
    return found


def cpu_list(text: str) -> tuple[int, ...]:
    """Decode Linux's list of CPUs, such as ``0-3,8``; nonsense gives an empty one."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part, re.ASCII)
        if match is None:
            return ()
        first, last = int(match[1]), int(match[2] or match[1])
        if last >= _MAX_CPUS:
            return ()
        found.update(range(first, last + 1))
    return tuple(sorted(found))


def _first(lines: dict[str, str], *keys: str) -> str:
    return next((lines[key] for key in keys if lines.get(key)), "")


def _number(text: str) -> int:
    """Decode a number as C does (``0x…`` is hexadecimal); 0 where it is none."""
    try:
        return int(text, 0) if len(text) <= 20 else 0
    except ValueError:
        return 0


def _signature(lines: dict[str, str]) -> tuple[int, int, int] | None:
    try:
        return int(lines["cpu family"]), int(lines["model"]), int(lines["stepping"])
    except (KeyError, ValueError):
        return None


def _address_bits(lines: dict[str, str]) -> int:
    found = re.match(r"\d{1,4}", _first(lines, "address sizes"), re.ASCII)
    return int(found[0]) if found else 0


def _power_model(cpu: str) -> str:
    """Give the model's name without its variant: ``POWER8E (raw), …`` is a POWER8."""
    found = re.match(r"POWER\d+", cpu, re.ASCII)
    return found[0] if found else ""


def _topology(files: HostFiles) -> tuple[int, int, int]:
    """Count sockets, cores of a socket and threads of a core, taking CPU 0 for an example."""
    present = len(cpu_list(files.text("/sys/devices/system/cpu/present"))) or 1
    threads = len(cpu_list(files.text(f"{_TOPOLOGY}/thread_siblings_list"))) or 1
    package = len(cpu_list(files.text(f"{_TOPOLOGY}/core_siblings_list"))) or threads
    return max(1, present // package), max(1, package // threads), threads


def _sev_limits(files: HostFiles, flags: tuple[str, ...]) -> tuple[int, int]:
    """Ask for the ASID limits only where the kernel has SEV: elsewhere they are not needed."""
    if "sev" not in flags or not files.is_live:
        return 0, 0
    # only here, since it needs ctypes, which takes as long to load as all else takes to read
    from domcaps.facts import cpuid

    registers = cpuid.ask(cpuid.ENCRYPTED_MEMORY)
    return (registers.ecx, registers.edx) if registers else (0, 0)
