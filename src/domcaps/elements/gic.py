"""``<gic>``: the interrupt controller of ARM's virt board.

::

    <features>
      <gic version='3'/>
    </features>
"""

from domcaps.elements.machines import ARM_VIRT
from domcaps.language import AnyChoice, Choice, Element, Enum, Place, World
from domcaps.language.observed import WorldFact
from domcaps.language.predicate import Predicate


def _version(number: int) -> Predicate:
    def offered(world: World) -> bool:
        for gic in world.emulator.gic:
            if gic.version == number:
                return {"kvm": gic.kernel, "qemu": gic.emulated}.get(world.target.virttype, False)
        return False

    return ARM_VIRT & WorldFact(
        f"QEMU offers version {number} for this virtualization type",
        "query-gic-capabilities",
        offered,
    )


VERSION = Enum(
    "version", attribute="@version", choices=(Choice("2", _version(2)), Choice("3", _version(3)))
)

ELEMENT = Element(
    "gic", place=Place.FEATURES, order=10, supported=AnyChoice(VERSION), content=(VERSION,)
)
