"""What must hold of firmware in flash memory and of the store for its variables.

::

    <loader readonly='yes' secure='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>/var/lib/libvirt/qemu/nvram/a.fd</nvram>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.by_code import BY_CODE
from domcaps.elements.boards.families import Q35, X86
from domcaps.elements.boot.firmware import chosen, is_default_image, wish_of
from domcaps.elements.boot.firmware_reasons import brief, explain_firmware, of_image, packages
from domcaps.elements.boot.firmware_repairs import SECURE_BOARD, SMM_ON, with_smm
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

_NOT_SECURE = Fix(without=("@secure",))
_OS = "<os firmware='efi'><type>hvm</type>{}</os><features><acpi/></features>"
_SECURE_BOOT = "<os><firmware><feature enabled='yes' name='secure-boot'/></firmware></os>"
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
    """Attribute ``firmware`` of ``<os>`` requires firmware on the host that matches the machine
    type and the requested features.

    Considered are the requested features, format and images, the machine type, and whether sleep
    states, SMM or encryption are requested.
    """
    if not system.firmware:
        return
    found = chosen(system.domain)
    if found is not None and not _lacks_smm(found, system):
        return
    domain = system.domain
    told = [f"no {system.firmware!r} firmware of this host fits the domain. {brief(domain)}"]
    if owner := of_image(domain):
        told.append(f"The loader's path is the image of {owner}")
    if names := packages(domain):
        told.append(f"Firmware that fits comes with {' or '.join(names)}")
    elif remedy := BY_CODE["os-firmware-unavailable"](domain.world):
        told.append(f"To enable it: {remedy.how}")
    reason = explain_firmware(domain)
    yield problem(". ".join(told), system, "@firmware", reason=reason, fix=with_smm(system))


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
    """In some libvirt versions, ``<loader>`` and ``<nvram>`` cannot be combined with the attribute
    ``firmware`` of ``<os>``.
    """
    if not system.firmware:
        return
    loader, nvram = system.domain.first(Loader), system.domain.first(Nvram)
    if loader is not None:
        for at in _chosen_elsewhere(loader):
            yield problem("remove this: firmware='…' of <os> selects it", loader, at)
    if nvram is not None and nvram.template is not None:
        yield problem("remove 'template': firmware='…' of <os> selects it", nvram, "@template")


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
    """``<feature>`` elements in ``<firmware>`` require ``<os firmware='efi'>``."""
    if not _automatic(feature):
        yield problem(
            "<feature> elements require <os firmware='efi'>; set that, or remove <firmware>",
            feature,
        )


@rule(
    "os-firmware-feature-not-automatic",
    FirmwareFeature,
    bad=_MANUAL.format("<firmware><feature name='secure-boot' enabled='yes'/></firmware>"),
    good=_MANUAL.format(""),
    since=FIRMWARE_PERSISTENT,
    fix=Fix(add="<os firmware='efi'/>"),
)
def features_need_a_choice(feature: FirmwareFeature) -> Problems:
    """``<feature>`` elements in ``<firmware>`` require ``<os firmware='efi'>``."""
    if feature.domain.new and not _automatic(feature):
        yield problem(
            "<feature> elements require <os firmware='efi'>; set that, or remove <firmware>",
            feature,
        )


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
    """The firmware feature ``enrolled-keys`` requires the feature ``secure-boot``."""
    if not system.firmware:
        return
    wanted = {f.name: f.enabled for f in system.domain.all(FirmwareFeature)}
    if wanted.get("enrolled-keys") == "yes" and wanted.get("secure-boot") == "no":
        yield problem(
            "the feature 'enrolled-keys' requires <feature enabled='yes' name='secure-boot'/>",
            system,
            "firmware",
            fix=Fix(add=_SECURE_BOOT),
        )


@rule(
    "os-loader-image-missing",
    Os,
    bad=_MANUAL.format("<nvram>/a/vars.fd</nvram>"),
    good=_MANUAL.format(_FLASH),
)
def image_is_named(system: Os) -> Problems:
    """``<loader>`` needs the path of a firmware image, unless ``<os>`` has the attribute
    ``firmware``.
    """
    loader = system.domain.first(Loader)
    if system.firmware or (loader is not None and loader.image):
        return
    strict = libvirt_reads(system, FIRMWARE_CHOSEN_ALONE)
    if loader is not None or (strict and system.domain.first(Nvram) is not None):
        yield problem(
            "no firmware image is given: write its path in <loader>, or use <os firmware='efi'>",
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
    """``<loader stateless='yes'>`` cannot be combined with ``<nvram>``."""
    if loader.stateless != "yes":
        return
    for store in _stores(loader):
        fix = set_value("no", "/domain/os/loader/@stateless")
        yield problem(
            "<loader stateless='yes'> cannot be combined with <nvram>; remove one of them",
            store,
            fix=fix,
        )


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
    """``<loader readonly='no'>`` cannot be combined with ``<nvram>``."""
    if loader.readonly != "no" or not _is_reworked(loader):
        return
    for store in _stores(loader):
        yield problem(
            "<loader readonly='no'> cannot be combined with <nvram>; use "
            "readonly='yes', or remove <nvram>",
            store,
        )


@rule(
    "os-loader-rom-writable",
    Loader,
    bad=_MANUAL.format("<loader type='rom' readonly='no'>/a/code.fd</loader>"),
    good=_MANUAL.format("<loader type='pflash' readonly='no'>/a/code.fd</loader>"),
)
def roms_are_read(loader: Loader) -> Problems:
    """``<loader>`` of type ``rom``, which is the default, must not have ``readonly='no'``."""
    wanted = loader.readonly == "no" and loader.type != "pflash" and bool(loader.image)
    if wanted and not _automatic(loader) and _is_reworked(loader):
        yield problem(
            "a <loader> of type 'rom' cannot have readonly='no'; use type='pflash'",
            loader,
            "@readonly",
            accepted=["yes"],
        )


@rule(
    "os-loader-stateless-unsupported",
    Loader,
    since=FIRMWARE_CHOSEN_ALONE,
    bad=_OS.replace("efi", "bios").format("<loader stateless='no'/>"),
    good=_MANUAL.format("<loader type='pflash' stateless='no'>/a/code.fd</loader>"),
)
def state_needs_flash(loader: Loader) -> Problems:
    """Attribute ``stateless`` of ``<loader>`` requires UEFI firmware; older libvirt versions also
    require ``type='pflash'``.
    """
    if loader.stateless != "no":
        return
    system = loader.domain.first(Os)
    firmware = system.firmware if system else None
    manual = not firmware and loader.type != "pflash" and not _is_reworked(loader)
    if manual or firmware == "bios":
        yield problem(
            "attribute 'stateless' requires UEFI firmware with type='pflash'", loader, "@stateless"
        )


@rule(
    "os-nvram-bios",
    Os,
    since=FIRMWARE_CHOSEN_ALONE,
    bad=_OS.replace("efi", "bios").format("<nvram>/a</nvram>"),
    good=_MANUAL.format(f"{_FLASH}<nvram/>"),
    fix=Fix(without=("/domain/os/nvram",)),
)
def bios_has_no_variables(system: Os) -> Problems:
    """``<os firmware='bios'>`` cannot be combined with ``<nvram>``."""
    if system.firmware == "bios":
        later = libvirt_reads(system, FIRMWARE_PERSISTENT)
        for store in _stores(system):
            if not later and not (len(store.node) or store.node.text or store.node.attrib):
                continue  # as good as absent
            yield problem(
                "firmware='bios' cannot be combined with <nvram>; remove <nvram>, or "
                "use firmware='efi'",
                store,
            )


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
)
def secure_needs_q35(loader: Loader) -> Problems:
    """``<loader secure='yes'>`` requires a q35 machine type and an x86_64 guest."""
    if loader.secure != "yes" or loader.holds(SECURE_MACHINE):
        return
    message, fix = "secure='yes' of <loader> is for x86_64 guests only; remove it", _NOT_SECURE
    if loader.holds(arch("x86_64")):
        message = (
            "secure='yes' of <loader> requires machine='q35'; use that, or remove secure='yes'"
        )
        fix = SECURE_BOARD
    why = SECURE_MACHINE.explain(loader.domain.world)
    yield problem(message, loader, "@secure", reason=why, fix=fix)


@rule(
    "os-loader-secure-without-smm",
    Loader,
    bad=Sample(
        _MANUAL.format("<loader type='pflash' secure='yes'>/a/code.fd</loader>"), machine="q35"
    ),
    good=_MANUAL.format(_FLASH),
    fix=SMM_ON,
)
def secure_needs_smm(loader: Loader) -> Problems:
    """``<loader secure='yes'>`` with the path of an image requires ``<smm state='on'/>``.

    Libvirt enables SMM by itself only if a firmware descriptor of the image requires it.
    """
    if loader.secure != "yes" or _automatic(loader) or not loader.holds(SECURE_MACHINE):
        return
    if wish_of(loader.domain).smm == "on":
        return
    found = chosen(loader.domain)
    if found is None or not found.has("requires-smm"):
        yield problem("secure='yes' requires <smm state='on'/> in <features>", loader, "@secure")


@rule(
    "os-firmware-without-acpi",
    Os,
    bad="<os><type>hvm</type><loader type='pflash'>/a/code.fd</loader></os>",
    good=_MANUAL.format(_FLASH),
    fix=Fix(add="<features><acpi/></features>"),
)
def uefi_needs_acpi(system: Os) -> Problems:
    """UEFI firmware for x86 requires ``<acpi/>`` in ``<features>``."""
    loader = system.domain.first(Loader)
    flash = loader is not None and loader.type == "pflash"
    if system.firmware != "efi" and not flash:
        return
    if system.holds(X86) and system.domain.root.find("features/acpi") is None:
        yield problem(
            "UEFI firmware for x86 requires <acpi/> in <features>; add it",
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
    """``<nvram>`` with the attribute ``type`` needs a ``<source>``."""
    if nvram.raw("type") is not None and not nvram.has("source"):
        message = (
            "<nvram> with a type needs a <source>, such as "
            "<source file='/var/lib/libvirt/qemu/nvram/guest.fd'/>"
        )
        yield problem(message, nvram)


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
    """``<source>`` of ``<nvram>`` cannot have ``<reservations>``.

    ``<slices>`` requires ``<nvram type='block'>``, and a slice that starts at offset 0.
    """
    if nvram.raw("type") is None:
        return
    if nvram.has("source/reservations"):
        yield problem(
            "<nvram> cannot have <reservations>; remove them", nvram, "source/reservations"
        )
    part = nvram.find("source/slices/slice[@type='storage']")
    if part is None:
        return
    if not libvirt_reads(nvram, NVRAM_SLICES):
        yield problem(
            "this libvirt version does not support slices in <nvram>", nvram, "source/slices"
        )
    elif nvram.type != "block":
        yield problem("a slice in <nvram> requires type='block'", nvram, "source/slices")
    elif part.get("offset", "0").strip("+0 "):
        yield problem("a slice in <nvram> must start at offset 0", part, "@offset")


@rule(
    "os-nvram-format-missing",
    Nvram,
    bad=_MANUAL.format("<loader type='pflash'>/a/code.fd</loader><nvram>/a/vars.fd</nvram>"),
    good=_MANUAL.format(f"{_FLASH}<nvram>/a/vars.fd</nvram>"),
    stage=Stage.START,
    since=FIRMWARE_PERSISTENT,
)
def store_has_a_format(nvram: Nvram) -> Problems:
    """``<nvram>`` needs a path and a ``format``, unless ``<loader>`` has ``readonly='yes'``.

    Images that libvirt knows, by itself or from a firmware descriptor, are read-only by default.
    """
    loader = nvram.domain.first(Loader)
    if loader is None or _automatic(nvram) or loader.type != "pflash" or loader.readonly == "yes":
        return
    told = nvram.format in {"raw", "qcow2"} and bool(nvram.image or nvram.type)
    if told or is_default_image(wish_of(nvram.domain)) or chosen(nvram.domain) is not None:
        return
    yield problem(
        "<nvram> needs a path and a format; write them, or set readonly='yes' in <loader>", nvram
    )


@rule(
    "os-varstore-conflict",
    Varstore,
    bad=_MANUAL.format(f"{_FLASH}<varstore/>"),
    good=_MANUAL.format(_FLASH),
)
def one_store(varstore: Varstore) -> Problems:
    """``<varstore>`` cannot be combined with ``<nvram>``, or with firmware in flash memory."""
    if not _is_reworked(varstore):
        return
    loader = varstore.domain.first(Loader)
    if varstore.domain.first(Nvram) is not None:
        yield problem("<varstore> cannot be combined with <nvram>; remove one of them", varstore)
    elif loader is not None and loader.type == "pflash" and not _automatic(varstore):
        yield problem(
            "<varstore> cannot be combined with firmware of type='pflash', which "
            "uses <nvram>; remove one of them",
            varstore,
        )


@rule(
    "os-varstore-unsupported",
    Varstore,
    bad=Sample("<os><type>hvm</type><varstore/></os>", arch="s390x"),
    good=_MANUAL.format(_FLASH),
)
def store_needs_its_device(varstore: Varstore) -> Problems:
    """``<varstore>`` requires QEMU 10.0 or later with the device ``uefi-vars``."""
    world = varstore.domain.world
    if _is_reworked(varstore) and world.truth(UEFI_VARIABLES) is Truth.NO:
        why = UEFI_VARIABLES.explain(world)
        yield problem("this QEMU does not support <varstore>; use <nvram>", varstore, reason=why)
