"""What must hold of firmware in flash memory and of the store for its variables.

::

    <loader readonly='yes' secure='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>/var/lib/libvirt/qemu/nvram/a.fd</nvram>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import Q35, X86
from domcaps.elements.boot.firmware import chosen, is_default_image, wish_of
from domcaps.elements.boot.firmware_reasons import brief, explain_firmware, of_image, packages
from domcaps.elements.boot.os import FirmwareFeature, Loader, Nvram, Os, Varstore
from domcaps.language.changes.boot import (
    FIRMWARE_CHOSEN_ALONE,
    FIRMWARE_FEATURES_READ,
    FIRMWARE_PERSISTENT,
    FIRMWARE_REWORKED,
    NVRAM_SLICES,
    NVRAM_SOURCES,
)
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.observed import arch, device
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.firmwarefile import Firmware
    from domcaps.language.part import Part

SECURE_MACHINE = Q35 & arch("x86_64")
"""Machines on which variables can be protected by SMM."""

UEFI_VARIABLES = device("uefi-vars-x64", "uefi-vars-sysbus")
"""QEMU's device that keeps UEFI variables in place of flash memory."""

_OS = "<os firmware='efi'><type>hvm</type>{}</os><features><acpi/></features>"
_MANUAL = "<os><type machine='q35'>hvm</type>{}</os><features><acpi/></features>"
_FLASH = "<loader readonly='yes' type='pflash'>/a/code.fd</loader>"


def _automatic(part: Part) -> bool:
    system = part.domain.first(Os)
    return system is not None and bool(system.firmware)


def _is_reworked(part: Part) -> bool:
    return libvirt_reads(part, FIRMWARE_REWORKED)


@rule(
    "os-firmware-unavailable",
    Os,
    bad=Sample(_OS.format("<loader readonly='no'/>"), machine="q35"),
    good=_MANUAL.format(""),
    defined=FIRMWARE_PERSISTENT,
)
def firmware_is_found(system: Os) -> Problems:
    """With ``firmware=`` a descriptor of the host has to fit all that the domain asks for.

    These are the features, the format and the images that are named, what the machine is, and
    whether sleep states, SMM or encryption are asked for.
    """
    if not system.firmware:
        return
    found = chosen(system.domain)
    if found is not None and not _lacks_smm(found, system):
        return
    domain = system.domain
    told = [f"no {system.firmware} firmware of this host fits the domain. {brief(domain)}"]
    if owner := of_image(domain):
        told.append(f"The loader's path is the image of {owner}")
    if names := packages(domain):
        told.append(f"Firmware that fits comes with {' or '.join(names)}")
    reason = explain_firmware(domain)
    yield problem(". ".join(told), system, "@firmware", reason=reason)


def _lacks_smm(found: Firmware, system: Os) -> bool:
    """Tell whether firmware was chosen that needs SMM, which is switched off."""
    wish = wish_of(system.domain)
    return wish.at_start and wish.smm == "off" and found.has("requires-smm")


@rule(
    "os-loader-conflict",
    Os,
    bad=_OS.format("<loader secure='no'/>"),
    good=_MANUAL.format(_FLASH),
    since=FIRMWARE_CHOSEN_ALONE,
    until=FIRMWARE_PERSISTENT,
)
def automatic_choice_is_alone(system: Os) -> Problems:
    """Some libvirts take nothing that firmware= chooses, save for ``secure='yes'``."""
    if not system.firmware:
        return
    loader, nvram = system.domain.first(Loader), system.domain.first(Nvram)
    if loader is not None:
        for at in _chosen_elsewhere(loader):
            yield problem("this is chosen by firmware='…' at <os>", loader, at)
    if nvram is not None and nvram.template is not None:
        yield problem("the template is chosen by firmware='…' at <os>", nvram, "@template")


def _chosen_elsewhere(loader: Loader) -> Iterator[str]:
    """Say where a loader says what libvirt chooses."""
    if loader.image:
        yield ""
    for name, value in (("readonly", loader.readonly), ("type", loader.type)):
        if value is not None:
            yield f"@{name}"
    if loader.secure == "no":
        yield "@secure"


