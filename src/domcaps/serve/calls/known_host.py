"""Calls that need what the host has: a worker reads it first."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from domcaps.serve.host_objects import ServedObjects, host_objects
from domcaps.serve.procedures import procedure

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.serve.session import ClientSession
    from domcaps.serve.xdr import Codec


def knows_host(
    number: int, *, takes: tuple[Codec, ...] = (), gives: tuple[Codec, ...] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Offer a function that needs the objects of the host: a worker reads them first.

    In a sandbox they are read once, and belong to it from then on.
    """

    def offer(function: Callable[..., Any]) -> Callable[..., Any]:
        def known(session: ClientSession, *arguments: Any) -> tuple[Any, ...] | None:
            inventory = session.inventory
            is_known = inventory.runs and inventory.knows_host
            return (function(session, *arguments) or ()) if is_known else None

        def learn(session: ClientSession, found: ServedObjects, *arguments: Any) -> Any:
            session.inventory.learn(found)
            return function(session, *arguments)

        @wraps(function)
        def read(session: ClientSession, *_: Any) -> ServedObjects:
            return host_objects(session)

        procedure(
            number,
            takes=takes,
            gives=gives,
            slow=True,
            quick=known,
            keeps=ServedObjects,
            then=learn,
        )(read)
        return function

    return offer
