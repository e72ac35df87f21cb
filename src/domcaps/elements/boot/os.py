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

from domcaps.elements.advice import remedies
from domcaps.elements.advice.drifts import NO_SMM, SMM_IS_REFUSED
from domcaps.elements.boards.defaults import IMAGE_FORMAT
from domcaps.elements.boards.families import X86
from domcaps.elements.boot.flash_boards import NO_FLASH
from domcaps.elements.boot.os_command_line import (
    ROM,
    first_firmware,
    flash,
    loader_trials,
    varstore_args,
)
from domcaps.elements.storage.images import Image
from domcaps.language import Choice, Drift, Element, Enum, Place, Values, World
from domcaps.language.changes.boot import (
    BOOT_MENU_STRICT,
    FIRMWARE_CHOSEN_ALONE,
    FIRMWARE_FEATURES_READ,
    FIRMWARE_FEATURES_REPORTED,
    FIRMWARE_PERSISTENT,
    FIRMWARE_REWORKED,
    NVRAM_SOURCES,
    VARSTORE_REPORTED,
)
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.fix import Fix, Substitutes, set_value
from domcaps.language.lazy import cached_property
from domcaps.language.node_path import path_of
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
from domcaps.language.qemu_args import LIBVIRTS_OWN
from domcaps.language.quantities import OrEmpty
from domcaps.language.value_types import YES_NO, Int, OneOf

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.facts.firmware import FirmwareSummary
    from domcaps.language.predicate import Predicate
    from domcaps.language.qemu_args import Alternatives


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


def _kernel(interface: str) -> Predicate:
    return _some(
        f"a descriptor offers {interface.upper()} firmware that is loaded like a kernel",
        lambda f: any(interface in kernel.interface_types for kernel in f.kernels),
    )


_KERNEL_SMM = _some(
    "firmware that is loaded like a kernel is protected by SMM",
    lambda f: any("requires-smm" in kernel.features for kernel in f.kernels),
)

_MISSING_IMAGE = Drift(
    title="Firmware descriptors that name a missing image",
    says="values are taken from firmware descriptors, even if their image files are missing",
    but="if the first descriptor that fits names a missing image, the guest fails to start",
    evidence="verify with Debian 12's firmware for aarch64: enrolledKeys=no leads to "
    "AAVMF_CODE.secboot.fd, which its package does not have",
    where=_some("a descriptor names an image that is missing", lambda f: bool(f.missing_images)),
    found_by="os-loader-file-missing",
    instead="install the package that contains the image, or name another image in <loader>",
    targets="a firmware descriptor names an image that does not exist",
)
_FIRMWARE_DRIFT = (NO_SMM, _MISSING_IMAGE, NO_FLASH)
_DEFAULT_IMAGES = Drift(
    title="Firmware images that are listed for every architecture",
    says="without firmware descriptors, the installed x86 and ARM images are listed",
    but="they are listed for every architecture and machine type, and most cannot use them",
    evidence="verify with QEMU 7.2, 10.0 and 11.1: s390x and ppc64 have no flash memory, that of "
    "riscv64 and arm has another size, and QEMU for loongarch64 aborts",
    where=_some("no descriptor offers an image", lambda f: f.uses_defaults),
    found_by="os-loader-size-unsupported",
    instead="use an image for the guest's architecture, or install firmware that has descriptors",
    targets="hosts without firmware descriptors",
)


def _offering(interface: str) -> Callable[[World], Alternatives]:
    return first_firmware(lambda found: interface in found.interface_types)


def _featured(name: str, *, wanted: bool) -> Callable[[World], Alternatives]:
    return first_firmware(
        lambda found: "uefi" in found.interface_types and found.has(name) is wanted
    )


_PROTECTED = first_firmware(lambda found: found.has("requires-smm"))

