"""Garbage is collected seldom while much is made that stays."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEW_OBJECTS = 50_000, 50, 1000
"""Thresholds of the collection of garbage. Looking through all that an engine or an index keeps,
again and again, took a quarter of the time."""


@contextlib.contextmanager
def rarely_collected() -> Iterator[None]:
    """Collect garbage seldom, and as before from the end on."""
    before = gc.get_threshold()
    gc.set_threshold(*_NEW_OBJECTS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
