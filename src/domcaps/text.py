"""Text that others wrote, made harmless for terminals, files and pages.

Strings of recordings, domain XML, emulators and file names may hold anything: commands to a
terminal, characters that change the direction of writing, line ends that forge another line, halves
of characters that no encoding can write. They stay as they are inside domcaps, and are replaced
where text leaves it.
"""

from __future__ import annotations

import functools
import os
import re
from typing import Any

import msgspec

_UNSAFE = (
    # C0 but tab and line feed, DEL and C1; what has no look of its own or changes the direction of
    # writing (Unicode's category Cf); what JavaScript and some terminals take for a line end;
    # surrogates, which are no text
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001\U000e0020-\U000e007f]"
)
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;", '"': "&quot;"})
_UNSAFE_IN_XML = f"[\\t\\n]|{_UNSAFE}"
_IN_XML = "[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_BLANK = r"[\t\n]"

# stands for the beginning of a terminal's command in what `styled` gives: nobody can guess it, so
# that what others wrote can't have it
_MARK = f"\ufdd0{os.urandom(8).hex()}["
_STYLE = re.escape(_MARK) + "[0-9;]*m"


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern when it is needed: most texts are plain, and these take long to compile."""
    return re.compile(pattern)


def _is_plain(text: str) -> bool:
    # of what is unsafe nothing is printable
    text = text.replace("\n", "").replace("\t", "")
    return text.isprintable() or text.replace(_MARK, "").isprintable()


def harmless(text: str) -> str:
    r"""Write what a terminal would obey as JSON writes it, such as ``\u001b``.

    Line feeds and tabs stay. In JSON the result means what the text meant.
    """
    return text if _is_plain(text) else _compiled(_UNSAFE).sub(_escaped, text)


def one_line(text: str) -> str:
    """Make text harmless, and write its line feeds and tabs in the same way."""
    text = harmless(text)
    return _compiled(_BLANK).sub(_escaped, text) if "\n" in text or "\t" in text else text


def escaped_xml(text: str) -> str:
    """Write text for XML 1.0, between tags or in an attribute, so that every parser takes it.

    A terminal's commands become references, and characters that XML can't have U+FFFD.
    """
    text = text.translate(_MARKUP)
    return text if text.isprintable() else _compiled(_UNSAFE_IN_XML).sub(_referenced, text)


_REPLACED = "\N{REPLACEMENT CHARACTER}"


def _referenced(found: re.Match[str]) -> str:
    return f"&#x{ord(found[0]):x};" if _compiled(_IN_XML).match(found[0]) else _REPLACED


def file_name(name: str) -> str:
    r"""Give a file's name as it can be printed: bytes that are no UTF-8 as ``\xff``."""
    return one_line(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def styled(text: str, *, fg: str | None = None, bold: bool = False, dim: bool = False) -> str:
    """Make text harmless and give it a style, for `revealed` to show; `fg` names its colour."""
    numbers = (_COLOURS[fg] if fg else 0, 1 if bold else 0, 2 if dim else 0)
    begin = "".join(f"{_MARK}{number}m" for number in numbers if number)
    return f"{begin}{harmless(text)}{_MARK}0m"


_COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}
"""What a terminal calls the colours."""


def revealed(text: str, *, colour: bool) -> str:
    """Make text harmless but for its own styles, which become commands to a terminal, or go."""
    text = harmless(text)
    if _MARK not in text:
        return text
    return text.replace(_MARK, "\x1b[") if colour else _compiled(_STYLE).sub("", text)


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