FIRMWARE = Enum(
    "firmware",
    attribute="@firmware",
    choices=(
        # as good as nothing
        Choice("", listed=False, qemu_args=LIBVIRTS_OWN),
        Choice(
            "bios", _BIOS | _kernel("bios"), until=FIRMWARE_REWORKED, qemu_args=_offering("bios")
        ),
        Choice("bios", _BIOS, since=FIRMWARE_REWORKED, qemu_args=_offering("bios")),
        Choice("efi", _EFI | _kernel("uefi"), until=FIRMWARE_REWORKED, qemu_args=_offering("uefi")),
        Choice(
            "efi",
            _EFI,
            since=FIRMWARE_REWORKED,
            at_start=_FIRMWARE_DRIFT,
            qemu_args=_offering("uefi"),
        ),
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
            _some(
                "UEFI firmware with secure boot is installed",
                lambda f: "yes" in f.secure_boot_values,
            ),
            at_start=_FIRMWARE_DRIFT,
            qemu_args=_featured("secure-boot", wanted=True),
        ),
        Choice(
            "no",
            _some(
                "UEFI firmware without secure boot is installed",
                lambda f: "no" in f.secure_boot_values,
            ),
            at_start=_FIRMWARE_DRIFT,
            qemu_args=_featured("secure-boot", wanted=False),
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
            _some(
                "UEFI firmware with enrolled keys is installed",
                lambda f: "yes" in f.enrolled_keys_values,
            ),
            at_start=_FIRMWARE_DRIFT,
            qemu_args=_featured("enrolled-keys", wanted=True),
        ),
        Choice(
            "no",
            _some(
                "UEFI firmware without enrolled keys is installed",
                lambda f: "no" in f.enrolled_keys_values,
            ),
            at_start=_FIRMWARE_DRIFT,
            qemu_args=_featured("enrolled-keys", wanted=False),
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
        Option(
            "no",
            "firmware with secure boot would not start here",
            when=SMM_IS_REFUSED,
            given=(("os.firmware", ("efi",)),),
            xml=_WITHOUT,
        ),
        Option("yes", "wanted", given=(("os.firmware", ("efi",)),), xml=_FEATURES),
        Option("no", "wanted", given=(("os.firmware", ("efi",)),), xml=_WITHOUT),
    ),
)

FIRMWARE_FEATURES = Element(
    "firmwareFeatures",
    since=FIRMWARE_FEATURES_REPORTED,
    content=(SECURE_BOOT, ENROLLED_KEYS),
)


def _loaders(world: World) -> tuple[str, ...]:
    asserted = world.host.asserted.get("os.loader")
    return firmware(world).loaders if asserted is None else asserted


LOADER = Element(
    "loader",
    trials=lambda world: loader_trials(world, _loaders(world)),
    at_start=(_DEFAULT_IMAGES,),
    content=(
        Values("loader", _loaders),
        Enum(
            "type",
            attribute="@type",
            choices=(
                Choice("rom", qemu_args=ROM),
                Choice(
                    "pflash",
                    at_start=(NO_FLASH,),
                    qemu_args=flash(),
                    # libvirt makes a store of variables of the template that is named
                    sample="<os><loader type='pflash' readonly='yes'>/a</loader>"
                    "<nvram template='/b'/></os>",
                ),
            ),
            sample="<os><loader type='{value}' readonly='yes'>/a</loader></os>",
        ),
        Enum(
            "readonly",
            attribute="@readonly",
            choices=(
                Choice("yes"),
                # a ROM can't be written to
                Choice(
                    "no",
                    at_start=(NO_FLASH,),
                    sample="<os><loader type='pflash' readonly='no'>/a</loader></os>",
                ),
            ),
            sample="<os><loader type='rom' readonly='{value}'>/a</loader></os>",
            qemu_args=ROM,
        ),
        Enum(
            "secure",
            attribute="@secure",
            choices=(
                Choice(
                    "yes",
                    _SMM | _KERNEL_SMM,
                    until=FIRMWARE_REWORKED,
                    at_start=(NO_SMM,),
                    qemu_args=_PROTECTED,
                ),
                Choice(
                    "yes", _SMM, since=FIRMWARE_REWORKED, at_start=(NO_SMM,), qemu_args=_PROTECTED
                ),
                Choice(
                    "no",
                    sample="<os><loader type='rom' secure='no'>/a</loader></os>",
                    qemu_args=ROM,
                ),
            ),
            # of the host's firmware: an image of one's own may be what the host does not have
            sample="<os firmware='efi'><loader secure='{value}'/></os>",
        ),
    ),
)

