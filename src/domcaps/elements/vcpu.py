"""``<vcpu>``: how many virtual CPUs a guest may have.

::

    <vcpu>4</vcpu>
"""

from domcaps.language import Element, Place, World
from domcaps.language.observed import WorldFact


def _maximum(world: World) -> int:
    """Give what the machine type takes, or less where the host's KVM takes less; 0 is unknown."""
    limit = 0
    for machine in world.emulator.machines(world.target.virttype):
        if machine.name == world.target.machine:
            limit = machine.cpu_max
    if world.target.virttype == "kvm" and world.host.kvm.max_vcpus:
        limit = min(limit, world.host.kvm.max_vcpus)
    return limit


def _attributes(world: World) -> tuple[tuple[str, str], ...]:
    return (("max", str(_maximum(world))),)


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
)
