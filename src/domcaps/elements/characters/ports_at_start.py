"""Ports of characters of which QEMU has a few only, and addresses of them that it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.address import Address
from domcaps.elements.characters.console import Console
from domcaps.elements.characters.parallel import Parallel
from domcaps.elements.characters.serial import Serial
from domcaps.language.finding import Stage
from domcaps.language.rule import Sample, problem, rule

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain
    from domcaps.language.rule import Problems

_ISA_PORT = "<serial type='null'><target type='isa-serial' port='{}'/></serial>"
_MOST_ISA_PORTS = 4


@rule(
    "serial-isa-too-many",
    Serial,
    bad="".join(map(_ISA_PORT.format, range(5))),
    good="".join(map(_ISA_PORT.format, range(4))),
    stage=Stage.START,
)
def isa_ports_are_four(serial: Serial) -> Problems:
    """A domain may have at most four serial ports of the type ``isa-serial``.

    Their ports are 0 to 3. Without ``port``, a serial port gets the number after the highest one
    that any ``<serial>`` has.
    """
    number = serial.domain.once(_port_numbers).get(serial.node, 0)
    if serial.type == "isa-serial" and number >= _MOST_ISA_PORTS:
        yield problem(
            f"QEMU has {_MOST_ISA_PORTS} ISA serial ports, and this one gets the number {number}; "
            "remove the others, or use <target type='pci-serial'/>",
            serial,
            "target/@type",
        )


@rule(
    "serial-isa-port-duplicate",
    Serial,
    bad="<serial type='null'><target port='0'/></serial>" * 2,
    good="<serial type='null'><target port='0'/></serial><serial type='null'><target port='1'/>"
    "</serial>",
    stage=Stage.START,
)
def isa_ports_differ(serial: Serial) -> Problems:
    """ISA serial ports must have different numbers in ``port``, also where no type is given."""
    if serial.type != "isa-serial" or serial.target_type == "isa-serial" or serial.port is None:
        # with the type, it is refused when the domain is defined
        return
    if serial.node in serial.domain.once(_with_a_port_of_another):
        message = f"another ISA serial port has the number {serial.port}; choose another"
        yield problem(message, serial, "target/@port")


def _port_numbers(domain: Domain) -> dict[Node, int]:
    """Give the port of each ``<serial>``, as given or as libvirt gives it."""
    numbers = {one.node: one.port for one in domain.all(Serial)}
    found: dict[Node, int] = {node: port for node, port in numbers.items() if port is not None}
    highest = max(found.values(), default=-1)
    unnumbered = (node for node, port in numbers.items() if port is None)
    return found | {node: highest + place for place, node in enumerate(unnumbered, 1)}


def _with_a_port_of_another(domain: Domain) -> frozenset[Node]:
    """Give the ISA serial ports whose number one before them has."""
    numbers = domain.once(_port_numbers)
    seen: set[int] = set()
    found = set()
    for serial in domain.all(Serial):
        if serial.type == "isa-serial":
            number = numbers[serial.node]
            found |= {serial.node} if number in seen else set()
            seen.add(number)
    return frozenset(found)


_PARALLEL = "<parallel type='null'/>"
_MOST_PARALLEL = 3


@rule(
    "parallel-too-many",
    Parallel,
    bad=_PARALLEL * 4,
    good=_PARALLEL * 3,
    stage=Stage.START,
)
def parallel_ports_are_three(parallel: Parallel) -> Problems:
    """A domain may have at most three ``<parallel>`` ports."""
    if parallel.node in parallel.domain.once(_surplus_parallel):
        message = f"QEMU has at most {_MOST_PARALLEL} parallel ports; remove the others"
        yield problem(message, parallel)


def _surplus_parallel(domain: Domain) -> frozenset[Node]:
    return frozenset(one.node for one in domain.all(Parallel)[_MOST_PARALLEL:])


_SCLP = "<console type='null'><target type='sclp'/></console>"


@rule(
    "console-sclp-duplicate",
    Console,
    bad=Sample(_SCLP * 2, arch="s390x"),
    good=Sample(_SCLP, arch="s390x"),
    stage=Stage.START,
)
def sclp_consoles_are_single(console: Console) -> Problems:
    """A domain may have at most one ``<console>`` of each of the types ``sclp`` and ``sclplm``."""
    kind = console.target_type
    if kind not in {"sclp", "sclplm"}:
        return
    if console.domain.firsts(Console, "target_type")[kind].node is not console.node:
        message = f"QEMU has at most one console of type {kind!r}; remove this one"
        yield problem(message, console, "target/@type")


_CHANNEL = (
    "<channel type='null'><target type='virtio' name='a'/><address type='virtio-serial' "
    "controller='0' bus='{}' port='1'/></channel>"
)


@rule(
    "address-virtio-serial-bus-fails-at-start",
    Address,
    bad=_CHANNEL.format(1),
    good=_CHANNEL.format(0),
    stage=Stage.START,
)
def virtio_serial_has_one_bus(address: Address) -> Problems:
    """Attribute ``bus`` of ``<address type='virtio-serial'>`` must be 0."""
    if address.type == "virtio-serial" and not address.dropped and address.number("bus"):
        message = "a virtio-serial controller has the bus 0 only; use bus='0'"
        yield problem(message, address, "@bus", accepted=("0",))
