"""How elements write QEMU arguments: options, and a domain that records what was read of it.

::

    def write_hologram(line: Line, node: Node, number: int) -> None:
        depth = line.reading.number(node, "depth")
        line.plug(node, "hologram", id=f"hologram{number}", depth=depth)

QEMU arguments for an element stand beside that element, in ``X_command_line.py``. Order, names and
quoting are those of the writer of command lines, which `domcaps.native` makes. Parts of the domain
that are not read would be dropped silently: `Reading.finish` refuses a domain of which something is
left.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol

from domcaps.errors import UntoldError
from domcaps.language.node_path import path_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain
    from domcaps.language.predicate import Predicate

YES_NO = frozenset({"yes", "no"})
ON_OFF = frozenset({"on", "off"})

_ITSELF = ""
_TEXT = "#text"


class Reading:
    """A domain, and what was taken of it: elements, attributes, texts."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self._taken: set[tuple[Node, str]] = {(root, _ITSELF)}

    def get(self, node: Node, name: str, among: Collection[str] | None = None) -> str | None:
        """Take an attribute; raises `UntoldError` where it is not one of `among`.

        Without `among` any value is passed as it is.
        """
        value = node.get(name)
        self._taken.add((node, name))
        if value is not None and among is not None and value not in among:
            raise untold(node, name, f"the value {value!r}")
        return value

    def number(self, node: Node, name: str) -> int | None:
        """Take an attribute that is a number, in any base that libvirt reads."""
        value = self.get(node, name)
        if value is None:
            return None
        try:
            return int(value, 0)
        except ValueError:
            raise untold(node, name, f"the value {value!r}") from None

    def text(self, node: Node, among: Collection[str] | None = None) -> str:
        """Take the text of an element."""
        self._taken.add((node, _TEXT))
        value = (node.text or "").strip()
        if among is not None and value not in among:
            raise untold(node, "", f"the value {value!r}")
        return value

    def child(self, node: Node, tag: str) -> Node | None:
        """Take an element inside another one, the first of its name; None where there is none."""
        found = node.find(tag)
        if found is not None:
            self._taken.add((found, _ITSELF))
        return found

    def children(self, node: Node, tag: str) -> list[Node]:
        """Take all elements of a name inside another one."""
        found = node.findall(tag)
        self._taken.update((one, _ITSELF) for one in found)
        return found

    def set_aside(self, node: Node, *names: str) -> None:
        """Take attributes by which libvirt is meant, not QEMU."""
        self._taken.update((node, name) for name in names)

    def set_aside_whole(self, node: Node) -> None:
        """Take an element, with all inside, that says nothing about the machine."""
        for one in node.iter():
            self._taken |= {
                (one, _ITSELF),
                (one, _TEXT),
                *((one, str(name)) for name in one.attrib),
            }

    def finish(self) -> None:
        """Raise `UntoldError` for the first thing in the domain that was not taken."""
        for node in self.root.iter():
            if (node, _ITSELF) not in self._taken:
                raise untold(node)
            for name in node.attrib:
                if (node, str(name)) not in self._taken:
                    raise untold(node, str(name))
            if (node.text or "").strip() and (node, _TEXT) not in self._taken:
                raise untold(node, "", "its text")


def untold(node: Node, attribute: str = "", what: str = "") -> UntoldError:
    """Give the error for something that QEMU is not told about."""
    kind = node.get("type") or node.get("model")
    shown = f"<{node.tag} type='{kind}'>" if kind and node.get("type") else f"<{node.tag}>"
    subject = f"{attribute}= of {shown}" if attribute else shown
    subject = f"{what}: {subject}" if what else subject
    return UntoldError(f"not supported: {subject}", where=path_of(node, attribute))


class Turn(enum.IntEnum):
    """The order of devices: controllers first, and devices with a fixed place."""

    BRIDGE = 0
    PLACED = 1
    ANYWHERE = 2
    ATTACHED = 3


def doubled(text: str) -> str:
    """Double the commas of a text that stands between commas."""
    return text.replace(",", ",,")


def options(first: str, **more: object) -> str:
    """Write an option of QEMU with its parts; None is left out, commas are doubled."""
    parts = [doubled(first)]
    for name, value in more.items():
        if value is None:
            continue
        text = ("on" if value else "off") if isinstance(value, bool) else str(value)
        parts.append(f"{name}={doubled(text)}")
    return ",".join(parts)


class Line(Protocol):
    """The command line of one domain, as it is written."""

    domain: Domain
    reading: Reading
    words: list[str]
    machine: dict[str, str]
    root_bus: str
    bootable: dict[str, int]
    audio: str | None

    def holds(self, predicate: Predicate) -> bool:
        """Tell whether something is true of the target."""

    @property
    def has_channels(self) -> bool:
        """Whether devices sit on channels, as on mainframes, and not on PCI."""

    @property
    def is_x86(self) -> bool:
        """Whether it is a PC."""

    @property
    def virtio_bus(self) -> str:
        """How QEMU's types of virtio devices end for this machine."""

    def virtio(self, driver: str) -> str:
        """Give the type of a virtio device for this machine: its driver, with the bus."""

    def add(self, *words: str) -> None:
        """Write words."""

    def device(self, turn: Turn, told: str, *before: str, order: int = 0) -> None:
        """Write a device when its turn has come, after words for what stands behind it."""

    def plug(self, node: Node | None, driver: str, *before: str, **more: object) -> None:
        """Write a device on PCI or a channel, at its address or where QEMU puts it."""

    def place(self, node: Node) -> dict[str, object]:
        """Take the address of a device on PCI or a channel."""

    def usb_place(self, node: Node) -> dict[str, object]:
        """Take the place of a USB device; QEMU chooses one where the domain does not."""

    def made_up(self, name: str) -> str:
        """Name a file that libvirt would make up: one in the folder where the command is run."""

    def virtio_options(self, node: Node | None) -> dict[str, object]:
        """Take the options that every device of virtio has."""

    def audio_of(self, node: Node) -> str | None:
        """Take which audio backend a device plays on: by its number, the first otherwise."""

    def boot_index(self, node: Node, kind: str) -> int | None:
        """Take a device's place in the boot order: its own, or that of the first of its kind."""
