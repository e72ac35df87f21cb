"""``<crypto>``: a cryptographic accelerator for the guest.

::

    <crypto model='virtio' type='qemu'>
      <backend model='builtin' queues='1'/>
    </crypto>
"""

from domcaps.language import Choice, Element, Enum
from domcaps.language.observed import device, qom_type

MODEL = Enum(
    "model",
    attribute="@model",
    choices=(Choice("virtio", device("virtio-crypto-pci", "virtio-crypto-device")),),
)

TYPE = Enum("type", attribute="@type", choices=(Choice("qemu"),))

BACKEND_MODEL = Enum(
    "backendModel",
    attribute="backend/@model",
    choices=(
        Choice("builtin"),
        # the Linux kernel's cryptographic framework
        Choice("lkcf", qom_type("cryptodev-backend-lkcf")),
    ),
)

ELEMENT = Element("crypto", order=100, content=(MODEL, TYPE, BACKEND_MODEL))
