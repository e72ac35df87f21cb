"""Where a file is written: a folder that is held open, and a name in it. Every writer uses this.

A path is followed once, step by step, and each link on the way is judged. Then everything is done
relative to the open folder, so that no link that appears later changes where the file goes.

A link of another user is not followed: the user who made it would choose which file is written.
Linux has such a rule for folders with the sticky bit (``fs.protected_symlinks``), for some of its
own calls only. Here

- root follows links of root alone;
- other users follow their own, those of root, and those of the owner of a folder to which no
  other user may write.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_LINKS = 40
_ROOT = 0
_PART_MODE = 0o600
_ACCESS_LIST = "system.posix_acl_access"
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_PATH_ONLY: int = getattr(os, "O_PATH", os.O_RDONLY)
"""To hold a folder that may be searched and not listed; other systems than Linux have no such."""
_FOLDER = _PATH_ONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class _Link(NamedTuple):
    status: os.stat_result
    target: str


class FileDestination:
    """A name in a folder that is open. `path` is for people: links on the way are resolved in it.

    `is_descriptor` tells that the name is that of an open file of a process, ``/proc/self/fd/1``.
    """

    def __init__(self, folder: int, path: Path, *, is_descriptor: bool = False) -> None:
        self._folder = folder
        self.path = path
        self._is_descriptor = is_descriptor

    def status(self) -> os.stat_result | None:
        """Give the status of what has the name, not of what a link leads to; None for nothing."""
        try:
            return os.stat(self.path.name, dir_fd=self._folder, follow_symlinks=self._is_descriptor)
        except FileNotFoundError:
            return None

    @property
    def is_replaceable(self) -> bool:
        """Tell whether the name is free or that of a regular file: others are written to."""
        found = self.status()
        return found is None or stat.S_ISREG(found.st_mode)

    def require_own(self) -> None:
        """Refuse another user's file in a folder that everybody may write to, such as ``/tmp``.

        Raises `PermissionError` if the file of that name belongs neither to this user nor to the
        owner of the folder.
        """
        found, folder = self.status(), os.fstat(self._folder)
        if found is None or not folder.st_mode & stat.S_IWOTH:
            return
        if found.st_uid not in {os.geteuid(), folder.st_uid}:
            raise PermissionError(
                errno.EACCES,
                f"the file {self.path} belongs to another user, in a folder that everybody may "
                "write to",
                os.fspath(self.path),
            )

    def open(self) -> int:
        """Open what has the name for reading, without waiting for a writer; follows no link."""
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | os.O_NOFOLLOW
        return os.open(self.path.name, flags, dir_fd=self._folder)

    def write_into(self, data: bytes) -> None:
        """Write to a pipe, a terminal or a device; raises `OSError`, also where it is a file."""
        flags = os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY
        flags |= 0 if self._is_descriptor else os.O_NOFOLLOW
        handle = os.open(self.path.name, flags, dir_fd=self._folder)
        try:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EBUSY, "it was replaced meanwhile", os.fspath(self.path))
            _write(handle, data)
        finally:
            os.close(handle)

    def replace(self, data: bytes, *, mode: int = 0o666) -> None:
        """Put new content in the place of a file at once; see `domcaps.files.replace`."""
        with uninterrupted(), self._part() as (part, handle):
            if self.status() is None:
                os.fchmod(handle, mode & ~_umask())
            else:
                self._copy_metadata(handle)
            _write_all(handle, data)
            self._rename(part, self.path.name)
        self._sync()

    def create_beside(self, name: str, data: bytes) -> Path:
        """Make a new file in the same folder, with the metadata of the one that has the name.

        Raises `FileExistsError`. The content is never readable by anybody who could not read the
        other one.
        """
        with uninterrupted(), self._part() as (part, handle):
            self._copy_metadata(handle)
            _write_all(handle, data)
            self._rename_to_free(part, name)
        self._sync()
        return self.path.with_name(name)

    def remove_beside(self, name: str) -> None:
        """Remove a file of the same folder, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._folder)

    def remove(self) -> None:
        """Remove what has the name, if it is there."""
        self.remove_beside(self.path.name)

    def create(self, data: bytes, mode: int = 0o666) -> None:
        """Make a new file and sync it; raises `FileExistsError`, and leaves nothing if it fails."""
        handle = os.open(self.path.name, _NEW, mode, dir_fd=self._folder)
        try:
            _write_all(handle, data)
        except BaseException:
            self.remove()
            raise
        finally:
            os.close(handle)

    def take(self, other: FileDestination) -> None:
        """Give the file of another destination this place, at once."""
        os.replace(
            other.path.name, self.path.name, src_dir_fd=other._folder, dst_dir_fd=self._folder
        )

    def make_folder(self) -> None:
        """Make a folder of the name, if there is nothing."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.path.name, dir_fd=self._folder)

    @contextlib.contextmanager
    def _part(self) -> Iterator[tuple[str, int]]:
        """Open a new file in the folder that only this user can read; it is gone afterwards."""
        part = f".domcaps-{os.urandom(8).hex()}.part"
        handle = os.open(part, _NEW, _PART_MODE, dir_fd=self._folder)
        try:
            yield part, handle
        finally:
            os.close(handle)
            with contextlib.suppress(OSError):
                os.unlink(part, dir_fd=self._folder)

    def _rename(self, part: str, name: str) -> None:
        os.replace(part, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def _rename_to_free(self, part: str, name: str) -> None:
        folder = self._folder
        try:
            # unlike a rename, a link refuses to take the place of another file
            os.link(part, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:
            # a file system without hard links: take the name first
            os.close(os.open(name, _NEW, _PART_MODE, dir_fd=folder))
            self._rename(part, name)

    def _copy_metadata(self, handle: int) -> None:
        source = os.open(
            self.path.name, _PATH_ONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder
        )
        try:
            copy_metadata(source, os.fstat(source), handle)
        finally:
            os.close(source)

    def _sync(self) -> None:
        """Make a new name last; not every file system can do that, and the content is safe."""
        with contextlib.suppress(OSError):
            handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._folder)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


@contextlib.contextmanager
def destination(path: str | os.PathLike[str], *, follow: bool = True) -> Iterator[FileDestination]:
    """Follow the links of a path to be written to, and hold the folder of its last name open.

    With `follow` false a link that has the last name itself is what is replaced or removed.
    Raises `PermissionError` for a link that is not followed, `IsADirectoryError` for a path that
    names a folder by its form (``x/``), and `OSError` where the folder is not there.
    """
    text = os.fspath(path)
    if text.rpartition("/")[2] in {"", "."}:
        raise IsADirectoryError(errno.EISDIR, "the path is not the name of a file", text)
    # an absolute path can be written to from a folder that was removed
    absolute = text if text.startswith("/") else f"{os.getcwd()}/{text}"  # noqa: PTH109 - text
    walk = _Walk(absolute, follow=follow)
    try:
        reached = walk.go()
        yield FileDestination(walk.folder, reached, is_descriptor=walk.is_descriptor)
    finally:
        walk.close()


def judged_path(path: str | os.PathLike[str]) -> Path:
    """Give the path of a file that a library writes: links are followed and judged beforehand.

    For a library that takes a path and no open folder. Raises as `destination`, and for a
    file of another user as `FileDestination.require_own`.
    """
    with destination(path) as place:
        place.require_own()
        return place.path


def make_folders(path: Path) -> None:
    """Make a folder and those above it that are missing; raises as `destination`."""
    for folder in (*reversed(path.parents), path):
        if folder.name not in {"", ".."}:
            with destination(folder) as place:
                if place.status() is None:
                    place.make_folder()


class _Walk:
    """Goes down a path as the kernel does, in a folder that is open."""

    def __init__(self, path: str, *, follow: bool) -> None:
        self.folder = os.open("/", _FOLDER)
        self._follows = follow
        self._place = "/"
        self._path = path
        self._links = 0
        self._left = _names(path)
        self.is_descriptor = False

    def close(self) -> None:
        """Close the folder that was reached."""
        os.close(self.folder)

    def go(self) -> Path:
        """Open one folder after the other up to the last name; give the path that was reached."""
        while self._left:
            name = self._left.pop()
            link = self._link(name)
            if link is None and not self._left and name != "..":
                return Path(self._at(name))
            if link is None:
                self._enter(name)
            elif not self._left and _leads_nowhere(self._at(name), link):
                self.is_descriptor = True
                return Path(self._at(name))
            else:
                self._follow(name, link)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self._path)

    def _link(self, name: str) -> _Link | None:
        """Give the link of a name that is to be followed; None for what is none."""
        if name == ".." or not (self._left or self._follows):
            return None
        return _link_at(self.folder, name, self._at(name))

    def _at(self, name: str) -> str:
        return os.path.normpath(f"{self._place}/{name}").replace("//", "/")

    def _enter(self, name: str) -> None:
        inner = _open_folder(name, self.folder, self._at(name))
        os.close(self.folder)
        self.folder, self._place = inner, self._at(name)

    def _follow(self, name: str, link: _Link) -> None:
        self._links += 1
        if self._links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self._path)
        _require_followable(self._at(name), link.status, os.fstat(self.folder))
        if link.target.startswith("/"):
            os.close(self.folder)
            self.folder, self._place = os.open("/", _FOLDER), "/"
        self._left += _names(link.target)


def _names(path: str) -> list[str]:
    """Give the names of a path, the last one first."""
    return [name for name in reversed(path.split("/")) if name not in {"", "."}]


def _leads_nowhere(place: str, link: _Link) -> bool:
    """Tell whether a link stands for an open pipe or the like, as in ``/dev/fd`` and ``>(…)``."""
    return place.startswith("/proc/") and not link.target.startswith("/")


def _open_folder(name: str, folder: int, place: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror, place) from None


def _link_at(folder: int, name: str, place: str) -> _Link | None:
    """Give the link of a name, of which owner and target belong together; None for no link."""
    try:
        if not stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            return None
        if not hasattr(os, "O_PATH"):  # pragma: no cover - another system
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            return _Link(found, os.readlink(name, dir_fd=folder))
        handle = os.open(name, _PATH_ONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise OSError(
            getattr(error, "errno", errno.EINVAL), getattr(error, "strerror", str(error)), place
        ) from None
    try:
        found = os.fstat(handle)
        return _Link(found, os.readlink("", dir_fd=handle)) if stat.S_ISLNK(found.st_mode) else None
    finally:
        os.close(handle)


def _require_followable(place: str, link: os.stat_result, folder: os.stat_result) -> None:
    user = os.geteuid()
    if link.st_uid in {_ROOT, user}:
        return
    if user != _ROOT and link.st_uid == folder.st_uid and not folder.st_mode & _OTHERS:
        return
    raise PermissionError(
        errno.EACCES,
        f"the link {place} belongs to another user, who could choose the file that is written; "
        "name the file itself",
        place,
    )


def copy_metadata(source: int, status: os.stat_result, handle: int) -> None:
    """Give an open file the owner, group, mode and extended attributes of another open file."""
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


def _copy_attributes(source: int, handle: int, skip: frozenset[str]) -> None:
    # by a path, since a file that is open without any right has no attributes; not every file
    # system has them, and not every user may set all of them
    opened = f"/proc/self/fd/{source}"
    with contextlib.suppress(OSError):
        for name in set(os.listxattr(opened)) - skip:
            with contextlib.suppress(OSError):
                os.setxattr(handle, name, os.getxattr(opened, name))


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back SIGTERM and SIGHUP, which would leave half of the work: they arrive afterwards."""
    import signal

    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _write_all(handle: int, data: bytes) -> None:
    _write(handle, data)
    os.fsync(handle)


def _write(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def _umask() -> int:
    """Give the umask, which can be read by setting it only, or by Linux's own file."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
