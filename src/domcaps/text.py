"""Text that others wrote, made harmless for terminals, files and pages.

Strings of recordings, domain XML, emulators and file names may hold anything: commands to a
terminal, characters that change the direction of writing, line ends that forge another line, halves
of characters that no encoding can write. They stay as they are inside domcaps, and are replaced
where text leaves it.
"""

from __future__ import annotations

import os
import re
from typing import Any

import click
import msgspec

_UNSAFE = re.compile(
    # C0 but tab and line feed, DEL and C1; what has no look of its own or changes the direction of
    # writing (Unicode's category Cf); what JavaScript and some terminals take for a line end;
    # surrogates, which are no text
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001\U000e0020-\U000e007f]"
)
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;", '"': "&quot;"})
_UNSAFE_IN_XML = re.compile(f"[\\t\\n]|{_UNSAFE.pattern}")
_IN_XML = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BLANK = re.compile(r"[\t\n]")

# stands for the beginning of a terminal's command in what `styled` gives: nobody can guess it, so
# that what others wrote can't have it
_MARK = f"\ufdd0{os.urandom(8).hex()}["
_STYLE = re.compile(re.escape(_MARK) + "[0-9;]*m")


def harmless(text: str) -> str:
    r"""Write what a terminal would obey as JSON writes it, such as ``\u001b``.

    Line feeds and tabs stay. In JSON the result means what the text meant.
    """
    return _UNSAFE.sub(_escaped, text)


def one_line(text: str) -> str:
    """Make text harmless, and write its line feeds and tabs in the same way."""
    return _BLANK.sub(_escaped, harmless(text))


def escaped_xml(text: str) -> str:
    """Write text for XML 1.0, between tags or in an attribute, so that every parser takes it.

    A terminal's commands become references, and characters that XML can't have U+FFFD.
    """
    text = text.translate(_MARKUP)
    return text if text.isprintable() else _UNSAFE_IN_XML.sub(_referenced, text)


def _referenced(found: re.Match[str]) -> str:
    return f"&#x{ord(found[0]):x};" if _IN_XML.match(found[0]) else "\N{REPLACEMENT CHARACTER}"


def file_name(name: str) -> str:
    r"""Give a file's name as it can be printed: bytes that are no UTF-8 as ``\xff``."""
    return one_line(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def styled(text: str, **style: Any) -> str:
    """Make text harmless and give it a style of `click.style`, for `revealed` to show."""
    return click.style(harmless(text), **style).replace("\x1b[", _MARK)


def revealed(text: str, *, colour: bool) -> str:
    """Make text harmless but for its own styles, which become commands to a terminal, or go."""
    text = harmless(text)
    return text.replace(_MARK, "\x1b[") if colour else _STYLE.sub("", text)


def _escaped(found: re.Match[str]) -> str:
    return escaped(found[0])


def escaped(text: str) -> str:
    r"""Write every sign of a text as JSON does, such as ``\u001b``."""
    data = text.encode("utf-16-be", "surrogatepass")
    units = (data[place : place + 2].hex() for place in range(0, len(data), 2))
    return "".join(f"\\u{unit}" for unit in units)


def to_json(content: Any) -> str:
    """Write JSON with line ends, also of strings that no encoding can write."""
    return msgspec.json.format(to_compact_json(content), indent=2)


def to_compact_json(content: Any) -> str:
    """Write JSON in one line, also of strings that no encoding can write."""
    try:
        return msgspec.json.encode(content).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_writable(msgspec.to_builtins(content))).decode()


def _writable(content: Any) -> Any:
    """Replace surrogates in the strings of lists and dictionaries."""
    if isinstance(content, str):
        return content.encode("utf-8", "backslashreplace").decode()
    if isinstance(content, dict):
        return {_writable(key): _writable(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_writable(value) for value in content]
    return content
