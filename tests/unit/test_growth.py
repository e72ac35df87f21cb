"""The work of a validation grows with a document in proportion, whatever is repeated in it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.elements.boards.families import family_of
from domcaps.language.quantities import ANY_UUID
from growth import DOCUMENTS
from plain_hosts import open_plain

if TYPE_CHECKING:
    from types import FrameType

FEW, MANY = 400, 1600


def lines_of(document: bytes, method: str = "validate") -> int:
    """Count the lines of Python, iterations of loops among them, that a host's method runs."""
    done = getattr(open_plain("debian13-x86_64"), method)
    count = 0

    def watch(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        done(document)
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


@pytest.mark.parametrize("repeated", ["disks", "video", "filesystems", "controllers without index"])
def test_so_does_an_explanation(repeated: str) -> None:
    make = DOCUMENTS[repeated]
    lines_of(make(1).encode(), "explain_domain")  # what is remembered from then on
    base = lines_of(make(0).encode(), "explain_domain")
    few, many = (lines_of(make(n).encode(), "explain_domain") - base for n in (FEW, MANY))
    assert many < 5 * few, (few, many)


@pytest.mark.parametrize("blanks", [" ", "-", "- ", "\t"])
def test_a_long_text_that_is_no_uuid_is_soon_refused(blanks: str) -> None:
    begun = time.process_time()
    with pytest.raises(ValueError, match="x"):
        ANY_UUID.parse(blanks * 20_000 + "x")
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize("text", ["a" * 20_000, "pc-q35-1." + "9" * 5000, "1." * 20_000])
def test_a_long_text_is_no_machine_type(text: str) -> None:
    begun = time.process_time()
    assert family_of(text)[1] == ()
    assert time.process_time() - begun < 0.5
