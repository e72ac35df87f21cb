"""Calls that change a definition: carried out in a sandbox, elsewhere refused with a verdict."""

# ruff: noqa: ARG001 - a call takes what the protocol says, whether it is of use or not

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from lxml import etree

from domcaps.serve import edits, verdict
from domcaps.serve.calls.domain import DOMAIN
from domcaps.serve.domains import DefinedDomain, domain_of, kib_of
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.events import DEVICE_ADDED, DEVICE_REMOVED, METADATA_CHANGED, DomainEvent
from domcaps.serve.kept_domain import DomainHandle, find_domain, invalid
from domcaps.serve.procedure_names import function_name
from domcaps.serve.procedures import procedure
from domcaps.serve.xdr import INT, OPTIONAL_STRING, STRING, UHYPER, UINT, XML, Codec
from domcaps.serve.xml.documents import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

    from domcaps.serve.kept_domain import KeptDomain
    from domcaps.serve.session import ClientSession

LIVE, CONFIG = 1, 2
"""``virDomainModificationImpact``; 0 is what the state of the domain suggests."""

MAXIMUM = 4
"""``VIR_DOMAIN_VCPU_MAXIMUM`` and ``VIR_DOMAIN_MEM_MAXIMUM``."""


class EditRequest(msgspec.Struct, frozen=True):
    """The definitions that a worker is to change: of the running machine, and the lasting one."""

    live: bytes = b""
    config: bytes = b""
    made: tuple[str, ...] = ()


class EditResult(msgspec.Struct, frozen=True):
    """The changed definitions, and the alias of the device that came or went."""

    live: DefinedDomain | None = None
    config: DefinedDomain | None = None
    alias: str = ""


def edited(session: ClientSession, handle: DomainHandle, flags: int) -> bytes:
    """Give the definitions that a change is about; raises where there is none."""
    domain = find_domain(session, handle)
    if not flags & (LIVE | CONFIG):
        flags = LIVE if domain.is_active else CONFIG
    if not session.inventory.runs:
        return msgspec.msgpack.encode(EditRequest(config=domain.current.xml.encode()))
    if flags & LIVE:
        domain.require_active()
    if flags & CONFIG and domain.config is None:
        raise invalid("transient domains do not have any persistent config")
    live = domain.live.xml.encode() if flags & LIVE and domain.live else b""
    config = domain.config.xml.encode() if flags & CONFIG and domain.config else b""
    return msgspec.msgpack.encode(EditRequest(live, config, session.inventory.made_paths))


def _change(session: ClientSession, number: int, apply: Callable[[Node], str | None]) -> EditResult:
    """Change the definitions and judge them; outside a sandbox the verdict is the answer."""
    asked = msgspec.msgpack.decode(session.given, type=EditRequest)
    if not session.inventory.runs:
        root = parse(asked.config)
        apply(root)
        raise verdict.not_run(session, function_name(number), etree.tostring(root))
    alias = ""
    kept: list[DefinedDomain | None] = []
    for xml in (asked.live, asked.config):
        if not xml:
            kept.append(None)
            continue
        root = parse(xml)
        alias = apply(root) or alias
        verdict.require(session, etree.tostring(root), asked.made, start=xml is asked.live)
        kept.append(domain_of(root))
    return EditResult(kept[0], kept[1], alias)


def _adopt(session: ClientSession, result: EditResult, handle: DomainHandle) -> KeptDomain:
    domain = find_domain(session, handle)
    more = sum(one.size for one in (result.live, result.config) if one is not None)
    session.inventory.keep(domain.uuid, domain.size + more)
    domain.adopt(result.live, result.config)
    session.inventory.keep(domain.uuid, domain.size)
    return domain


def _offer(
    number: int,
    takes: tuple[Codec, ...],
    flags_of: Callable[..., int],
    apply: Callable[..., str | None],
    then: Callable[..., Any] | None = None,
) -> None:
    """Offer a change: `apply` gets the document and the arguments after the domain."""

    def given(session: ClientSession, handle: DomainHandle, *rest: Any) -> bytes:
        return edited(session, handle, flags_of(*rest))

    def change(session: ClientSession, handle: DomainHandle, *rest: Any) -> EditResult:
        """Change a definition."""
        return _change(session, number, lambda root: apply(root, *rest))

    def adopt(session: ClientSession, result: EditResult, handle: DomainHandle, *rest: Any) -> None:
        domain = _adopt(session, result, handle)
        if then is not None:
            then(session, domain, result, *rest)

    procedure(number, takes=(DOMAIN, *takes), slow=True, given=given, keeps=EditResult, then=adopt)(
        change
    )


def _last(*rest: Any) -> int:
    flags: int = rest[-1]
    return flags


def _live(*_: Any) -> int:
    return LIVE


def _added(session: ClientSession, domain: KeptDomain, result: EditResult, *_: object) -> None:
    if result.live is not None:
        session.inventory.send(DEVICE_ADDED, domain.uuid, (domain.handle, result.alias))


