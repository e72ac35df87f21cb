"""Calls that need what the host has: a worker reads it first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.serve.host_objects import ServedObjects, host_objects
from domcaps.serve.procedures import procedure

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.serve.session import ClientSession
    from domcaps.serve.xdr import Codec


def knows_host(
    number: int, **forms: tuple[Codec, ...]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Offer a function that needs the objects of the host: a worker reads them first.

    `forms` are the parameters `takes` and `gives` of `procedure`. In a sandbox the objects are read
    once, and belong to it from then on.
    """

    def offer(function: Callable[..., Any]) -> Callable[..., Any]:
        def known(session: ClientSession, *arguments: Any) -> tuple[Any, ...] | None:
            inventory = session.inventory
            is_known = inventory.runs and inventory.knows_host
            return (function(session, *arguments) or ()) if is_known else None

        def learn(session: ClientSession, found: ServedObjects, *arguments: Any) -> Any:
            session.inventory.learn(found)
            return function(session, *arguments)

        def read(session: ClientSession, *_: Any) -> ServedObjects:
            return host_objects(session)

        procedure(number, slow=True, quick=known, keeps=ServedObjects, then=learn, **forms)(read)
        return function

    return offer
