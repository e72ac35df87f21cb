"""Ports of virtio-serial: which channel and console has which.

A controller has 31 ports where it does not say how many. Port 0 is kept for consoles. libvirt adds
controllers when channels need more ports than there are, unless a channel names its controller.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING

from domcaps.elements.base.address import Address
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain

_TYPE = "virtio-serial"
_USUAL_PORTS = 31
_MOST_PORTS = 65536


class NoPort(NamedTuple):
    """A channel or console that has no port, and why."""

    node: Node
    message: str


class Ports:
    """The ports of all virtio-serial controllers of a domain; `added` are those libvirt adds."""

    def __init__(self, domain: Domain, controllers: Iterable[tuple[int, int | None]]) -> None:
        self.domain = domain
        self.sizes = {
            index: _USUAL_PORTS if ports is None else min(ports, _MOST_PORTS)
            for index, ports in controllers
        }
        self.taken: dict[int, set[int]] = {index: set() for index in self.sizes}
        self.added: list[int] = []
        # ports are only ever taken: what was not free is not looked at again
        self._passed: dict[tuple[int, int], int] = {}
        self._open: dict[int, list[int]] = {}
        self.places: dict[Node, tuple[int, int]] = {}
        self.missing = tuple(self._all())

    def _all(self) -> Iterator[NoPort]:
        waiting: list[tuple[Node, bool, int | None]] = []
        named = [address for address in self.domain.all(Address) if address.type == _TYPE]
        plugged = {address.node.getparent() for address in named if not address.dropped}
        for node in self.domain.root.iterfind("devices/*"):
            if node.tag not in {"channel", "console"} and node not in plugged:
                continue
            address = self.domain.within(Address, node)
            given = address is not None and address.type == _TYPE
            controller = address.number("controller") if address is not None and given else None
            port = address.number("port") if address is not None and given else 0
            if controller is not None and port:
                if node not in plugged:
                    continue
                wrong = self._take(controller, port)
                if wrong:
                    yield NoPort(node, wrong)
                self.places[node] = (controller, port)
            elif node.tag in {"channel", "console"} and _is_virtio(node):
                waiting.append((node, node.tag == "console", controller))
        waiting.sort(key=lambda one: not one[1])  # consoles come first
        for node, console, controller in waiting:
            found = self._give(console=console, controller=controller)
            if isinstance(found, str):
                yield NoPort(node, found)
            else:
                self.places[node] = found

    def _take(self, controller: int, port: int) -> str:
        if controller not in self.sizes:
            return f"there is no virtio-serial controller {controller}"
        if port >= self.sizes[controller]:
            last = self.sizes[controller] - 1
            return f"the ports of virtio-serial controller {controller} end with {last}"
        if port in self.taken[controller]:
            return (
                f"port {port} of virtio-serial controller {controller} is used by "
                "another device; use another port"
            )
        self.taken[controller].add(port)
        return ""

    def _give(self, *, console: bool, controller: int | None) -> tuple[int, int] | str:
        """Give a controller and a port that is free, or say that there is none."""
        if controller is not None:
            # of a console that names its controller, libvirt looks at the first one
            index = 0 if console else controller
            port = self._free(index, 1)
            if port is None:
                return f"no port is left on virtio-serial controller {index}"
            return self._take(index, port) or (index, port)
        least = 0 if console else 1
        open_ = self._open.setdefault(least, sorted(self.sizes))
        while open_:
            port = self._free(open_[0], least)
            if port is not None:
                self.taken[open_[0]].add(port)
                return open_[0], port
            del open_[0]
        new = next(n for n in range(len(self.sizes) + 1) if n not in self.sizes)
        self.sizes[new] = _USUAL_PORTS
        self.taken[new] = {least}
        self.added.append(new)
        for indexes in self._open.values():
            insort(indexes, new)
        return new, least

    def _free(self, index: int, least: int) -> int | None:
        taken = self.taken.get(index, set())
        ports = range(self._passed.get((index, least), least), self.sizes.get(index, 0))
        port = next((port for port in ports if port not in taken), None)
        self._passed[index, least] = ports.stop if port is None else port
        return port


def _is_virtio(node: Node) -> bool:
    target = node.find("target")
    return target is not None and target.get("type") == "virtio"
