"""The work of a validation grows with a document in proportion, whatever is repeated in it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.shipped import open_shipped
from growth import DOCUMENTS

if TYPE_CHECKING:
    from types import FrameType

FEW, MANY = 400, 1600


def lines_of(document: bytes) -> int:
    """Count the lines of Python, iterations of loops among them, that a validation runs."""
    host = open_shipped("debian13-x86_64")
    count = 0

    def watch(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        host.validate(document)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("repeated", DOCUMENTS)
def test_work_grows_in_proportion(repeated: str) -> None:
    make = DOCUMENTS[repeated]
    lines_of(make(FEW).encode())  # what is learned of shapes is learned once
    few, many = (lines_of(make(number).encode()) for number in (FEW, MANY))
    # with the square of the number it would be up to 16 times as much
    assert many < 5 * few, (few, many)
