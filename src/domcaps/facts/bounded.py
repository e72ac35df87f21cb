"""Limits on JSON that others wrote, checked before it is decoded.

Decoded JSON takes far more memory than its text: an empty object is three bytes, and the structure
made of it takes a hundred. A document is therefore measured in values as well as in bytes, and a
gzip file that unpacks to far more than recordings do is refused while it is unpacked. Nesting is
limited by msgspec, which raises `RecursionError`.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

VALUES = 1_000_000
"""Values that are decoded at once. One emulator's recording has 40,000, replies included."""

SKIMMED = 16_000_000
"""Values that a recording may have, of which most are in replies and are decoded one by one."""

STRING = 16 << 20
"""Bytes of one string: in memory it takes four times as many where one character is rare."""

RATIO = 64
"""A gzip file may unpack to this many times its size; recordings unpack to 12 times theirs."""

ALWAYS_UNPACKED = 16 << 20
"""Bytes to which every gzip file may unpack, whatever its size."""

_STRUCTURE = b'"[]{},:'
_OTHERS = bytes(set(range(256)) - set(_STRUCTURE))
_STRING = late_pattern(rb'"[^"]*"')
_BRACKET = late_pattern(rb"[][{}]")
_OPENING = frozenset(b"[{")


class TooMuch(Exception):  # noqa: N818 - a reason on its way to the caller, who knows the file
    """A limit was reached; the text says which."""


def decode(text: bytes | msgspec.Raw, kind: Any = Any) -> Any:
    """Decode JSON into `kind`; raises `ValueError`, and `TooMuch` above a limit."""
    require_values(bytes(text))
    try:
        return msgspec.json.decode(text, type=kind)
    except RecursionError as error:
        raise TooMuch("it is nested too deep") from error


def require_values(text: bytes, most: int = 0) -> None:
    """Raise `TooMuch` above `most` values, or `VALUES`; commas in strings count as values, too.

    Costs three passes of `bytes.count`, a tenth of a millisecond for a recording.
    """
    most = most or VALUES
    if _separators(text) > most:
        raise TooMuch(f"it has more than {most} values")


def require_outline(text: bytes, depth: int) -> None:
    """Raise `TooMuch` for valid JSON with too many values above `depth`, or too long a string.

    What is nested deeper is left as text when a recording is decoded. Only documents that are far
    larger than usual are looked through, which takes a second for 100 MiB.
    """
    if len(text) <= STRING and _separators(text) <= VALUES:
        return
    require_values(text, SKIMMED)
    # an escaped quote ends no string
    text = text.replace(rb"\\", b"").replace(rb"\"", b"")
    _require_short_strings(text)
    counted = 0
    for values in _outline(_bare(text), depth):
        counted += values
        if counted > VALUES:
            raise TooMuch(f"it has more than {VALUES} values besides those in replies")


def _separators(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _require_short_strings(text: bytes) -> None:
    """Refuse JSON without escaped quotes in which there is no quote over a long distance."""
    for start in range(0, len(text) - STRING, STRING // 2):
        if text.find(b'"', start, start + STRING // 2) < 0:
            raise TooMuch(f"it has a string of more than {STRING >> 20} MiB")


def _bare(text: bytes) -> bytes:
    """Leave brackets and commas of valid JSON without escaped quotes; mostly by C's loops."""
    text = text.translate(None, _OTHERS).replace(b'""', b"")
    if text.count(b'"') > 2 * VALUES:
        raise TooMuch(f"it has more than {VALUES} strings of punctuation")
    return _STRING.sub(b"", text)


def _outline(bare: bytes, limit: int) -> Iterator[int]:
    """Count the values above a depth, from bracket to bracket."""
    depth = end = 0
    for bracket in _BRACKET.finditer(bare):
        start = bracket.start()
        opening = bare[start] in _OPENING
        if depth <= limit:
            yield bare.count(b",", end, start) + opening
        depth += 1 if opening else -1
        end = start + 1


def unpack(data: bytes, most: int) -> tuple[bytes, bytes, bool]:
    """Unpack a gzip file; raises `zlib.error`, and `TooMuch` above a limit.

    Gives the content, the bytes that follow it, and whether it came to its end.
    """
    allowed = min(most, max(ALWAYS_UNPACKED, RATIO * len(data)))
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    text = unpacker.decompress(data, allowed + 1)
    if len(text) > allowed:
        times = "" if allowed == most else ", which is far more than recordings unpack to"
        raise TooMuch(f"its content is larger than {allowed >> 20} MiB{times}")
    return text, unpacker.unused_data, unpacker.eof
