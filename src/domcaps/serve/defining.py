"""Definitions that are taken into an inventory, or refused because of what it holds already."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.events import DomainEvent
from domcaps.serve.kept_domain import KeptDomain, invalid

if TYPE_CHECKING:
    from domcaps.serve.domains import DefinedDomain
    from domcaps.serve.inventory import Inventory

_MOST_DOMAINS = 100
"""That a client may define over one connection, and all clients of a sandbox."""


def keep_definition(inventory: Inventory, definition: DefinedDomain) -> KeptDomain:
    """Keep a definition, and tell of it; raises `LibvirtError` where libvirt would not take it."""
    domain = place_for(inventory, definition)
    event = DomainEvent.ADDED if domain.config is None else DomainEvent.UPDATED
    before, domain.config = domain.config, definition
    try:
        inventory.keep(domain.uuid, domain.size)
    except LibvirtError:
        domain.config = before
        raise
    inventory.domains[domain.uuid] = domain
    inventory.tell(event, domain)
    return domain


def place_for(inventory: Inventory, definition: DefinedDomain) -> KeptDomain:
    """Give the domain that a definition is of, a new one where there is none.

    Name and UUID must belong together, and there must be room; raises `LibvirtError`.
    """
    known = inventory.domains.get(definition.uuid)
    if known is not None and known.name != definition.name:
        raise _exists(f"domain '{known.name}' is already defined with uuid {_uuid(known.uuid)}")
    for other in inventory.domains.values():
        if other.name == definition.name and other.uuid != definition.uuid:
            raise _exists(f"domain '{other.name}' already exists with uuid {_uuid(other.uuid)}")
    if known is None and len(inventory.domains) >= _MOST_DOMAINS:
        raise _exists(f"{_MOST_DOMAINS} domains were defined over this connection")
    return known or KeptDomain(definition)


def _exists(detail: str) -> LibvirtError:
    return LibvirtError(ErrorNumber.OPERATION_FAILED, detail)


def _uuid(identity: bytes) -> str:
    return str(uuid.UUID(bytes=identity))


def start_definition(
    inventory: Inventory, definition: DefinedDomain, *, paused: bool
) -> KeptDomain:
    """Start a domain from a definition that was judged; without another one it is transient."""
    domain = place_for(inventory, definition)
    if domain.is_active:
        raise invalid(f"domain is already active as '{domain.name}'")
    inventory.domains[domain.uuid] = domain
    try:
        domain.start(inventory, definition, paused=paused)
    except LibvirtError:
        if domain.config is None:
            inventory.forget(domain)
        raise
    return domain
