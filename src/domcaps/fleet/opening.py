"""What opens more hosts to a domain: the least change of the domain, or what hosts lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.fleet.fleet import Accepts, Fleet

_TRIED = 3
"""Kinds of hosts for which the domain is repaired: the largest that refuse it."""


class Opening(msgspec.Struct, frozen=True):
    """A change, and on how many more hosts the domain is accepted then.

    `lost` tells that hosts which accept the domain now would not any more.
    """

    what: str
    of: str
    more: int
    lost: int = 0

    def __str__(self) -> str:
        """Give one line."""
        lost = f", and closes {self.lost}" if self.lost else ""
        return f"change of the {self.of}: {self.what}: opens {self.more} more{lost}"


def opening_changes(fleet: Fleet, found: Accepts, data: bytes, libvirt: str) -> list[Opening]:
    """Give changes that open more hosts, the one that opens most first."""
    changes = [*_of_domain(fleet, found, data, libvirt), *_of_hosts(found)]
    return sorted(changes, key=lambda change: (change.lost - change.more, change.what))


def _of_hosts(found: Accepts) -> Iterator[Opening]:
    for reason in found.reasons:
        if reason.alone:
            yield Opening(f"so that none says: {reason.message}", "hosts", reason.alone)


def _of_domain(fleet: Fleet, found: Accepts, data: bytes, libvirt: str) -> Iterator[Opening]:
    """Repair the domain for the largest groups of hosts, and count who accepts the result."""
    engine = fleet.engine(libvirt)
    answer = engine.ask(found.domain, data)
    refusing = [one for one in answer.sets if not one.accepted]
    refusing.sort(key=lambda one: -one.hosts.bit_count())
    seen = set()
    for one in refusing[:_TRIED]:
        host = fleet.deciding_host(next(one.numbers()))
        repair = host.repair(data, libvirt)
        if not repair.accepted or repair.data in seen:
            continue
        seen.add(repair.data)
        then = engine.ask(found.domain, repair.data).accepting
        more = then & ~answer.accepting
        if more:
            lost = (answer.accepting & ~then).bit_count()
            what = "; ".join(change.what for change in repair.changes)
            yield Opening(what, "domain", more.bit_count(), lost)
