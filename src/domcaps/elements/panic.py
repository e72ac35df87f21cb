"""``<panic>``: a device through which the guest says that it has crashed.

::

    <panic model='isa'/>
"""

from domcaps.elements.machines import PSERIES, S390_CCW, X86
from domcaps.language import AnyChoice, Choice, Element, Enum
from domcaps.language.observed import device

MODEL = Enum(
    "model",
    attribute="@model",
    choices=(
        Choice("isa", device("pvpanic")),
        # firmware of the board: no device has to be added
        Choice("pseries", PSERIES),
        # a crash register of Hyper-V, part of the CPU
        Choice("hyperv", X86),
        Choice("s390", S390_CCW),
        Choice("pvpanic", device("pvpanic-pci")),
    ),
)

ELEMENT = Element("panic", order=120, supported=AnyChoice(MODEL), content=(MODEL,))
