"""Words of QEMU's command line that several elements have in common."""

from __future__ import annotations

from domcaps.elements.boards.families import S390
from domcaps.language.qemu_args import QemuArgs

SCSI = "-device virtio-scsi-{bus},id={id}c"
"""A SCSI controller, on any bus."""

SERIAL = "-device virtio-serial-{bus},id={id}s"
"""A controller for consoles and channels, on any bus."""

XHCI = "-device qemu-xhci,id={id}u"
"""A USB controller that every machine with PCI can have."""

NO_IMAGE = "-blockdev null-co,node-name={id}b,size=1048576"
"""The content of a disk, without a file."""

SPICE_SERVER = "-spice unix=on,addr={dir}/spice,disable-ticketing=on"
"""A SPICE server that no other user can reach."""

NO_X11 = (("SDL_VIDEODRIVER", "dummy"),)
"""SDL draws into memory, so that no screen is needed."""


def on_any_bus(args: str, **more: object) -> tuple[QemuArgs, ...]:
    """Tell of virtio devices on the bus that the machine has; ``{bus}`` stands for that.

    Mainframes have channels (ccw), most other machines PCI, and small ones memory-mapped devices.
    """
    return (
        QemuArgs(args.replace("{bus}", "ccw"), when=S390, **more),  # type: ignore[arg-type]
        QemuArgs(args.replace("{bus}", "pci"), when=~S390, **more),  # type: ignore[arg-type]
        QemuArgs(args.replace("{bus}", "device"), when=~S390, **more),  # type: ignore[arg-type]
    )


def on_pci_or_ccw(args: str) -> tuple[QemuArgs, ...]:
    """Tell of devices that are there for PCI, and are given the same name for channels.

    Of transitional devices libvirt makes such names, though QEMU has them on PCI alone.
    """
    return (
        QemuArgs(args.replace("{bus}", "ccw"), when=S390),
        QemuArgs(args.replace("{bus}", "pci"), when=~S390),
    )
