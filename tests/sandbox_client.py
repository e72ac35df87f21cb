"""A client of a sandbox that keeps the events it is sent, and what its tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domcaps.serve.hosts import FixedHost
from domcaps.serve.xdr import INT, STRING, UINT, UUID, Array, Record, unpack
from domcaps.shipped import open_shipped
from serve_client import CallError, Client

if TYPE_CHECKING:
    from pathlib import Path

HOST = FixedHost(open_shipped("debian13-x86_64"), "test")
DOMAIN = Record(STRING, UUID, INT)
STATE = Record(INT, INT)
DOMAINS = Record(Array(DOMAIN, 1000), UINT)

DEFINED, UPDATED, UNDEFINED = (0, 0), (0, 1), (1, 0)
STARTED, SUSPENDED, RESUMED = (2, 0), (3, 0), (4, 0)
SHUT_DOWN, DESTROYED, SAVED = (5, 0), (5, 1), (5, 4)


def xml(name: str = "a", more: str = "", machine: str = "q35") -> str:
    return (
        f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><vcpu>3</vcpu>"
        f"<os><type arch='x86_64' machine='{machine}'>hvm</type></os>{more}</domain>"
    )


class Watching(Client):
    """A client that keeps the events it is sent."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.events: list[tuple[int, bytes]] = []
        self.callback = self.ask(316, INT, (INT, 0), (INT, 0))

    def receive(self) -> tuple[tuple[int, ...], bytes] | None:
        while (found := super().receive()) is not None and found[0][3] == 2:
            self.events.append((found[0][2], found[1]))
        return found

    def lives(self, count: int) -> list[tuple[str, tuple[int, int]]]:
        """Give the next events of domains' lives: the name, the event and its detail."""
        while len(self.events) < count:
            self.hostname()
        taken, self.events = self.events[:count], self.events[count:]
        form = Record(INT, DOMAIN, INT, INT)
        values = [unpack(form, data) for number, data in taken if number == 318]
        assert {value[0] for value in values} <= {self.callback}
        return [(value[1][0], value[2:]) for value in values]


def warm() -> None:
    """Load what the first verdict takes, so that no client waits for it on a busy machine."""
    HOST.get("").host.validate(xml().encode())


def define(client: Client, text: str) -> Any:
    return client.ask(350, DOMAIN, (STRING, text), (UINT, 0))


def create(client: Client, text: str, flags: int = 0) -> Any:
    return client.ask(10, DOMAIN, (STRING, text), (UINT, flags))


def on(client: Client, number: int, domain: Any, *rest: Any) -> None:
    client.ask(number, Record(), (DOMAIN, domain), *rest)


def state(client: Client, domain: Any) -> Any:
    return client.ask(212, STATE, (DOMAIN, domain), (UINT, 0))


def names(client: Client, flags: int = 0) -> list[str]:
    found, count = client.ask(273, DOMAINS, (INT, 1), (UINT, flags))
    assert count == len(found)
    return [name for name, _, _ in found]


def failure(client: Client, number: int, *arguments: Any, gives: Any = Record()) -> str:  # noqa: B008
    with pytest.raises(CallError) as raised:
        client.ask(number, gives, *arguments)
    return f"{raised.value.code}: {raised.value}"
