"""A domain that a server keeps: its definition, and in a sandbox how it runs.

States, reasons and events are libvirt's, in the order in which its test driver has them. A call
that libvirt refuses for the state of a domain is refused with libvirt's error.
"""

from __future__ import annotations

import enum
import time
import uuid
from typing import TYPE_CHECKING

from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.events import DomainEvent

if TYPE_CHECKING:
    from domcaps.serve.domains import DefinedDomain
    from domcaps.serve.inventory import Inventory
    from domcaps.serve.session import ClientSession

DomainHandle = tuple[str, bytes, int]
"""A domain on the wire: its name, its UUID, and its number while it runs."""

_RESTARTS = {"restart", "rename-restart"}
_NANOSECONDS = 1_000_000_000


class DomainState(enum.IntEnum):
    """``virDomainState``, those that occur."""

    RUNNING = 1
    PAUSED = 3
    SHUT_OFF = 5


class Started(enum.IntEnum):
    """``virDomainRunningReason``."""

    BOOTED = 1
    UNPAUSED = 5


class Stopped(enum.IntEnum):
    """``virDomainShutoffReason``."""

    UNKNOWN = 0
    SHUTDOWN = 1
    DESTROYED = 2
    SAVED = 5


_PAUSED_BY_USER = 1
_EVENTS = {
    Stopped.SHUTDOWN: DomainEvent.SHUT_DOWN,
    Stopped.DESTROYED: DomainEvent.DESTROYED,
    Stopped.SAVED: DomainEvent.SAVED,
}


class KeptDomain:
    """One of them: `config` is its lasting definition, `live` that of the running machine.

    A transient domain has no `config`, one that is shut off no `live`. It ends with the connection
    `owner`, where there is one. `has_variables` tells whether it was started with a firmware that
    keeps a file of variables, which libvirt then wants to be named when it is undefined.
    """

    def __init__(self, definition: DefinedDomain) -> None:
        self.name = definition.name
        self.uuid = definition.uuid
        self.config: DefinedDomain | None = None
        self.live: DefinedDomain | None = None
        self.id = -1
        self.state = DomainState.SHUT_OFF
        self.reason = int(Stopped.UNKNOWN)
        self.autostart = False
        self.is_saved = False
        self.has_variables = False
        self.owner: ClientSession | None = None
        self._from: DefinedDomain | None = None
        self._ran = 0.0
        self._since = 0.0

    @property
    def handle(self) -> tuple[str, bytes, int]:
        """What it is on the wire; its number is -1 unless it runs."""
        return self.name, self.uuid, self.id

    @property
    def is_active(self) -> bool:
        """Whether it was started."""
        return self.live is not None

    @property
    def is_updated(self) -> bool:
        """Whether it was defined anew while it runs."""
        return self.live is not None and self.config is not None and self.config is not self._from

    @property
    def current(self) -> DefinedDomain:
        """Its definition: that of the running machine if there is one."""
        found = self.live or self.config
        assert found is not None, "a domain that has none is not kept"  # noqa: S101
        return found

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return 1000 + sum(one.size for one in (self.config, self.live) if one is not None)

    @property
    def nanoseconds(self) -> int:
        """How long it ran since it was started, which is given as its CPU time."""
        running = time.monotonic() - self._since if self.state is DomainState.RUNNING else 0.0
        return int((self._ran + running) * _NANOSECONDS)

    def xml(self, *, inactive: bool = False, secure: bool = False) -> str:
        """Give its XML: of the running machine unless `inactive`, with passwords if `secure`."""
        found = (self.config if inactive and self.config else None) or self.current
        text = found.xml if secure or not found.public else found.public
        is_live = found is self.live and not inactive
        return text.replace("<domain", f"<domain id='{self.id}'", 1) if is_live else text

    def require_active(self) -> None:
        """Raise libvirt's error unless it runs or is paused."""
        if not self.is_active:
            raise invalid("domain is not running")

    def start(self, inventory: Inventory, live: DefinedDomain, *, paused: bool = False) -> None:
        """Start it with a definition that was judged."""
        if self.is_active:
            raise invalid("domain is already running")
        inventory.keep(self.uuid, self.size + live.size)
        self.live, self._from = live, self.config
        inventory.last_id += 1
        self.id = inventory.last_id
        self.has_variables = self.has_variables or live.nvram
        self._ran = 0.0
        self.is_saved = False
        self._set(DomainState.RUNNING, Started.BOOTED)
        inventory.tell(DomainEvent.STARTED, self)
        if paused:
            self.suspend(inventory)

    def adopt(self, live: DefinedDomain | None, config: DefinedDomain | None) -> None:
        """Take changed definitions in the place of those that they are of."""
        if live is not None:
            self.live = live
        if config is not None:
            self._from = config if self._from is self.config else self._from
            self.config = config

    def suspend(self, inventory: Inventory) -> None:
        """Pause it; one that is paused stays so."""
        self.require_active()
        if self.state is DomainState.PAUSED:
            return
        self._ran = self.nanoseconds / _NANOSECONDS
        self._set(DomainState.PAUSED, _PAUSED_BY_USER)
        inventory.tell(DomainEvent.SUSPENDED, self)

    def resume(self, inventory: Inventory) -> None:
        """Let it run on."""
        self.require_active()
        if self.state is DomainState.RUNNING:
            raise invalid("domain is already running")
        self._set(DomainState.RUNNING, Started.UNPAUSED)
        inventory.tell(DomainEvent.RESUMED, self)

    def power_off(self, inventory: Inventory) -> None:
        """Act as a guest that is asked to shut down: what follows is its ``<on_poweroff>``."""
        self._end_by(inventory, self.current.on_poweroff)

    def reboot(self, inventory: Inventory) -> None:
        """Act as a guest that is asked to reboot: what follows is its ``<on_reboot>``."""
        self._end_by(inventory, self.current.on_reboot)

    def _end_by(self, inventory: Inventory, action: str) -> None:
        self.require_active()
        if action in _RESTARTS:
            self._set(DomainState.RUNNING, Started.BOOTED)
        else:
            self.stop(inventory, Stopped.SHUTDOWN)

    def stop(self, inventory: Inventory, reason: Stopped) -> None:
        """End it; a transient one is gone then."""
        self.require_active()
        self._set(DomainState.SHUT_OFF, reason)
        if self.config is None:
            self.config, self.live = self.live, None
            inventory.forget(self)
        self.id, self.live, self.owner = -1, None, None
        inventory.tell(_EVENTS[reason], self)
        if self.uuid in inventory.domains:
            inventory.keep(self.uuid, self.size)

    def abandon(self, inventory: Inventory) -> None:
        """End it with its connection, as libvirt does after ``VIR_DOMAIN_START_AUTODESTROY``."""
        if self.is_active:
            self.stop(inventory, Stopped.DESTROYED)

    def _set(self, state: DomainState, reason: int) -> None:
        self.state, self.reason = state, int(reason)
        self._since = time.monotonic()


def find_domain(session: ClientSession, handle: DomainHandle) -> KeptDomain:
    """Give a domain by its UUID, as libvirt does; raises `LibvirtError`."""
    found = session.inventory.domains.get(handle[1])
    if found is None:
        detail = f"none with the uuid {uuid.UUID(bytes=handle[1])} ({handle[0]})"
        raise LibvirtError(ErrorNumber.NO_DOMAIN, detail)
    return found


def invalid(detail: str) -> LibvirtError:
    """Say that a domain's state does not allow a call."""
    return LibvirtError(ErrorNumber.OPERATION_INVALID, detail, ErrorDomain.QEMU)
