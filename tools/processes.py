"""Doing something in a process of its own."""

from __future__ import annotations

import contextlib
import os
import pickle
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def apart(work: Callable[[], T]) -> T | None:
    """Do something in a process that ends after it and leaves nothing behind.

    Gives None where it did not come to its end.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with contextlib.suppress(BaseException), os.fdopen(writer, "wb") as out:
            pickle.dump(work(), out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as back:
        data = back.read()
    os.waitpid(child, 0)
    return pickle.loads(data) if data else None  # noqa: S301 - from our own child
