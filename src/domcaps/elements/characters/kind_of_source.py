"""``<source>`` of a character device that is of another type: what the source says counts.

::

    <serial type='file'><source mode='connect' host='10.0.0.1' service='2445'/></serial>   is 'tcp'
    <serial type='file'><source file='/var/log/guest.log'/></serial>   the attribute is 'path'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.fix import Fix, set_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.elements.characters.chardev import CharacterSource

_ALIKE = ("file", "dev", "dir", "name", "socket")
"""Attributes of other elements in which people write the path."""
_DEVICES = "/dev/"
_TYPE = "../@type"


def with_path(part: CharacterSource) -> Iterator[Fix]:
    """Give a source without the attribute ``path`` the type that it is of, or the attribute.

    Paths of the fix begin at the ``<source>``.
    """
    source = part.source
    if source is None:
        return
    if source.get("host") is not None and source.get("service") is not None:
        yield set_value("tcp", _TYPE)
        return
    for name in _ALIKE:
        path = source.get(name, "")
        if path.startswith("/"):
            yield Fix(values=(*_type_for(part, path), ("@path", path)), without=(f"@{name}",))
            return


def _type_for(part: CharacterSource, path: str) -> tuple[tuple[str, str], ...]:
    """Give the type of a device node that a file was written for."""
    is_node = part.source_type == "file" and path.startswith(_DEVICES)
    return ((_TYPE, "dev"),) if is_node else ()


def of_socket(part: CharacterSource) -> Iterator[Fix]:
    """Let a device be one of a Unix socket where its source has a path, and no host and port."""
    source = part.source
    if source is not None and _is_path_alone(source):
        yield set_value("unix", _TYPE)


def _is_path_alone(source: Node) -> bool:
    said = (source.get("host"), source.get("service"))
    return source.get("path", "").startswith("/") and said == (None, None)