@rule(
    "os-firmware-feature-not-automatic",
    FirmwareFeature,
    bad=_MANUAL.format("<firmware><feature name='secure-boot' enabled='yes'/></firmware>"),
    good=_MANUAL.format(""),
    since=FIRMWARE_CHOSEN_ALONE,
    until=FIRMWARE_PERSISTENT,
    fix=Fix(add="<os firmware='efi'/>"),
)
def features_are_of_a_choice(feature: FirmwareFeature) -> Problems:
    """Features can be asked for where libvirt picks the firmware: with ``<os firmware='…'>``."""
    if not _automatic(feature):
        yield problem("features of firmware need firmware='efi' at <os>", feature)


@rule(
    "os-firmware-feature-not-automatic",
    FirmwareFeature,
    bad=_MANUAL.format("<firmware><feature name='secure-boot' enabled='yes'/></firmware>"),
    good=_MANUAL.format(""),
    since=FIRMWARE_PERSISTENT,
    fix=Fix(add="<os firmware='efi'/>"),
)
def features_need_a_choice(feature: FirmwareFeature) -> Problems:
    """Features can be asked for where libvirt picks the firmware: with ``<os firmware='…'>``."""
    if feature.domain.new and not _automatic(feature):
        yield problem("features of firmware need firmware='efi' at <os>", feature)


@rule(
    "os-firmware-feature-keys-without-secure-boot",
    Os,
    bad=_OS.format(
        "<firmware><feature name='secure-boot' enabled='no'/>"
        "<feature name='enrolled-keys' enabled='yes'/></firmware>"
    ),
    good=_MANUAL.format(""),
    since=FIRMWARE_FEATURES_READ,
)
def keys_need_secure_boot(system: Os) -> Problems:
    """Keys are enrolled for secure boot: they can't be wanted without it."""
    if not system.firmware:
        return
    wanted = {f.name: f.enabled for f in system.domain.all(FirmwareFeature)}
    if wanted.get("enrolled-keys") == "yes" and wanted.get("secure-boot") == "no":
        yield problem("enrolled keys need secure boot", system, "firmware")


@rule(
    "os-loader-image-missing",
    Os,
    bad=_MANUAL.format("<nvram>/a/vars.fd</nvram>"),
    good=_MANUAL.format(_FLASH),
)
def image_is_named(system: Os) -> Problems:
    """Without ``firmware=`` the definition has to say which image it means."""
    loader = system.domain.first(Loader)
    if system.firmware or (loader is not None and loader.image):
        return
    strict = libvirt_reads(system, FIRMWARE_CHOSEN_ALONE)
    if loader is not None or (strict and system.domain.first(Nvram) is not None):
        yield problem(
            "the firmware's image is not named, nor is there a firmware='…' to look for one",
            loader or system,
            fix=Fix(add="<os firmware='efi'/>"),
        )


@rule(
    "os-loader-stateless-with-variables",
    Loader,
    since=FIRMWARE_CHOSEN_ALONE,
    bad=_MANUAL.format("<loader type='pflash' stateless='yes'>/a/code.fd</loader><nvram/>"),
    good=_MANUAL.format("<loader type='pflash' stateless='yes'>/a/code.fd</loader>"),
)
def stateless_keeps_nothing(loader: Loader) -> Problems:
    """Stateless firmware has no variables to keep."""
    if loader.stateless != "yes":
        return
    for store in _stores(loader):
        fix = set_value("no", "/domain/os/loader/@stateless")
        yield problem("stateless firmware keeps no variables", store, fix=fix)


def _stores(part: Part) -> tuple[Part, ...]:
    kinds: tuple[type[Part], ...] = (Nvram, Varstore) if _is_reworked(part) else (Nvram,)
    return tuple(store for kind in kinds for store in part.domain.all(kind))


@rule(
    "os-loader-writable-with-variables",
    Loader,
    bad=_MANUAL.format("<loader type='pflash' readonly='no'>/a/code.fd</loader><nvram/>"),
    good=_MANUAL.format(f"{_FLASH}<nvram/>"),
)
def writable_image_keeps_its_own(loader: Loader) -> Problems:
    """An image that can be written to keeps its variables in itself."""
    if loader.readonly != "no" or not _is_reworked(loader):
        return
    for store in _stores(loader):
        yield problem("a loader with readonly='no' keeps its variables itself", store)


