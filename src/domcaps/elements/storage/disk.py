"""``<disk>``: block devices.

::

    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source file='/var/lib/images/guest.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>

What the guest sees of a disk is checked in `storage.disk_guest`, where its data come from
in `storage.disk_source` and its siblings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.drifts import NO_CHANNEL_FORM, NO_PCI
from domcaps.elements.base.device import Device
from domcaps.elements.base.virtio import FORMS
from domcaps.elements.base.virtio_options import VirtioOptions
from domcaps.elements.boards.defaults import DISK_KIND, DISK_TYPE
from domcaps.elements.boards.families import (
    I440FX,
    PSERIES,
    VIRTUAL,
    X86,
)
from domcaps.elements.buses.disk import (
    BOT_TOLD,
    BUSES,
    FLOPPY,
    FLOPPY_ANYWAY,
    FLOPPY_SAMPLE,
    FLOPPY_TOLD,
    NO_ISA,
    SCSI_TOLD,
    USB_ARGS,
    VIRTIO_TOLD,
    bus_named,
)
from domcaps.elements.placement.drives import disk_bus, target_name
from domcaps.elements.qemu.fragments import NO_IMAGE, SCSI, on_any_bus, on_pci_or_ccw
from domcaps.elements.storage.images import FORMATS, TYPES, Image, images
from domcaps.language import Choice, Drift, Element, Enum
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.changes.storage import (
    DISK_DISCARD_GRANULARITY,
    DISK_DISCARD_NO_UNREF,
    DISK_FLOPPY_CONTROLLER,
    DISK_QUEUE_SIZE,
    DISK_ROTATION,
    DISK_SHARE_BACKING,
    DISK_SNAPSHOT_MANUAL,
    DISK_USB_BOT,
    DISK_VHOST_USER,
    DISK_VHOST_VDPA,
)
from domcaps.language.fix import Substitutes
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device
from domcaps.language.part import field
from domcaps.language.preference import Decision, Option, drives
from domcaps.language.qemu_args import LIBVIRTS_OWN, NotTriable, QemuArgs
from domcaps.language.value_types import ON_OFF, POSITIVE, UNSIGNED, WRAPPING, YES_NO, Int, OneOf

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.elements.buses.disk import DiskBus

_UNLISTED = Drift(
    title="Models of USB disks",
    says="models of USB disks are not listed",
    but="libvirt accepts them since 11.5, and QEMU starts with them",
    evidence="verify with QEMU 7.2, 10.0 and 11.1; libvirt 12.8 defines <disk model='usb-bot'>",
    listed=False,
    instead="use the model if the guest needs it",
)

_LUN_ANYWAY = Drift(
    title="Disk device 'lun' on a QEMU that was not built for Linux",
    says="disk device 'lun' is listed for every QEMU",
    but="a QEMU that was not built for Linux does not support it: libvirt refuses the definition",
    evidence="QEMU 9.2 for macOS has no type scsi-block, which libvirt asks for",
    instead="use device='disk'",
    targets="QEMU for macOS, for example",
)


def _form(name: str) -> tuple[QemuArgs, ...]:
    """Tell of a transitional or non-transitional disk."""
    form = name.removeprefix("virtio-")
    return on_pci_or_ccw(f"{NO_IMAGE} -device virtio-blk-{{bus}}-{form},drive={{id}}b")


DISK_DEVICE = Enum(
    "diskDevice",
    attribute="@device",
    choices=(
        Choice("disk", qemu_args=SCSI_TOLD),
        Choice("cdrom", qemu_args=on_any_bus(f"{SCSI} -device scsi-cd,bus={{id}}c.0")),
        Choice(
            "floppy",
            ~PSERIES,
            until=DISK_FLOPPY_CONTROLLER,
            at_start=(FLOPPY_ANYWAY,),
            sample=FLOPPY_SAMPLE,
            qemu_args=FLOPPY_TOLD,
        ),
        Choice(
            "floppy",
            FLOPPY,
            since=DISK_FLOPPY_CONTROLLER,
            at_start=(NO_ISA,),
            sample=FLOPPY_SAMPLE,
            qemu_args=FLOPPY_TOLD,
        ),
        Choice(
            "lun",
            drifts=(_LUN_ANYWAY,),
            sample="<disk type='block' device='lun'><source dev='/dev/a'/>"
            "<target dev='sda' bus='scsi'/></disk>",
            qemu_args=NotTriable("it requires a SCSI disk of the host that can be passed through"),
        ),
    ),
    sample="<disk type='file' device='{value}'><source file='/a'/>"
    "<target dev='sda' bus='scsi'/></disk>",
)

BUS = Enum(
    "bus",
    attribute="target/@bus",
    choices=tuple(choice for bus in BUSES for choice in bus.choices),
    sample="<disk type='file'><source file='/a'/><target dev='vda' bus='{value}'/></disk>",
)

MODEL = Enum(
    "model",
    attribute="@model",
    sample="<disk type='file' model='{value}'><source file='/a'/>"
    "<target dev='vda' bus='virtio'/></disk>",
    choices=(
        Choice("virtio", qemu_args=VIRTIO_TOLD),
        *(
            Choice(
                name,
                when,
                since=since,
                until=until,
                at_start=(NO_PCI, NO_CHANNEL_FORM),
                qemu_args=_form(name),
            )
            for when, since, until in FORMS
            for name in ("virtio-transitional", "virtio-non-transitional")
        ),
        Choice("default", listed=False, qemu_args=LIBVIRTS_OWN),
        Choice(
            "usb-storage",
            device("usb-storage"),
            since=DISK_USB_BOT,
            listed=False,
            at_start=(_UNLISTED,),
            qemu_args=USB_ARGS,
        ),
        Choice(
            "usb-bot",
            device("usb-bot"),
            since=DISK_USB_BOT,
            listed=False,
            at_start=(_UNLISTED,),
            qemu_args=BOT_TOLD,
        ),
    ),
)

ELEMENT = Element("disk", order=10, content=(DISK_DEVICE, BUS, MODEL))


_DISK = (
    "<disk type='{type}' device='disk'><driver name='qemu' type='{format}'/>"
    "<source {source}='{path}'/><target dev='{dev}' bus='{value}'/><boot order='{boot}'/></disk>"
)
_CDROM = (
    "<disk type='{type}' device='cdrom'><driver name='qemu' type='raw'/>"
    "<source {source}='{path}'/><target dev='{dev}' bus='{value}'/><boot order='{boot}'/>"
    "<readonly/></disk>"
)
_VIRTIO_SCSI = "<controller type='scsi' index='0' model='virtio-scsi'/>"
_USB3 = "<controller type='usb' index='0' model='qemu-xhci'/>"
_VD, _SD, _HD = ((("dev", name),) for name in ("vd", "sd", "hd"))
_RANKED = frozenset({"virtio", "scsi", "ide", "sata", "usb"})
_VIRTUAL = VIRTUAL | PSERIES

PREFERENCE = Decision(
    "disk.bus",
    BUS,
    order=40,
    each="disk",
    title="the bus of the disk",
    xml=_DISK,
    options=(
        Option(
            "virtio",
            "the fastest",
            guest=drives("virtio-block", "virtio1.0-block"),
            settings=_VD,
        ),
        Option("virtio", "the board has hardly another", when=_VIRTUAL, settings=_VD),
        Option(
            "scsi",
            "as fast, for many disks",
            guest=drives("virtio-scsi", "virtio1.0-scsi"),
            xml=_DISK + _VIRTIO_SCSI,
            settings=_SD,
        ),
        Option("ide", "every guest can drive it", when=I440FX, settings=_HD),
        Option("sata", "every guest of this century can drive it", settings=_SD),
        Option("ide", "every guest can drive it", settings=_HD),
        Option("usb", "a bus that nearly every guest knows", xml=_DISK + _USB3, settings=_SD),
        Option("virtio", "what is left", settings=_VD),
        Option("scsi", "what is left", settings=_SD),
        Option("scsi", "what is left", xml=_DISK + _VIRTIO_SCSI, settings=_SD),
        Option("usb", "what is left", settings=_SD),
        *(
            Option(bus.name, "what is left", settings=(("dev", bus.usual),))
            for bus in BUSES
            if bus.name not in _RANKED and not bus.foreign and not bus.floppy
        ),
    ),
)

CDROM_PREFERENCE = Decision(
    "cdrom.bus",
    BUS,
    order=41,
    each="cdrom",
    title="the bus of the CD-ROM drive",
    xml=_CDROM,
    options=(
        Option("ide", "every guest can drive it", when=I440FX, settings=_HD),
        Option("sata", "every guest of this century can drive it", when=X86, settings=_SD),
        Option("scsi", "firmware starts from it", xml=_CDROM + _VIRTIO_SCSI, settings=_SD),
        Option("usb", "a bus that nearly every guest knows", xml=_CDROM + _USB3, settings=_SD),
        Option("sata", "what is left", settings=_SD),
        Option("ide", "what is left", settings=_HD),
        Option("scsi", "what is left", settings=_SD),
        Option("usb", "what is left", settings=_SD),
        *(
            Option(bus.name, "what is left", settings=(("dev", bus.usual),))
            for bus in BUSES
            if bus.name not in _RANKED and bus.words is not None and bus.words.cdrom
        ),
    ),
)


_TYPES = OneOf((*TYPES, "ctl"), {"vhostuser": DISK_VHOST_USER, "vhostvdpa": DISK_VHOST_VDPA})


DEVICE_SUBSTITUTES = Substitutes(
    "devices/disk/@device",
    order={"lun": ("disk",), "*": ()},
    slips={
        "cd": "cdrom", "dvd": "cdrom", "iso": "cdrom", "hd": "disk", "hdd": "disk",
        "harddisk": "disk", "fd": "floppy", "fdd": "floppy",
    },
)  # fmt: skip
"""A file can't be a LUN; a drive for floppy disks becomes no other one."""