def _removed(session: ClientSession, domain: KeptDomain, result: EditResult, *_: object) -> None:
    if result.live is not None:
        session.inventory.send(DEVICE_REMOVED, domain.uuid, (domain.handle, result.alias))


def _on_device(change: Callable[[Node, bytes], str]) -> Callable[..., str]:
    return lambda root, xml, *_: change(root, xml)


_offer(8, (XML,), _live, _on_device(edits.attach), _added)
_offer(160, (XML, UINT), _last, _on_device(edits.attach), _added)
_offer(13, (XML,), _live, _on_device(edits.detach), _removed)
_offer(161, (XML, UINT), _last, _on_device(edits.detach), _removed)
_offer(174, (XML, UINT), _last, _on_device(edits.update))
_offer(392, (STRING, UINT), _last, lambda root, alias, _: edits.detach_alias(root, alias), _removed)


def _vcpus(root: Node, count: int, flags: int = 0) -> None:
    edits.set_vcpus(root, count, maximum=bool(flags & MAXIMUM))


def _not_zero(value: int, flags: int = LIVE) -> int:
    """Refuse a size of 0, as the functions of libvirt's API do; gives the flags."""
    if not value:
        raise LibvirtError(ErrorNumber.INVALID_ARG, "it must not be zero", ErrorDomain.DOMAIN)
    return flags


def _vcpu_flags(count: int, flags: int) -> int:
    _not_zero(count)
    if flags & MAXIMUM and flags & LIVE:
        detail = "cannot adjust maximum on running domain"
        raise LibvirtError(ErrorNumber.INVALID_ARG, detail, ErrorDomain.DOMAIN)
    return flags | CONFIG if flags & MAXIMUM else flags


_offer(32, (UINT,), _not_zero, _vcpus)
_offer(199, (UINT, UINT), _vcpu_flags, _vcpus)


def _memory(root: Node, kib: int, flags: int = 0) -> None:
    most = kib_of(root.find("memory"))
    edits.set_memory(root, kib, most, maximum=bool(flags & MAXIMUM))


def _memory_flags(kib: int, flags: int) -> int:
    _not_zero(kib)
    return flags | CONFIG if flags & MAXIMUM and not flags & LIVE else flags


_offer(31, (UHYPER,), _not_zero, _memory)
_offer(204, (UHYPER, UINT), _memory_flags, _memory)
_offer(
    30, (UHYPER,), lambda kib: _not_zero(kib, CONFIG), lambda root, kib: _memory(root, kib, MAXIMUM)
)


def _metadata(
    root: Node, kind: int, text: str | None, key: str | None, uri: str | None, _: int
) -> None:
    edits.set_metadata(root, kind, text, key, uri)


def _told(session: ClientSession, domain: KeptDomain, _: EditResult, kind: int, *rest: Any) -> None:
    session.inventory.send(METADATA_CHANGED, domain.uuid, (domain.handle, kind, rest[2]))


_offer(264, (INT, OPTIONAL_STRING, OPTIONAL_STRING, OPTIONAL_STRING, UINT), _last, _metadata, _told)


def _xml_of(
    session: ClientSession, handle: DomainHandle, kind: int, uri: str | None, flags: int
) -> bytes:
    domain = find_domain(session, handle)
    return domain.xml(inactive=bool(flags & CONFIG), secure=True).encode()


@procedure(
    265, takes=(DOMAIN, INT, OPTIONAL_STRING, UINT), gives=(STRING,), slow=True, given=_xml_of
)
def domain_get_metadata(
    session: ClientSession, handle: DomainHandle, kind: int, uri: str | None, flags: int
) -> tuple[str]:
    """Give title, description, or the element of an application."""
    return (edits.metadata(parse(session.given), kind, uri),)


def _of_inactive(
    session: ClientSession, handle: DomainHandle, name: str | None, flags: int
) -> bytes:
    if session.inventory.runs:
        domain = find_domain(session, handle)
        if domain.is_active:
            raise invalid("cannot rename active domain")
        for other in session.inventory.domains.values():
            if other.name == name:
                detail = f"domain with name '{name}' already exists"
                raise LibvirtError(ErrorNumber.OPERATION_INVALID, detail, ErrorDomain.DOMAIN)
    return edited(session, handle, CONFIG)


def _renamed(
    session: ClientSession, result: EditResult, handle: DomainHandle, name: str | None, flags: int
) -> tuple[int]:
    domain = _adopt(session, result, handle)
    session.inventory.tell(DomainEvent.OLD_NAME_REMOVED, domain)
    domain.name = str(name)
    session.inventory.tell(DomainEvent.RENAMED, domain)
    return (0,)


@procedure(
    358, takes=(DOMAIN, OPTIONAL_STRING, UINT), gives=(INT,), slow=True, given=_of_inactive,
    keeps=EditResult, then=_renamed,
)  # fmt: skip
def domain_rename(
    session: ClientSession, handle: DomainHandle, name: str | None, flags: int
) -> EditResult:
    """Give a domain that does not run another name."""
    return _change(session, 358, lambda root: edits.rename(root, name or ""))
