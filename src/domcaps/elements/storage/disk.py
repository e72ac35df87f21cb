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
from domcaps.elements.base.virtio import TRANSITIONAL
from domcaps.elements.base.virtio_options import VirtioOptions
from domcaps.elements.boards.families import (
    ARM_VIRT,
    BUILTIN_IDE,
    I440FX,
    LOONGARCH_VIRT,
    MICROVM,
    PSERIES,
    RISCV_VIRT,
    S390,
    X86,
)
from domcaps.elements.boards.fixed import NO_SD_SLOT
from domcaps.elements.placement.drives import disk_bus, target_name
from domcaps.elements.qemu.fragments import NO_IMAGE, SCSI, XHCI, on_any_bus, on_pci_or_ccw
from domcaps.elements.storage.images import FORMATS, TYPES, Image, images
from domcaps.language import Choice, Drift, Element, Enum
from domcaps.language.changes.storage import DISK_FLOPPY_CONTROLLER, DISK_NVME, DISK_USB_BOT
from domcaps.language.kinds import ON_OFF, POSITIVE, UNSIGNED, YES_NO, OneOf
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device
from domcaps.language.part import field
from domcaps.language.preference import Decision, Option, drives
from domcaps.language.told import LIBVIRTS_OWN, Told, Untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

FLOPPY_CONTROLLER = device("isa-fdc", "sysbus-fdc")
_FLOPPY = ~PSERIES & FLOPPY_CONTROLLER
_FLOPPY_ANYWAY = Drift(
    says="floppy drives are listed for every board but IBM's pseries",
    but="QEMU has no floppy controller for most architectures: the guest fails to start",
    evidence="qom-list-types of QEMU for s390x or aarch64 has no type that ends in 'fdc'; "
    "libvirt 11.4 and later look for the controller",
)
_NO_ISA = Drift(
    says="floppy drives are listed wherever QEMU has a controller for them",
    but="the board microvm has none, and no place for one: QEMU refuses to start",
    evidence="verify with QEMU 7.2, 10.0 and 11.1: \"No 'floppy-bus' bus found\"",
    where=MICROVM,
    certain=True,
)
_IDE_ELSEWHERE = Drift(
    says="IDE is listed for boards alone that have a controller soldered on",
    but="QEMU lets one be plugged into other boards with PCI, which libvirt does not do",
    evidence="verify with QEMU 7.2, 10.0 and 11.1: q35 starts with -device piix3-ide",
    where=X86 & ~BUILTIN_IDE,
    listed=False,
)
_UNLISTED = Drift(
    says="models of USB disks are not listed",
    but="libvirt takes them since 11.5, and QEMU starts with them",
    evidence="verify with QEMU 7.2, 10.0 and 11.1; libvirt 12.8 defines <disk model='usb-bot'>",
    listed=False,
)

_FLOPPY_SAMPLE = (
    "<disk type='file' device='floppy'><source file='/a'/><target dev='fda' bus='fdc'/></disk>"
)
_FLOPPY_TOLD = (
    # the drive goes into the controller that the board has, or into one of its own
    Told("-device floppy", alone=True),
    Told("-device isa-fdc,id={id}f -device floppy,bus={id}f.0", alone=True),
)
_SCSI_TOLD = on_any_bus(f"{NO_IMAGE} {SCSI} -device scsi-hd,bus={{id}}c.0,drive={{id}}b")
_VIRTIO_TOLD = on_any_bus(f"{NO_IMAGE} -device virtio-blk-{{bus}},drive={{id}}b")
_USB_TOLD = Told(f"{NO_IMAGE} {XHCI} -device usb-storage,bus={{id}}u.0,drive={{id}}b")
_BOT_TOLD = Told(
    f"{NO_IMAGE} {XHCI} -device usb-bot,id={{id}}d,bus={{id}}u.0 "
    "-device scsi-hd,bus={id}d.0,drive={id}b"
)
_USB_SAMPLE = (
    "<disk type='file'><source file='/a'/><target dev='sda' bus='usb'/></disk>"
    "<controller type='usb' model='qemu-xhci'/>"
)

_LUN_ANYWAY = Drift(
    says="LUNs are listed for every QEMU",
    but="a QEMU that was not built for Linux has none: the definition is refused",
    evidence="QEMU 9.2 for macOS has no type scsi-block, which libvirt asks for",
)


