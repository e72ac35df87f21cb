"""Which firmware a host offers, and what follows from it for one machine type.

`FirmwareIndex` takes the descriptor files as they were read and works out which of them count.
`FirmwareSummary` is what a report says about firmware; every value comes with the descriptors
that gave it. libvirt 12.8 was watched, with one descriptor after another, to find the rules:

- A descriptor counts where one of its targets suits architecture and canonical machine type, and
  its firmware is mapped into flash or memory.
- Its interface types make the values of the ``firmware`` enum, ``uefi`` being called ``efi``.
- Its image is a loader value if that file exists. Where no descriptor gives an image at all, the
  images of `DEFAULT_IMAGES` take their place, whatever the architecture.
- ``requires-smm``, and not ``secure-boot``, makes a secure loader possible.
- For each of the two features secure boot and enrolled keys, "yes" needs a descriptor that has
  it, "no" one that has not. The interface types do not matter for that.
- A variable store needs a descriptor with a template for the uefi-vars device.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from domcaps.facts.descriptors import LIMIT, effective
from domcaps.facts.firmwarefile import (
    DEFAULT_IMAGES,
    Firmware,
    MalformedFirmware,
    parse_firmware,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.facts.host_parts import FirmwareDescriptor
    from domcaps.facts.host_record import HostRecord

_DOMAIN_NAMES = {"bios": "bios", "uefi": "efi"}
"""Interface types that a domain can ask for, in the order of a report, and its names for them."""


class Offer(msgspec.Struct, frozen=True):
    """A value, and the paths of the descriptors that offer it; none for a default image."""

    value: str
    descriptors: tuple[str, ...] = ()


class InvalidDescriptor(msgspec.Struct, frozen=True):
    """A descriptor that offers nothing, and why."""

    path: str
    reason: str


class FirmwareSummary(msgspec.Struct, frozen=True):
    """What the firmware of a host offers to one machine type.

    `firmwares` are the descriptors that count, the preferred first. `interfaces`, `images`,
    `secure_boot` and `enrolled_keys` are values in the order of a report, each with the
    descriptors that give it. `missing_images` are named but do not exist. `uses_defaults` tells
    that no descriptor gives an image. `secure_loader` and `varstore` are the descriptors that
    allow these two. `kernels` is firmware that is started like a Linux kernel: libvirt 11.3 still
    counted its interfaces and ``requires-smm``, 12.8 knows it no longer.
    """

    firmwares: tuple[Firmware, ...]
    interfaces: tuple[Offer, ...]
    images: tuple[Offer, ...]
    missing_images: tuple[Offer, ...]
    uses_defaults: bool
    secure_loader: tuple[str, ...]
    secure_boot: tuple[Offer, ...]
    enrolled_keys: tuple[Offer, ...]
    varstore: tuple[str, ...]
    kernels: tuple[Firmware, ...]

    @property
    def bios(self) -> bool:
        """Tell whether a descriptor offers BIOS firmware."""
        return "bios" in _values(self.interfaces)

    @property
    def efi(self) -> bool:
        """Tell whether a descriptor offers UEFI firmware."""
        return "efi" in _values(self.interfaces)

    @property
    def loaders(self) -> tuple[str, ...]:
        """Give the images that exist, for the values of ``<loader>``."""
        return _values(self.images)

    @property
    def secure_boot_values(self) -> tuple[str, ...]:
        """Give what is available of secure boot: ``yes``, ``no``, both or nothing."""
        return _values(self.secure_boot)

    @property
    def enrolled_keys_values(self) -> tuple[str, ...]:
        """Give what is available of enrolled keys: ``yes``, ``no``, both or nothing."""
        return _values(self.enrolled_keys)


class FirmwareIndex:
    """The descriptors of a host, parsed once; summaries are remembered.

    `images` are the files that exist among those that descriptors name and the default ones.
    """

    def __init__(self, descriptors: Iterable[FirmwareDescriptor], images: Iterable[str]) -> None:
        self._descriptors = tuple(descriptors)
        self._images = frozenset(images)
        self._summaries: dict[tuple[str, str], FirmwareSummary] = {}

    @cached_property
    def _parsed(self) -> tuple[tuple[Firmware, ...], tuple[InvalidDescriptor, ...]]:
        good: list[Firmware] = []
        bad = [_invalid(found, found.failure) for found in self._descriptors if not found.masks]
        for descriptor in effective(self._descriptors)[0]:
            if descriptor.failure:
                bad.append(_invalid(descriptor, descriptor.failure))
                continue
            if len(descriptor.text) > LIMIT:
                # no host reads such a file; a recording can hold one all the same
                bad.append(_invalid(descriptor, f"larger than {LIMIT >> 20} MiB"))
                continue
            try:
                good.append(parse_firmware(_path(descriptor), descriptor.text))
            except MalformedFirmware as reason:
                bad.append(_invalid(descriptor, str(reason)))
        return tuple(good), tuple(bad)

    @property
    def firmwares(self) -> tuple[Firmware, ...]:
        """Give all usable descriptors, the preferred first."""
        return self._parsed[0]

    @property
    def invalid(self) -> tuple[InvalidDescriptor, ...]:
        """Give the files that were skipped, and why."""
        return self._parsed[1]

    @cached_property
    def masked(self) -> tuple[str, ...]:
        """Give the files that are hidden by others of their name, or do nothing but hide."""
        return tuple(_path(found) for found in effective(self._descriptors)[1])

    def exists(self, image: str) -> bool:
        """Tell whether an image is there."""
        return image in self._images

    def summary(self, arch: str, machine: str) -> FirmwareSummary:
        """Sum up what is offered to a canonical machine type of an architecture."""
        key = (arch, machine)
        if key not in self._summaries:
            self._summaries[key] = self._summarize(arch, machine)
        return self._summaries[key]

    def _summarize(self, arch: str, machine: str) -> FirmwareSummary:
        suitable = [found for found in self.firmwares if found.suits(arch, machine)]
        counting = tuple(found for found in suitable if found.is_loader)
        named = _offers((found.image, found) for found in counting)
        images = named or tuple(Offer(image) for image, _ in DEFAULT_IMAGES)
        return FirmwareSummary(
            firmwares=counting,
            interfaces=_interfaces(counting),
            images=tuple(offer for offer in images if self.exists(offer.value)),
            missing_images=tuple(offer for offer in images if not self.exists(offer.value)),
            uses_defaults=not named,
            secure_loader=_paths(found for found in counting if found.has("requires-smm")),
            secure_boot=_yes_or_no(counting, "secure-boot"),
            enrolled_keys=_yes_or_no(counting, "enrolled-keys"),
            varstore=_paths(found for found in counting if found.mapping.uefi_vars),
            kernels=tuple(found for found in suitable if found.mapping.device == "kernel"),
        )


def firmware_for(host: HostRecord, arch: str, machine: str) -> FirmwareSummary:
    """Sum up what a host's firmware offers to a canonical machine type of an architecture."""
    return FirmwareIndex(host.firmware, host.images).summary(arch, machine)


