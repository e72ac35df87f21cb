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
import re
from typing import TYPE_CHECKING, Any, Protocol

from domcaps.errors import UntoldError
from domcaps.language.node_path import line_of, path_of
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain
    from domcaps.language.predicate import Predicate

YES_NO = frozenset({"yes", "no"})
ON_OFF = frozenset({"on", "off"})

_ITSELF = ""
_TEXT = "#text"


class Reading:
    """A domain, and what was taken of it: elements, attributes, texts.

    `latest` is the element that was read last: the one for which an argument is written next.
    """

    def __init__(self, root: Node) -> None:
        self.root = root
        self._taken: set[tuple[Node, str]] = {(root, _ITSELF)}
        self.besides: dict[Node, str] = {}
        self.latest = root

    def get(self, node: Node, name: str, among: Collection[str] | None = None) -> str | None:
        """Take an attribute; raises `UntoldError` where it is not one of `among`.

        Without `among` any value is passed as it is.
        """
        value = node.get(name)
        self.latest = node
        self._taken.add((node, name))
        if value is not None and among is not None and value not in among:
            raise untold(node, name, f"the value {value!r}")
        return value

    def one(self, node: Node, name: str, among: Collection[str]) -> str:
        """Take a required attribute, one of `among`; raises `UntoldError`."""
        value = self.get(node, name, among)
        if value is None:
            raise untold(node, name)
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

    def positive(self, node: Node, name: str) -> int | None:
        """Take a number that libvirt leaves to QEMU where it is 0."""
        return self.number(node, name) or None

    def text(self, node: Node, among: Collection[str] | None = None) -> str:
        """Take the text of an element."""
        self.latest = node
        self._taken.add((node, _TEXT))
        value = (node.text or "").strip()
        if among is not None and value not in among:
            raise untold(node, "", f"the value {value!r}")
        return value

    def child(self, node: Node, tag: str) -> Node | None:
        """Take an element inside another one, the first of its name; None where there is none."""
        found = node.find(tag)
        self.latest = node
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

    def beside(self, node: Node, what: str) -> None:
        """Take an element, with all inside, that libvirt does without QEMU's command line.

        `what` says what libvirt does; the reader of the command has to do it, if it is wanted.
        """
        self.set_aside_whole(node)
        self.besides[node] = what

    def beside_attribute(self, node: Node, name: str, what: str) -> str | None:
        """Take an attribute in the same way."""
        value = self.get(node, name)
        if value is not None:
            self.besides[node] = what
        return value

    def is_taken(self, node: Node) -> bool:
        """Tell whether an element was taken."""
        return (node, _ITSELF) in self._taken

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
    where, line = path_of(node, attribute), line_of(node)
    return UntoldError(f"not supported: {subject}", where=where, line=line)


class HostNeed(NamedTuple):
    """Something of the host that a command line names, and the element that asks for it.

    `kind` is ``file``, ``folder``, ``device``, ``socket``, ``tap``, ``bridge`` …. `template` is the
    file that libvirt makes it of, "" where there is none.
    """

    kind: str
    value: str
    node: Node
    template: str = ""


class Turn(enum.IntEnum):
    """The order of devices: controllers first, and devices with a fixed place."""

    BRIDGE = 0
    PLACED = 1
    ANYWHERE = 2
    ATTACHED = 3


def doubled(text: str) -> str:
    """Double the commas of a text that stands between commas."""
    return text.replace(",", ",,")


def options(first: str | None, **more: object) -> str:
    """Write an option of QEMU with its parts; None is left out, commas are doubled.

    `first` is the value that stands without a name, None for none. Raises `UntoldError` where QEMU
    would take it, or the name of a part, for something else: there is no escape for that.
    """
    for text in ("" if first is None else first, *more):
        _require_name(text)
    if first is not None and any(isinstance(value, list | dict) for value in more.values()):
        return _device_in_json(first, more)
    parts = [] if first is None else [doubled(first)]
    for name, value in more.items():
        if value is None:
            continue
        if "," in name:
            raise UntoldError(f"not supported: the name {name!r} in an option of QEMU")
        text = ("on" if value else "off") if isinstance(value, bool) else str(value)
        parts.append(f"{name}={doubled(text)}")
    return ",".join(parts)


def _require_name(text: str) -> None:
    if "=" in text or asks_for_help(text):
        raise UntoldError(f"not supported: the name {text!r} in an option of QEMU")


def asks_for_help(name: str) -> bool:
    """Tell whether QEMU prints a list, and starts nothing, in place of taking a name."""
    return name in {"help", "?"}


SWITCHES = {"on": True, "off": False}
"""Words of options that are switches, which JSON has as booleans."""
_OF_THREE = {"write-cache", "disable-legacy"}
"""Options that are on, off or left to QEMU, which are texts in JSON."""


def is_json(told: str) -> bool:
    """Tell whether the value of an option is JSON."""
    return told.startswith("{")


