"""From a domain to the arguments of QEMU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.characters.ports_command_line import write_characters
from domcaps.elements.placement.controllers_command_line import write_controllers
from domcaps.elements.storage.disk_command_line import write_disks
from domcaps.errors import DomainError
from domcaps.language.domain import Domain
from domcaps.native.line import CommandLineWriter
from domcaps.native.order import write_board, write_devices
from domcaps.validate.document.parse import Unreadable, read
from domcaps.validate.target import TargetNotFound, resolve_domain_target

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.validate.check import Validation
    from domcaps.validate.target import OpenWorld


class NativeCommand(tuple[str, ...]):
    """A domain as a command: the emulator and its arguments, as a tuple of words.

    `validation` is the verdict on the domain, None where it was not judged: then the command of a
    domain that libvirt refuses means nothing.
    """

    validation: Validation | None = None

    @property
    def judged(self) -> bool:
        """Whether the domain was validated."""
        return self.validation is not None

    @property
    def accepted(self) -> bool | None:
        """Whether the domain would be defined and started, None where it was not judged."""
        return None if self.validation is None else self.validation.accepted


def command_of(data: bytes, open_world: OpenWorld) -> NativeCommand:
    """Give the emulator and its arguments for a domain, which is taken to be acceptable.

    Raises `UntoldError` naming the first part that cannot be translated, and `DomainError` for what
    is no domain.
    """
    try:
        source = read(data)
        world = resolve_domain_target(source, open_world)
    except (Unreadable, TargetNotFound) as stopped:
        raise DomainError(str(stopped)) from None
    line = CommandLineWriter(Domain(source.root, world))
    write_board(line)
    devices = line.reading.child(source.root, "devices")
    if devices is not None:
        _set_names_aside(line, devices)
        write_controllers(line, devices)
        write_disks(line)
        line.reading.children(devices, "disk")
        write_characters(line, devices)
        write_devices(line, devices)
    return NativeCommand((world.target.emulator, *line.arguments()))


def _set_names_aside(line: CommandLineWriter, devices: Node) -> None:
    """Take the names by which libvirt calls devices: QEMU's are our own."""
    for device in devices:
        for alias in line.reading.children(device, "alias"):
            line.reading.set_aside(alias, "name")
