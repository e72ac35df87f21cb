"""Reading files of any kind within limits, and replacing files whole or not at all.

A path that a user names may be a device, a pipe, a socket or a file of any size. `read` gives its
content or raises `OSError`; it never waits for a writer and never reads more than the limit.
`replace` and `create` leave the old content, the new content or nothing, also on a full disk.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pkgutil
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MEBIBYTE = 1 << 20
_PART_MODE = 0o600
_ACCESS_LIST = "system.posix_acl_access"
_MOST_LINKS = 40
_SHARED = stat.S_ISVTX | stat.S_IWOTH


def package_text(package: str, name: str) -> str:
    """Give a text file that is part of this package, also where the package is a zip archive.

    `importlib.resources` does the same, but takes a twentieth of a first verdict to load.
    """
    data = pkgutil.get_data(package, name)
    if data is None:
        raise FileNotFoundError(errno.ENOENT, f"no such file in {package}", name)
    return data.decode()


def module_files(folders: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Give the modules in the folders of a package by name, each with whether it is a package.

    `pkgutil.iter_modules` does the same, but loads `inspect` for it; it serves for zip archives.
    """
    for folder in folders:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except NotADirectoryError:
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
    try:
        status = os.fstat(handle)
        _require_content(status, shown)
        # of the kernel's files some have nothing to read yet, such as /proc/kmsg
        os.set_blocking(handle, stat.S_ISFIFO(status.st_mode))
        with os.fdopen(handle, "rb", closefd=False) as file:
            data: bytes | None = file.read(limit)
        if data is None:
            raise OSError(errno.EAGAIN, "there is nothing to read yet", shown)
        return data
    except OSError as error:
        raise OSError(error.errno, error.strerror, shown) from error
    finally:
        os.close(handle)


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


def replace(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Put new content in the place of a file, at once; raises `OSError`.

    A file that exists keeps its owner, group, mode and extended attributes (with them its access
    control list and SELinux label); where the owner can't be kept, others get no more access than
    before. A new file gets `mode` less the umask.
    """
    replace_at(target_of(path), data, mode=mode)


def replace_at(target: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Do what `replace` does to a file whose links were followed already: none is followed."""
    with uninterrupted(), _part(target) as (part, handle):
        old = _status(target)
        if old is None:
            os.fchmod(handle, mode & ~_umask())
        else:
            copy_metadata(target, old, handle)
        _write_all(handle, data)
        part.replace(target)
    _sync_folder(target.parent)


def write_into(path: Path, data: bytes) -> None:
    """Write to a pipe, a terminal or a device; raises `OSError`, also where it is a file by now."""
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EBUSY, "it was replaced meanwhile", os.fspath(path))
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
    finally:
        os.close(handle)


def target_of(path: Path) -> Path:
    """Follow all links of a path to be written to; raises `PermissionError` for a planted one.

    In a folder such as ``/tmp`` any user can make a link of a name that another user is likely to
    write to. Linux refuses to follow it (``fs.protected_symlinks``), but not to a program that
    reads the link itself, as is needed to replace a file where it really is.
    """
    at, left, links = "/", list(reversed(path.absolute().parts[1:])), 0
    while left:
        name = left.pop()
        here = os.path.normpath(f"{at}/{name}") if name == ".." else f"{at.rstrip('/')}/{name}"
        if not Path(here).is_symlink():
            at = here
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))
        require_own(Path(here))
        goal = os.readlink(here)  # noqa: PTH115 - text in, text out
        at = "/" if goal.startswith("/") else at
        left += [part for part in reversed(goal.split("/")) if part not in {"", "."}]
    return Path(at)


def require_own(path: Path) -> None:
    """Refuse what another user put into a folder that everybody may write to, such as ``/tmp``.

    Raises `PermissionError` if the file or link of that name belongs neither to this user nor to
    the owner of the folder.
    """
    try:
        found, folder = path.lstat(), path.parent.stat()
    except FileNotFoundError:
        return
    if folder.st_mode & _SHARED != _SHARED or found.st_uid in {os.geteuid(), folder.st_uid}:
        return
    kind = "link" if stat.S_ISLNK(found.st_mode) else "file"
    raise PermissionError(
        errno.EACCES,
        f"the {kind} {path} belongs to another user, in a folder that everybody may write to",
        os.fspath(path),
    )


def create(path: Path, data: bytes, *, like: Path) -> None:
    """Make a new file with the metadata of another; raises `FileExistsError` where there is one.

    The content is never readable by anybody who could not read `like`.
    """
    with uninterrupted(), _part(path) as (part, handle):
        copy_metadata(like, like.stat(), handle)
        _write_all(handle, data)
        _rename_to_free_name(part, path)
    _sync_folder(path.parent)


def _rename_to_free_name(part: Path, path: Path) -> None:
    try:
        # unlike a rename, a link refuses to take the place of another file
        os.link(part, path, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # a file system without hard links: take the name first
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PART_MODE))
        part.replace(path)


def copy_metadata(source: Path, status: os.stat_result, handle: int) -> None:
    """Give an open file the owner, group, mode and extended attributes of another."""
    owned = _owned(handle, status)
    mode = stat.S_IMODE(status.st_mode)
    # after the owner, whose change takes set-user-ID bits away; where owner or group is another
    # one, what the old group was allowed must not become a right of the new group
    os.fchmod(handle, mode if owned else mode & 0o700)
    _copy_attributes(source, handle, skip=frozenset() if owned else frozenset({_ACCESS_LIST}))


def _owned(handle: int, status: os.stat_result) -> bool:
    own = os.fstat(handle)
    if (own.st_uid, own.st_gid) == (status.st_uid, status.st_gid):
        return True
    try:
        os.fchown(handle, status.st_uid, status.st_gid)
    except OSError:
        return False
    return True


def _copy_attributes(source: Path, handle: int, skip: frozenset[str]) -> None:
    # not every file system has them, and not every user may set all of them
    with contextlib.suppress(OSError):
        for name in set(os.listxattr(source)) - skip:
            with contextlib.suppress(OSError):
                os.setxattr(handle, name, os.getxattr(source, name))


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back SIGTERM and SIGHUP, which would leave half of the work: they arrive afterwards."""
    import signal

    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _part(target: Path) -> Iterator[tuple[Path, int]]:
    """Open a new file beside `target` that only this user can read; it is gone afterwards."""
    part = target.with_name(f".domcaps-{os.urandom(8).hex()}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(part, flags, _PART_MODE)
    try:
        yield part, handle
    finally:
        os.close(handle)
        with contextlib.suppress(OSError):
            part.unlink()


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]
    os.fsync(handle)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _umask() -> int:
    """Give the umask, which can be read by setting it only, or by Linux's own file."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make a new name last; not every file system can do that, and the content is safe."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
