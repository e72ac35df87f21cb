"""Events of a domain, a network or a storage pool, as messages for the clients that want them.

Numbers and forms are those of ``remote_protocol.x``. An event that was registered by a call that
gives a number is sent with that number; by the older calls, without one and under another number.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.serve.frames import REMOTE_PROGRAM, VERSION, Frame, Type
from domcaps.serve.xdr import INT, OPTIONAL_STRING, STRING, UUID, Codec, Record, pack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.serve.session import ClientSession

_DOMAIN = Record(STRING, UUID, INT)
_OBJECT = Record(STRING, UUID)


class DomainEvent(enum.Enum):
    """``virDomainEventType``, and the detail of it: each is an event of a domain's life."""

    ADDED = (0, 0)
    UPDATED = (0, 1)
    RENAMED = (0, 2)
    REMOVED = (1, 0)
    OLD_NAME_REMOVED = (1, 1)
    STARTED = (2, 0)
    SUSPENDED = (3, 0)
    RESUMED = (4, 0)
    SHUT_DOWN = (5, 0)
    DESTROYED = (5, 1)
    SAVED = (5, 4)


class ObjectEvent(enum.IntEnum):
    """``virNetworkEventLifecycleType``; those of a storage pool have the same numbers."""

    DEFINED = 0
    UNDEFINED = 1
    STARTED = 2
    STOPPED = 3


class EventKind(NamedTuple):
    """What is registered for, and how it is sent: by which message, older message, and form."""

    kind: str
    number: int
    message: int
    form: Codec
    older: int = 0


LIFECYCLE = EventKind("", 0, 318, Record(_DOMAIN, INT, INT), 107)
REBOOT = EventKind("", 1, 319, Record(_DOMAIN), 169)
DEVICE_REMOVED = EventKind("", 15, 333, Record(_DOMAIN, STRING), 311)
DEVICE_ADDED = EventKind("", 19, 354, Record(_DOMAIN, STRING))
METADATA_CHANGED = EventKind("", 23, 379, Record(_DOMAIN, INT, OPTIONAL_STRING))
NETWORK = EventKind("network ", 0, 315, Record(_OBJECT, INT, INT))
POOL = EventKind("storage pool ", 0, 370, Record(_OBJECT, INT, INT))


def messages(
    session: ClientSession, kind: EventKind, identity: bytes, value: tuple[Any, ...]
) -> Iterator[Frame]:
    """Give the messages for one client about one object."""
    for wanted in (b"", identity):
        number = session.events.get((kind.kind, kind.number, wanted))
        if number is None:
            continue
        if not wanted and not kind.kind and kind.number in session.legacy_events:
            if kind.older:
                yield _message(kind.older, pack(kind.form, value))
        else:
            yield _message(kind.message, pack(INT, number) + pack(kind.form, value))


def _message(procedure: int, payload: bytes) -> Frame:
    return Frame(REMOTE_PROGRAM, VERSION, procedure, Type.MESSAGE, 0, 0, payload)
