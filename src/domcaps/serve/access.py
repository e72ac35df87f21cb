"""What the user at the other end of a connection could see of this machine's files himself.

The server may have more rights than its client. It therefore looks at files only on a way that the
client could go: from the root folder down, each folder is held (``O_PATH``), and its mode and
access list are compared with the client's user and groups. What is held can't be exchanged for
something else between that look and the next step, and links have been followed before.

Of a client that did not come over a UNIX socket it is unknown who it is: it may what all users may.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

READ, ENTER = 4, 1

_CREDENTIALS = struct.Struct("iII")
_SO_PEERGROUPS = 59
_MOST_GROUPS = 65536
_ACCESS_LIST = "system.posix_acl_access"
_HEAD, _ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_USER, _OWN_GROUP, _GROUP, _MASK = 0x02, 0x04, 0x08, 0x10


class Peer(NamedTuple):
    """The user of a client: the number, None where it is not known, and all groups."""

    user: int | None = None
    groups: frozenset[int] = frozenset()


def peer_of(connected: socket.socket) -> Peer:
    """Tell who is at the other end of a socket (``SO_PEERCRED``, ``SO_PEERGROUPS``)."""
    if connected.family != socket.AF_UNIX:
        return Peer()
    data = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, group = _CREDENTIALS.unpack(data)
    return Peer(user, frozenset({group, *_further_groups(connected)}))


def _further_groups(connected: socket.socket) -> tuple[int, ...]:
    try:
        data = connected.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _MOST_GROUPS)
    except OSError:
        return ()
    return struct.unpack(f"{len(data) // 4}I", data[: len(data) // 4 * 4])


@contextlib.contextmanager
def held(path: str, peer: Peer) -> Iterator[int]:
    """Hold what an absolute path leads to, links followed, if the peer could get there.

    What is given is a descriptor that stands for the file but does not open it: opening is what a
    FIFO or a device would notice. Raises `OSError`, of ``EACCES`` where the peer could not.
    """
    number = os.open("/", os.O_PATH | os.O_CLOEXEC)
    try:
        for name in filter(None, os.path.realpath(path).split("/")):
            _require(number, peer, ENTER)
            inner = _step(number, name)
            os.close(number)
            number = inner
        yield number
    finally:
        os.close(number)


def _step(folder: int, name: str) -> int:
    inner = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    if stat.S_ISLNK(os.fstat(inner).st_mode):
        # it was none when links were followed
        os.close(inner)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    return inner


def status(path: str, peer: Peer) -> os.stat_result:
    """Look at a file as the peer could; raises `OSError`."""
    with held(path, peer) as number:
        return os.fstat(number)


def listing(path: str, peer: Peer) -> Iterator[tuple[str, os.stat_result]]:
    """Give names and states of what is in a folder, in no order; raises `OSError`.

    What the peer could not look at is left out.
    """
    with held(path, peer) as number:
        _require(number, peer, READ)
        # the folder that is held, whatever has its name by now
        with os.scandir(f"/proc/self/fd/{number}") as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    yield entry.name, _inner_status(number, path, entry.name, peer)


def _inner_status(folder: int, path: str, name: str, peer: Peer) -> os.stat_result:
    _require(folder, peer, ENTER)
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return status(f"{path}/{name}", peer) if stat.S_ISLNK(found.st_mode) else found


def head(path: str, expected: os.stat_result, size: int, peer: Peer) -> bytes:
    """Read the first bytes of a regular file that is still `expected`; raises `OSError`."""
    with held(path, peer) as number:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or not os.path.samestat(found, expected):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), path)
        _require(number, peer, READ)
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        opened = os.open(f"/proc/self/fd/{number}", flags)
        with open(opened, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor has no path
            return file.read(size) or b""


# -- rights ------------------------------------------------------------------------------------


def _require(number: int, peer: Peer, right: int) -> None:
    if not _rights(number, peer) & right:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _rights(number: int, peer: Peer) -> int:
    """Give what a peer may do with a file that is held, as the bits of a mode."""
    found = os.fstat(number)
    mode = found.st_mode
    if peer.user == 0:
        return READ | ENTER
    if peer.user == found.st_uid:
        return mode >> 6 & 7
    entries = _access_list(number)
    if entries:
        return _listed_rights(entries, found, peer)
    return mode >> 3 & 7 if found.st_gid in peer.groups else mode & 7


def _listed_rights(entries: list[tuple[int, int, int]], found: os.stat_result, peer: Peer) -> int:
    """Give the rights that an access list has for who is not the owner (acl(5))."""
    mask = next((rights for tag, rights, _ in entries if tag == _MASK), 7)
    for tag, rights, number in entries:
        if tag == _USER and number == peer.user:
            return rights & mask
    of_groups = [
        rights & mask
        for tag, rights, number in entries
        if (tag == _OWN_GROUP and found.st_gid in peer.groups)
        or (tag == _GROUP and number in peer.groups)
    ]
    if not of_groups:
        return found.st_mode & 7
    granted = 0
    for rights in of_groups:
        granted |= rights
    return granted


def _access_list(number: int) -> list[tuple[int, int, int]]:
    """Give the entries of a file's access list: tag, rights, and number of user or group."""
    try:
        data = os.getxattr(f"/proc/self/fd/{number}", _ACCESS_LIST)
    except (OSError, AttributeError):
        return []
    end = _HEAD.size + (len(data) - _HEAD.size) // _ENTRY.size * _ENTRY.size
    return list(_ENTRY.iter_unpack(data[_HEAD.size : end]))