FORMAT_SUBSTITUTES = Substitutes(
    "devices/disk/driver/@type",
    order={"*": ()},
    slips={"iso": "raw", "dir": "fat", "qcow3": "qcow2", "vhd": "vpc"},
)
"""Data of one format is not read as another; that of an ISO image is raw."""


class Disk(VirtioOptions, Device):
    """A disk, CD-ROM drive, floppy drive, or unit of SCSI storage that the guest is given."""

    path = "devices/disk"

    type = field(
        "@type",
        OneOf((*TYPES, "ctl"), {"vhostuser": DISK_VHOST_USER, "vhostvdpa": DISK_VHOST_VDPA}),
        default=DISK_TYPE,
    )
    device = field(
        "@device",
        OneOf(("disk", "cdrom", "floppy", "lun")),
        default=DISK_KIND,
        at_start=DISK_DEVICE,
    )
    model = field("@model", choice=MODEL)
    snapshot = field(
        "@snapshot",
        OneOf(("no", "internal", "external", "manual"), {"manual": DISK_SNAPSHOT_MANUAL}),
    )
    rawio = field("@rawio", YES_NO)
    sgio = field("@sgio", OneOf(("filtered", "unfiltered")))
    startup_policy = field("source/@startupPolicy", OneOf(("mandatory", "requisite", "optional")))
    given_bus = field(
        "target/@bus",
        OneOf(tuple(bus.name for bus in BUSES)),
        at_start=BUS,
    )
    tray = field("target/@tray", OneOf(("closed", "open")))
    removable = field("target/@removable", ON_OFF)
    rotation_rate = field(
        "target/@rotation_rate",
        UNSIGNED,
        since=DISK_ROTATION,
        expected="1 for an SSD, or a number of rotations per minute, such as '7200'",
    )
    cylinders = field(
        "geometry/@cyls",
        UNSIGNED,
        strict=VALUES_STRICT,
        before=WRAPPING,
        expected="a number of cylinders, such as '16383'",
    )
    heads = field(
        "geometry/@heads",
        UNSIGNED,
        strict=VALUES_STRICT,
        before=WRAPPING,
        expected="a number of heads, such as '16'",
    )
    sectors = field(
        "geometry/@secs",
        UNSIGNED,
        strict=VALUES_STRICT,
        before=WRAPPING,
        expected="a number of sectors, such as '63'",
    )
    translation = field("geometry/@trans", OneOf(("none", "auto", "lba")))
    logical_block_size = field(
        "blockio/@logical_block_size",
        UNSIGNED,
        strict=VALUES_STRICT,
        before=Int(1 - 2**32, 2**32 - 1, base=0),
        expected="a number of bytes, such as '512' or '4096'",
    )
    physical_block_size = field(
        "blockio/@physical_block_size",
        UNSIGNED,
        strict=VALUES_STRICT,
        before=Int(1 - 2**32, 2**32 - 1, base=0),
        expected="a number of bytes, such as '512' or '4096'",
    )
    discard_granularity = field(
        "blockio/@discard_granularity",
        UNSIGNED,
        since=DISK_DISCARD_GRANULARITY,
        expected="a number of bytes, such as '4096'",
    )
    format = field("driver/@type", OneOf((*FORMATS, "aio")))
    cache = field(
        "driver/@cache",
        OneOf(("default", "none", "writethrough", "writeback", "directsync", "unsafe")),
    )
    error_policy = field("driver/@error_policy", OneOf(("stop", "report", "ignore", "enospace")))
    read_error_policy = field("driver/@rerror_policy", OneOf(("stop", "report", "ignore")))
    io = field("driver/@io", OneOf(("native", "threads", "io_uring")))
    ioeventfd = field("driver/@ioeventfd", ON_OFF)
    event_idx = field("driver/@event_idx", ON_OFF)
    copy_on_read = field("driver/@copy_on_read", ON_OFF)
    discard = field("driver/@discard", OneOf(("unmap", "ignore")))
    discard_no_unref = field("driver/@discard_no_unref", ON_OFF, since=DISK_DISCARD_NO_UNREF)
    detect_zeroes = field("driver/@detect_zeroes", OneOf(("off", "on", "unmap")))
    iothread = field(
        "driver/@iothread", POSITIVE, expected="the id of an I/O thread of the domain, such as '1'"
    )
    queues = field("driver/@queues", UNSIGNED, expected="a number of queues, such as '4'")
    queue_size = field(
        "driver/@queue_size",
        UNSIGNED,
        since=DISK_QUEUE_SIZE,
        expected="a number of requests, such as '256'",
    )
    share_backing = field("transient/@shareBacking", YES_NO, since=DISK_SHARE_BACKING)

    @cached_property
    def bus(self) -> str:
        """The bus, by the kind of disk or its target's name where none is given."""
        return disk_bus(self.node, self.domain)

    @property
    def on(self) -> DiskBus:
        """What is known of its bus."""
        return bus_named(self.bus)

    @cached_property
    def name(self) -> str:
        """The name of the target, "" where it has none."""
        return target_name(self.node) or ""

    @property
    def is_virtio(self) -> bool:
        """Whether it is a virtio device."""
        return self.bus == "virtio"

    @cached_property
    def images(self) -> tuple[Image, ...]:
        """The image it is made of, and those below it that the domain names."""
        return images(self.node)

    @property
    def image(self) -> Image:
        """The image that the guest reads and writes."""
        return self.images[0]

    @cached_property
    def is_readonly(self) -> bool:
        """Whether the guest can't write to it."""
        return self.device == "cdrom" or self.has("readonly")

    def text(self, tag: str) -> str | None:
        """Give the text of a child, None where there is none."""
        child: Node | None = self.node.find(tag)
        return None if child is None else child.text or None
