"""Numbers of CPUs that a machine type has by QEMU's list, and that do not start all the same.

The interrupt controller decides: version 2 of ARM's serves 8 CPUs, and the APIC of x86 addresses
255 of them unless the processor has x2APIC.
"""

from __future__ import annotations

from domcaps.elements.advice.drifts import older_qemu
from domcaps.elements.advice.programs import program_installed
from domcaps.elements.boards.defaults import default_gic_version
from domcaps.elements.boards.families import ARM_VIRT, X86, machine_type
from domcaps.elements.processor.definition import Cpu
from domcaps.elements.processor.mistaken_count import doubted, is_mistaken
from domcaps.elements.processor.vcpu import GIC_LIMIT, NO_REMAPPING
from domcaps.elements.processor.vcpu_count import Vcpu, initial_vcpus, max_vcpus
from domcaps.elements.processor.x2apic import lacks_x2apic
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

_MOST_OF_VERSION_2 = 8
_MOST_OF_APIC = 255
_OLDER = older_qemu(8, 0)
_NUMAD = program_installed("numad")


def _gic_version(vcpu: Vcpu) -> str:
    """Give the version of ARM's interrupt controller that QEMU gets as an argument, "" for none.

    libvirt takes version 2 without KVM, and with KVM the highest that it has; the emulators for
    32-bit guests are not told, and those older than 8.0 take version 2.
    """
    world, node = vcpu.domain.world, vcpu.domain.root.find("features/gic")
    named = None if node is None else node.get("version")
    if world.emulator.arch != "aarch64":
        return "2" if world.truth(_OLDER) is Truth.YES else ""
    return default_gic_version(vcpu.domain) if named is None else named


@rule(
    "vcpu-count-gic-version",
    Vcpu,
    bad=Sample("<vcpu>9</vcpu>", arch="aarch64", machine="virt"),
    good=Sample(
        "<vcpu>9</vcpu><features><gic version='3'/></features>", arch="aarch64", machine="virt"
    ),
    stage=Stage.START,
)
def gic_serves_that_many(vcpu: Vcpu) -> Problems:
    """``<gic version='2'>``, libvirt's default without KVM, supports at most 8 vCPUs."""
    count = max_vcpus(vcpu.domain)
    if count <= _MOST_OF_VERSION_2 or not vcpu.holds(ARM_VIRT) or _gic_version(vcpu) != "2":
        return
    if is_mistaken(vcpu.domain, count):
        return  # with the number that is meant the version may be right
    message = (
        f"GIC version 2 supports at most {_MOST_OF_VERSION_2} vCPUs, but the domain has {count}; "
        "add <gic version='3'/> to <features>"
    )
    reason = GIC_LIMIT.where.explain(vcpu.domain.world)
    fix = _other_gic(vcpu, count)
    yield problem(message, vcpu, accepted=(str(_MOST_OF_VERSION_2),), reason=reason, fix=fix)


def _other_gic(vcpu: Vcpu, count: int) -> Fix:
    """Give the version that serves more CPUs, or as many CPUs as a named version serves.

    Where the machine type has fewer, too, the number is what is wrong, and not the version.
    """
    machine = machine_type(vcpu.domain.world)
    named = vcpu.domain.root.find("features/gic") is not None
    if named and machine is not None and 0 < machine.cpu_max < count:
        return set_value(str(_MOST_OF_VERSION_2), less=True)
    return Fix(add="<features><gic version='3'/></features>")


@rule(
    "vcpu-count-x2apic",
    Vcpu,
    bad=Sample("<vcpu>256</vcpu><iommu model='intel'><driver intremap='on' eim='on'/></iommu>"
               "<features><ioapic driver='qemu'/></features>", machine="q35"),
    good=Sample("<vcpu>255</vcpu>", machine="q35"),
    stage=Stage.START,
)  # fmt: skip
def cpu_has_x2apic(vcpu: Vcpu) -> Problems:
    """An x86 guest with more than 255 vCPUs requires a CPU model with x2APIC.

    Emulated CPUs have it in some models, and from QEMU 9 on.
    """
    world = vcpu.domain.world
    count = initial_vcpus(vcpu.domain)
    if count <= _MOST_OF_APIC or world.truth(NO_REMAPPING.where) is Truth.NO:
        return
    cpu = vcpu.domain.first(Cpu)
    if not vcpu.holds(X86) or (cpu is not None and cpu.mode in {"maximum", "host-model"}):
        return
    if is_mistaken(vcpu.domain, max_vcpus(vcpu.domain)):
        return
    needs = f"more than 255 vCPUs (here {count}) require a CPU with x2APIC"
    doubt = doubted(vcpu, needs, count)
    if doubt is not None and (cpu is None or cpu.mode == "custom"):
        if cpu is None or not cpu.model or lacks_x2apic(cpu):
            yield doubt
        return
    if cpu is None or (not cpu.model and cpu.mode == "custom" and not cpu.has("feature")):
        message = (
            f"{needs}, which the default CPU lacks without KVM; add <cpu mode='maximum'/>, or give "
            "<vcpu> at most 255"
        )
        machine = machine_type(world)
        few = machine is not None and 0 < machine.cpu_max <= _MOST_OF_APIC
        yield problem(message, vcpu, fix=() if few else Fix(add="<cpu mode='maximum'/>"))
    elif cpu.mode == "custom" and lacks_x2apic(cpu):
        message = (
            f"{needs}, which {cpu.model!r} lacks; add <feature policy='require' name='x2apic'/> to "
            "<cpu>, or give <vcpu> at most 255"
        )
        fix = Fix(add="<cpu><feature policy='require' name='x2apic'/></cpu>")
        yield problem(message, vcpu, fix=fix)
    else:
        world.unknown.add("the CPU has x2APIC, which more than 255 vCPUs need")


@rule(
    "vcpu-placement-numad-missing",
    Vcpu,
    bad=Sample("<vcpu placement='auto'>1</vcpu>", lacking=("helpers",)),
    good="<vcpu>1</vcpu>",
    stage=Stage.START,
)
def automatic_placement_asks_numad(vcpu: Vcpu) -> Problems:
    """``placement='auto'`` of ``<vcpu>`` requires the program ``numad`` on the host."""
    world = vcpu.domain.world
    if vcpu.placement != "auto":
        return
    if not any(program.name == "numad" for program in world.host.record.helpers):
        # a recording that was made before anybody looked for it
        world.unknown.add("the program 'numad' is installed, which placement='auto' needs")
    elif world.truth(_NUMAD) is Truth.NO:
        reason = _NUMAD.explain(world)
        yield problem(
            "placement='auto' requires the program numad, which is not installed; install numad",
            vcpu,
            "@placement",
            accepted=("static",),
            reason=reason,
        )
