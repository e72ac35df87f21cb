"""A folder for runs of emulators, which goes with all in it however this process ends."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.facts.launch import PIPE, shell, start

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_FOLDER = 40
"""The path of a socket has 107 bytes at most."""
_GUARD = """
trap '' HUP INT TERM
read _
for _ in 1 2 3; do
  rm -rf -- "$1"
  sleep 0.3
done
"""


@contextlib.contextmanager
def throwaway_folder() -> Iterator[Path]:
    """Give a new folder that is removed at the end, with all in it.

    A shell waits for the end of a pipe from this process and then removes it: the kernel closes the
    pipe whenever this process ends, also by SIGKILL.
    """
    parent = tempfile.gettempdir()
    usable = parent if len(parent) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108 - shorter
    folder = Path(tempfile.mkdtemp(prefix="domcaps-", dir=usable))
    try:
        guard = start(shell(("-c", _GUARD, "sh", str(folder))), stdin=PIPE, session=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        guard.kill()
        if guard.stdin is not None:
            guard.stdin.close()
        guard.wait()
