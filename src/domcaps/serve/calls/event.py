"""Events: a client may register for them, and none is ever sent, since nothing happens here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.procedures import procedure
from domcaps.serve.xdr import INT, STRING, UUID, XML, Optional, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.serve.session import ClientSession

_LIFECYCLE = 0
_DOMAIN_EVENTS = 30
_OLD_EVENTS = 16
"""``VIR_DOMAIN_EVENT_ID_LAST``, and those that the calls without numbers of callbacks know."""


def _register_once(session: ClientSession, event: int) -> None:
    """Register for an event of all domains, by the calls that give no number for it."""
    _check("", event, _OLD_EVENTS)
    session.register(("", event, b""))
    session.legacy_events.add(event)


def _deregister_once(session: ClientSession, event: int) -> None:
    if event not in session.legacy_events:
        raise _refused(f"domain event {event} not registered")
    session.legacy_events.discard(event)
    session.events.pop(("", event, b""), None)


def _check(kind: str, event: int, count: int) -> None:
    if not 0 <= event < count:
        raise _refused(f"unsupported {kind}event ID {event}")


def _refused(detail: str) -> LibvirtError:
    return LibvirtError(ErrorNumber.INTERNAL_ERROR, detail, ErrorDomain.RPC)


@procedure(105, gives=(INT,))
def connect_domain_event_register(session: ClientSession) -> tuple[int]:
    """Register for the lifecycle of domains."""
    _register_once(session, _LIFECYCLE)
    return (1,)


@procedure(106, gives=(INT,))
def connect_domain_event_deregister(session: ClientSession) -> tuple[int]:
    """Take that back."""
    _deregister_once(session, _LIFECYCLE)
    return (0,)


@procedure(167, takes=(INT,))
def connect_domain_event_register_any(session: ClientSession, event: int) -> None:
    """Register for an event of domains."""
    _register_once(session, event)


@procedure(168, takes=(INT,))
def connect_domain_event_deregister_any(session: ClientSession, event: int) -> None:
    """Take that back."""
    _deregister_once(session, event)


def _registering(
    kind: str, count: int, identity: int
) -> Callable[[ClientSession, int, tuple[Any, ...] | None], tuple[int]]:
    def register(session: ClientSession, event: int, what: tuple[Any, ...] | None) -> tuple[int]:
        """Register for an event of one object, or of all."""
        _check(kind, event, count)
        found = what[identity] if what else b""
        return (session.register((kind, event, found if isinstance(found, bytes) else b"")),)

    return register


def _deregistering(kind: str) -> Callable[[ClientSession, int], None]:
    def deregister(session: ClientSession, callback: int) -> None:
        """Take that back."""
        if not session.deregister(kind, callback):
            raise _refused(f"{kind or 'domain '}event callback {callback} not registered")

    return deregister


# the number, what an object is on the wire, where its identity stands in that, events there are
for _number, _what, _identity, _kind, _count in (
    (316, Record(STRING, UUID, INT), 1, "", _DOMAIN_EVENTS),
    (313, Record(STRING, UUID), 1, "network ", 2),
    (368, Record(STRING, UUID), 1, "storage pool ", 2),
    (374, Record(XML), 0, "node device ", 2),
    (380, Record(UUID, INT, STRING), 0, "secret ", 2),
):
    _register = _registering(_kind, _count, _identity)
    procedure(_number, takes=(INT, Optional(_what)), gives=(INT,))(_register)
    procedure(_number + 1, takes=(INT,))(_deregistering(_kind))
