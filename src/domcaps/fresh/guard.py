"""A sentry that lets the kernel tell when something may have changed.

Looking at a hundred files takes 200 µs. Linux queues an event (inotify) before the call that
changed a file returns: as long as there is none, what was looked at after the
watches were set is still so. To see that costs one ``poll``.

That does not hold everywhere, and then files are looked at in each call:

- on file systems whose content changes without this kernel (network, FUSE), or that the kernel
  makes up (``/proc``, ``/sys``), and on those it is not known of; on overlays, whose lower layers
  change without an event;
- where the system has no watches left.

A watch is set on every folder on the way to a file, links followed, so that a renamed folder or a
changed link is noticed, and on the file itself, so that a change through another name is. Where a
folder lets this user neither look nor enter, nothing in it concerns him: the folder that holds it
tells when its mode or owner changes. A table
of mounts that changed counts as an event, and so does a queue that overflowed. What is not noticed
is writing through shared memory as long as it is mapped: files that others than root may write are
looked at in each call.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import stat
import sys
import threading
from typing import TYPE_CHECKING, Any

from domcaps.fresh.host_view import kind_of_file_system
from domcaps.fresh.process_state import ProcessState, process_state
from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inotify_simple import INotify  # type: ignore[import-untyped]

    from domcaps.fresh.host_view import HostView
    from domcaps.fresh.store import Sighting

_MOST_WATCHES = 4096
_MOST_LINKS = 40
_MOUNTS = "/proc/thread-self/mountinfo"

# linux/magic.h: file systems that nobody but this kernel changes
_LOCAL = frozenset(
    {
        0xEF53,  # ext2, ext3, ext4
        0x58465342,  # xfs
        0x9123683E,  # btrfs
        0xF2F52010,  # f2fs
        0xCA451A4E,  # bcachefs
        0x01021994,  # tmpfs
        0x858458F6,  # ramfs
        0x73717368,  # squashfs
        0xE0F5E1E2,  # erofs
        0x9660,  # iso9660
    }
)

# linux/inotify.h
_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x2, 0x4, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF = 0x400, 0x800
_DONT_FOLLOW, _ONLYDIR = 0x02000000, 0x01000000
_OVERFLOWED = 0x4000
_LOST = 0x2000 | 0x8000  # unmounted, watch gone

_SELF = _DELETE_SELF | _MOVE_SELF | _ATTRIB | _DONT_FOLLOW
_OF_FILE = _SELF | _MODIFY | _CLOSE_WRITE
_OF_FOLDER = _SELF | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ONLYDIR

_OCTAL = late_pattern(rb"\\([0-7]{3})")

# no file has that name
_EVERYTHING = "/"


class Cover(NamedTuple):
    """What a sentry was set on: its generation then, and whether it watches each sighting.

    A sighting is named by its ``id``, since the caller keeps it.
    """

    generation: int
    watched: dict[int, bool]


class Watermark(NamedTuple):
    """What has to be checked of a value: the sentry's generation, and what it can't watch."""

    generation: int
    unguarded: tuple[tuple[Sighting, int], ...]
    value: Any


class InotifyWatch:
    """Watches paths. Its `generation` grows whenever something happened to one of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watch: _Watch | None = None
        self._generation = 0
        self._state = process_state()
        self._is_able = sys.platform == "linux"

    def generation(self, state: ProcessState | None = None) -> int:
        """Give a number that is the same as before only if nothing happened since.

        `state` is that of this thread, if it was looked at already.
        """
        state = state or process_state()
        with self._lock:
            if self._state != state:
                # what may be seen, and where, is another matter now
                self._state = state
                self._end()
            elif self._watch is not None and self._watch.has_news():
                self._generation += 1
            return self._generation

    def cover(self, sightings: Iterable[Sighting], host_view: HostView) -> Cover | None:
        """Watch what can be watched, and say what can't; None where there is nothing to gain.

        What is looked at after this is covered.
        """
        generation = self.generation()
        with self._lock:
            if not self._start():
                return None
            watch = self._watch
            assert watch is not None  # noqa: S101 - it was started
            paths = ((sighting, sighting.watched(host_view)) for sighting in sightings)
            watched = {id(one): bool(path) and watch.covers(path) for one, path in paths}
            return Cover(generation, watched)

    def wait(self, seconds: float | None) -> bool:
        """Wait until there is news; False when the time is over. Raises `OSError`."""
        with self._lock:
            if not self._start():
                raise OSError(errno.ENOSYS, "the system has no inotify, or nothing left of it")
            watch = self._watch
        assert watch is not None  # noqa: S101 - it was started
        return watch.wait(seconds)

    def _start(self) -> bool:
        if self._watch is not None and self._watch.is_full:
            self._end()
        if self._watch is None and self._is_able:
            try:
                self._watch = _Watch()
            except (OSError, ImportError):
                self._is_able = False
        return self._watch is not None

    def _end(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self._generation += 1


class _Watch:
    """An inotify queue, and what it watches."""

    def __init__(self) -> None:
        self._handles: list[int] = []
        self._queue: INotify = _queue()
        # that mounts changed is told once for each open file
        self._poll = self._polling()
        self._wait = self._polling()
        # for each watch, by the name in a folder, the paths that lead through it
        self._through: dict[int, dict[str, set[str]]] = {}
        self._covered: dict[str, bool] = {}
        self._folders: dict[str, int] = {}
        self._local: dict[int, bool] = {}

    @property
    def is_full(self) -> bool:
        """Tell whether there are so many watches that it is better to begin anew."""
        return len(self._through) > _MOST_WATCHES

    def close(self) -> None:
        """Give the queue back."""
        while self._handles:
            os.close(self._handles.pop())
        self._queue.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def _polling(self) -> select.poll:
        mounts = os.open(_MOUNTS, os.O_RDONLY | os.O_CLOEXEC)
        self._handles.append(mounts)
        poll = select.poll()
        poll.register(self._queue.fileno(), select.POLLIN)
        poll.register(mounts, select.POLLPRI | select.POLLERR)
        return poll

    def has_news(self) -> bool:
        """Tell whether anything happened that matters, and take it off the queue."""
        found = self._poll.poll(0)
        if not found:
            return False
        news = False
        for handle, _ in found:
            if handle in self._handles:
                news = True
                self._local.clear()
                self._forget_everything()
            else:
                news = self._drain() or news
        return news

    def wait(self, seconds: float | None) -> bool:
        """Wait for an event of any kind; none is taken from `has_news`."""
        return bool(self._wait.poll(None if seconds is None else seconds * 1000))

    def _drain(self) -> bool:
        try:
            events = self._queue.read(timeout=0)
        except BlockingIOError:
            return False
        # each of them, since some tell that a watch is gone
        return True in [self._matters(event.wd, event.mask, event.name) for event in events]

    def _matters(self, watch: int, mask: int, name: str) -> bool:
        """Tell whether an event matters, and forget what it puts in doubt."""
        if mask & _OVERFLOWED:
            self._forget_everything()
            return True
        through = self._through.get(watch)
        if through is None:
            return False
        # an event without a name is about the watched thing itself
        concerned = (name, _EVERYTHING) if name else tuple(through)
        paths = [path for part in concerned for path in through.get(part, ())]
        if mask & _LOST:
            del self._through[watch]
        elif not paths:
            return False
        for path in paths:
            self._covered.pop(path, None)
        self._folders.clear()
        return True

    def _forget_everything(self) -> None:
        self._covered.clear()
        self._folders.clear()

    def covers(self, path: str) -> bool:
        """Watch everything on the way to a path; False where that is not possible or no use."""
        known = self._covered.get(path)
        if known is None:
            try:
                known = self._follow(path)
            except OSError:
                known = False
            self._covered[path] = known
        return known

    def _follow(self, path: str) -> bool:
        """Go down a path as the kernel does; raises `OSError` where there are no watches left."""
        ahead = [part for part in reversed(path.split("/")) if part and part != "."]
        folder, links = "", 0
        while ahead:
            # a folder is watched before it is looked into: what changes later is an event
            watch = self._folder(folder or "/")
            if watch < 0:
                return self._is_closed(folder, ahead[-1])
            part = ahead.pop()
            if part == "..":
                folder = folder.rpartition("/")[0]
                continue
            self._note(watch, part, path)
            place = f"{folder}/{part}"
            if ahead and self._folders.get(place, -1) >= 0:
                folder = place
                continue
            found = _status(place)
            if found is None:
                # its folder will tell when it comes
                return True
            if stat.S_ISLNK(found.st_mode):
                links += 1
                if links > _MOST_LINKS:
                    return False
                target = os.readlink(place)  # noqa: PTH115 - text in, text out
                ahead += [name for name in reversed(target.split("/")) if name and name != "."]
                folder = "" if target.startswith("/") else folder
                continue
            folder = place
            if not ahead:
                return self._last(place, found, path)
            if not stat.S_ISDIR(found.st_mode):
                return True
        watch = self._folder(folder or "/")
        self._note(watch, _EVERYTHING, path)
        return watch >= 0

    def _note(self, watch: int, name: str, path: str) -> None:
        if watch >= 0:
            self._through.setdefault(watch, {}).setdefault(name, set()).add(path)

    def _last(self, place: str, found: os.stat_result, path: str) -> bool:
        """Watch what a path leads to."""
        if stat.S_ISDIR(found.st_mode):
            watch = self._folder(place)
        elif self._is_local(place, found.st_dev):
            watch = self._queue.add_watch(place, _OF_FILE)
        else:
            watch = -1
        self._note(watch, _EVERYTHING, path)
        return watch >= 0

    def _folder(self, path: str) -> int:
        """Watch a folder; -1 where watching it is no use."""
        known = self._folders.get(path)
        if known is not None:
            return known
        try:
            watch: int = self._queue.add_watch(path, _OF_FOLDER)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.EACCES}:
                raise
            watch = -1
        if watch >= 0:
            found = _status(path)
            if found is None or not self._is_local(path, found.st_dev):
                watch = -1
        self._folders[path] = watch
        return watch

    def _is_closed(self, path: str, name: str) -> bool:
        """Tell whether a folder that can't be watched is closed, and a change of that is noticed.

        The watch on the folder above tells of its mode and owner, but not of what is mounted there.
        """
        try:
            os.lstat(f"{path}/{name}")
        except PermissionError:
            found = _status(path)
        except OSError:
            return False
        else:
            return False
        if found is None or not _shuts_out(found) or not self._is_local(path, found.st_dev):
            return False
        return os.fsencode(path) not in _mount_points()

    def _is_local(self, path: str, device: int) -> bool:
        known = self._local.get(device)
        if known is None:
            known = self._local[device] = kind_of_file_system(path) in _LOCAL
        return known


