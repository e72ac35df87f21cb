"""Python's collector of garbage, which can wait for a choice to be made."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Have the collector wait.

    It goes through all that a program has loaded, for tens of milliseconds: several times what a
    choice or a mending takes itself. Neither makes garbage worth collecting before it ends.
    """
    waits = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if waits:
            gc.enable()
