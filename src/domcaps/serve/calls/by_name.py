"""Procedures that are not carried out: each is answered with its name in libvirt's API.

Where a call is about a domain whose definition is known, the answer also says what libvirt would
make of that definition. In a sandbox, what can't be carried out there is refused by name alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.serve import verdict
from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.kept_domain import DomainHandle, find_domain
from domcaps.serve.procedure_names import function_name, procedure_names, sent_by_servers
from domcaps.serve.procedures import offers_the_rest, procedure
from domcaps.serve.xdr import INT, STRING, UUID, Codec, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.serve.procedures import Procedure
    from domcaps.serve.session import ClientSession

_DOMAIN = Record(STRING, UUID, INT)
_LOGIN = range(67, 71)
"""Procedures that log a client in, which would be called before the connection is opened."""


def in_sandbox(
    number: int, *, takes: tuple[Codec, ...] = (_DOMAIN,), gives: tuple[Codec, ...] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Offer a function as a procedure of a sandbox; its first argument is a domain.

    Elsewhere the call is answered by its name, with the verdict on the domain.
    """

    def offer(function: Callable[..., Any]) -> Callable[..., Any]:
        def carry_out(session: ClientSession, *arguments: Any) -> tuple[Any, ...] | None:
            return (function(session, *arguments) or ()) if session.inventory.runs else None

        procedure(
            number, takes=takes, gives=gives, slow=True, quick=carry_out, given=definition_of
        )(_answer(number))
        return function

    return offer


def only_in_sandbox(
    number: int, *, takes: tuple[Codec, ...] = (), gives: tuple[Codec, ...] = (), **options: bool
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Offer a function as a procedure of a sandbox; elsewhere it is refused by its name."""

    def offer(function: Callable[..., Any]) -> Callable[..., Any]:
        def carry_out(session: ClientSession, *arguments: Any) -> Any:
            require_sandbox(session, number)
            return function(session, *arguments)

        procedure(number, takes=takes, gives=gives, **options)(carry_out)
        return function

    return offer


def require_sandbox(session: ClientSession, number: int) -> None:
    """Refuse a procedure by its name unless the connection has a sandbox."""
    if not session.inventory.runs:
        raise not_offered(number)


def not_offered(number: int) -> LibvirtError:
    """Refuse a procedure by the name of its function in libvirt's API."""
    return LibvirtError(ErrorNumber.NO_SUPPORT, function_name(number))


def definition_of(session: ClientSession, handle: DomainHandle, *_: object) -> bytes:
    """Give the XML of the domain that a call is about; raises `LibvirtError` if there is none."""
    return find_domain(session, handle).current.xml.encode()


def _answer(number: int) -> Callable[..., None]:
    def refuse(session: ClientSession, *_: object) -> None:
        """Refuse the call, with the verdict on the domain."""
        raise verdict.not_run(session, function_name(number), session.given)

    return refuse


@offers_the_rest
def _offer_the_rest(offered: dict[int, Procedure]) -> None:
    """Offer all procedures of the protocol that no module offers: they are answered by name."""
    for number, (_, of_domain) in procedure_names().items():
        if number in offered or number in sent_by_servers():
            continue
        if of_domain:
            offer = procedure(number, takes=(_DOMAIN,), slow=True, given=_unless_in_sandbox(number))
            offer(_answer(number))
        else:
            procedure(number, early=number in _LOGIN)(_refusal(number))


def _refusal(number: int) -> Callable[..., None]:
    def refuse(_: ClientSession) -> None:
        """Refuse the call by its name."""
        raise not_offered(number)

    return refuse


def _unless_in_sandbox(number: int) -> Callable[..., bytes]:
    def given(session: ClientSession, handle: DomainHandle, *_: object) -> bytes:
        found = definition_of(session, handle)
        if session.inventory.runs:
            raise not_offered(number)
        return found

    return given