@rule(
    "os-loader-rom-writable",
    Loader,
    bad=_MANUAL.format("<loader type='rom' readonly='no'>/a/code.fd</loader>"),
    good=_MANUAL.format("<loader type='pflash' readonly='no'>/a/code.fd</loader>"),
)
def roms_are_read(loader: Loader) -> Problems:
    """An image that is a ROM, as it is where no type is given, can't be written to."""
    wanted = loader.readonly == "no" and loader.type != "pflash" and bool(loader.image)
    if wanted and not _automatic(loader) and _is_reworked(loader):
        yield problem("a ROM can't be written to", loader, "@readonly", accepted=["yes"])


@rule(
    "os-loader-stateless-unsupported",
    Loader,
    since=FIRMWARE_CHOSEN_ALONE,
    bad=_OS.replace("efi", "bios").format("<loader stateless='no'/>"),
    good=_MANUAL.format("<loader type='pflash' stateless='no'>/a/code.fd</loader>"),
)
def state_needs_flash(loader: Loader) -> Problems:
    """Only UEFI keeps variables; older libvirt wants it to be in flash memory, too."""
    if loader.stateless != "no":
        return
    system = loader.domain.first(Os)
    firmware = system.firmware if system else None
    manual = not firmware and loader.type != "pflash" and not _is_reworked(loader)
    if manual or firmware == "bios":
        yield problem("only UEFI in flash memory (type='pflash') has a state", loader, "@stateless")


@rule(
    "os-nvram-bios",
    Os,
    since=FIRMWARE_CHOSEN_ALONE,
    bad=_OS.replace("efi", "bios").format("<nvram/>"),
    good=_MANUAL.format(f"{_FLASH}<nvram/>"),
    fix=Fix(without=("/domain/os/nvram",)),
)
def bios_has_no_variables(system: Os) -> Problems:
    """A BIOS keeps no variables: there is nothing to store."""
    if system.firmware == "bios":
        for store in _stores(system):
            yield problem("firmware='bios' has no variables to keep", store)


@rule(
    "os-loader-secure-unsupported",
    Loader,
    bad=Sample(
        _MANUAL.replace("q35", "pc").format(
            "<loader type='pflash' secure='yes'>/a/code.fd</loader>"
        ),
        machine="pc",
    ),
    good=_MANUAL.format(_FLASH),
    fix=Fix(
        add="<features><smm state='on'/></features>",
        values=(("/domain/os/type/@machine", "q35"),),
    ),
)
def secure_needs_q35(loader: Loader) -> Problems:
    """Variables are protected by SMM: a matter of Q35 machines and 64 bits."""
    if loader.secure == "yes" and not loader.holds(SECURE_MACHINE):
        why = SECURE_MACHINE.explain(loader.domain.world)
        yield problem(
            "secure='yes' needs a q35 machine type and x86_64", loader, "@secure", reason=why
        )


@rule(
    "os-loader-secure-without-smm",
    Loader,
    bad=Sample(
        _MANUAL.format("<loader type='pflash' secure='yes'>/a/code.fd</loader>"), machine="q35"
    ),
    good=_MANUAL.format(_FLASH),
    fix=Fix(add="<features><smm state='on'/></features>"),
)
def secure_needs_smm(loader: Loader) -> Problems:
    """An image of one's own with ``secure='yes'`` needs ``<smm state='on'/>``.

    libvirt switches SMM on only where a descriptor of the image says that it is needed.
    """
    if loader.secure != "yes" or _automatic(loader) or not loader.holds(SECURE_MACHINE):
        return
    if wish_of(loader.domain).smm == "on":
        return
    found = chosen(loader.domain)
    if found is None or not found.has("requires-smm"):
        yield problem("secure='yes' needs <smm state='on'/> in <features>", loader, "@secure")


@rule(
    "os-firmware-without-acpi",
    Os,
    bad="<os><type>hvm</type><loader type='pflash'>/a/code.fd</loader></os>",
    good=_MANUAL.format(_FLASH),
    fix=Fix(add="<features><acpi/></features>"),
)
def uefi_needs_acpi(system: Os) -> Problems:
    """UEFI of x86 tells the guest about its hardware through ACPI."""
    loader = system.domain.first(Loader)
    flash = loader is not None and loader.type == "pflash"
    if system.firmware != "efi" and not flash:
        return
    if system.holds(X86) and system.domain.root.find("features/acpi") is None:
        yield problem(
            "UEFI needs <acpi/> in <features> on this architecture",
            system,
            "loader/@type" if flash else "@firmware",
        )


