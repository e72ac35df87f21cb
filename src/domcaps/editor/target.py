"""The target of a domain that is being written: as it stands, or of what can be read of it."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from domcaps.errors import DomcapsError
from domcaps.validate.document.parse import Unreadable, read
from domcaps.validate.target import TargetNotFound, nearest_target

if TYPE_CHECKING:
    from domcaps.hosts.host import Host
    from domcaps.language import World

_DOMAIN = re.compile(r"<domain\b[^<>]*?\btype\s*=\s*[\"']([^\"'<>]*)[\"']")
_TYPE = re.compile(r"<type\b([^<>]*)>\s*hvm")
_NAMES = ("arch", "machine")


def world_at(host: Host, text: str, libvirt: str) -> World | None:
    """Give the world of a domain's target, also where the text is not well-formed.

    None where the host has no emulator. An emulator that the text names is not trusted for that.
    """
    open_world = partial(host.known_world, libvirt=libvirt)
    try:
        world = nearest_target(read(text.encode(errors="surrogatepass")), open_world).world
        if world.emulator.is_there:
            return world
    except (Unreadable, TargetNotFound, DomcapsError):
        pass
    kind = _DOMAIN.search(text)
    machine = _TYPE.search(text)
    named = {name: _attribute(machine[1], name) if machine else None for name in _NAMES}
    for arch, board, virttype in (
        (named["arch"], named["machine"], kind[1] if kind else None),
        (named["arch"], named["machine"], None),
        (named["arch"], None, None),
        (None, None, None),
    ):
        try:
            return open_world(None, arch, board, virttype)
        except DomcapsError:
            continue
    return None


def _attribute(text: str, name: str) -> str | None:
    found = re.search(rf"\b{name}\s*=\s*[\"']([^\"']*)[\"']", text)
    return found[1] if found else None
