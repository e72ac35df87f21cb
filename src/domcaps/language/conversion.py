"""What becomes of a device when its domain moves to another board: data beside the elements.

::

    CONVERSION = (OnBoard("q35", "devices/hologram", {"@bus": ("isa",)}, removed=True),)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.language.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping


class OnBoard(Struct, frozen=True):
    """What is to be done with one kind of element on the board of a family such as ``q35``.

    `path` is the element's below ``<domain>``, `where` are attributes that it has, by their paths
    below it, each with the values that count; an empty text stands for an attribute that is not
    there. `values` are set, `without` are paths of what is removed of it, with `removed` the whole
    element goes. `add` is XML of devices that come with it, once for the domain. `guest` says what
    the guest sees of it, and `weight` how much a guest minds, from 0 to 100.
    """

    board: str
    path: str
    where: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    values: tuple[tuple[str, str], ...] = ()
    without: tuple[str, ...] = ()
    removed: bool = False
    add: str = ""
    guest: str = ""
    weight: int = 0