def _values(offers: tuple[Offer, ...]) -> tuple[str, ...]:
    return tuple(offer.value for offer in offers)


def _path(descriptor: FirmwareDescriptor) -> str:
    return f"{descriptor.directory}/{descriptor.name}" if descriptor.name else descriptor.directory


def _invalid(descriptor: FirmwareDescriptor, reason: str) -> InvalidDescriptor:
    return InvalidDescriptor(_path(descriptor), reason)


def _paths(firmwares: Iterable[Firmware]) -> tuple[str, ...]:
    return tuple(found.path for found in firmwares)


def _offers(pairs: Iterable[tuple[str, Firmware]]) -> tuple[Offer, ...]:
    """Gather the descriptors of each value; values stay in the order of their first one."""
    gathered: dict[str, list[str]] = {}
    for value, found in pairs:
        gathered.setdefault(value, []).append(found.path)
    return tuple(Offer(value, tuple(paths)) for value, paths in gathered.items())


def _interfaces(firmwares: tuple[Firmware, ...]) -> tuple[Offer, ...]:
    offers = (
        Offer(name, _paths(found for found in firmwares if interface in found.interface_types))
        for interface, name in _DOMAIN_NAMES.items()
    )
    return tuple(offer for offer in offers if offer.descriptors)


def _yes_or_no(firmwares: tuple[Firmware, ...], feature: str) -> tuple[Offer, ...]:
    offers = (
        Offer("yes", _paths(found for found in firmwares if found.has(feature))),
        Offer("no", _paths(found for found in firmwares if not found.has(feature))),
    )
    return tuple(offer for offer in offers if offer.descriptors)
