"""Scripts that do nothing but start another program: the only ones of which all is known.

What any other script reads is unknown: it may source a file, look at a variable or
compute a name. What such a script answers is not kept. A script is understood if it is for the
system's shell and consists of

- comments, empty lines and ``set`` with plain options;
- ``echo`` of plain words, and ``exit`` with a number;
- one ``exec`` of a program with plain words and ``"$@"``, after which nothing is run.

A plain word has no character that means something to the shell. Blanks are blank and tab: to the
shell a vertical tab, a form feed or a carriage return is a part of a word.
"""

from __future__ import annotations

import re

from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern

LIMIT = 64 * 1024

SHELLS = frozenset(
    f"{folder}/{name}" for folder in ("/bin", "/usr/bin") for name in ("sh", "dash", "bash")
)
"""Interpreters that read nothing of their own when they run a script: no profile, no ``$ENV``."""

_PLAIN = r"[\w./+@%:,=-]+"
_QUOTED = r"'[^'\n]*'|\"[^\"$`\\!\n]*\""
_WORD = rf"(?:{_PLAIN}|{_QUOTED})"
_ALL = r"(?:\"\$@\"|\$@|\"\$\{@\}\"|\$\{@\})"
_LINE = late_pattern(
    rf"""[ \t]*(?:
        (?:\#.*)?
        | set(?:[ \t]+[-+][aefuvxn]+)+
        | echo(?:[ \t]+{_WORD})*
        | exit(?:[ \t]+\d+)?
        | exec[ \t]+(?P<program>(?!-)[\w./+@-]+|(?!['"]-){_QUOTED})(?:[ \t]+(?:{_WORD}|{_ALL}))*
    )[ \t]*(?:[ \t]\#.*)?""",
    re.VERBOSE | re.ASCII,
)


_ABSOLUTE = late_pattern(r"(?<![\w.~$}/-])/[\w./+@-]+", re.ASCII)
_MOST_NAMED = 200


class Script(NamedTuple):
    """A script that is understood: its interpreter, and what it starts, "" if that is nothing."""

    interpreter: str
    program: str


def is_script(text: bytes) -> bool:
    """Tell whether the kernel starts an interpreter for a file that begins so."""
    return text.startswith(b"#!")


def programs_named(text: bytes) -> tuple[str, ...]:
    """Give the absolute paths that a script names, of which some may be programs that it starts."""
    found = _ABSOLUTE.findall(text[:LIMIT].decode("utf-8", "replace"))
    return tuple(dict.fromkeys(found))[:_MOST_NAMED]


def understood(text: bytes) -> Script | None:
    """Read a script; None where what it does is not certain."""
    try:
        first, *lines = text.decode("ascii").split("\n")
    except UnicodeDecodeError:
        return None
    if b"\0" in text:
        # one shell ends there, another one leaves it out
        return None
    interpreter = first.removeprefix("#!").strip(" \t")
    if interpreter not in SHELLS:
        return None
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            return None
        if found["program"]:
            # whatever follows is never run
            return Script(interpreter, found["program"].strip("'\""))
    return Script(interpreter, "")
