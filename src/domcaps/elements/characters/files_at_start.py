"""Files of character devices: devices, pipes and sockets that are there, folders of others."""

from __future__ import annotations

from domcaps.elements.characters.chardev import CharacterSource
from domcaps.elements.characters.smartcard import Smartcard
from domcaps.language.host_files import host_file_rule, needs_file, needs_folder_of
from domcaps.language.rule import Problems, Sample

_OPENED = {"dev": "device", "pipe": "named pipe"}
_UNIX = "<serial type='unix'><source mode='{}' path='/run/a/s'/></serial>"


@host_file_rule(
    "chardev-source-file-missing",
    CharacterSource,
    bad=Sample(_UNIX.format("connect"), lacking=("/run/a/s",)),
    good=Sample(_UNIX.format("bind"), lacking=("/run/a/s",)),
)
def sources_are_there(part: CharacterSource) -> Problems:
    """The device, pipe or socket that a character device opens must exist on the host.

    The folder of a file that QEMU writes, and of a socket that QEMU listens at, must exist.
    """
    if isinstance(part, Smartcard) and part.mode != "passthrough":
        part.domain.world.unknown.add("the database of certificates of the smart card is there")
        return
    kind, path = part.source_type, part.path_name
    if path and kind in _OPENED:
        yield from needs_file(part, path, _OPENED[kind], "source/@path")
    elif path and kind == "unix" and not part.listens:
        yield from needs_file(part, path, "socket", "source/@path", kinds=("socket",))
    elif path and kind in {"file", "unix"}:
        what = "file" if kind == "file" else "socket"
        yield from needs_folder_of(part, path, what, "source/@path")
    log = part.node.find("log")
    if kind and log is not None and (path := log.get("file", "")):
        yield from needs_folder_of(part, path, "log file", "log/@file")
