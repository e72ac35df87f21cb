"""Documents as public functions take them, and hosts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from domcaps.errors import WrongTypeError

if TYPE_CHECKING:
    from collections.abc import Iterable

H = TypeVar("H")


def hosts(name: str, value: Iterable[H]) -> list[H]:
    """Give hosts as a list; raises `WrongTypeError` for what is no host, also in a generator."""
    listed = list(value)
    for number, one in enumerate(listed):
        if not hasattr(one, "world_of"):
            raise WrongTypeError(
                f"{name}[{number}] must be a Host, not the {type(one).__name__} {one!r}",
                remedy="Host.open('…') opens what --host of the command line names",
            )
    return listed


def document(xml: object) -> bytes:
    """Give a domain's XML as bytes; raises `WrongTypeError` for a file, and for the name of one.

    A name is a text of one line without ``<`` that ends in ``.xml``, has a slash, or is the name
    of a file that exists. Bytes are always a document: they come from files.
    """
    if isinstance(xml, bytes):
        return xml
    if not isinstance(xml, str):
        shown = "None" if xml is None else type(xml).__name__
        raise WrongTypeError(f"a domain must be a str or bytes, not {shown}", remedy=_READ)
    if _names_a_file(xml):
        raise WrongTypeError(f"a domain must be XML, not the name of a file: {xml!r}", remedy=_READ)
    return xml.encode(errors="surrogatepass")


_READ = "read the file: Path(…).read_bytes()"
_LONGEST_NAME = 4096


def _names_a_file(text: str) -> bool:
    if not text or len(text) > _LONGEST_NAME or set(text) & set("<>\n\0"):
        return False
    return text.lower().endswith(".xml") or "/" in text or os.path.isfile(text)  # noqa: PTH113