VARSTORE = Element(
    "varstore",
    since=VARSTORE_REPORTED,
    supported=device("uefi-vars-x64", "uefi-vars-sysbus")
    & _some("a descriptor offers a template of a variable store", lambda f: bool(f.varstore)),
    qemu_args=varstore_args,
)

ELEMENT = Element(
    "os",
    place=Place.TOP,
    order=30,
    content=(FIRMWARE, FIRMWARE_FEATURES, LOADER, VARSTORE),
)

FORMAT = OneOf(("raw", "qcow2", "none"))
"""Block formats of flash images."""


ARCH_SUBSTITUTES = Substitutes(
    "os/type/@arch",
    order={"*": ()},
    slips={
        "amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "em64t": "x86_64",
        "i386": "i686", "i486": "i686", "i586": "i686", "x86": "i686", "ia32": "i686",
        "arm64": "aarch64", "armv8": "aarch64", "armv8l": "aarch64",
        "arm": "armv7l", "armhf": "armv7l", "armv7": "armv7l", "armel": "armv6l",
        "ppc64el": "ppc64le", "power": "ppc64le", "powerpc64": "ppc64", "powerpc64le": "ppc64le",
        "powerpc": "ppc", "s390": "s390x", "riscv": "riscv64", "loong64": "loongarch64",
        "loongarch": "loongarch64", "sparcv9": "sparc64",
    },
)  # fmt: skip
"""Names of Debian, Go, Windows and others for architectures; an architecture has no substitute."""


def _hvm(system: Part) -> tuple[Fix, ...]:
    """Give the only type of guest that QEMU runs."""
    return (set_value("hvm", f"{path_of(system.node)}/type"),)


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

    type = field("type", OneOf(("hvm",)), required=True, missing=_hvm)
    firmware = field("@firmware", choice=FIRMWARE, defined=FIRMWARE_PERSISTENT)
    kernel = field("kernel")
    bootmenu = field("bootmenu/@enable", YES_NO, strict=BOOT_MENU_STRICT)
    reboot_timeout = field(
        "bios/@rebootTimeout", Int(-1, 65535), strict=VALUES_STRICT, before=Int(-1, 65535, base=0)
    )
    smbios = field("smbios/@mode", OrEmpty(OneOf(("none", "emulate", "host", "sysinfo"))))


class FirmwareFeature(Part):
    """Something that is wanted, or not wanted, of the firmware that is looked for."""

    path = "os/firmware/feature"
    since = FIRMWARE_FEATURES_READ

    name = field("@name", OneOf(("enrolled-keys", "secure-boot")), required=True)
    enabled = field("@enabled", YES_NO, required=True)


class Loader(Part):
    """The firmware itself."""

    path = "os/loader"

    image = field("")
    readonly = field("@readonly", YES_NO)
    type = field("@type", OneOf(("rom", "pflash")))
    secure = field("@secure", YES_NO)
    stateless = field("@stateless", YES_NO, since=FIRMWARE_CHOSEN_ALONE)
    format = field("@format", FORMAT, since=FIRMWARE_PERSISTENT)


class Nvram(Part):
    """Where flash firmware keeps its variables."""

    path = "os/nvram"

    image = field("")
    template = field("@template")
    template_format = field("@templateFormat", FORMAT, since=FIRMWARE_PERSISTENT)
    format = field("@format", FORMAT, since=FIRMWARE_PERSISTENT)
    type = field("@type", OneOf(("file", "block", "network")), since=NVRAM_SOURCES)

    @cached_property
    def images(self) -> tuple[Image, ...]:
        """The image that its ``<source>`` describes, nothing where only a path is given."""
        source = self.find("source") if self.type else None
        if source is None:
            return ()
        return (Image(self.node, source, self.type or "", self.format or IMAGE_FORMAT),)


class Varstore(Part):
    """Where QEMU's device for UEFI variables keeps them."""

    path = "os/varstore"

    image = field("@path")
    template = field("@template")


class Boot(Part):
    """A kind of device to boot from."""

    path = "os/boot"

    dev = field("@dev", OneOf(("fd", "cdrom", "hd", "network")), required=True)
