"""Reading files of any kind within limits, and replacing files whole or not at all.

A path that a user names may be a device, a pipe, a socket or a file of any size. `read` gives its
content or raises `OSError`; it never waits for a writer and never reads more than the limit.
`replace` leaves the old content, the new content or nothing, also on a full disk.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MEBIBYTE = 1 << 20


def package_text(package: str, name: str) -> str:
    """Give a text file that is part of this package, also where the package is a zip archive.

    `importlib.resources` does the same, but takes a twentieth of a first verdict to load.
    """
    spec = import_module(package).__spec__
    loader: Any = None if spec is None else spec.loader
    if spec is None or not spec.origin or not hasattr(loader, "get_data"):
        raise FileNotFoundError(errno.ENOENT, f"no such file in {package}", name)
    data: bytes = loader.get_data(os.path.join(os.path.dirname(spec.origin), name))  # noqa: PTH118, PTH120
    return data.decode()


def module_files(folders: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Give the modules in the folders of a package by name, each with whether it is a package.

    `pkgutil.iter_modules` does the same, but loads `inspect` for it; it serves for zip archives.
    """
    for folder in folders:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except NotADirectoryError:
            import pkgutil

            yield from ((found.name, found.ispkg) for found in pkgutil.iter_modules([folder]))
            continue
        for entry in entries:
            if entry.name.endswith(".py") and entry.name != "__init__.py":
                yield entry.name.removesuffix(".py"), False
            elif os.path.isfile(os.path.join(entry.path, "__init__.py")):  # noqa: PTH113, PTH118
                yield entry.name, True


def read(path: str | os.PathLike[str], limit: int) -> bytes:
    """Read a regular file or a pipe; raises `OSError` for anything else and above `limit` bytes."""
    data = read_at_most(path, limit + 1)
    _require_size(data, limit, os.fspath(path))
    return data


def read_at_most(path: str | os.PathLike[str], limit: int) -> bytes:
    """Read the first `limit` bytes of a regular file or a pipe; raises `OSError` otherwise."""
    shown = os.fspath(path)
    try:
        # a named pipe without a writer would block when it is opened
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error), shown) from None
    return read_handle(handle, limit, shown)


def read_handle(handle: int, limit: int, shown: str) -> bytes:
    """Do the same with a file that was opened without waiting, and close it."""
    try:
        status = os.fstat(handle)
        _require_content(status, shown)
        # of the kernel's files some have nothing to read yet, such as /proc/kmsg
        os.set_blocking(handle, stat.S_ISFIFO(status.st_mode))
        return _content(handle, limit, status.st_size)
    except OSError as error:
        raise OSError(error.errno, error.strerror, shown) from error
    finally:
        os.close(handle)


def _content(handle: int, limit: int, size: int) -> bytes:
    """Read so many bytes at most; `size` is the file's size, as far as the system knows it.

    A file object does the same, but takes longer to make than a domain to read.
    """
    pieces: list[bytes] = []
    at_once = max(size + 1, _PIECE)
    while limit > 0:
        try:
            piece = os.read(handle, min(limit, at_once))
        except BlockingIOError:
            if not pieces:
                raise OSError(errno.EAGAIN, "there is nothing to read yet") from None
            break
        if not piece:
            break
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


_PIECE = 1 << 16


def read_input(path: str | os.PathLike[str], limit: int) -> bytes:
    """Read the first `limit` bytes of a file, or of standard input for ``-``."""
    if os.fspath(path) != "-":
        return read_at_most(path, limit)
    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed", "-")
    return sys.stdin.buffer.read(limit)


def _require_content(status: os.stat_result, shown: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), shown)
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
        raise OSError(errno.EINVAL, "not a regular file or a pipe", shown)


def _require_size(data: bytes, limit: int, shown: str) -> None:
    if len(data) > limit:
        size = f"{limit >> 20} MiB" if limit >= MEBIBYTE else f"{limit} bytes"
        raise OSError(errno.EFBIG, f"larger than {size}", shown)


def replace(path: str | os.PathLike[str], data: bytes, *, mode: int = 0o666) -> None:
    """Write a file of this user, at once or not at all; raises `OSError`.

    A file that exists keeps its owner, group, mode and extended attributes (with them its access
    control list and SELinux label); where the owner can't be kept, others get no more access than
    before. A new file gets `mode` less the umask. A pipe, a terminal or a device is written to.
    Links and files of other users are refused as `domcaps.destination` says.
    """
    from domcaps.destination import destination

    with destination(path) as place:
        # what is written must not become another user's to change
        place.require_own()
        if place.is_replaceable:
            place.replace(data, mode=mode)
        else:
            place.write_into(data)