def _queue() -> INotify:
    """Make an inotify queue; raises `OSError` and `ImportError`.

    The library is given the C library that this process has. Where it is given none, it has
    ``ctypes.util.find_library`` look: that starts ``ldconfig``, and compilers of the search path.
    """
    import inotify_simple

    inotify_simple._libc = inotify_simple._libc or ctypes.CDLL(None, use_errno=True)  # noqa: SLF001
    return inotify_simple.INotify(nonblocking=True)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (OSError, ValueError):
        return None


def _shuts_out(folder: os.stat_result) -> bool:
    """Tell whether it is a folder's mode that keeps this user out, nothing that is not told of."""
    if folder.st_uid == os.geteuid():
        return not folder.st_mode & stat.S_IXUSR
    ours = folder.st_gid in {os.getegid(), *os.getgroups()}
    return not folder.st_mode & (stat.S_IXGRP if ours else stat.S_IXOTH)


def _mount_points() -> set[bytes]:
    """Give where something is mounted, as far as this process sees it (proc_pid_mountinfo(5))."""
    with open(_MOUNTS, "rb") as file:  # noqa: PTH123 - the kernel makes it up
        points = [line.split(b" ", 5)[4] for line in file]
    return {_OCTAL.sub(lambda found: bytes([int(found[1], 8)]), point) for point in points}