def _form(name: str) -> tuple[Told, ...]:
    """Tell of a transitional or non-transitional disk."""
    form = name.removeprefix("virtio-")
    return on_pci_or_ccw(f"{NO_IMAGE} -device virtio-blk-{{bus}}-{form},drive={{id}}b")


DISK_DEVICE = Enum(
    "diskDevice",
    attribute="@device",
    choices=(
        Choice("disk", told=_SCSI_TOLD),
        Choice("cdrom", told=on_any_bus(f"{SCSI} -device scsi-cd,bus={{id}}c.0")),
        Choice(
            "floppy",
            ~PSERIES,
            until=DISK_FLOPPY_CONTROLLER,
            at_start=(_FLOPPY_ANYWAY,),
            sample=_FLOPPY_SAMPLE,
            told=_FLOPPY_TOLD,
        ),
        Choice(
            "floppy",
            _FLOPPY,
            since=DISK_FLOPPY_CONTROLLER,
            at_start=(_NO_ISA,),
            sample=_FLOPPY_SAMPLE,
            told=_FLOPPY_TOLD,
        ),
        Choice(
            "lun",
            drifts=(_LUN_ANYWAY,),
            sample="<disk type='block' device='lun'><source dev='/dev/a'/>"
            "<target dev='sda' bus='scsi'/></disk>",
            told=Untold("it needs a SCSI disk of the host that can be given away"),
        ),
    ),
    sample="<disk type='file' device='{value}'><source file='/a'/>"
    "<target dev='sda' bus='scsi'/></disk>",
)

BUS = Enum(
    "bus",
    attribute="target/@bus",
    choices=(
        Choice(
            "ide",
            BUILTIN_IDE,
            at_start=(_IDE_ELSEWHERE,),
            told=(
                Told(f"{NO_IMAGE} -device ide-hd,bus=ide.0,drive={{id}}b", when=BUILTIN_IDE),
                Told(
                    f"{NO_IMAGE} -device piix3-ide,id={{id}}i "
                    "-device ide-hd,bus={id}i.0,drive={id}b",
                    when=~BUILTIN_IDE,
                ),
            ),
        ),
        Choice(
            "fdc",
            ~PSERIES,
            until=DISK_FLOPPY_CONTROLLER,
            at_start=(_FLOPPY_ANYWAY,),
            sample=_FLOPPY_SAMPLE,
            told=_FLOPPY_TOLD,
        ),
        Choice(
            "fdc",
            _FLOPPY,
            since=DISK_FLOPPY_CONTROLLER,
            at_start=(_NO_ISA,),
            sample=_FLOPPY_SAMPLE,
            told=_FLOPPY_TOLD,
        ),
        Choice("scsi", told=_SCSI_TOLD),
        Choice("virtio", told=_VIRTIO_TOLD),
        Choice(
            "usb", device("usb-storage"), until=DISK_USB_BOT, sample=_USB_SAMPLE, told=_USB_TOLD
        ),
        Choice(
            "usb",
            device("usb-storage", "usb-bot"),
            since=DISK_USB_BOT,
            sample=_USB_SAMPLE,
            at_start=(NO_PCI,),
            told=(_USB_TOLD, _BOT_TOLD),
        ),
        Choice(
            "sata",
            device("ich9-ahci"),
            at_start=(NO_PCI,),
            told=Told(
                f"{NO_IMAGE} -device ahci,id={{id}}a -device ide-hd,bus={{id}}a.0,drive={{id}}b"
            ),
        ),
        Choice(
            "nvme",
            device("nvme-ns"),
            sample="<disk type='file'><source file='/a'/><target dev='sda' bus='nvme'/>"
            "<serial>a</serial></disk>",
            since=DISK_NVME,
            at_start=(NO_PCI,),
            told=Told(
                f"{NO_IMAGE} -device nvme,id={{id}}n,serial=a "
                "-device nvme-ns,bus={id}n,drive={id}b"
            ),
        ),
        Choice(
            "sd",
            listed=False,
            at_start=(NO_SD_SLOT,),
            told=Told("-drive if=sd,driver=null-co,size=1048576", alone=True),
        ),
        # other hypervisors have these
        Choice("xen", listed=False, told=()),
        Choice("uml", listed=False, told=()),
    ),
    sample="<disk type='file'><source file='/a'/><target dev='vda' bus='{value}'/></disk>",
)

