"""``<os>``: firmware, and how it is loaded.

::

    <os firmware='efi'>
      <type arch='x86_64' machine='q35'>hvm</type>
      <firmware>
        <feature enabled='yes' name='secure-boot'/>
      </firmware>
      <loader readonly='yes' secure='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
    </os>

Which firmware there is comes from the descriptors of the host, of which those count that name the
guest's architecture and machine type (see `domcaps.facts.firmware`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements import remedies
from domcaps.elements.machines import X86
from domcaps.elements.quantities import OrEmpty
from domcaps.language import Choice, Element, Enum, Place, Values, World
from domcaps.language.kinds import YES_NO, Int, OneOf
from domcaps.language.observed import WorldFact, device
from domcaps.language.part import Part, field
from domcaps.language.preference import (
    NEEDS_EFI,
    STARTS_BY_BIOS,
    STARTS_BY_EFI,
    Decision,
    Option,
    both,
    family,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.facts.firmware import FirmwareSummary
    from domcaps.language.predicate import Predicate


def firmware(world: World) -> FirmwareSummary:
    """Give what the host's firmware offers to a guest of that kind."""
    return world.host.firmware_for(world.target.arch, world.target.machine)


def _some(text: str, look: Callable[[FirmwareSummary], bool], *, bios: bool = False) -> Predicate:
    def holds(world: World) -> bool:
        return look(firmware(world))

    return WorldFact(
        text,
        "firmware descriptors",
        holds,
        _descriptors,
        advice=remedies.firmware(holds, bios=bios),
    )


def _descriptors(world: World) -> str:
    """Name those that count for a guest of that kind."""
    return ", ".join(f.path for f in firmware(world).firmwares) or "none for such a guest"


_BIOS = _some("a descriptor offers BIOS firmware", lambda f: f.bios, bios=True)
_EFI = _some("a descriptor offers UEFI firmware", lambda f: f.efi)
_SMM = _some("UEFI firmware is protected by SMM", lambda f: bool(f.secure_loader))

# Firmware that is started like a Linux kernel: 11.3 counts it, 12.8 no longer knows it. 12.0
# reworked the choice of firmware; that it was this release is not proven.
_KERNELS_UNTIL = "12.0"


def _kernel(interface: str) -> Predicate:
    return _some(
        f"a descriptor offers {interface} firmware that is started like a kernel",
        lambda f: any(interface in kernel.interface_types for kernel in f.kernels),
    )


_KERNEL_SMM = _some(
    "firmware that is started like a kernel is protected by SMM",
    lambda f: any("requires-smm" in kernel.features for kernel in f.kernels),
)

FIRMWARE = Enum(
    "firmware",
    attribute="@firmware",
    choices=(
        # as good as nothing
        Choice("", listed=False),
        Choice("bios", _BIOS | _kernel("bios"), until=_KERNELS_UNTIL),
        Choice("bios", _BIOS, since=_KERNELS_UNTIL),
        Choice("efi", _EFI | _kernel("uefi"), until=_KERNELS_UNTIL),
        Choice("efi", _EFI, since=_KERNELS_UNTIL),
    ),
)

_FEATURE_SAMPLE = (
    "<os firmware='efi'><firmware><feature name='NAME' enabled='{value}'/></firmware></os>"
)

SECURE_BOOT = Enum(
    "secureBoot",
    attribute="firmware/feature[@name='secure-boot']/@enabled",
    choices=(
        Choice(
            "yes",
            _some("UEFI firmware can do secure boot", lambda f: "yes" in f.secure_boot_values),
        ),
        Choice(
            "no",
            _some("UEFI firmware can do without", lambda f: "no" in f.secure_boot_values),
        ),
    ),
    sample=_FEATURE_SAMPLE.replace("NAME", "secure-boot"),
)

ENROLLED_KEYS = Enum(
    "enrolledKeys",
    attribute="firmware/feature[@name='enrolled-keys']/@enabled",
    choices=(
        Choice(
            "yes",
            _some("UEFI firmware comes with keys", lambda f: "yes" in f.enrolled_keys_values),
        ),
        Choice(
            "no",
            _some("UEFI firmware comes without keys", lambda f: "no" in f.enrolled_keys_values),
        ),
    ),
    sample=_FEATURE_SAMPLE.replace("NAME", "enrolled-keys"),
)

_FEATURES = (
    "<os firmware='efi'><firmware><feature enabled='yes' name='enrolled-keys'/>"
    "<feature enabled='yes' name='secure-boot'/></firmware></os>"
)

_WITHOUT = "<os firmware='efi'><firmware><feature enabled='no' name='secure-boot'/></firmware></os>"

