"""The buses of disks: one record holds all that any reader needs to know of one.

To add a bus, add a `DiskBus` to `BUSES`. The report lists it, ``<disk>`` takes and checks it,
targets are placed on its controllers, `Host.native` writes it, and a new domain may get it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.elements.advice.drifts import NO_PCI
from domcaps.elements.boards.families import BUILTIN_IDE, I440FX, MICROVM, PSERIES, Q35, X86
from domcaps.elements.boards.fixed import NO_SD_SLOT
from domcaps.elements.qemu.fragments import NO_IMAGE, SCSI, XHCI, on_any_bus
from domcaps.facts import arch as archs
from domcaps.language import Choice, Drift
from domcaps.language.changes.controllers import CONTROLLER_NVME
from domcaps.language.changes.storage import DISK_FLOPPY_CONTROLLER, DISK_NVME, DISK_USB_BOT
from domcaps.language.conversion import OnBoard
from domcaps.language.fix import Substitutes
from domcaps.language.observed import device
from domcaps.language.predicate import NEVER
from domcaps.language.qemu_args import QemuArgs
from domcaps.language.struct import Struct

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.change import LibvirtChange
    from domcaps.language.predicate import Predicate


def _is_microvm(root: Node) -> bool:
    """Tell whether a domain names the board that has virtio-mmio alone."""
    kind = root.find("os/type")
    return kind is not None and (kind.get("machine") or "").partition("-")[0] == "microvm"


SUBSTITUTES = Substitutes(
    "devices/disk/target/@bus",
    order={
        # nearly every guest drives AHCI; a SCSI controller may need a driver of its own
        "ide": ("sata", "scsi", "usb", "virtio"),
        "sata": ("ide", "scsi", "usb", "virtio"),
        "usb": ("sata", "ide", "scsi", "virtio"),
        "scsi": ("sata", "virtio", "ide", "usb"),
        "virtio": ("sata", "scsi", "usb", "ide", "nvme"),
        "nvme": ("virtio", "sata", "scsi"),
        "sd": ("usb", "virtio", "sata"),
        "xen": ("virtio", "sata", "ide"),
        "uml": ("virtio", "sata", "ide"),
        "fdc": (),
    },
    slips={
        "virtio-blk": "virtio",
        "virtio-scsi": "scsi",
        "ahci": "sata",
        "floppy": "fdc",
        "pata": "ide",
        "sdcard": "sd",
    },
    plain=dict.fromkeys(("ide", "sata", "scsi", "usb", "sd", "nvme"), ("virtio",)),
    is_plain=_is_microvm,
    # the address was one of the other bus
    only={"*": ("address",)},
    archs=archs.X86,
    # no guest of other boards was ever installed on what a PC has
    elsewhere={
        "*": ("virtio", "scsi", "usb", "sata", "ide"),
        "virtio": ("scsi", "usb", "sata", "ide"),
        "fdc": (),
    },
)
"""What can stand in for a bus: no new driver is needed where that can be avoided."""

CONVERSION = (
    OnBoard(
        "q35", "devices/disk", {"target/@bus": ("ide",)},
        values=(("target/@bus", "sata"),), without=("address",),
        guest="disks move from IDE to SATA: the guest needs its AHCI driver at boot (on Windows "
        "enable it before), and names such as hda become sda",
        weight=80,
    ),
)  # fmt: skip
"""Boards with Q35 have no IDE; those with 440FX take SATA, too, so that a disk may stay there."""


# -- what a record is made of ----------------------------------------------------------------------


class DiskController(Struct, frozen=True):
    """The type of controller that the disks of a bus are attached to.

    `pci` is ``conventional`` or ``express``, "" where it depends on the model or is not PCI.
    `qemu` is QEMU's device type, "" where that depends on the model or on the board. Where
    `builtin` holds, the controller with index 0 is part of the board.
    """

    type: str
    since: LibvirtChange | None = None
    pci: str = ""
    qemu: str = ""
    builtin: Predicate = NEVER


class DiskWords(Struct, frozen=True):
    """QEMU's device types for what is attached to a bus, and the options that say where.

    `place` and `builtin` (for the board's own controller) have blanks for the parts of an address:
    ``{name}`` of the controller, ``{bus}``, ``{target}``, ``{unit}``. A type with ``{bus}`` in it
    is a device of virtio, which sits on the board's own bus. `labels` are those of ``<wwn>``,
    ``<vendor>``, ``<product>`` that QEMU takes, by its names for them. `by_model` has the places on
    controllers of other models, `lun` the type that passes commands through to a disk of the host.
    """

    disk: str
    cdrom: str = ""
    place: str = ""
    builtin: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    lun: str = ""
    by_model: dict[str, str] = msgspec.field(default_factory=dict)


class DiskBus(Struct, frozen=True):
    """One bus: what libvirt says of it, how its disks are named and placed, and what they can do.

    `choices` are its lines of the report, one for each time that libvirt changed its mind.
    `letters` begin the names of targets that are on this bus where the domain names none, `usual`
    those of new targets; with `numbered` names go on with numbers, as in ``nvme0n1``. `units` is
    how many there are on a controller, and on each bus of it. The numbers of an address that are
    always 0 are in `zero`, the last that QEMU has a place for in `last`.
    """

    name: str
    choices: tuple[Choice, ...]
    letters: str = ""
    usual: str = "sd"
    numbered: bool = False
    controller: DiskController | None = None
    address: str = ""
    units: tuple[int, int] | None = None
    zero: tuple[str, ...] = ()
    last: dict[str, int] = msgspec.field(default_factory=dict)
    words: DiskWords | None = None
    # of another hypervisor; for floppy drives; CD-ROMs can't be ejected
    foreign: bool = False
    floppy: bool = False
    fixed_media: bool = False
    # what <disk> may say on it
    statistics: bool = False
    shares_backing: bool = False
    wwn: bool = False
    product: int = 0
    rotates: bool = False
    removable: bool = False
    readonly: bool = True
    serial: bool = True
    geometry: bool = True
    throttled: bool = True

    @property
    def since(self) -> LibvirtChange | None:
        """The change of libvirt that brought it, None where it was always there."""
        return self.choices[0].since


# -- what the report gets wrong --------------------------------------------------------------------

FLOPPY_CONTROLLER = device("isa-fdc", "sysbus-fdc")
FLOPPY = ~PSERIES & FLOPPY_CONTROLLER
FLOPPY_ANYWAY = Drift(
    title="Floppy drives on a QEMU without floppy controller",
    says="floppy drives are listed for every machine type except pseries",
    but="QEMU has no floppy controller for most architectures: the guest fails to start",
    evidence="qom-list-types of QEMU for s390x or aarch64 has no type that ends in 'fdc'; "
    "libvirt 11.4 and later look for the controller",
    where=~FLOPPY_CONTROLLER,
    certain=True,
    instead="use a CD-ROM drive or a disk",
    targets="a QEMU without the device isa-fdc or sysbus-fdc: most architectures but x86",
)
NO_ISA = Drift(
    title="Floppy drives on microvm",
    says="floppy drives are listed if QEMU has a floppy controller",
    but="microvm has no floppy controller and cannot have one: QEMU refuses to start",
    evidence="verify with QEMU 7.2, 10.0 and 11.1: \"No 'floppy-bus' bus found\"",
    where=MICROVM,
    certain=True,
    instead="use a CD-ROM drive or a disk",
    targets="microvm",
)
_IDE_ELSEWHERE = Drift(
    title="IDE disks on machine types without a built-in controller",
    says="IDE is listed only for machine types with a built-in controller",
    but="QEMU can add an IDE controller to other machine types with PCI; libvirt does not",
    evidence="verify with QEMU 7.2, 10.0 and 11.1: q35 starts with -device piix3-ide",
    where=X86 & ~BUILTIN_IDE,
    listed=False,
    instead="use SATA, or the machine type pc",
    targets="x86 machine types other than pc",
)

# -- the QEMU arguments ----------------------------------------------------------------------------

FLOPPY_SAMPLE = (
    "<disk type='file' device='floppy'><source file='/a'/><target dev='fda' bus='fdc'/></disk>"
)
FLOPPY_TOLD = (
    # the drive goes into the controller that the board has, or into one of its own
    QemuArgs("-device floppy", alone=True),
    QemuArgs("-device isa-fdc,id={id}f -device floppy,bus={id}f.0", alone=True),
)
SCSI_TOLD = on_any_bus(f"{NO_IMAGE} {SCSI} -device scsi-hd,bus={{id}}c.0,drive={{id}}b")
VIRTIO_TOLD = on_any_bus(f"{NO_IMAGE} -device virtio-blk-{{bus}},drive={{id}}b")
USB_ARGS = QemuArgs(f"{NO_IMAGE} {XHCI} -device usb-storage,bus={{id}}u.0,drive={{id}}b")
BOT_TOLD = QemuArgs(
    f"{NO_IMAGE} {XHCI} -device usb-bot,id={{id}}d,bus={{id}}u.0 "
    "-device scsi-hd,bus={id}d.0,drive={id}b"
)
_USB_SAMPLE = (
    "<disk type='file'><source file='/a'/><target dev='sda' bus='usb'/></disk>"
    "<controller type='usb' model='qemu-xhci'/>"
)
_NVME_SAMPLE = (
    "<disk type='file'><source file='/a'/><target dev='sda' bus='nvme'/><serial>a</serial></disk>"
)

# -- the records -----------------------------------------------------------------------------------

NARROW = 7
"""Units that libvirt uses of a SCSI controller whose model says no more."""

BUSES: tuple[DiskBus, ...] = (
    DiskBus(
        "ide",
        (
            Choice(
                "ide",
                BUILTIN_IDE,
                at_start=(_IDE_ELSEWHERE,),
                qemu_args=(
                    QemuArgs(
                        f"{NO_IMAGE} -device ide-hd,bus=ide.0,drive={{id}}b", when=BUILTIN_IDE
                    ),
                    QemuArgs(
                        f"{NO_IMAGE} -device piix3-ide,id={{id}}i "
                        "-device ide-hd,bus={id}i.0,drive={id}b",
                        when=~BUILTIN_IDE,
                    ),
                ),
            ),
        ),
        letters="hd",
        usual="hd",
        controller=DiskController("ide", pci="conventional", builtin=I440FX),
        address="drive",
        units=(4, 2),
        zero=("controller", "target"),
        last={"bus": 1, "unit": 1},
        words=DiskWords(
            "ide-hd",
            "ide-cd",
            builtin="bus=ide.{bus},unit={unit}",
            labels={"wwn": "wwn", "product": "model"},
        ),
        statistics=True,
        wwn=True,
        product=40,
        rotates=True,
        readonly=False,
    ),
    DiskBus(
        "fdc",
        (
            Choice(
                "fdc",
                ~PSERIES,
                until=DISK_FLOPPY_CONTROLLER,
                at_start=(FLOPPY_ANYWAY,),
                sample=FLOPPY_SAMPLE,
                qemu_args=FLOPPY_TOLD,
            ),
            Choice(
                "fdc",
                FLOPPY,
                since=DISK_FLOPPY_CONTROLLER,
                at_start=(NO_ISA,),
                sample=FLOPPY_SAMPLE,
                qemu_args=FLOPPY_TOLD,
            ),
        ),
        usual="fd",
        controller=DiskController("fdc"),
        address="drive",
        units=(2, 2),
        zero=("controller", "bus", "target"),
        last={"unit": 1},
        floppy=True,
    ),
    DiskBus(
        "scsi",
        (Choice("scsi", qemu_args=SCSI_TOLD),),
        letters="sd",
        controller=DiskController("scsi"),
        address="drive",
        units=(NARROW, NARROW),
        zero=("bus",),
        words=DiskWords(
            "scsi-hd",
            "scsi-cd",
            place="bus={name}.0,channel={bus},scsi-id={target},lun={unit}",
            labels={"wwn": "wwn", "vendor": "vendor", "product": "product"},
            lun="scsi-block",
            by_model={
                "lsilogic": "bus={name}.0,scsi-id={unit}",
                "ncr53c90": "bus=scsi.0,scsi-id={unit}",
                "dc390": "bus={name}.0,scsi-id={unit}",
                "am53c974": "bus={name}.0,scsi-id={unit}",
            },
        ),
        statistics=True,
        shares_backing=True,
        wwn=True,
        product=16,
        rotates=True,
        removable=True,
    ),
    DiskBus(
        "virtio",
        (Choice("virtio", qemu_args=VIRTIO_TOLD),),
        letters="vd",
        usual="vd",
        words=DiskWords("virtio-blk-{bus}", lun="virtio-blk-{bus}"),
        fixed_media=True,
        statistics=True,
        shares_backing=True,
    ),
    DiskBus(
        "usb",
        (
            Choice(
                "usb",
                device("usb-storage"),
                until=DISK_USB_BOT,
                sample=_USB_SAMPLE,
                qemu_args=USB_ARGS,
            ),
            Choice(
                "usb",
                device("usb-storage", "usb-bot"),
                since=DISK_USB_BOT,
                sample=_USB_SAMPLE,
                at_start=(NO_PCI,),
                qemu_args=(USB_ARGS, BOT_TOLD),
            ),
        ),
        address="usb",
        # removable media are not told apart by usb-storage
        words=DiskWords("usb-storage", "usb-storage"),
        statistics=True,
        shares_backing=True,
        removable=True,
        geometry=False,
    ),
    DiskBus(
        "sata",
        (
            Choice(
                "sata",
                device("ich9-ahci"),
                at_start=(NO_PCI,),
                qemu_args=QemuArgs(
                    f"{NO_IMAGE} -device ahci,id={{id}}a -device ide-hd,bus={{id}}a.0,drive={{id}}b"
                ),
            ),
        ),
        controller=DiskController("sata", pci="conventional", qemu="ich9-ahci", builtin=Q35),
        address="drive",
        units=(6, 6),
        zero=("bus", "target"),
        last={"unit": 5},
        words=DiskWords(
            "ide-hd",
            "ide-cd",
            place="bus={name}.{unit}",
            builtin="bus=ide.{unit}",
            labels={"wwn": "wwn", "product": "model"},
        ),
        statistics=True,
        product=40,
        rotates=True,
        readonly=False,
    ),
    DiskBus(
        "nvme",
        (
            Choice(
                "nvme",
                device("nvme-ns"),
                sample=_NVME_SAMPLE,
                since=DISK_NVME,
                at_start=(NO_PCI,),
                qemu_args=QemuArgs(
                    f"{NO_IMAGE} -device nvme,id={{id}}n,serial=a "
                    "-device nvme-ns,bus={id}n,drive={id}b"
                ),
            ),
        ),
        letters="nvme",
        usual="nvme",
        numbered=True,
        controller=DiskController("nvme", since=CONTROLLER_NVME, pci="express"),
        address="drive",
        units=(1, 1),
        words=DiskWords("nvme-ns", place="bus={name},nsid={nsid}"),
        statistics=True,
    ),
    DiskBus(
        "sd",
        (
            Choice(
                "sd",
                listed=False,
                at_start=(NO_SD_SLOT,),
                qemu_args=QemuArgs("-drive if=sd,driver=null-co,size=1048576", alone=True),
            ),
        ),
        fixed_media=True,
        serial=False,
        geometry=False,
        throttled=False,
    ),
    DiskBus("xen", (Choice("xen", listed=False, qemu_args=()),), "xvd", foreign=True),
    DiskBus("uml", (Choice("uml", listed=False, qemu_args=()),), "ubd", foreign=True),
)


NO_BUS = DiskBus("", ())
"""What is known of a bus that does not exist."""


def bus_named(name: str) -> DiskBus:
    """Give the record of a bus, `NO_BUS` where there is none of that name."""
    return next((bus for bus in BUSES if bus.name == name), NO_BUS)
