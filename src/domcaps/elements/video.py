"""``<video>``: the display adapter. This file is the specimen: read it to know how the table works.

What it looks like::

    <video>
      <model type='virtio' heads='1' primary='yes'/>
    </video>

An element is one `Element`, found because it stands in a file of this package. The report prints
it, the other readers ask it; none of them knows what a display adapter is.

* Each `Choice` is a value that a domain may write, here ``model/@type``, in the order in which
  libvirt lists them.
* ``when`` says what must be true for it. ``device("VGA")`` reads: QEMU has a device type of that
  name. Because it stands here, a probe asks about it; there is no second list.
* What is older or newer than another libvirt is said with ``since`` and ``until``.

To add a model, add a line. Nothing else has to change.
"""

from domcaps.language import ALWAYS, Choice, Element, Enum
from domcaps.language.observed import device

MODEL_TYPE = Enum(
    "modelType",
    attribute="model/@type",
    choices=(
        Choice("vga", device("VGA")),
        Choice("cirrus", device("cirrus-vga")),
        Choice("vmvga", device("vmware-svga")),
        Choice("qxl", device("qxl")),
        # the PCI device and the one that other buses wrap: either carries the model
        Choice("virtio", device("virtio-gpu-pci", "virtio-gpu-device")),
        # a machine without a display adapter
        Choice("none", ALWAYS),
        Choice("bochs", device("bochs-display")),
        Choice("ramfb", device("ramfb")),
    ),
)

ELEMENT = Element("video", order=30, content=(MODEL_TYPE,))
