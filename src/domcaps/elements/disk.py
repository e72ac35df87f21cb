"""``<disk>``: block devices.

::

    <disk type='file' device='disk'>
      <target dev='vda' bus='virtio'/>
    </disk>
"""

from domcaps.elements.machines import BUILTIN_IDE, PSERIES
from domcaps.elements.virtio import TRANSITIONAL
from domcaps.language import Choice, Drift, Element, Enum
from domcaps.language.observed import device

FLOPPY_CONTROLLER = device("isa-fdc", "sysbus-fdc")
_FLOPPY = ~PSERIES & FLOPPY_CONTROLLER
_FLOPPY_ANYWAY = Drift(
    says="floppy drives are listed for every board but IBM's pseries",
    but="QEMU has no floppy controller for most architectures: the guest fails to start",
    evidence="qom-list-types of QEMU for s390x or aarch64 has no type that ends in 'fdc'; "
    "libvirt 11.4 and later look for the controller",
)

DISK_DEVICE = Enum(
    "diskDevice",
    attribute="@device",
    choices=(
        Choice("disk"),
        Choice("cdrom"),
        Choice("floppy", ~PSERIES, until="11.4", drift=_FLOPPY_ANYWAY),
        Choice("floppy", _FLOPPY, since="11.4"),
        Choice("lun"),
    ),
)

BUS = Enum(
    "bus",
    attribute="target/@bus",
    choices=(
        Choice("ide", BUILTIN_IDE),
        Choice("fdc", ~PSERIES, until="11.4", drift=_FLOPPY_ANYWAY),
        Choice("fdc", _FLOPPY, since="11.4"),
        Choice("scsi"),
        Choice("virtio"),
        Choice("usb", device("usb-storage"), until="11.5"),
        Choice("usb", device("usb-storage", "usb-bot"), since="11.5"),
        Choice("sata", device("ich9-ahci")),
        Choice("nvme", device("nvme-ns"), since="11.5"),
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
