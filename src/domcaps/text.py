"""Text that others wrote, made harmless for terminals, files and pages.

Strings of recordings, domain XML, emulators and file names may hold anything: commands to a
terminal, characters that change the direction of writing, line ends that forge another line, halves
of characters that no encoding can write. They stay as they are inside domcaps, and are replaced
where text leaves it.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_UNSAFE = re.compile(
    # C0 but tab and line feed, DEL and C1; what has no look of its own or changes the direction of
    # writing (Unicode's category Cf); what JavaScript and some terminals take for a line end;
    # surrogates, which are no text
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001\U000e0020-\U000e007f]"
)
_BLANK = re.compile(r"[\t\n]")


def harmless(text: str) -> str:
    r"""Write what a terminal would obey as JSON writes it, such as ``\u001b``.

    Line feeds and tabs stay. In JSON the result means what the text meant.
    """
    return _UNSAFE.sub(_escaped, text)


def one_line(text: str) -> str:
    """Make text harmless, and write its line feeds and tabs in the same way."""
    return _BLANK.sub(_escaped, harmless(text))


def file_name(name: str) -> str:
    r"""Give a file's name as it can be printed: bytes that are no UTF-8 as ``\xff``."""
    return one_line(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def to_json(content: Any, *, indent: int = 2) -> str:
    """Write JSON, also of strings that no encoding can write; `indent` below 0 gives one line."""
    try:
        data = msgspec.json.encode(content)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_writable(msgspec.to_builtins(content)))
    return msgspec.json.format(data, indent=indent).decode()


def _writable(content: Any) -> Any:
    """Replace surrogates in the strings of lists and dictionaries."""
    if isinstance(content, str):
        return content.encode("utf-8", "backslashreplace").decode()
    if isinstance(content, dict):
        return {_writable(key): _writable(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_writable(value) for value in content]
    return content
