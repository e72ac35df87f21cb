"""Documents as public functions take them."""

from __future__ import annotations

import os

from domcaps.errors import WrongTypeError

READ = "read the file: Path(…).read_bytes()"
"""What to write instead of the name of a file."""
_LONGEST_NAME = 4096


def require_document(name: str, value: object) -> None:
    """Raise `WrongTypeError` for an argument that is no document, such as the name of a file.

    A name is a text of one line without ``<`` that ends in ``.xml``, has a slash, or is the name
    of a file that exists. Bytes are always a document: they come from files.
    """
    if isinstance(value, bytes):
        return
    what = "a domain" if name == "xml" else f"a {name}"
    if not isinstance(value, str):
        shown = "None" if value is None else type(value).__name__
        raise WrongTypeError(f"{what} must be a str or bytes, not {shown}", remedy=READ)
    if _names_a_file(value):
        raise WrongTypeError(f"{what} must be XML, not the name of a file: {value!r}", remedy=READ)


def document(xml: str | bytes) -> bytes:
    """Give the bytes of a document; `domcaps.checked` has seen that it is one."""
    return xml if isinstance(xml, bytes) else xml.encode(errors="surrogatepass")


def _names_a_file(text: str) -> bool:
    if not text or len(text) > _LONGEST_NAME or any(sign in text for sign in "<>\n\0"):
        return False
    return text.lower().endswith(".xml") or "/" in text or os.path.isfile(text)  # noqa: PTH113
