"""What this domcaps is: another version may ask other questions, or keep the answers otherwise.

The identity is that of the code which is *loaded*. A package may be upgraded while a process runs:
what that process keeps must bear the name of the old code, and a process that could have loaded
some of the old and some of the new keeps nothing and takes nothing.
"""

from __future__ import annotations

import marshal
import os
import time

from domcaps._version import __version__
from domcaps.fresh.process_state import process_state
from domcaps.fresh.witness import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    _FileState = tuple[int, str, int, int, int, int, int]

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
# a tick, and the clock of file systems that keep no finer times
_MARGIN_NS = 20_000_000


def own_identity() -> str:
    """Give a digest of the version and of the identity of each file of the package, as loaded.

    The table is part of the package, and with it what emulators are asked. "" where it is not known
    which code this process has loaded.
    """
    return _LOADED


def answer_name(*parts: object) -> str:
    """Name an answer on the disk, by this domcaps, the rights of the process, and `parts`."""
    named = (own_identity(), process_state().rights, *parts)
    return digest(repr(named).encode("utf-8", "surrogatepass"))


def is_as_loaded() -> bool:
    """Tell whether the package is still what it was when this process loaded it."""
    return bool(_LOADED) and _digest(_files(_ROOT)) == _LOADED


def _loaded() -> str:
    files = _files(_ROOT)
    began = _process_began()
    newest = max(files)[0] if files else 0
    # what came while this process ran may have been loaded before or after
    return _digest(files) if newest < began + _MARGIN_NS else ""


def _process_began() -> int:
    """Give the time in nanoseconds at which this process began (proc_pid_stat(5))."""
    try:
        with open("/proc/self/stat") as file:  # noqa: PTH123 - pathlib takes longer to load
            fields = file.read().rpartition(")")[2].split()
        since_boot = int(fields[19]) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        return time.time_ns() - (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - since_boot)
    except (OSError, ValueError, IndexError, AttributeError):
        # another system: this module is loaded with the first answer
        return time.time_ns()


def _digest(files: list[_FileState]) -> str:
    # in a form that does not depend on how often an object is used; quicker to write than text
    return digest(marshal.dumps((__version__, sorted(files)), _PLAINEST))


def _files(folder: str) -> list[_FileState]:
    """Give the state of each file of the package.

    They are many, and each process looks at all of them: so a state is a plain tuple of what
    `domcaps.fresh.identity` has, the time of the last change first.
    """
    found: list[_FileState] = []
    folders = [folder]
    # `folders` grows while it is gone through
    for inside in folders:
        try:
            entries = list(os.scandir(inside))
        except OSError:
            # the package is in an archive: its version must do
            continue
        for entry in entries:
            name = entry.name
            if name.endswith(_KINDS):
                status = entry.stat()
                found.append(
                    (
                        status.st_ctime_ns,
                        entry.path,
                        status.st_dev,
                        status.st_ino,
                        status.st_mode,
                        status.st_size,
                        status.st_mtime_ns,
                    )
                )
            elif name != "__pycache__" and entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
    return found


_KINDS = (".py", ".json", ".txt")
_PLAINEST = 0
"""The version of the form of `marshal` that has neither references nor interned strings."""


_LOADED = _loaded()
