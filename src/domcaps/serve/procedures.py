"""Procedures: what a client may call, with the types of what goes in and comes out.

A file that offers procedures decorates one function for each::

    @procedure(59, gives=(STRING,))
    def connect_get_hostname(session: Session) -> tuple[str]:

The numbers and types are those of libvirt's ``remote_protocol.x``; functions are called as the
protocol calls them, where one function does not serve several procedures.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import msgspec

from domcaps.serve.procedure_names import procedure_names
from domcaps.serve.xdr import Codec, Record, pack, unpack_first

_PROCEDURES: dict[int, Procedure] = {}
_LAST_OFFERS: list[Callable[[dict[int, Procedure]], None]] = []


class Procedure(msgspec.Struct, frozen=True):
    """One procedure.

    `slow` ones are called by a worker, which has nothing of the connection but what a `Job` says;
    unless `quick`, which must not take long, knows the answer already. What the function of a slow
    one returns are its results, or, where there is `then`, a value of the type `keeps`, to which
    the server applies `then` for the results. What `given` returns is sent along with the job, and
    is `ClientSession.given` for the worker. `pure` ones depend on the host and the arguments alone.
    `adopt` is called after a worker gave an answer. `early` ones may be called before the
    connection was opened. A worker sees the pools of the connection if `sees_pools`. After one that
    `opens_stream` the client sends a stream.
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
    given: Callable[..., bytes] | None = None
    sees_pools: bool = False
    opens_stream: bool = False
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
    name = procedure_names()[number].name

    def offer(function: Callable[..., Any]) -> Callable[..., Any]:
        if number in _PROCEDURES:
            raise ValueError(f"procedure {number} ({name}) is offered already")
        _PROCEDURES[number] = Procedure(
            number, name, function, Record(*takes), Record(*gives), **options
        )
        return function

    return offer


def offers_the_rest(
    function: Callable[[dict[int, Procedure]], None],
) -> Callable[[dict[int, Procedure]], None]:
    """Have a function called when all modules offered theirs: it gets what was offered."""
    _LAST_OFFERS.append(function)
    return function


@cache
def procedures() -> dict[int, Procedure]:
    """Import every module of `domcaps.serve.calls`, and give what they offer, by number."""
    package = import_module("domcaps.serve.calls")
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        import_module(module.name)
    for offer in _LAST_OFFERS:
        offer(_PROCEDURES)
    return _PROCEDURES
