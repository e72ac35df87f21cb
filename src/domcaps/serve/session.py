"""One client's connection as its calls see it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from domcaps.serve.access import Peer
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.inventory import Event, Inventory, Sandboxes

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.language import Dialect
    from domcaps.serve.frames import Frame
    from domcaps.serve.hosts import HostSource, ServedHost
    from domcaps.serve.jobs import Job
    from domcaps.serve.ledger import ClientAccount
    from domcaps.serve.storage import Pool

_USUAL = {"", "/", "/system", "/session"}
_MOST_EVENTS = 1000
READ_ONLY = 1
"""``VIR_CONNECT_RO``."""


class ClientSession:
    """What a client opened, and its events.

    `inventory` has what was defined: over this connection, or in its sandbox where the server has
    `sandboxes`. `kept` is the account of what is defined over the connection, None where nothing is
    kept: in a worker. `post` sends a message that is no reply.
    """

    def __init__(
        self,
        source: HostSource,
        dialect: Dialect,
        peer: Peer = Peer(),  # noqa: B008 - immutable
        kept: ClientAccount | None = None,
        sandboxes: Sandboxes | None = None,
    ) -> None:
        self.dialect = dialect
        self.peer = peer
        self.inventory = Inventory(kept)
        self.given = b""
        self.post: Callable[[Frame], None] | None = None
        self.uri = ""
        self.read_only = False
        self.is_open = False
        self.is_over = False
        self.wants_pings = False
        self.last_callback = 0
        self.events: dict[Event, int] = {}
        self.legacy_events: set[int] = set()
        self.source = source
        self.name = ""
        self._kept = kept
        self._sandboxes = sandboxes

    @classmethod
    def of_job(cls, source: HostSource, dialect: Dialect, job: Job) -> ClientSession:
        """Give what a worker sees of the connection that a job is of."""
        made = cls(source, dialect, job.peer)
        made.name = job.host.decode(errors="surrogateescape")
        made.read_only = job.read_only
        made.given = job.given
        made.inventory.runs = job.runs
        made.pools.update({pool.uuid: pool for pool in job.pools})
        return made

    @property
    def pools(self) -> dict[bytes, Pool]:
        """The storage pools of its inventory, by their UUID."""
        return self.inventory.pools

    @property
    def libvirt(self) -> str:
        """The release of libvirt to emulate."""
        return str(self.dialect)

    def open(self, uri: str | None, flags: int) -> None:
        """Connect to a host that is there; raises `LibvirtError`.

        The host is that of the URI's path, or of its parameter ``host``:
        ``qemu+tcp://127.0.0.1:16509/NAME``, ``qemu:///system?host=NAME``.
        """
        if self.is_open:
            raise LibvirtError(
                ErrorNumber.INTERNAL_ERROR, "connection already open", ErrorDomain.RPC
            )
        self.name = host_name(uri or "")
        self.uri = uri or "qemu:///system"
        self.read_only = bool(flags & READ_ONLY)
        self.is_open = True
        if self._sandboxes is not None:
            self.inventory = self._sandboxes.of(self.name, self.peer.user, self._kept)
        self.inventory.listeners.append(self)

    def served(self) -> ServedHost:
        """Give the host as it is now."""
        return self.source.get(self.name)

    def known(self) -> ServedHost | None:
        """Give the host if it can be given without reading a file that is large."""
        return self.source.known(self.name)

    def close(self) -> None:
        """Leave the inventory, and end when the reply was sent."""
        self.inventory.leave(self)
        self.is_open = False
        self.is_over = True

    def register(self, event: Event) -> int:
        """Give a number to a client that wants an event; raises `LibvirtError`.

        As in libvirt, the same event of the same object is registered once over a connection.
        """
        if event in self.events:
            raise LibvirtError(ErrorNumber.INVALID_ARG, "event callback already tracked")
        if len(self.events) >= _MOST_EVENTS:
            detail = f"{_MOST_EVENTS} events are registered over this connection"
            raise LibvirtError(ErrorNumber.OPERATION_FAILED, detail)
        self.last_callback += 1
        self.events[event] = self.last_callback - 1
        return self.last_callback - 1

    def deregister(self, kind: str, callback: int) -> bool:
        """Forget a callback; False where there is none of that number."""
        for event, number in self.events.items():
            if number == callback and event[0] == kind:
                del self.events[event]
                return True
        return False


def host_name(uri: str) -> str:
    """Give the name of the host that a URI means, "" where it names none."""
    try:
        parts = urlsplit(uri)
        scheme = parts.scheme.partition("+")[0]
        asked = parse_qs(parts.query).get("host", [])
    except ValueError as error:
        raise LibvirtError(ErrorNumber.INVALID_ARG, f"not a URI: {error}") from error
    if scheme not in {"", "qemu"}:
        raise LibvirtError(ErrorNumber.NO_CONNECT, f"{uri} (only qemu is served)")
    if asked:
        return asked[0]
    return "" if parts.path in _USUAL else unquote(parts.path.lstrip("/"))


def check_flags(flags: int, known: int) -> None:
    """Refuse flags that it is unknown, rather than overlook a wish."""
    if flags & ~known:
        raise LibvirtError(ErrorNumber.INVALID_ARG, f"unsupported flags (0x{flags & ~known:x})")


def check_most(most: int, limit: int, what: str, kind: str) -> None:
    """Refuse a number of results that can't be, in libvirt's words."""
    if most < 0:
        raise LibvirtError(ErrorNumber.RPC, f"max{what} must be non-negative", ErrorDomain.RPC)
    if most > limit:
        raise LibvirtError(ErrorNumber.RPC, f"max{what} > REMOTE_{kind}_LIST_MAX", ErrorDomain.RPC)
