"""Listening sockets: UNIX sockets, the loopback interface, and those that systemd hands over."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import os
import select
import socket
import stat
import struct
import time
from typing import TYPE_CHECKING

from domcaps.destination import destination
from domcaps.errors import RequestError
from domcaps.facts.ownership import weakness_by_name

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from pathlib import Path

    from domcaps.destination import FileDestination

BACKLOG = 128
_FIRST_INHERITED = 3
_CREDENTIALS = struct.Struct("iII")
_LOCK_SECONDS = 3.0
_NETWORK = 8
_LONGEST = 107
"""Bytes of a UNIX socket's path (``sun_path`` without its NUL)."""


def peer_uid(peer: socket.socket) -> int | None:
    """Tell who is at the other end of a UNIX socket (``SO_PEERCRED``), None for other sockets."""
    credentials = _credentials(peer)
    return None if credentials is None else credentials[1]


def client_of(peer: socket.socket) -> Hashable | None:
    """Tell which client a connection is of, None where that is unknown.

    Over a UNIX socket that is the process that connected, unless it is not seen from here (in
    another PID namespace). Over TCP it is the address: that of all local ones is the same, since a
    process may come from any address of the loopback network.
    """
    credentials = _credentials(peer)
    if credentials is not None:
        return credentials[0] or None
    try:
        address = _of_peer(peer.getpeername()[0])
    except (OSError, ValueError, IndexError, AttributeError, TypeError):
        return None
    if address.is_loopback:
        return "local"
    # a client with one IPv6 address usually has a network of them
    return address if address.version == 4 else address.packed[:_NETWORK]


def _of_peer(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Read the address of a peer; raises `ValueError`."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def is_local_address(text: str) -> bool:
    """Tell whether a peer's address is one of this machine alone."""
    try:
        return _of_peer(text).is_loopback
    except ValueError:
        return False


def has_left(peer: socket.socket) -> bool:
    """Tell whether the other end is closed, though what it sent is not all read yet."""
    poll = select.poll()
    try:
        # what is asked for is nothing: this is told in any case
        poll.register(peer.fileno(), 0)
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True


def _credentials(peer: socket.socket) -> tuple[int, int, int] | None:
    if peer.family != socket.AF_UNIX:
        return None
    try:
        data = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return None
    process, user, group = _CREDENTIALS.unpack(data)
    return process, user, group


class UnixSocket:
    """A UNIX socket that listens at `path`, and takes its name away when it is closed.

    The name is removed only while it still leads to this socket: another server may have been
    started at the same path meanwhile, and its name must stay. Raises `RequestError` where
    something else is at `path`, where a process listens there already or where `path` is too long,
    `OSError` where the socket can't be made.

    The folder is opened once, and everything is done in it. So no link that another user puts on
    the way meanwhile makes the server remove or create a socket elsewhere.
    """

    def __init__(self, path: Path, mode: int = 0o600) -> None:
        size = len(os.fsencode(path))
        if size > _LONGEST:
            raise RequestError(
                f"the path of a UNIX socket has at most {_LONGEST} bytes, this one has {size}",
                where=str(path),
                remedy="give a shorter path",
            )
        self.path = path
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with destination(path, follow=False) as place, _locked(place):
                place.require_own()
                address = _address(place, path)
                _remove_stale(place, address)
                _bind(self.listening, address, mode)
                _set_mode(place, mode)
                self._identity = _identity(place)
        except OSError as error:
            self.listening.close()
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        except RequestError:
            self.listening.close()
            raise

    def remove_name(self) -> None:
        """Remove the name, before listening ends: a new server then finds none in the way.

        While this socket listens no other server replaces it, so that nothing comes between the
        look at the name and its removal.
        """
        with contextlib.suppress(OSError), destination(self.path, follow=False) as place:
            if self._identity is not None and _identity(place) == self._identity:
                place.remove()

    def close(self) -> None:
        """Stop listening."""
        self.remove_name()
        self.listening.close()


@contextlib.contextmanager
def _locked(place: FileDestination) -> Iterator[None]:
    """Keep other servers from making a socket in a folder at the same time.

    Two that were started together could otherwise each remove the other's new socket as stale.
    Anybody who may read the folder can hold this lock, so that it is waited for briefly.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            number = place.open_folder()
            stack.callback(os.close, number)
            _lock(number)
        yield


def _lock(number: int) -> None:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)
        else:
            return


def _identity(place: FileDestination) -> tuple[int, int] | None:
    found = place.status()
    return None if found is None else (found.st_dev, found.st_ino)


def _address(place: FileDestination, path: Path) -> str:
    """Give the name to bind, which tools then show.

    It is the path as it was given: a relative one may be short enough, and an absolute one not.
    Where another user could put a link on the way, it leads through the open folder.
    """
    is_safe = weakness_by_name(str(path.parent.absolute())) is None
    return str(path) if is_safe else place.held_path


def _bind(made: socket.socket, address: str, mode: int) -> None:
    # never open to more people than it is meant for, not even for a moment
    before = os.umask(0o777 & ~mode)
    try:
        made.bind(address)
    finally:
        os.umask(before)
    # at once: who waits for the name to appear connects then
    made.listen(BACKLOG)


def _set_mode(place: FileDestination, mode: int) -> None:
    """Set the mode of the socket, which an access list of the folder may have changed.

    Another user who can exchange the name must not make it that of another file.
    """
    handle = place.open_path()
    try:
        if stat.S_ISSOCK(os.fstat(handle).st_mode):
            os.chmod(f"/proc/self/fd/{handle}", mode)  # noqa: PTH101 - text
    finally:
        os.close(handle)


def _remove_stale(place: FileDestination, address: str) -> None:
    """Remove a stale socket, at which no process listens."""
    found, path = place.status(), str(place.path)
    if found is None:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise RequestError(
            "there is a file that is no socket", where=path, remedy="give another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(1)
        try:
            asking.connect(address)
        except (ConnectionRefusedError, FileNotFoundError):
            place.remove()
            return
        except (TimeoutError, BlockingIOError):
            pass  # a backlog that is full: a process listens, and is slow
    raise RequestError("a process listens there already", where=path, remedy="give another path")


def tcp_socket(text: str) -> socket.socket:
    """Listen at ``ADDRESS:PORT`` of the loopback interface; port 0 is any that is free.

    There is neither encryption nor a login, so any other address is refused, by `RequestError`.
    """
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        number = int(port)
        if not address.is_loopback or not 0 <= number <= 0xFFFF:
            raise ValueError
    except ValueError as error:
        raise RequestError(
            "not an address of the loopback interface with a port",
            where=text,
            remedy="give one such as 127.0.0.1:16509",
        ) from error
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((str(address), number))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise OSError(error.errno, error.strerror, text) from error
    return made


def inherited_sockets() -> list[socket.socket]:
    """Give the sockets that systemd hands over (``sd_listen_fds``), none where it does not."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = os.environ.get("LISTEN_FDS", "")
    if not count.isdigit():
        return []
    return [socket.socket(fileno=_FIRST_INHERITED + i) for i in range(int(count))]
