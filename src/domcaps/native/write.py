"""From a domain to the arguments of QEMU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from lxml import etree

from domcaps.elements.characters.ports_command_line import write_characters
from domcaps.elements.domain.qemu_command_line import own_words
from domcaps.elements.placement.controllers_command_line import write_controllers
from domcaps.elements.storage.disk_command_line import write_disks
from domcaps.errors import DomainError, UntoldError
from domcaps.language.domain import Domain
from domcaps.language.node_path import line_of, path_of
from domcaps.native.ignored import pass_over
from domcaps.native.line import CommandLineWriter
from domcaps.native.order import first_words, write_board, write_devices
from domcaps.validate.document.parse import Unreadable, read
from domcaps.validate.document.repeated import take_repeated_away
from domcaps.validate.target import TargetNotFound, resolve_domain_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element as Node

    from domcaps.language import World
    from domcaps.language.command_line import HostNeed
    from domcaps.validate.check import Validation
    from domcaps.validate.target import OpenWorld


class NativeNote(msgspec.Struct, frozen=True):
    """What a domain asks for that QEMU's arguments do not do: libvirt does it beside QEMU."""

    path: str
    line: int
    text: str


class NativeNeed(msgspec.Struct, frozen=True):
    """Something of the host that the command names, and the element that asks for it.

    `kind` is ``file``, ``device``, ``socket``, ``tap``, ``server`` and the like. `template` is the
    file that libvirt would copy, "" where there is none.
    """

    kind: str
    value: str
    path: str
    line: int
    template: str = ""


class NativeOrigin(msgspec.Struct, frozen=True):
    """The element of a domain for which a word of the command is written."""

    path: str
    line: int


class NativeCommand(tuple[str, ...]):
    """A domain as a command: the emulator and its arguments, as a tuple of words.

    `validation` is the verdict on the domain, None where it was not judged: then the command of a
    domain that libvirt refuses means nothing. `environment` has variables that it is started with,
    `notes` what libvirt does beside QEMU, and `needs` the files, sockets and devices that it names.
    `origins` has the element of the domain for each word, None for what libvirt adds; `world` is
    the target with its facts.
    """

    validation: Validation | None = None
    environment: Mapping[str, str] = {}
    notes: tuple[NativeNote, ...] = ()
    needs: tuple[NativeNeed, ...] = ()
    origins: tuple[NativeOrigin | None, ...] = ()
    world: World | None = None

    @property
    def judged(self) -> bool:
        """Whether the domain was validated."""
        return self.validation is not None

    @property
    def accepted(self) -> bool | None:
        """Whether the domain would be defined and started, None where it was not judged."""
        return None if self.validation is None else self.validation.accepted


def command_of(data: bytes, open_world: OpenWorld, *, new: bool = True) -> NativeCommand:
    """Give the emulator and its arguments for a domain, which is taken to be acceptable.

    `new` is false for a domain that is defined already, for which libvirt keeps older defaults.
    Raises `UntoldError` naming the first part that cannot be translated, and `DomainError` for what
    is no domain.
    """
    try:
        source = read(data)
        world = resolve_domain_target(source, open_world)
    except (Unreadable, TargetNotFound) as stopped:
        raise DomainError(str(stopped)) from None
    if source.root.find("devices") is None:
        # libvirt adds some to every domain
        etree.SubElement(source.root, "devices")
    take_repeated_away(source.root)
    _join_devices(source.root)
    line = CommandLineWriter(Domain(source.root, world, new=new))
    pass_over(line.reading, source.root)
    try:
        first, words = _words(line, source.root)
    except ValueError as error:
        # of a domain that was not judged: a text where libvirt has a number
        raise UntoldError(f"not supported: {error}") from error
    command = NativeCommand((*first, *words))
    command.world = world
    command.origins = _origins(line, source.root, len(first))
    command.environment = line.environment
    command.needs = tuple(dict.fromkeys(_need(need) for need in line.needs))
    command.notes = tuple(_note(node, text) for node, text in line.reading.besides.items())
    return command


def _join_devices(root: Node) -> None:
    """Put all devices into one element: libvirt reads those of each ``<devices>``."""
    first, *others = root.iterfind("devices")
    for other in others:
        first.extend(list(other))
        root.remove(other)


def _words(line: CommandLineWriter, root: Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the first words, and all others; raises `UntoldError` where something is left."""
    write_board(line)
    devices = line.reading.child(root, "devices")
    assert devices is not None  # noqa: S101 - it was added where it was missing
    _set_names_aside(line, devices)
    write_controllers(line, devices)
    write_disks(line)
    line.reading.children(devices, "disk")
    write_characters(line, devices)
    write_devices(line, devices)
    line.last, line.overrides = own_words(line, root)
    return (line.domain.world.target.emulator, *first_words(line)), line.arguments()


def _set_names_aside(line: CommandLineWriter, devices: Node) -> None:
    """Take the names by which libvirt calls devices: QEMU's are our own."""
    for device in devices:
        for alias in line.reading.children(device, "alias"):
            line.reading.set_aside(alias, "name")


def _origins(line: CommandLineWriter, root: Node, first: int) -> tuple[NativeOrigin | None, ...]:
    """Say for each word for what it is written; name, machine and accelerator come first."""
    own = root.iterfind("{http://libvirt.org/schemas/domain/qemu/1.0}commandline/{*}arg")
    named = root.find("os/type")
    nodes = (*[root if named is None else named] * first, *line.origins(), *own)
    written = {node for node in nodes if node is not None}
    made = {node: NativeOrigin(path_of(node), line_of(node)) for node in written}
    return tuple(None if node is None else made[node] for node in nodes)


def _note(node: Node, text: str) -> NativeNote:
    return NativeNote(path_of(node), line_of(node), text)


def _need(need: HostNeed) -> NativeNeed:
    return NativeNeed(need.kind, need.value, path_of(need.node), line_of(need.node), need.template)
