"""Which firmware a domain gets: the descriptors of the host that fit what it asks for.

::

    <os firmware='efi'>
      <firmware>
        <feature enabled='yes' name='secure-boot'/>
      </firmware>
      <loader readonly='yes' type='pflash' format='raw'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
      <nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'/>
    </os>

libvirt takes the first descriptor that fits in every respect. One is looked for as well where the
domain names the flash image itself: what the descriptor says is added to the definition then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from domcaps.elements.boards.defaults import FEATURE_STATE
from domcaps.elements.boot.os import Loader, Nvram, Os, Varstore
from domcaps.facts.firmwarefile import DEFAULT_IMAGES
from domcaps.language.changes.boot import (
    FIRMWARE_CHOSEN_ALONE,
    FIRMWARE_FEATURES_READ,
    FIRMWARE_PERSISTENT,
    FIRMWARE_REWORKED,
)
from domcaps.language.struct import Struct

if TYPE_CHECKING:
    from domcaps.facts.firmwarefile import Firmware, FirmwareMapping
    from domcaps.language.domain import Domain

ANY = "any"
"""The interface that an image in memory is looked for by."""
_INTERFACES = {"efi": "uefi", "bios": "bios", "pflash": "uefi", "rom": "bios"}
FORMATS = ("raw", "qcow2")
"""Formats of flash images that libvirt uses."""
_SEV_ES = 1 << 2
"""The bit of an SEV policy that asks for encrypted registers."""


class FirmwareWish(Struct, frozen=True):
    """What a domain asks of its firmware; "" stands for no wish."""

    interface: str = ""
    image: str = ""
    kind: str = ""
    readonly: str = ""
    secure: str = ""
    stateless: str = ""
    format: str = ""
    nvram: bool = False
    template: str | None = None
    template_format: str = ""
    varstore: bool = False
    kernel: str = ""
    smm: str = ""
    features: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ()
    reworked: bool = False
    at_start: bool = False


def wish_of(domain: Domain) -> FirmwareWish:
    """Gather it from all over the definition."""
    system, loader, nvram = domain.first(Os), domain.first(Loader), domain.first(Nvram)
    reworked = domain.world.target.dialect.has(FIRMWARE_REWORKED)
    if not domain.world.target.dialect.has(FIRMWARE_CHOSEN_ALONE) and system and system.firmware:
        return _sole_wish(domain, system, loader)
    kind = (loader.type if loader else None) or ""
    varstore = reworked and domain.first(Varstore) is not None
    return FirmwareWish(
        interface=ANY
        if reworked and _is_in_memory(system, loader, varstore=varstore)
        else _INTERFACES.get((system and system.firmware) or kind, ""),
        image=(loader and loader.image) or "",
        kind=kind,
        readonly=(loader and loader.readonly) or "",
        secure=(loader and loader.secure) or "",
        stateless=(loader and loader.stateless) or "",
        format=_format(domain, loader, nvram, reworked=reworked),
        nvram=nvram is not None,
        template=nvram.template if nvram else None,
        template_format=_known(nvram.template_format if nvram and reworked else ""),
        varstore=varstore,
        kernel=(system and system.kernel) or "",
        smm=_smm(domain),
        features=_features(domain),
        needs=_needs(domain),
        reworked=reworked,
        at_start=not domain.world.target.dialect.has(FIRMWARE_PERSISTENT),
    )


def _is_in_memory(system: Os | None, loader: Loader | None, *, varstore: bool) -> bool:
    """Tell whether the domain itself names an image that is loaded into memory."""
    if loader is None or not loader.image or (system and system.firmware):
        return False
    return loader.type == "rom" or (varstore and not loader.type)


def _sole_wish(domain: Domain, system: Os, loader: Loader | None) -> FirmwareWish:
    """Gather what older libvirt chooses by: nothing that is said of images, but ``secure``."""
    return FirmwareWish(
        interface=_INTERFACES.get(system.firmware or "", ""),
        secure=(loader and loader.secure) or "",
        format="raw",
        smm=_smm(domain),
        features=_features(domain),
        needs=_needs(domain),
        at_start=True,
    )


def _known(form: str | None) -> str:
    return form if form and form != "none" else ""


def _format(domain: Domain, loader: Loader | None, nvram: Nvram | None, *, reworked: bool) -> str:
    """Give the wanted format: where the loader says nothing, that of the variables."""
    if not domain.world.target.dialect.has(FIRMWARE_PERSISTENT):
        return "raw"
    said = _known(loader.format) if loader else ""
    silent = loader is None or (reworked and not _names_more(loader))
    if not said and silent and nvram is not None:
        said = _known(nvram.format)
    system = domain.first(Os)
    automatic = bool(system and system.firmware)
    # firmware that was picked before there were formats can only have been raw
    return said or ("raw" if automatic and not domain.new else "")


def _names_more(loader: Loader) -> bool:
    given = (loader.image, loader.readonly, loader.type, loader.secure, loader.stateless)
    return any(given) or bool(_known(loader.format))


def _smm(domain: Domain) -> str:
    node = domain.root.find("features/smm")
    return "" if node is None else node.get("state", FEATURE_STATE)


def _features(domain: Domain) -> tuple[tuple[str, str], ...]:
    wanted: dict[str, str] = {}
    if not domain.world.target.dialect.has(FIRMWARE_FEATURES_READ):
        return ()
    for node in domain.root.findall("os/firmware/feature"):
        wanted[node.get("name", "")] = node.get("enabled", "")
    return tuple(wanted.items())


def _needs(domain: Domain) -> tuple[str, ...]:
    """Name the features that a descriptor must have for what else the domain uses."""
    needs = [
        feature
        for tag, feature in (("suspend-to-mem", "acpi-s3"), ("suspend-to-disk", "acpi-s4"))
        if (node := domain.root.find(f"pm/{tag}")) is not None and node.get("enabled") == "yes"
    ]
    security = domain.root.find("launchSecurity")
    if security is not None:
        needs += _security_needs(security.get("type", ""), security.findtext("policy") or "")
    return tuple(needs)


def _security_needs(kind: str, policy: str) -> list[str]:
    if kind == "sev-snp":
        return ["amd-sev-snp"]
    if kind == "tdx":
        return ["intel-tdx"]
    if kind != "sev":
        return []
    try:
        encrypted = int(policy, 16) & _SEV_ES
    except ValueError:
        encrypted = 0
    return ["amd-sev", "amd-sev-es"] if encrypted else ["amd-sev"]


def chosen(domain: Domain) -> Firmware | None:
    """Give the descriptor that the domain gets, None where none fits."""
    return _first_that_fits(domain, wish_of(domain))


def chosen_without_smm(domain: Domain) -> Firmware | None:
    """Give the descriptor that the domain would get with ``<smm state='off'/>``."""
    return _first_that_fits(domain, structs.replace(wish_of(domain), smm="off"))


def chosen_with_smm(domain: Domain, machine: str) -> Firmware | None:
    """Give the descriptor that the domain would get on a board with ``<smm state='on'/>``."""
    return _first_that_fits(domain, structs.replace(wish_of(domain), smm="on"), machine)


def _first_that_fits(domain: Domain, wish: FirmwareWish, machine: str = "") -> Firmware | None:
    system = domain.first(Os)
    if wish.at_start and not (system and system.firmware):
        return None
    arch, machine = domain.arch, machine or domain.machine
    for firmware in domain.world.host.firmware.firmwares:
        if firmware.suits(arch, machine) and fits(firmware, wish):
            return firmware
    return None


def uses_smm(domain: Domain) -> bool:
    """Tell whether System Management Mode is switched on, by a wish or for the firmware."""
    if wish_of(domain).smm == "on":
        return True
    found = chosen(domain)
    return found is not None and found.has("requires-smm")


def is_default_image(wish: FirmwareWish) -> bool:
    """Tell whether libvirt knows the image without a descriptor."""
    if wish.kind != "pflash" or wish.readonly == "no" or wish.stateless == "yes":
        return False
    return wish.format in {"", "raw"} and any(wish.image == image for image, _ in DEFAULT_IMAGES)


def fits(firmware: Firmware, wish: FirmwareWish) -> bool:
    """Tell whether a descriptor is all that is wished for, whatever the machine."""
    if wish.interface not in {ANY, *firmware.interface_types}:
        return False
    return _has_features(firmware, wish) and _maps(firmware.mapping, wish)


def _has_features(firmware: Firmware, wish: FirmwareWish) -> bool:
    if not all(firmware.has(feature) for feature in wish.needs):
        return False
    for name, enabled in wish.features:
        if enabled in {"yes", "no"} and firmware.has(name) != (enabled == "yes"):
            return False
    if firmware.has("requires-smm"):
        # once SMM was looked at only after the choice
        return wish.at_start or (wish.smm != "off" and wish.secure != "no")
    return wish.secure != "yes"


def _maps(mapping: FirmwareMapping, wish: FirmwareWish) -> bool:
    if mapping.device == "flash":
        return _is_flash(mapping, wish)
    if mapping.device == "memory":
        return _is_memory(mapping, wish)
    image = mapping.executable.filename
    return mapping.device == "kernel" and not wish.reworked and wish.kernel in {"", image}


def _is_flash(mapping: FirmwareMapping, wish: FirmwareWish) -> bool:
    wanted_mode = "stateless" if wish.stateless == "yes" else "split"
    return (
        wish.image in {"", mapping.executable.filename}
        and wish.kind in {"", "pflash"}
        and mapping.mode == wanted_mode
        and wish.readonly != "no"
        and not wish.varstore
        and mapping.executable.format in FORMATS
        and wish.format in {"", mapping.executable.format}
        and _has_template(mapping, wish)
    )


def _has_template(mapping: FirmwareMapping, wish: FirmwareWish) -> bool:
    if mapping.template is None:
        return not wish.template
    template = mapping.template
    return (
        template.format in FORMATS
        and wish.template in {None, template.filename}
        and wish.template_format in {"", template.format}
    )


def _is_memory(mapping: FirmwareMapping, wish: FirmwareWish) -> bool:
    if wish.reworked and (wish.nvram or (wish.varstore and not mapping.uefi_vars)):
        return False
    return (
        wish.image in {"", mapping.executable.filename}
        and wish.kind in {"", "rom"}
        and wish.readonly != "no"
    )
