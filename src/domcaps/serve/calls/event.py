"""Events: whoever wants to be told is noted, and never told, since nothing happens here."""

# ruff: noqa: ARG001 - a call takes what the protocol says, whether it is of use or not

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.serve.procedures import procedure
from domcaps.serve.xdr import INT, STRING, UUID, Optional, Record

if TYPE_CHECKING:
    from domcaps.serve.session import Session

_DOMAIN = Optional(Record(STRING, UUID, INT))
_NAMED = Optional(Record(STRING, UUID))
_NODE_DEVICE = Optional(Record(STRING))


@procedure(105, gives=(INT,))
def connect_domain_event_register(session: Session) -> tuple[int]:
    """Note it."""
    return (1,)


@procedure(106, gives=(INT,))
def connect_domain_event_deregister(session: Session) -> tuple[int]:
    """Forget it."""
    return (0,)


@procedure(167, takes=(INT,))
def connect_domain_event_register_any(session: Session, event: int) -> None:
    """Note it."""


@procedure(168, takes=(INT,))
def connect_domain_event_deregister_any(session: Session, event: int) -> None:
    """Forget it."""


def _register(session: Session, event: int, what: object) -> tuple[int]:
    """Note that a client wants to be told, of one thing or of all."""
    return (session.callback(),)


def _deregister(session: Session, callback: int) -> None:
    """Forget that."""


for _number, _what in ((316, _DOMAIN), (313, _NAMED), (368, _NAMED), (374, _NODE_DEVICE)):
    procedure(_number, takes=(INT, _what), gives=(INT,))(_register)
    procedure(_number + 1, takes=(INT,))(_deregister)


_SECRET = Optional(Record(UUID, INT, STRING))
procedure(380, takes=(INT, _SECRET), gives=(INT,))(_register)
procedure(381, takes=(INT,))(_deregister)
