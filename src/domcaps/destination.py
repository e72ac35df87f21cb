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

from domcaps.file_metadata import copy_metadata, umask

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_LINKS = 40
_ROOT = 0
_PART_MODE = 0o600
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

    `is_descriptor` tells that the name stands for an open file that no path leads to: a pipe or a
    removed file, ``/proc/self/fd/1``.
    """

    def __init__(self, folder: int, path: Path, *, is_descriptor: bool = False) -> None:
        self._folder = folder
        self.path = path
        self._is_descriptor = is_descriptor
        self._must_be_own = False

    def status(self) -> os.stat_result | None:
        """Give the status of what has the name, not of what a link leads to; None for nothing."""
        try:
            return os.stat(self.path.name, dir_fd=self._folder, follow_symlinks=self._is_descriptor)
        except FileNotFoundError:
            return None
        except ValueError as error:
            # no file name, such as one with a zero byte
            raise OSError(errno.EINVAL, str(error), os.fspath(self.path)) from None

    @property
    def is_replaceable(self) -> bool:
        """Tell whether the name is free or that of a regular file: others are written to."""
        found = self.status()
        return not self._is_descriptor and (found is None or stat.S_ISREG(found.st_mode))

    def require_own(self) -> None:
        """Refuse another user's file in a folder that everybody may write to, such as ``/tmp``.

        Raises `PermissionError` if the file of that name belongs neither to this user nor to the
        owner of the folder. A file that takes the name later is refused when it is replaced.
        """
        self._must_be_own = True
        found = self.status()
        if found is not None:
            self._judge_owner(found)

    def _judge_owner(self, found: os.stat_result) -> None:
        folder = os.fstat(self._folder)
        if not folder.st_mode & stat.S_IWOTH or found.st_uid in {os.geteuid(), folder.st_uid}:
            return
        raise PermissionError(
            errno.EACCES,
            f"the file {self.path} belongs to another user, and everybody may write to the folder",
            os.fspath(self.path),
        )

    @property
    def held_path(self) -> str:
        """A path that leads through the open folder, for calls that take only paths.

        It is the plain path where ``/proc`` is not mounted, and on other systems than Linux.
        """
        held = Path(f"/proc/self/fd/{self._folder}")
        return os.fspath((held if held.exists() else self.path.parent) / self.path.name)

    def open(self) -> int:
        """Open what has the name for reading, without waiting for a writer; follows no link."""
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | os.O_NOFOLLOW
        return os.open(self.path.name, flags, dir_fd=self._folder)

    def write_into(self, data: bytes) -> None:
        """Write to a pipe, a terminal or a device; raises `OSError`, also where it is a file."""
        flags = os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY
        flags |= os.O_TRUNC if self._is_descriptor else os.O_NOFOLLOW
        handle = os.open(self.path.name, flags, dir_fd=self._folder)
        try:
            if stat.S_ISREG(os.fstat(handle).st_mode) and not self._is_descriptor:
                raise OSError(errno.EBUSY, "it was replaced meanwhile", os.fspath(self.path))
            _write(handle, data)
        finally:
            os.close(handle)

    def replace(self, data: bytes, *, mode: int = 0o666) -> None:
        """Put new content in the place of a file at once; see `domcaps.files.replace`."""
        with uninterrupted(), self._part() as (part, handle):
            try:
                is_file = self._copy_metadata(handle)
            except FileNotFoundError:
                is_file = False
            if not is_file:
                os.fchmod(handle, mode & ~umask())
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

    def _copy_metadata(self, handle: int) -> bool:
        """Give a part owner, mode and attributes of the file that has the name.

        Gives False for what is no regular file. The file is judged once more: one of another user
        that appeared meanwhile must not give the new one its owner and mode, nor must a link.
        """
        source = self.open_path()
        try:
            found = os.fstat(source)
            if self._must_be_own:
                self._judge_owner(found)
            if stat.S_ISREG(found.st_mode):
                copy_metadata(source, found, handle)
            return stat.S_ISREG(found.st_mode)
        finally:
            os.close(source)

    def open_folder(self) -> int:
        """Open the folder for reading, as is needed to list, lock or sync it."""
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._folder)

    def open_path(self) -> int:
        """Open what has the name without reading it, for its status and mode; follows no link."""
        return os.open(
            self.path.name, _PATH_ONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder
        )

    def _sync(self) -> None:
        """Make a new name last; not every file system can do that, and the content is safe."""
        with contextlib.suppress(OSError):
            handle = self.open_folder()
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
    walk = _Walk(text if text[0] == "/" else f"{Path.cwd()}/{text}", follow=follow)
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
            elif not self._is_in_process():
                self._follow(name, link)
            elif self._left:
                # as the kernel does, which takes no notice of the text of such a link
                self._count(name, link)
                self._enter(name, _FOLDER & ~os.O_NOFOLLOW)
            elif self._names_no_path(name, link):
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

    def _is_in_process(self) -> bool:
        """Tell whether this is a folder of a process, whose links have no text: ``/proc/PID``."""
        parts = self._place.split("/", 3)
        return parts[1] == "proc" and len(parts) > 2 and parts[2].isdecimal()

    def _names_no_path(self, name: str, link: _Link) -> bool:
        """Tell whether a link stands for an open pipe or a removed file (``/dev/fd``, ``>(…)``)."""
        try:
            named = os.stat(link.target, dir_fd=self.folder)
            return not os.path.samestat(os.stat(name, dir_fd=self.folder), named)
        except OSError:
            return True

    def _enter(self, name: str, flags: int = _FOLDER) -> None:
        inner = _open_folder(name, flags, self.folder, self._at(name))
        os.close(self.folder)
        self.folder, self._place = inner, self._at(name)

    def _count(self, name: str, link: _Link) -> None:
        """Count a link that is to be followed, and judge it."""
        self._links += 1
        if self._links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self._path)
        _require_followable(self._at(name), link.status, os.fstat(self.folder))

    def _follow(self, name: str, link: _Link) -> None:
        self._count(name, link)
        if link.target.startswith("/"):
            os.close(self.folder)
            self.folder, self._place = os.open("/", _FOLDER), "/"
        self._left += _names(link.target)


def _names(path: str) -> list[str]:
    """Give the names of a path, the last one first."""
    return [name for name in reversed(path.split("/")) if name not in {"", "."}]


def _open_folder(name: str, flags: int, folder: int, place: str) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
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
