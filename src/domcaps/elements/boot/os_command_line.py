"""QEMU arguments for firmware, as an image, or as what a descriptor says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import ARM_VIRT, S390, X86
from domcaps.language.qemu_args import Alternative, Alternatives, QemuArgs, Trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.facts.firmwarefile import Firmware
    from domcaps.language import World

# bytes that flash memory has on a board; most take one size only
_MIB = 1 << 20
_FLASH_SIZES = (
    (X86, 4 * _MIB),
    (ARM_VIRT, 64 * _MIB),
    *((~X86 & ~ARM_VIRT, size * _MIB) for size in (32, 16, 256)),
)
_SECURE = "-global driver=cfi.pflash01,property=secure,value=on"

ROM = (
    # mainframes take up to a page of what is no program
    QemuArgs("-bios {dir}/rom", files=(("rom", 4096),), alone=True, when=S390),
    QemuArgs("-bios {dir}/rom", files=(("rom", 256 << 10),), alone=True, when=~S390),
)
"""A read-only image; what is in it does not matter to a guest that does not run."""


def flash() -> tuple[QemuArgs, ...]:
    """Tell of flash memory of the size that the board wants."""
    return tuple(
        QemuArgs(
            "-blockdev file,node-name={id}f,filename={dir}/flash,read-only=on",
            machine="pflash0={id}f",
            files=(("flash", size),),
            when=when,
        )
        for when, size in _FLASH_SIZES
    )


def image_args(path: str) -> Alternatives:
    """Tell of a file as flash memory that is read-only."""
    return (
        QemuArgs(
            f"-blockdev file,node-name={{id}}f,filename={path},read-only=on",
            machine="pflash0={id}f",
        ),
    )


def loader_trials(world: World, loaders: tuple[str, ...]) -> tuple[Trial, ...]:
    """Try each image."""
    memory = {
        found.image
        for found in world.host.firmware_for(world.target.arch, world.target.machine).firmwares
        if found.mapping.device == "memory"
    }
    return tuple(
        Trial(
            f"os.loader: {path}",
            (QemuArgs(f"-bios {path}", alone=True),) if path in memory else image_args(path),
        )
        for path in loaders
    )


def varstore_args(world: World) -> Alternatives:
    """Tell of the device that keeps variables, with the firmware that uses it."""
    summary = world.host.firmware_for(world.target.arch, world.target.machine)
    device = "uefi-vars-x64" if world.truth(X86) else "uefi-vars-sysbus"
    return tuple(
        QemuArgs(f"-device {device},jsonfile={{dir}}/vars -bios {found.image}", alone=True)
        for found in summary.firmwares
        if found.mapping.uefi_vars
    )


def first_firmware(suits: Callable[[Firmware], bool]) -> Callable[[World], Alternatives]:
    """Tell of the firmware that libvirt picks: the first descriptor that suits."""

    def args(world: World) -> tuple[Alternative, ...]:
        summary = world.host.firmware_for(world.target.arch, world.target.machine)
        return tuple(_described(found) for found in summary.firmwares if suits(found))[:1]

    return args


def _described(found: Firmware) -> QemuArgs:
    """Tell of the image of a descriptor, with its variables, and with SMM where it wants that."""
    if found.mapping.device == "memory":
        return QemuArgs(f"-bios {found.image}", alone=True)
    args = f"-blockdev file,node-name={{id}}f,filename={found.image},read-only=on"
    machine = "pflash0={id}f"
    if found.mapping.template is not None:
        # read only: a guest that does not run writes nothing
        args += (
            " -blockdev file,node-name={id}v,read-only=on,filename="
            + found.mapping.template.filename
        )
        machine += ",pflash1={id}v"
    if found.has("requires-smm"):
        args, machine = f"{args} {_SECURE}", f"{machine},smm=on"
    return QemuArgs(args, machine=machine)