PREFERENCE = Decision(
    "os.firmware",
    FIRMWARE,
    order=30,
    title="the firmware",
    xml="<os firmware='{value}'/>",
    options=(
        Option("efi", "the guest starts from nothing else", guest=NEEDS_EFI),
        Option("", "BIOS starts what has no other wish", when=X86, guest=STARTS_BY_BIOS),
        Option("efi", "it is what boards without BIOS start from", guest=STARTS_BY_EFI),
        Option("", "what the board has itself", when=~X86),
        Option("", "there is no UEFI", guest=STARTS_BY_BIOS),
    ),
)

SECURE_BOOT_PREFERENCE = Decision(
    "os.secureBoot",
    SECURE_BOOT,
    order=31,
    title="secure boot",
    options=(
        Option(
            "yes",
            "the guest expects it",
            guest=both(NEEDS_EFI, family("windows")),
            given=(("os.firmware", ("efi",)),),
            xml=_FEATURES,
        ),
        Option("", "nothing asks for it"),
        Option("yes", "wanted", given=(("os.firmware", ("efi",)),), xml=_FEATURES),
        Option("no", "wanted", given=(("os.firmware", ("efi",)),), xml=_WITHOUT),
    ),
)

FIRMWARE_FEATURES = Element("firmwareFeatures", since="12.1", content=(SECURE_BOOT, ENROLLED_KEYS))


def _loaders(world: World) -> tuple[str, ...]:
    asserted = world.host.asserted.get("os.loader")
    return firmware(world).loaders if asserted is None else asserted


LOADER = Element(
    "loader",
    content=(
        Values("loader", _loaders),
        Enum(
            "type",
            attribute="@type",
            choices=(Choice("rom"), Choice("pflash")),
            sample="<os><loader type='{value}' readonly='yes'>/a</loader></os>",
        ),
        Enum(
            "readonly",
            attribute="@readonly",
            choices=(Choice("yes"), Choice("no")),
            sample="<os><loader type='rom' readonly='{value}'>/a</loader></os>",
        ),
        Enum(
            "secure",
            attribute="@secure",
            choices=(
                Choice("yes", _SMM | _KERNEL_SMM, until=_KERNELS_UNTIL),
                Choice("yes", _SMM, since=_KERNELS_UNTIL),
                Choice("no", sample="<os><loader type='rom' secure='no'>/a</loader></os>"),
            ),
            # of the host's firmware: an image of one's own may be what the host does not have
            sample="<os firmware='efi'><loader secure='{value}'/></os>",
        ),
    ),
)

VARSTORE = Element(
    "varstore",
    since="12.1",
    supported=device("uefi-vars-x64", "uefi-vars-sysbus")
    & _some("a descriptor offers a template of a variable store", lambda f: bool(f.varstore)),
)

ELEMENT = Element(
    "os",
    place=Place.TOP,
    order=30,
    content=(FIRMWARE, FIRMWARE_FEATURES, LOADER, VARSTORE),
)

FORMAT = OrEmpty(OneOf(("raw", "qcow2", "none")))
"""Block formats of flash images."""


class Os(Part):
    """How the guest boots."""

    path = "os"
    knows = (
        "type/@arch",
        "type/@machine",
        "initrd",
        "cmdline",
        "dtb",
        "root",
        "shim",
        "bios/@useserial",
        "bootmenu/@timeout",
        "smbios",
        "acpi",
    )

    type = field("type", OneOf(("hvm",)), required=True)
    firmware = field("@firmware", choice=FIRMWARE)
    kernel = field("kernel")
    bootmenu = field("bootmenu/@enable", YES_NO)
    reboot_timeout = field("bios/@rebootTimeout", Int(-1, 65535))
    smbios = field("smbios/@mode", OrEmpty(OneOf(("none", "emulate", "host", "sysinfo"))))


class FirmwareFeature(Part):
    """Something that is wanted, or not wanted, of the firmware that is looked for."""

    path = "os/firmware/feature"

    name = field("@name", OneOf(("enrolled-keys", "secure-boot")), required=True)
    enabled = field("@enabled", YES_NO, required=True)


class Loader(Part):
    """The firmware itself."""

    path = "os/loader"

    image = field("")
    readonly = field("@readonly", YES_NO)
    type = field("@type", OneOf(("rom", "pflash")))
    secure = field("@secure", YES_NO)
    stateless = field("@stateless", YES_NO)
    format = field("@format", FORMAT)


class Nvram(Part):
    """Where flash firmware keeps its variables."""

    path = "os/nvram"

    image = field("")
    template = field("@template")
    template_format = field("@templateFormat", FORMAT)
    format = field("@format", FORMAT)
    type = field("@type", OneOf(("file", "block", "network")))


class Varstore(Part):
    """Where QEMU's device for UEFI variables keeps them."""

    path = "os/varstore"

    image = field("@path")
    template = field("@template")


class Boot(Part):
    """A kind of device to boot from."""

    path = "os/boot"

    dev = field("@dev", OneOf(("fd", "cdrom", "hd", "network")), required=True)