def as_json(settings: Mapping[str, object]) -> str:
    """Write the value of an option in JSON."""
    import json  # a verdict writes no device

    return json.dumps(settings, separators=(",", ":"))


def _device_in_json(first: str, more: dict[str, object]) -> str:
    """Write a device in JSON, where an option is a list."""
    told: dict[str, object] = {"driver": first}
    for name, value in more.items():
        if value is None:
            continue
        told[name] = value
        if name in _OF_THREE and isinstance(value, bool):
            told[name] = "on" if value else "off"
        elif isinstance(value, str) and name not in _OF_THREE:
            told[name] = SWITCHES.get(value, value)
    return as_json(told)


def settings_of(word: str) -> dict[str, str]:
    """Take an option of QEMU apart: the reverse of `options`. The first part has the name ""."""
    first, *more = parts_of(word)
    return {"": first, **{name: value for name, _, value in (p.partition("=") for p in more)}}


def parts_of(word: str) -> list[str]:
    """Divide an option of QEMU at its commas; one in a value is written twice."""
    parts = [""]
    for piece in re.split(r"(,,|,)", word):
        if piece == ",":
            parts.append("")
        else:
            parts[-1] += "," if piece == ",," else piece
    return parts


class Line(Protocol):
    """The command line of one domain, as it is written.

    An *owner* is what a device is written for: its element, a controller (as
    `placement.installed` has them), or the name of the element where libvirt adds the device.
    """

    domain: Domain
    reading: Reading
    words: list[str]
    machine: dict[str, str]
    root_bus: str
    bootable: dict[str, int]
    audio: str | None
    needs: list[HostNeed]
    environment: dict[str, str]
    accelerator: dict[str, str]
    backing: Any

    def holds(self, predicate: Predicate) -> bool:
        """Tell whether something is true of the target."""

    @property
    def has_channels(self) -> bool:
        """Whether devices sit on channels, as on mainframes, and not on PCI."""

    @property
    def is_x86(self) -> bool:
        """Whether it is a PC."""

    def has_property(self, driver: str, name: str) -> bool:
        """Tell whether this QEMU's device has a property; no, where QEMU was not asked."""

    def is_since(self, *version: int) -> bool:
        """Tell whether QEMU is of this version or a later one."""

    def has_type(self, *names: str) -> bool:
        """Tell whether this QEMU has one of these types."""

    def virtio(self, driver: str, owner: object = None) -> str:
        """Give the type of a virtio device for its bus: ``virtio-net`` with ``-pci``."""

    def add(self, *words: str) -> None:
        """Write words."""

    def device(self, turn: Turn, told: str, *before: str, order: int = 0) -> None:
        """Write a device when its turn has come, after words for what stands behind it."""

    def name(self, node: Node | None, usual: str) -> str:
        """Give QEMU's name of a device: the alias that a user chose, otherwise libvirt's."""

    def numbered(self, node: Node, kind: str) -> str:
        """Name a device by its kind and a number, which those with a user's alias do not take."""

    def controller_name(self, kind: str, index: int) -> str:
        """Give QEMU's name of a controller, from which those of its buses are made."""

    def serial_port(self, node: Node) -> tuple[int, int | None] | None:
        """Give controller and port of a device on a virtio serial bus, None where it has none."""

    def identify(self, turn: Turn, owner: object, name: object, order: int = 0) -> None:
        """Write the identifiers by which a mainframe tells a PCI device, before it."""

    def need(self, kind: str, value: str, node: Node, template: str = "") -> str:
        """Note that something of the host is required: a file, a socket …; gives `value`."""

    def plug(self, owner: object, driver: str, *before: str, **more: object) -> None:
        """Write a device at the address that its owner has."""

    def plug_virtio(
        self, owner: object, driver: str, *before: str, model: object = None, **more: object
    ) -> None:
        """Write a device of virtio; `model` may ask for a (non-)transitional one."""

    def kind(self, owner: object) -> str:
        """Give the kind of address: ``pci``, ``ccw``, ``virtio-mmio`` …, "" for none."""

    def place(self, owner: object) -> dict[str, object]:
        """Take the address of a device, as given or as libvirt chooses it."""

    def usb_place(self, node: Node) -> dict[str, object]:
        """Take the place of a USB device."""

    def made_up(self, name: str) -> str:
        """Name a file that libvirt would make up: one in the folder where the command is run."""

    def virtio_options(self, node: Node | None) -> dict[str, object]:
        """Take the options that every device of virtio has."""

    def audio_of(self, node: Node) -> str | None:
        """Take which audio backend a device plays on: by its number, the first otherwise."""

    def boot(self, node: Node, kind: str) -> dict[str, object]:
        """Take a device's place in the boot order: its own, or that of the first of its kind."""

    def blocks(self, count: int) -> range:
        """Give numbers for block devices that are named as libvirt names them."""
