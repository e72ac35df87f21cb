"""``<vcpu>``: how many virtual CPUs a guest may have.

::

    <vcpu>4</vcpu>
"""

from domcaps.elements.boards.families import ARM_VIRT, KVM, MICROVM, X86
from domcaps.language import Drift, Element, Place, World
from domcaps.language.changes.processor import HVF_ASKED
from domcaps.language.observed import WorldFact
from domcaps.language.preference import Decision, Option
from domcaps.language.qemu_args import QemuArgs, Trial


def _maximum(world: World) -> int:
    """Give what the machine type takes, or less where the host's KVM takes less; 0 is unknown."""
    limit = 0
    virttype = world.target.virttype
    if virttype == "hvf" and not world.target.dialect.has(HVF_ASKED):
        return limit
    if virttype == "kvm" and world.emulator.kvm_unseen:
        # machine types as they are without KVM stand for those with it, but not their limits
        return limit
    for machine in world.emulator.machines(virttype):
        if machine.name == world.target.machine:
            limit = machine.cpu_max
    if virttype == "kvm" and world.host.kvm.max_vcpus:
        limit = min(limit, world.host.kvm.max_vcpus)
    return limit


def _attributes(world: World) -> tuple[tuple[str, str], ...]:
    return (("max", str(_maximum(world))),)


GIC_LIMIT = Drift(
    title="More than 8 vCPUs on ARM without a GIC version",
    says="the maximum number of vCPUs is that of the machine type",
    but="without <gic version='3'/>, QEMU uses a GICv2, which supports only 8 CPUs",
    evidence='verify with QEMU 7.2 for aarch64 and arm: "Number of SMP CPUs requested (512) '
    "exceeds max CPUs supported by machine 'mach-virt' (8)\"",
    where=ARM_VIRT,
    found_by="vcpu-count-gic-version",
    instead="set <gic version='3'/> in <features>",
    targets="machine type virt of ARM",
)
NO_REMAPPING = Drift(
    title="More than 255 vCPUs without interrupt remapping",
    says="the maximum number of vCPUs is that of the machine type",
    but="more than 255 vCPUs require x2APIC and interrupt remapping, which microvm "
    "does not support and older QEMU does not emulate",
    evidence='verify with QEMU 7.2 for microvm, and for q35 without KVM: "current -smp '
    'configuration requires kernel irqchip and X2APIC API support"',
    where=MICROVM | (X86 & ~KVM),
    found_by="vcpu-count-x2apic",
    instead="use 255 vCPUs at most, or q35 with KVM",
    targets="x86 guests on microvm, or without KVM",
)


def _trials(world: World) -> tuple[Trial, ...]:
    """Start with one CPU and room for the rest: QEMU checks the room alike, in less time."""
    most = f"-smp 1,maxcpus={_maximum(world)}"
    return (
        Trial(
            "vcpu max",
            (
                QemuArgs(most, alone=True),
                # libvirt wants this in the definition of such a guest
                QemuArgs(
                    f"{most} -device intel-iommu,intremap=on,eim=on", machine="kernel_irqchip=split"
                ),
            ),
        ),
    )


ELEMENT = Element(
    "vcpu",
    place=Place.TOP,
    order=10,
    supported=None,
    shown=WorldFact(
        "the machine type has a limit of virtual CPUs",
        "query-machines, KVM_CAP_MAX_VCPUS",
        lambda world: _maximum(world) > 0,
        lambda world: str(_maximum(world)),
        "[].cpu-max",
    ),
    attributes=_attributes,
    trials=_trials,
    at_start=(GIC_LIMIT, NO_REMAPPING),
)

PREFERENCE = Decision(
    "vcpus",
    order=5,
    title="the number of virtual CPUs",
    xml="<vcpu>{value}</vcpu>",
    options=(
        Option("2", "enough for most"),
        Option("1", "the board takes no more"),
        Option("4", "the board has as many"),
        Option("18", "the board has as many"),
    ),
)
