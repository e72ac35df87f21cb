"""A screen that nobody sees, for programs with windows."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def virtual_screen() -> Iterator[str]:
    """Start Xvfb; gives what the variable DISPLAY has to be."""
    reader, writer = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
        pass_fds=[writer], stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    os.close(writer)
    try:
        with os.fdopen(reader) as numbers:
            yield f":{numbers.readline().strip()}"
    finally:
        os.killpg(screen.pid, signal.SIGTERM)
        screen.wait(30)
