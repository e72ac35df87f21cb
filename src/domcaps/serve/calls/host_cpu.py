"""Calls about the host's own processor, and those of others: the older ones, without emulators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.processor import processor
from domcaps.cpu.x86map import x86_map
from domcaps.facts.arch import X86
from domcaps.serve.baseline import (
    baseline_elsewhere,
    baseline_x86,
    check_models,
    expanded,
    guests,
)
from domcaps.serve.calls.cpu import (
    EXPAND_FEATURES,
    FAIL_INCOMPATIBLE,
    MIGRATABLE,
    VALIDATE_XML,
    verdict,
)
from domcaps.serve.comparison import CpuComparison, compare, compare_elsewhere
from domcaps.serve.procedures import procedure
from domcaps.serve.session import check_flags
from domcaps.serve.xdr import INT, STRING, UINT, XML, Array
from domcaps.serve.xml.cpu import CpuKind, check_names, read_cpu

if TYPE_CHECKING:
    from domcaps.serve.session import ClientSession

_CPUS_MOST = 256


@procedure(158, takes=(XML, UINT), gives=(INT,), slow=True)
def connect_compare_cpu(session: ClientSession, xml: bytes, flags: int) -> tuple[int]:
    """Tell what the host's processor is to a CPU."""
    check_flags(flags, FAIL_INCOMPATIBLE | VALIDATE_XML)
    if flags & VALIDATE_XML:
        check_names(xml)
    cpu = read_cpu(xml)
    host = session.served().host
    record = host.facts.record
    dialect = session.dialect
    there = processor(host.node, record.arch, record.cpu, dialect)
    if record.arch not in X86:
        return (verdict(compare_elsewhere(record.arch, there, cpu), flags),)
    if there is None:
        unknown = CpuComparison.INCOMPATIBLE, "the host's CPU is not known"
        return (verdict(unknown, flags),)
    return (verdict(compare(there, cpu, x86_map(dialect)), flags),)


@procedure(162, takes=(Array(XML, _CPUS_MOST), UINT), gives=(STRING,), slow=True)
def connect_baseline_cpu(session: ClientSession, xmls: list[bytes], flags: int) -> tuple[str]:
    """Find the CPU that all of some hosts can give."""
    check_flags(flags, EXPAND_FEATURES | MIGRATABLE)
    cpus = [read_cpu(xml, CpuKind.HOST) for xml in xmls]
    check_models(cpus)
    dialect = session.dialect
    if cpus[0].arch not in X86:
        return (baseline_elsewhere(cpus[0].arch, cpus, dialect).xml,)
    known = x86_map(dialect)
    found = guests(baseline_x86(cpus, known, migratable=bool(flags & MIGRATABLE)), dialect)
    return ((expanded(found, known) if flags & EXPAND_FEATURES else found).xml,)
