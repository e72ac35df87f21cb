"""``<rng>``: a source of random numbers for the guest.

::

    <rng model='virtio'>
      <backend model='random'>/dev/urandom</backend>
    </rng>
"""

from domcaps.elements.virtio import TRANSITIONAL
from domcaps.language import Choice, Element, Enum
from domcaps.language.observed import device, qom_type

VIRTIO_RNG = device("virtio-rng-pci", "virtio-rng-ccw", "virtio-rng-device")

MODEL = Enum(
    "model",
    attribute="@model",
    choices=(
        Choice("virtio", VIRTIO_RNG),
        Choice("virtio-transitional", VIRTIO_RNG & TRANSITIONAL),
        Choice("virtio-non-transitional", VIRTIO_RNG & TRANSITIONAL),
    ),
)

BACKEND_MODEL = Enum(
    "backendModel",
    attribute="backend/@model",
    choices=(
        Choice("random", qom_type("rng-random")),
        Choice("egd", qom_type("rng-egd")),
        Choice("builtin", qom_type("rng-builtin")),
    ),
)

ELEMENT = Element("rng", order=50, content=(MODEL, BACKEND_MODEL))
