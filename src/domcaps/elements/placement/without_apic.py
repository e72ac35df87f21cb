"""CPUs without a local APIC on boards with PCIe: their root ports need it for interrupts.

QEMU makes the APIC of a processor that has the feature, and of each where there are several. Seen
with QEMU 10.0 and 11.1: "MSI is not supported by interrupt controller".
"""

from __future__ import annotations

from domcaps.elements.boards.defaults import CPU_POLICY, VCPUS
from domcaps.elements.boards.families import X86
from domcaps.elements.placement.pci_assignment import PciTopology
from domcaps.language.finding import Stage
from domcaps.language.rule import Problems, Sample, problem, rule

_OLD = ("486", "486-v1")
"""Models of QEMU without the feature; the names are the same in libvirt."""
_CPU = "<vcpu>{}</vcpu><cpu mode='custom' match='exact'><model fallback='forbid'>486</model></cpu>"


@rule(
    "cpu-without-apic",
    PciTopology,
    bad=Sample(_CPU.format(1), machine="q35"),
    good=Sample(_CPU.format(2), machine="q35"),
    stage=Stage.START,
)
def root_ports_have_an_apic(topology: PciTopology) -> Problems:
    """PCIe root ports require a CPU with an APIC, or more than one vCPU."""
    cpu, vcpu = topology.domain.root.find("cpu"), topology.domain.root.findtext("vcpu", VCPUS)
    if cpu is None or vcpu.strip() != VCPUS or not topology.holds(X86):
        return
    said = [feature.get("policy", CPU_POLICY) for feature in cpu.iterfind("feature[@name='apic']")]
    old = cpu.findtext("model", "").strip() in _OLD and not said
    lacks = old or said[:1] in (["disable"], ["forbid"])
    if lacks and not topology.misplaced and topology.ports[0]:
        yield problem(
            "QEMU does not start: PCIe root ports need an APIC, which this CPU lacks; use another "
            "CPU model, two vCPUs, or machine='pc'",
            cpu,
            "model" if old else "",
        )
