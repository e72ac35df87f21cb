"""``<disk>``: block devices.

::

    <disk type='file' device='disk'>
      <target dev='vda' bus='virtio'/>
    </disk>
"""

from domcaps.elements.machines import BUILTIN_IDE, PSERIES
from domcaps.elements.virtio import TRANSITIONAL
from domcaps.language import Choice, Element, Enum
from domcaps.language.observed import device

_FLOPPY = ~PSERIES

DISK_DEVICE = Enum(
    "diskDevice",
    attribute="@device",
    choices=(
        Choice("disk"),
        Choice("cdrom"),
        Choice("floppy", _FLOPPY),
        Choice("lun"),
    ),
)

BUS = Enum(
    "bus",
    attribute="target/@bus",
    choices=(
        Choice("ide", BUILTIN_IDE),
        Choice("fdc", _FLOPPY),
        Choice("scsi"),
        Choice("virtio"),
        Choice("usb", device("usb-storage")),
        Choice("sata", device("ich9-ahci")),
        Choice("nvme", device("nvme"), since="11.5"),
    ),
)

MODEL = Enum(
    "model",
    attribute="@model",
    choices=(
        Choice("virtio"),
        Choice("virtio-transitional", TRANSITIONAL),
        Choice("virtio-non-transitional", TRANSITIONAL),
    ),
)

ELEMENT = Element("disk", order=10, content=(DISK_DEVICE, BUS, MODEL))
