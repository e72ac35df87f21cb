"""Reading JSON without the package for it, which takes longer to load than most traces to read."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

make_scanner: Any
try:
    from _json import make_scanner
except ImportError:  # another Python than CPython
    make_scanner = None


class _Plain:
    """How the scanner of CPython reads what is in JSON, as `json.JSONDecoder` has it."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int

    @staticmethod
    def parse_constant(name: str) -> Any:
        """Refuse what is no JSON."""
        raise ValueError(name)

    def __init__(self) -> None:
        self.memo: dict[str, str] = {}

    def __getattr__(self, name: str) -> None:
        """Have no other hook either: Python 3.15 asks for `array_hook`."""


def scan(text: str) -> Any:
    """Give the value in a JSON text without blanks around it; raises `ValueError` for others."""
    if make_scanner is None:
        import json

        return json.loads(text)
    try:
        value, end = make_scanner(_Plain())(text, 0)
    except StopIteration:
        raise ValueError("no JSON") from None
    if end != len(text):
        raise ValueError("more than JSON")
    return value
