"""QEMU arguments for secrets: passwords and keys, which the command reads from files.

libvirt hands them to QEMU encrypted, with a key of that run. A command that stands alone names a
file for each, in the folder where it is run, that has to be made first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import Line, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node


def secret(line: Line, node: Node, name: str) -> str:
    """Add the object for a secret that an element names; gives the object's name."""
    line.reading.set_aside(node, "type", "usage", "uuid")
    file = line.need("secret", line.made_up(f"{name}.secret"), node)
    line.add("-object", options("secret", id=name, file=file))
    return name