MODEL = Enum(
    "model",
    attribute="@model",
    sample="<disk type='file' model='{value}'><source file='/a'/>"
    "<target dev='vda' bus='virtio'/></disk>",
    choices=(
        Choice("virtio", told=_VIRTIO_TOLD),
        Choice(
            "virtio-transitional",
            TRANSITIONAL,
            at_start=(NO_PCI, NO_CHANNEL_FORM),
            told=_form("virtio-transitional"),
        ),
        Choice(
            "virtio-non-transitional",
            TRANSITIONAL,
            at_start=(NO_PCI, NO_CHANNEL_FORM),
            told=_form("virtio-non-transitional"),
        ),
        Choice("default", listed=False, told=LIBVIRTS_OWN),
        Choice(
            "usb-storage",
            device("usb-storage"),
            since=DISK_USB_BOT,
            listed=False,
            at_start=(_UNLISTED,),
            told=_USB_TOLD,
        ),
        Choice(
            "usb-bot",
            device("usb-bot"),
            since=DISK_USB_BOT,
            listed=False,
            at_start=(_UNLISTED,),
            told=_BOT_TOLD,
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
_XHCI = "<controller type='usb' index='0' model='qemu-xhci'/>"
_VD, _SD, _HD = ((("dev", name),) for name in ("vd", "sd", "hd"))
_VIRTUAL = ARM_VIRT | RISCV_VIRT | LOONGARCH_VIRT | S390 | PSERIES

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
        Option("usb", "a bus that nearly every guest knows", xml=_DISK + _XHCI, settings=_SD),
        Option("virtio", "what is left", settings=_VD),
        Option("scsi", "what is left", settings=_SD),
        Option("scsi", "what is left", xml=_DISK + _VIRTIO_SCSI, settings=_SD),
        Option("usb", "what is left", settings=_SD),
        Option("nvme", "what is left", settings=(("dev", "nvme"),)),
        Option("sd", "what is left", settings=_SD),
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
        Option("usb", "a bus that nearly every guest knows", xml=_CDROM + _XHCI, settings=_SD),
        Option("sata", "what is left", settings=_SD),
        Option("ide", "what is left", settings=_HD),
        Option("scsi", "what is left", settings=_SD),
        Option("usb", "what is left", settings=_SD),
    ),
)


class Disk(VirtioOptions, Device):
    """A disk, CD-ROM drive, floppy drive, or unit of SCSI storage that the guest is given."""

    path = "devices/disk"

    type = field("@type", OneOf((*TYPES, "ctl")), default="file")
    device = field("@device", OneOf(("disk", "cdrom", "floppy", "lun")), default="disk")
    model = field("@model", choice=MODEL)
    snapshot = field("@snapshot", OneOf(("no", "internal", "external", "manual")))
    rawio = field("@rawio", YES_NO)
    sgio = field("@sgio", OneOf(("filtered", "unfiltered")))
    startup_policy = field("source/@startupPolicy", OneOf(("mandatory", "requisite", "optional")))
    given_bus = field(
        "target/@bus",
        OneOf(("ide", "fdc", "scsi", "virtio", "xen", "usb", "uml", "sata", "sd", "nvme")),
    )
    tray = field("target/@tray", OneOf(("closed", "open")))
    removable = field("target/@removable", ON_OFF)
    rotation_rate = field("target/@rotation_rate", UNSIGNED)
    cylinders = field("geometry/@cyls", UNSIGNED)
    heads = field("geometry/@heads", UNSIGNED)
    sectors = field("geometry/@secs", UNSIGNED)
    translation = field("geometry/@trans", OneOf(("none", "auto", "lba")))
    logical_block_size = field("blockio/@logical_block_size", UNSIGNED)
    physical_block_size = field("blockio/@physical_block_size", UNSIGNED)
    discard_granularity = field("blockio/@discard_granularity", UNSIGNED)
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
    discard_no_unref = field("driver/@discard_no_unref", ON_OFF)
    detect_zeroes = field("driver/@detect_zeroes", OneOf(("off", "on", "unmap")))
    iothread = field("driver/@iothread", POSITIVE)
    queues = field("driver/@queues", UNSIGNED)
    queue_size = field("driver/@queue_size", UNSIGNED)
    share_backing = field("transient/@shareBacking", YES_NO)

    @cached_property
    def bus(self) -> str:
        """The bus, by the kind of disk or its target's name where none is given."""
        return disk_bus(self.node, self.domain)

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
