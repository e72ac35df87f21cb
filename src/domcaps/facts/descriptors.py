"""The folders in which programs describe themselves to the program that starts QEMU.

QEMU's ``docs/interop/firmware.json`` and ``vhost-user.json`` lay down the same rules for both
kinds, ``firmware`` and ``vhost-user``: three folders, for the user, the administrator and the
distribution; a file hides those of the same name in less important folders, an empty one without
putting anything in its place; what remains is sorted by file name. Nothing is interpreted here.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from domcaps.facts.host_parts import FirmwareDescriptor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domcaps.facts.hostfiles import HostFiles

LIMIT = 1024 * 1024
"""A descriptor larger than this, in bytes, is not read."""


def folders(kind: str, *, privileged: bool, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Name the folders for descriptors of that kind, the most important first.

    A daemon that runs as root does not look into root's own configuration, and neither do we.
    """
    system = (f"/etc/qemu/{kind}", f"/usr/share/qemu/{kind}")
    if privileged:
        return system
    home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - never raises
    # set but empty is not the same as unset to libvirt: then there is no folder of the user
    config = environ.get("XDG_CONFIG_HOME", f"{home}/.config")
    return (f"{config}/qemu/{kind}", *system)


def read_descriptors(
    files: HostFiles, directories: Iterable[str]
) -> tuple[FirmwareDescriptor, ...]:
    """Read every file of these folders; what can't be read is noted with the reason."""
    return tuple(found for directory in directories for found in _read_folder(files, directory))


def effective(
    descriptors: Iterable[FirmwareDescriptor],
) -> tuple[tuple[FirmwareDescriptor, ...], tuple[FirmwareDescriptor, ...]]:
    """Part the descriptors into those that count, by file name, and those that are hidden.

    Files that hide others without offering anything themselves count as hidden too.
    """
    competing = [found for found in descriptors if found.masks]
    # the last one written wins, and that is to be the most important
    best = {found.name: found for found in reversed(competing)}
    shown = [best[name] for name in sorted(best) if not _is_empty(best[name])]
    hidden = [found for found in competing if best[found.name] is not found or _is_empty(found)]
    return tuple(shown), tuple(hidden)


def _is_empty(descriptor: FirmwareDescriptor) -> bool:
    return not descriptor.text and not descriptor.failure


def _read_folder(files: HostFiles, directory: str) -> Iterable[FirmwareDescriptor]:
    try:
        names = files.names(directory)
    except FileNotFoundError:
        return
    except OSError as error:
        yield FirmwareDescriptor(directory, "", failure=_why(error), masks=False)
        return
    for name in names:
        if not name.startswith("."):
            yield _read_file(files, directory, name)


def _read_file(files: HostFiles, directory: str, name: str) -> FirmwareDescriptor:
    path = f"{directory}/{name}"
    # a name that is not UTF-8 could not be written into a recording
    name = os.fsencode(name).decode("utf-8", "backslashreplace")
    try:
        status = files.status(path)
    except OSError as error:
        return FirmwareDescriptor(directory, name, failure=_why(error), masks=False)
    if not stat.S_ISREG(status.st_mode):
        return FirmwareDescriptor(directory, name, failure="not a regular file", masks=False)
    if status.st_size > LIMIT:
        return FirmwareDescriptor(directory, name, failure="larger than 1 MiB")
    try:
        data = files.read(path, LIMIT)
    except OSError as error:
        return FirmwareDescriptor(directory, name, failure=_why(error))
    return FirmwareDescriptor(directory, name, text=data.decode("utf-8", "replace"))


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
