"""Images of firmware in flash memory: boards that have it, files that are there, and their sizes.

::

    <loader readonly='yes' type='pflash'>/usr/share/AAVMF/AAVMF_CODE.fd</loader>
    <nvram template='/usr/share/AAVMF/AAVMF_VARS.fd'/>

QEMU takes only images of the size that a board's flash memory has, and libvirt copies the template
of variables as it is. A file that could not be checked, as in a recording, is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import IMAGE_FORMAT
from domcaps.elements.boards.families import X86
from domcaps.elements.boot.firmware import chosen
from domcaps.elements.boot.flash_boards import (
    FLASH_BLOCK,
    FLASH_BOARD,
    FLASH_SIZES,
    MOST_FLASH,
    ROM_BLOCK,
)
from domcaps.elements.boot.os import Loader, Nvram, Os, Varstore
from domcaps.facts.firmwarefile import DEFAULT_IMAGES
from domcaps.language.changes.boot import FIRMWARE_REWORKED
from domcaps.language.finding import Severity, Stage
from domcaps.language.fix import set_value
from domcaps.language.quantities import shown_size
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problem, Problems, Sample, problem, rule
from domcaps.language.truth import Truth
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.firmwarefile import Firmware
    from domcaps.language.part import Part

_MANUAL = "<os><type machine='{}'>hvm</type>{}</os><features><acpi/></features>"
_FLASH = "<loader readonly='yes' type='pflash'>{}</loader><nvram template='{}'/>"
_KNOWN = _FLASH.format("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd")


class _Image(NamedTuple):
    """An image that a domain gets: what it is, its file, its format, where it is named."""

    what: str
    path: str
    format: str
    part: Part
    at: str


def _images(system: Os) -> Iterator[_Image]:
    """Give the images of the flash memory, and of firmware that a descriptor chose."""
    loader, nvram = system.domain.first(Loader), system.domain.first(Nvram)
    store = system.domain.first(Varstore)
    is_used = loader is not None and bool(loader.image) and not system.firmware
    if store is not None and store.template and is_used and libvirt_reads(store, FIRMWARE_REWORKED):
        yield _Image("template of variables", store.template, "json", store, "@template")
    found = chosen(system.domain) if system.firmware else None
    if found is not None:
        yield from _of_descriptor(found, system)
        return
    if loader is None or not loader.image or system.firmware:
        return
    yield _Image("firmware image", loader.image, loader.format or IMAGE_FORMAT, loader, "")
    if nvram is not None and nvram.template and not nvram.image:
        form = nvram.template_format or nvram.format or IMAGE_FORMAT
        yield _Image("template of variables", nvram.template, form, nvram, "@template")


def _of_descriptor(found: Firmware, system: Os) -> Iterator[_Image]:
    image, template = found.mapping.executable, found.mapping.template
    yield _Image("firmware image", image.filename, image.format, system, "@firmware")
    if template is not None:
        what = "template of variables"
        yield _Image(what, template.filename, template.format, system, "@firmware")


def _is_flash(system: Os) -> bool:
    loader = system.domain.first(Loader)
    if not system.firmware:
        return loader is not None and loader.type == "pflash"
    found = chosen(system.domain)
    return found is not None and found.mapping.device == "flash"


@rule(
    "os-loader-type-unsupported",
    Os,
    bad=Sample(
        "<os><type>hvm</type><loader type='pflash' readonly='yes'>/a</loader>"
        "<nvram template='/b'/></os>",
        arch="s390x",
    ),
    good=Sample(_MANUAL.format("q35", _FLASH.format("/a", "/b")), machine="q35"),
    stage=Stage.START,
)
def board_has_flash_memory(system: Os) -> Problems:
    """``<loader type='pflash'>`` requires a machine type with flash memory."""
    if not _is_flash(system):
        return
    world = system.domain.world
    if world.truth(FLASH_BOARD) is Truth.NO:
        message = f"the machine type {world.target.machine!r} has no flash memory; use type='rom'"
        at = "@firmware" if system.firmware else "loader/@type"
        yield problem(message, system, at, reason=FLASH_BOARD.explain(world))


@rule(
    "os-loader-file-missing",
    Os,
    bad=Sample(_MANUAL.format("q35", _KNOWN), machine="q35", lacking=("images",)),
    good=_MANUAL.format("q35", ""),
    stage=Stage.START,
    live=True,
)
def images_are_there(system: Os) -> Problems:
    """The firmware image in ``<loader>``, and the ``template`` of ``<nvram>``, must exist on the
    host.

    With ``firmware=`` libvirt selects the first descriptor that fits, whether its files exist or
    not.
    """
    world = system.domain.world
    found = chosen(system.domain) if system.firmware else None
    for image in _images(system):
        state = world.file_state(image.path) if image.path.startswith("/") else None
        if state is None:
            world.unknown.add(f"{image.what} {image.path} exists")
        elif not state.exists:
            message = f"the {image.what} {image.path} does not exist on this host"
            if found is not None:
                message += f", but {found.path}, the first descriptor that fits, names it"
                message += "; install the package of that descriptor again"
            else:
                message += "; correct the path, or use firmware='efi' without a <loader>"
            yield problem(message, image.part, image.at)


@rule(
    "os-loader-size-unsupported",
    Os,
    bad=Sample(_MANUAL.format("virt", _KNOWN), arch="aarch64", machine="virt"),
    good=Sample(_MANUAL.format("q35", _KNOWN), machine="q35"),
    stage=Stage.START,
    live=True,
)
def images_have_the_size_of_flash(system: Os) -> Problems:
    """A raw firmware image must have the size of the machine's flash memory.

    That is 64 MiB for the Arm machine type virt, 32 MiB for RISC-V and 16 MiB for LoongArch. On
    x86 image and variables are multiples of 4 KiB, together at most 8 MiB.
    """
    if not _is_flash(system):
        return
    sizes = dict(_sizes(system))
    world = system.domain.world
    for board, size in FLASH_SIZES:
        if world.truth(board) is Truth.YES:
            for image, there in sizes.items():
                if there != size:
                    yield _misfit(image, there, shown_size(size))
    if world.truth(X86) is not Truth.YES:
        return
    for image, there in sizes.items():
        if not there or there % FLASH_BLOCK:
            yield _misfit(image, there, f"a multiple of {shown_size(FLASH_BLOCK)}")
    if sum(sizes.values()) > MOST_FLASH:
        image, there = max(sizes.items(), key=lambda item: item[1])
        yield _misfit(image, there, f"at most {shown_size(MOST_FLASH)} together with its variables")


@rule(
    "os-loader-size-unknown",
    Os,
    bad=Sample(_MANUAL.format("virt", _FLASH.format("/b/QEMU_EFI.fd", "/b/VARS.fd")),
               arch="aarch64", machine="virt"),
    good=Sample(_MANUAL.format("virt", _FLASH.format("/a", "/b")), arch="x86_64", machine="q35"),
    stage=Stage.START,
    severity=Severity.WARNING,
    live=True,
)  # fmt: skip
def sizes_of_other_images_are_known(system: Os) -> Problems:
    """The size of a firmware image that no descriptor of the host names should be known.

    Flash memory of the Arm, RISC-V and LoongArch machine types virt has one size, which images for
    other uses do not have. A recording knows the sizes of few files.
    """
    loader, world = system.domain.first(Loader), system.domain.world
    size = next((size for board, size in FLASH_SIZES if world.truth(board) is Truth.YES), 0)
    if not size or loader is None or not _is_flash(system) or system.firmware:
        return
    image = loader.image or ""
    is_raw = (loader.format or IMAGE_FORMAT) == IMAGE_FORMAT
    if is_raw and image not in _known_formats(system) and world.file_state(image) is None:
        yield problem(
            f"the size of {image} is not known; QEMU starts only if it is {shown_size(size)} "
            f"({size} bytes): compare with the output of 'stat -L -c %s {image}' on the host, or "
            "use firmware='efi' without a <loader>",
            loader,
        )


@rule(
    "os-loader-rom-format",
    Loader,
    bad=_MANUAL.format("q35", "<loader type='rom' format='qcow2'>/a/code.fd</loader>"),
    good=_MANUAL.format("q35", "<loader type='rom' format='raw'>/a/code.fd</loader>"),
)
def roms_are_raw(loader: Loader) -> Problems:
    """``<loader type='rom'>`` must have the format ``raw``."""
    system = loader.domain.first(Os)
    is_manual = system is not None and not system.firmware
    is_rom = loader.type != "pflash" and bool(loader.image) and is_manual
    reworked = libvirt_reads(loader, FIRMWARE_REWORKED)
    if is_rom and reworked and loader.format not in {None, "raw"}:
        yield problem(
            "a <loader> of type 'rom' must have the format 'raw'",
            loader,
            "@format",
            accepted=["raw"],
            fix=set_value("raw", "@format"),
        )


@rule(
    "os-loader-rom-size-unsupported",
    Os,
    bad=Sample(
        _MANUAL.format("q35", "<loader type='rom'>/usr/share/OVMF/OVMF_CODE.fd</loader>"),
        machine="q35",
    ),
    good=Sample(_MANUAL.format("q35", _KNOWN), machine="q35"),
    stage=Stage.START,
    live=True,
)
def images_have_the_size_of_a_rom(system: Os) -> Problems:
    """A firmware image in ``<loader type='rom'>`` must be a multiple of 64 KiB for x86 guests.

    The code of OVMF that is split into code and variables is none.
    """
    loader, world = system.domain.first(Loader), system.domain.world
    if loader is None or not loader.image or system.firmware or loader.type == "pflash":
        return
    state = world.file_state(loader.image) if world.truth(X86) is Truth.YES else None
    if state is not None and state.size is not None and (not state.size or state.size % ROM_BLOCK):
        yield problem(
            f"the firmware image {loader.image} has {shown_size(state.size)}, but an image of "
            f"type='rom' must have a multiple of {shown_size(ROM_BLOCK)}; use type='pflash' with "
            "readonly='yes', or another image",
            loader,
        )


@rule(
    "os-loader-format-conflict",
    Os,
    bad=Sample(
        _MANUAL.format("q35", _KNOWN.replace("type=", "format='qcow2' type=")),
        machine="q35",
    ),
    good=Sample(_MANUAL.format("q35", _KNOWN), machine="q35"),
    stage=Stage.START,
)
def images_have_their_formats(system: Os) -> Problems:
    """Attributes ``format`` of ``<loader>`` and ``templateFormat`` of ``<nvram>`` must be
    the formats that the files have.

    Formats of firmware images stand in the host's firmware descriptors.
    """
    loader, nvram = system.domain.first(Loader), system.domain.first(Nvram)
    if system.firmware:
        return
    named: list[tuple[Part | None, str | None, str | None, str]] = []
    if loader is not None:
        named.append((loader, loader.image, loader.format, "@format"))
    if nvram is not None:
        named.append((nvram, nvram.template, nvram.template_format, "@templateFormat"))
    if not any(form for _, _, form, _ in named):
        return
    formats = _known_formats(system)
    for part, path, form, at in named:
        right = formats.get(path or "")
        if part is not None and form and right and form != right:
            message = f"{path} has the format {right!r}, not {form!r}: QEMU cannot open it"
            yield problem(message, part, at, accepted=[right], fix=set_value(right, at))


def _known_formats(system: Os) -> dict[str, str]:
    """Give the formats of images that descriptors of the host name."""
    found: dict[str, str] = {name: IMAGE_FORMAT for pair in DEFAULT_IMAGES for name in pair}
    for firmware in system.domain.world.host.firmware.firmwares:
        for image in (firmware.mapping.executable, firmware.mapping.template):
            if image is not None and image.format:
                found[image.filename] = image.format
    return found


def _required_size(system: Os) -> str:
    """Say which size images must have on the guest's board."""
    world = system.domain.world
    for board, size in FLASH_SIZES:
        if world.truth(board) is Truth.YES:
            return f"{shown_size(size)} for the machine type {world.target.machine}"
    return f"multiples of {shown_size(FLASH_BLOCK)}, together at most {shown_size(MOST_FLASH)}"


def _misfit(image: _Image, there: int, wanted: str) -> Problem:
    message = (
        f"the {image.what} {image.path} has {shown_size(there)}, but must have "
        f"{wanted}; "
        "use the image that its package has for flash memory, or firmware='efi' without a <loader>"
    )
    return problem(message, image.part, image.at)


def _sizes(system: Os) -> Iterator[tuple[_Image, int]]:
    """Give the sizes of raw images as far as they are known."""
    world = system.domain.world
    wanted = _required_size(system)
    for image in _images(system):
        if image.format != IMAGE_FORMAT:
            continue
        state = world.file_state(image.path)
        if state is not None and state.size is not None:
            yield image, state.size
        elif state is None or state.exists:
            world.unknown.add(f"{image.what} {image.path} has the required size ({wanted})")
