"""Levels of the CPU topology that machine types do not have: libvirt asks only QEMU's version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import LOONGARCH, PPC64, PSERIES, RISCV, S390, X86
from domcaps.elements.processor.vcpu_count import Topology
from domcaps.language.finding import Stage
from domcaps.language.fix import set_value
from domcaps.language.quantities import is_power_of_two
from domcaps.language.rule import Sample, problem, rule

if TYPE_CHECKING:
    from domcaps.language.predicate import Predicate
    from domcaps.language.rule import Problems

_WITHOUT_DIES = ~X86
_WITHOUT_CLUSTERS = X86 | PPC64 | RISCV | S390 | LOONGARCH
_MOST_THREADS = 8
_TOPOLOGY = "<vcpu>4</vcpu><cpu><topology sockets='1' dies='{}' cores='2' threads='{}'/></cpu>"


@rule(
    "cpu-topology-fails-at-start",
    Topology,
    bad=Sample(_TOPOLOGY.format(2, 1), arch="aarch64", machine="virt"),
    good=Sample(_TOPOLOGY.format(2, 1), machine="q35"),
    stage=Stage.START,
)
def board_has_the_levels(topology: Topology) -> Problems:
    """``<topology>`` must suit the machine type: ``dies`` are of x86 and ``clusters`` of Arm.

    Without them, use 1. CPUs of s390x guests have one thread, those of pseries 1, 2, 4 or 8.
    """
    yield from _is_one(topology, "dies", topology.dies, _WITHOUT_DIES)
    yield from _is_one(topology, "clusters", topology.clusters, _WITHOUT_CLUSTERS)
    yield from _is_one(topology, "threads", topology.threads, S390)
    threads = topology.threads or 1
    odd = not is_power_of_two(threads) or threads > _MOST_THREADS
    if odd and topology.holds(PSERIES):
        message = f"a pseries guest has 1, 2, 4 or 8 threads per core, not {threads}"
        yield problem(message, topology, "@threads", accepted=("1", "2", "4", "8"))


def _is_one(topology: Topology, name: str, count: int | None, without: Predicate) -> Problems:
    if (count or 1) > 1 and topology.holds(without):
        message = f"the machine type has no {name!r} in <topology>; set it to 1"
        yield problem(
            message, topology, f"@{name}", accepted=("1",), fix=set_value("1", f"@{name}")
        )
