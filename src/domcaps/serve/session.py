"""One client's connection as its calls see it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from domcaps.serve.access import Peer
from domcaps.serve.errors import Code, ErrorDomain, LibvirtError

if TYPE_CHECKING:
    from domcaps.language import Dialect
    from domcaps.serve.domains import Domain
    from domcaps.serve.hosts import HostSource, ServedHost
    from domcaps.serve.storage import Pool

_USUAL = {"", "/", "/system", "/session"}
_MOST_EVENTS = 1000
Event = tuple[str, int, bytes]
"""What a client is told of: the kind of object, the number of the event, and which object."""

READ_ONLY = 1
"""``VIR_CONNECT_RO``."""


class Session:
    """What a client opened and what it defined; gone when it leaves."""

    def __init__(
        self,
        source: HostSource,
        dialect: Dialect,
        peer: Peer = Peer(),  # noqa: B008 - immutable
    ) -> None:
        self.dialect = dialect
        self.peer = peer
        self.domains: dict[bytes, Domain] = {}
        self.pools: dict[bytes, Pool] = {}
        self.uri = ""
        self.read_only = False
        self.is_open = False
        self.is_over = False
        self.wants_pings = False
        self.last_callback = 0
        self.events: dict[Event, int] = {}
        self.legacy_events: set[int] = set()
        self._source = source
        self._name = ""

    @property
    def libvirt(self) -> str:
        """The release of libvirt whose words are wanted."""
        return str(self.dialect)

    def open(self, uri: str | None, flags: int) -> None:
        """Connect to a host; raises `LibvirtError` or `DomcapsError` where the URI names none.

        The host is that of the URI's path, or of its parameter ``host``:
        ``qemu+tcp://127.0.0.1:16509/NAME``, ``qemu:///system?host=NAME``.
        """
        if self.is_open:
            raise LibvirtError(Code.INTERNAL_ERROR, "connection already open", ErrorDomain.RPC)
        name = host_name(uri or "")
        self._source.get(name)
        self._name = name
        self.uri = uri or "qemu:///system"
        self.read_only = bool(flags & READ_ONLY)
        self.is_open = True

    def served(self) -> ServedHost:
        """Give the host as it is now."""
        return self._source.get(self._name)

    def known(self) -> ServedHost | None:
        """Give the host if it can be given without reading a file that is large."""
        return self._source.known(self._name)

    def close(self) -> None:
        """Forget everything, and end when the reply was sent."""
        self.domains.clear()
        self.pools.clear()
        self.is_open = False
        self.is_over = True

    def register(self, event: Event) -> int:
        """Give a number to a client that wants an event; raises `LibvirtError`.

        As in libvirt, the same event of the same object is registered once over a connection.
        """
        if event in self.events:
            raise LibvirtError(Code.INVALID_ARG, "event callback already tracked")
        if len(self.events) >= _MOST_EVENTS:
            detail = f"{_MOST_EVENTS} events are registered over this connection"
            raise LibvirtError(Code.OPERATION_FAILED, detail)
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
        raise LibvirtError(Code.INVALID_ARG, f"not a URI: {error}") from error
    if scheme not in {"", "qemu"}:
        raise LibvirtError(Code.NO_CONNECT, f"{uri} (only qemu is served)")
    if asked:
        return asked[0]
    return "" if parts.path in _USUAL else unquote(parts.path.lstrip("/"))


def check_flags(flags: int, known: int) -> None:
    """Refuse flags that nobody knows, rather than overlook a wish."""
    if flags & ~known:
        raise LibvirtError(Code.INVALID_ARG, f"unsupported flags (0x{flags & ~known:x})")


def check_most(most: int, limit: int, what: str, kind: str) -> None:
    """Refuse a number of results that can't be, in libvirt's words."""
    if most < 0:
        raise LibvirtError(Code.RPC, f"max{what} must be non-negative", ErrorDomain.RPC)
    if most > limit:
        raise LibvirtError(Code.RPC, f"max{what} > REMOTE_{kind}_LIST_MAX", ErrorDomain.RPC)
