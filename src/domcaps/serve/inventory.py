"""What clients defined: domains, storage pools and networks, in memory alone.

Without a sandbox each connection has an inventory of its own, in which no domain runs. In a sandbox
domains run as far as a client can tell; no program is started for them. A sandbox is shared by all
connections of a user to a host, or belongs to one connection (`Sandboxes`).

Everything is bounded: what is kept is written down in an account (`domcaps.serve.ledger`), and
there are at most so many objects of each kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.events import LIFECYCLE, DomainEvent, EventKind, messages

if TYPE_CHECKING:
    from domcaps.facts.host_objects import HostInterface
    from domcaps.serve.host_objects import ServedObjects
    from domcaps.serve.kept_domain import KeptDomain
    from domcaps.serve.ledger import ClientAccount, Ledger
    from domcaps.serve.networks import Network
    from domcaps.serve.session import ClientSession
    from domcaps.serve.storage import Pool

Event = tuple[str, int, bytes]
"""An event for a client: the kind of object, the number of the event, and which object."""

SandboxKind = Literal["user", "connection"]
"""Who shares a sandbox: all connections of a user to a host, or none."""


class Inventory:
    """Objects by their UUID. `runs` tells whether domains can be started, as in a sandbox.

    `listeners` are the connections that use it. `last_id` and `last_interface` are the numbers that
    were given last: to a domain that was started, and to the host's side of a network card.
    """

    def __init__(
        self, kept: ClientAccount | None = None, *, runs: bool = False, lasts: bool = False
    ) -> None:
        self.domains: dict[bytes, KeptDomain] = {}
        self.pools: dict[bytes, Pool] = {}
        self.networks: dict[bytes, Network] = {}
        self.interfaces: tuple[HostInterface, ...] = ()
        self.knows_host = False
        self.runs = runs
        self.listeners: list[ClientSession] = []
        self.last_id = 0
        self.last_interface = -1
        self._kept = kept
        self._lasts = lasts
        self._sizes: dict[bytes, int] = {}

    @property
    def made_paths(self) -> tuple[str, ...]:
        """The paths of volumes that exist in the sandbox alone."""
        return tuple(path for pool in self.pools.values() for path in pool.made_paths)

    def learn(self, found: ServedObjects) -> None:
        """Take in what the host has: in a sandbox once, elsewhere as it is now."""
        self.interfaces = found.interfaces
        if not self.runs:
            self.networks = {one.uuid: one for one in found.networks}
        elif not self.knows_host:
            names = {one.name for one in self.networks.values()}
            self.networks |= {one.uuid: one for one in found.networks if one.name not in names}
        for pool in found.pools:
            if not any(known.name == pool.name for known in self.pools.values()):
                self.pools.setdefault(pool.uuid, pool)
        self.knows_host = True

    def keep(self, identity: bytes, size: int) -> None:
        """Write down what an object takes, instead of what it took before.

        Raises `LibvirtError` where that is too much for this inventory, or for all.
        """
        before = self._sizes.pop(identity, 0)
        if self._kept is None:
            return
        self._kept.give(before)
        if not self._kept.keep(size):
            self._sizes[identity] = before
            self._kept.keep(before)
            detail = f"{self._kept.held} bytes are kept for this connection, {size} more are not"
            raise LibvirtError(ErrorNumber.NO_MEMORY, detail)
        self._sizes[identity] = size

    def drop(self, identity: bytes) -> None:
        """Write down that an object is kept no longer."""
        size = self._sizes.pop(identity, 0)
        if self._kept is not None:
            self._kept.give(size)

    def forget(self, domain: KeptDomain) -> None:
        """Keep a domain no longer."""
        self.drop(domain.uuid)
        self.domains.pop(domain.uuid, None)

    def tell(self, event: DomainEvent, domain: KeptDomain) -> None:
        """Send an event of a domain's life to all clients that want it."""
        self.send(LIFECYCLE, domain.uuid, (domain.handle, *event.value))

    def send(self, kind: EventKind, identity: bytes, value: tuple[Any, ...]) -> None:
        """Send an event of an object to all clients that want it."""
        for session in self.listeners:
            for message in messages(session, kind, identity, value):
                if session.post is not None:
                    session.post(message)

    def leave(self, session: ClientSession) -> None:
        """Take note that a connection ends: what is its own goes with it."""
        if session in self.listeners:
            self.listeners.remove(session)
        for domain in [one for one in self.domains.values() if one.owner is session]:
            domain.abandon(self)
        if not self._lasts:
            self.clear()

    def clear(self) -> None:
        """Forget everything."""
        for identity in list(self._sizes):
            self.drop(identity)
        self.domains.clear()
        self.pools.clear()
        self.networks.clear()


class Sandboxes:
    """The sandboxes of a server: by host and user where they are `shared`, else by connection."""

    def __init__(self, ledger: Ledger, *, shared: bool) -> None:
        self._ledger = ledger
        self._shared = shared
        self._known: dict[tuple[str, int | None], Inventory] = {}

    def of(self, host: str, user: int | None, kept: ClientAccount | None) -> Inventory:
        """Give the sandbox for a new connection; `kept` is the connection's own account."""
        if not self._shared:
            return Inventory(kept, runs=True)
        found = self._known.get((host, user))
        if found is None:
            account = self._ledger.account(lambda _: None)
            account.is_closing = True  # no connection is closed to make room for another sandbox
            found = self._known[host, user] = Inventory(account, runs=True, lasts=True)
        return found
