"""One firmware descriptor: QEMU's ``docs/interop/firmware.json``, read from a file of any content.

`parse_firmware` either gives a `Firmware` or raises `MalformedFirmware` with the reason. It is as
strict as libvirt, no more and no less: a feature that it is unknown is ignored, an interface,
device or architecture that it is unknown makes the whole descriptor useless.
"""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from domcaps.facts.arch import ARCHITECTURES, from_qemu_target

INTERFACES = ("bios", "openfirmware", "uboot", "uefi")
"""Interface types that a firmware may offer to the guest's operating system."""

FLASH_MODES = ("split", "combined", "stateless")
"""How an image in flash memory keeps its variables; ``split`` where nothing is said."""

DEFAULT_IMAGES: tuple[tuple[str, str], ...] = (
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"),
    ("/usr/share/AAVMF/AAVMF32_CODE.fd", "/usr/share/AAVMF/AAVMF32_VARS.fd"),
)
"""Images with their variable templates that libvirt knows without any descriptor.

They were written down before there were descriptors, and still stand in where none gives an image
(`DEFAULT_LOADER_NVRAM` of libvirt's build; the ``nvram`` list of its qemu.conf replaces it).
"""


class MalformedFirmware(Exception):  # noqa: N818 - a reason on its way to the caller, not an error
    """A descriptor that offers nothing, with the reason as its text."""


class FirmwareFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that a descriptor names, and its block format where one is given."""

    filename: str
    format: str = ""


class FirmwareMapping(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the firmware gets into the machine.

    `device` is ``flash``, ``memory``, ``kernel`` or ``igvm``. `mode` is one of `FLASH_MODES` for
    flash, "" otherwise. `template` is the content that a new domain's variables start with:
    a flash image, or with `uefi_vars` a file for QEMU's uefi-vars device.
    """

    device: str
    executable: FirmwareFile
    mode: str = ""
    template: FirmwareFile | None = None
    uefi_vars: bool = False


class FirmwareTarget(msgspec.Struct, frozen=True):
    """Machine types, as patterns, of one architecture (libvirt's name of it)."""

    arch: str
    machines: tuple[str, ...]


class Firmware(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one descriptor says. `path` is the descriptor's own file."""

    path: str
    interface_types: tuple[str, ...]
    mapping: FirmwareMapping
    targets: tuple[FirmwareTarget, ...]
    features: tuple[str, ...]
    description: str = ""

    @property
    def is_loader(self) -> bool:
        """Tell whether a domain's ``<loader>`` could name the image."""
        return self.mapping.device in {"flash", "memory"}

    @property
    def image(self) -> str:
        """Give the file with the firmware itself."""
        return self.mapping.executable.filename

    @property
    def files(self) -> tuple[str, ...]:
        """Give every file that the descriptor needs."""
        template = self.mapping.template
        needed = (self.mapping.executable, *((template,) if template else ()))
        return tuple(file.filename for file in needed)

    def has(self, feature: str) -> bool:
        """Tell whether a feature is listed (``secure-boot``, ``requires-smm``, …)."""
        return feature in self.features

    def suits(self, arch: str, machine: str) -> bool:
        """Tell whether it runs on that architecture and canonical machine type."""
        return any(
            target.arch == arch and any(glob_matches(glob, machine) for glob in target.machines)
            for target in self.targets
        )


def glob_matches(pattern: str, text: str) -> bool:
    """Match with ``*`` and ``?`` only, in time proportional to the product of both lengths."""
    at = position = 0
    star, resume = -1, 0
    while position < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, position
            at += 1
        elif at < len(pattern) and pattern[at] in {"?", text[position]}:
            at += 1
            position += 1
        elif star >= 0:
            # let the last star take one character more
            resume += 1
            at, position = star + 1, resume
        else:
            return False
    return not pattern[at:].strip("*")


def parse_firmware(path: str, text: str) -> Firmware:
    """Read a descriptor; raises `MalformedFirmware`."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MalformedFirmware(f"not JSON: {error}") from None
    if not isinstance(document, dict):
        _refuse("not a JSON object")
    description = document.get("description")
    return Firmware(
        path=path,
        interface_types=tuple(_interface(item) for item in _list(document, "interface-types")),
        mapping=_mapping(document.get("mapping")),
        targets=tuple(_target(item) for item in _list(document, "targets")),
        features=tuple(item for item in _list(document, "features") if isinstance(item, str)),
        description=description if isinstance(description, str) else "",
    )


def _refuse(reason: str) -> NoReturn:
    raise MalformedFirmware(reason)


def _list(holder: dict[str, Any], key: str) -> list[Any]:
    found = holder.get(key)
    return found if isinstance(found, list) else _refuse(f"{key!r} is not a list")


def _string(holder: Any, key: str, where: str) -> str:
    if not isinstance(holder, dict):
        _refuse(f"{where!r} is not an object")
    found = holder.get(key)
    return found if isinstance(found, str) else _refuse(f"{key!r} of {where!r} is not a string")


def _interface(item: Any) -> str:
    if isinstance(item, str) and item in INTERFACES:
        return item
    _refuse(f"no interface type is called {_shown(item)}")


def _shown(item: Any) -> str:
    shown = repr(item)
    return shown if len(shown) <= 60 else f"{shown[:60]}…"


def _mapping(found: Any) -> FirmwareMapping:
    device = _string(found, "device", "mapping")
    if device == "flash":
        return _flash(found)
    if device == "memory":
        return _memory(found)
    if device in {"kernel", "igvm"}:
        return FirmwareMapping(device, FirmwareFile(_string(found, "filename", "mapping")))
    _refuse(f"no mapping has the device {_shown(device)}")


def _flash(found: dict[str, Any]) -> FirmwareMapping:
    mode = found.get("mode", "split")
    if mode not in FLASH_MODES:
        _refuse(f"no flash mode is called {_shown(mode)}")
    executable = _file(found, "executable")
    template = _file(found, "nvram-template") if mode == "split" else None
    return FirmwareMapping("flash", executable, mode, template)


def _file(holder: dict[str, Any], key: str) -> FirmwareFile:
    found = holder.get(key)
    return FirmwareFile(_string(found, "filename", key), _string(found, "format", key))


def _memory(found: dict[str, Any]) -> FirmwareMapping:
    executable = FirmwareFile(_string(found, "filename", "mapping"))
    if "uefi-vars" not in found:
        return FirmwareMapping("memory", executable)
    template = FirmwareFile(_string(found["uefi-vars"], "template", "uefi-vars"), "json")
    return FirmwareMapping("memory", executable, template=template, uefi_vars=True)


def _target(item: Any) -> FirmwareTarget:
    arch = from_qemu_target(_string(item, "architecture", "targets"))
    if arch not in ARCHITECTURES:
        _refuse(f"no architecture is called {_shown(arch)}")
    # a pattern that is no string matches nothing
    machines = tuple(glob for glob in _list(item, "machines") if isinstance(glob, str))
    return FirmwareTarget(arch, machines)
