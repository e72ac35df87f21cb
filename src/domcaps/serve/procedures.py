"""Procedures: what a client may call, with the types of what goes in and comes out.

A file that offers procedures decorates one function for each::

    @procedure(59, gives=(STRING,))
    def connect_get_hostname(session: Session) -> tuple[str]:

The numbers and types are those of libvirt's ``remote_protocol.x``; functions are called as the
protocol calls them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import msgspec

from domcaps.serve.xdr import Codec, Record, pack, unpack_first

_PROCEDURES: dict[int, Procedure] = {}

LAST = 456
"""The last number that libvirt 12.8 gives to a procedure."""

_SENT_BY_SERVERS = frozenset({
    107, *range(169, 174), 195, 224, 241, 248, *range(268, 271), 276, 292, 311, 315,
    *range(318, 334), 339, 346, 348, 354, 359, 362, 363, 367, 370, 373, 376, 377, 379, 382, 383,
    385, 423, 438, 446, *range(453, 456),
})  # fmt: skip
"""Numbers of events, which a client can't call."""


def is_callable(number: int) -> bool:
    """Tell whether libvirt's protocol has a procedure of that number for clients."""
    return 1 <= number <= LAST and number not in _SENT_BY_SERVERS


class Procedure(msgspec.Struct, frozen=True):
    """One procedure.

    `slow` ones are called by a worker, which has nothing of the connection but what a `Job` says;
    unless `quick`, which must not take long, knows the answer already. What the function of a slow
    one returns are its results, or, where there is `then`, a value of the type `keeps`, to which
    the server applies `then` for the results. `pure` ones depend on the host and the arguments
    alone. `adopt` is called after a worker gave an answer. `early` ones may be called before the
    connection was opened.
    """

    number: int
    name: str
    function: Callable[..., Any]
    takes: Codec
    gives: Codec
    slow: bool = False
    early: bool = False
    pure: bool = False
    quick: Callable[..., tuple[Any, ...] | None] | None = None
    keeps: Any = None
    then: Callable[..., tuple[Any, ...] | None] | None = None
    adopt: Callable[..., None] | None = None

    def arguments(self, payload: bytes) -> tuple[Any, ...]:
        """Read the arguments of a call, whatever follows them; raises `XdrError`."""
        found: tuple[Any, ...] = unpack_first(self.takes, payload)
        return found

    def results(self, values: tuple[Any, ...] | None) -> bytes:
        """Give the payload of a reply; raises `XdrError`."""
        return pack(self.gives, values or ())


def procedure(
    number: int, *, takes: tuple[Codec, ...] = (), gives: tuple[Codec, ...] = (), **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Offer a function as the procedure of that number; each number has one.

    `options` are further fields of `Procedure`.
    """

    def offer(function: Callable[..., Any]) -> Callable[..., Any]:
        if number in _PROCEDURES:
            raise ValueError(f"{_PROCEDURES[number].name} is procedure {number} already")
        _PROCEDURES[number] = Procedure(
            number, function.__name__, function, Record(*takes), Record(*gives), **options
        )
        return function

    return offer


@cache
def procedures() -> dict[int, Procedure]:
    """Import every module of `domcaps.serve.calls`, and give what they offer, by number."""
    package = import_module("domcaps.serve.calls")
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        import_module(module.name)
    return _PROCEDURES