@rule(
    "os-nvram-source-missing",
    Nvram,
    bad=_MANUAL.format(f"{_FLASH}<nvram type='file'/>"),
    good=_MANUAL.format(f"{_FLASH}<nvram type='file'><source file='/a/vars.fd'/></nvram>"),
    since=NVRAM_SOURCES,
)
def typed_store_has_a_source(nvram: Nvram) -> Problems:
    """A store of variables with a ``type`` says in ``<source>`` where it is."""
    if nvram.raw("type") is not None and not nvram.has("source"):
        yield problem("a store with a type needs a <source>", nvram)


@rule(
    "os-nvram-source-unsupported",
    Nvram,
    bad=_MANUAL.format(
        f"{_FLASH}<nvram type='block'><source dev='/dev/a'><reservations managed='yes'/>"
        "</source></nvram>"
    ),
    good=_MANUAL.format(f"{_FLASH}<nvram type='block'><source dev='/dev/a'/></nvram>"),
    since=NVRAM_SOURCES,
)
def store_is_plain(nvram: Nvram) -> Problems:
    """A store of variables has no reservations; the begin of a block device can be one."""
    if nvram.raw("type") is None:
        return
    if nvram.has("source/reservations"):
        yield problem("variables can't have persistent reservations", nvram, "source/reservations")
    part = nvram.find("source/slices/slice[@type='storage']")
    if part is None:
        return
    if not libvirt_reads(nvram, NVRAM_SLICES):
        yield problem("this libvirt can't keep variables in a slice", nvram, "source/slices")
    elif nvram.type != "block":
        yield problem("only a store of type='block' can be a slice", nvram, "source/slices")
    elif part.get("offset", "0").strip("+0 "):
        yield problem("variables stand at the begin of the device", part, "@offset")


@rule(
    "os-nvram-format-missing",
    Nvram,
    bad=_MANUAL.format("<loader type='pflash'>/a/code.fd</loader><nvram>/a/vars.fd</nvram>"),
    good=_MANUAL.format(f"{_FLASH}<nvram>/a/vars.fd</nvram>"),
    stage=Stage.START,
    since=FIRMWARE_PERSISTENT,
)
def store_has_a_format(nvram: Nvram) -> Problems:
    """Path and format of variables are worked out for read-only images only.

    Where libvirt knows the image, by a descriptor or by itself, it is read-only without saying so.
    """
    loader = nvram.domain.first(Loader)
    if loader is None or _automatic(nvram) or loader.type != "pflash" or loader.readonly == "yes":
        return
    told = nvram.format in {"raw", "qcow2"} and bool(nvram.image or nvram.type)
    if told or is_default_image(wish_of(nvram.domain)) or chosen(nvram.domain) is not None:
        return
    yield problem("without readonly='yes' at the loader, path and format have to be given", nvram)


@rule(
    "os-varstore-conflict",
    Varstore,
    bad=_MANUAL.format(f"{_FLASH}<varstore/>"),
    good=_MANUAL.format(_FLASH),
)
def one_store(varstore: Varstore) -> Problems:
    """Variables are kept in flash memory or by QEMU's device, not by both."""
    if not _is_reworked(varstore):
        return
    loader = varstore.domain.first(Loader)
    if varstore.domain.first(Nvram) is not None:
        yield problem("there is an <nvram> for the variables already", varstore)
    elif loader is not None and loader.type == "pflash" and not _automatic(varstore):
        yield problem("firmware in flash memory keeps its variables there", varstore)


@rule(
    "os-varstore-unsupported",
    Varstore,
    bad=Sample("<os><type>hvm</type><varstore/></os>", arch="s390x"),
    good=_MANUAL.format(_FLASH),
)
def store_needs_its_device(varstore: Varstore) -> Problems:
    """QEMU's device for UEFI variables came with QEMU 10."""
    world = varstore.domain.world
    if _is_reworked(varstore) and world.truth(UEFI_VARIABLES) is Truth.NO:
        why = UEFI_VARIABLES.explain(world)
        yield problem("this emulator keeps no UEFI variables of its own", varstore, reason=why)
