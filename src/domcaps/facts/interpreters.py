"""Which programs start when a script is executed: the one place that reads its first line.

The kernel executes the program after ``#!``, and if that is a script, its interpreter, up to five
times (execve(2); ``fs/binfmt_script.c`` and ``exec_binprm`` of Linux). ``env`` executes another
program, which it searches along ``PATH``. Each of them can change what is executed, so
`domcaps.facts.trust` and `domcaps.fresh.trusted` judge each of them.
"""

from __future__ import annotations

import os
import re

from domcaps.facts.plain_record import PlainRecord
from domcaps.facts.real_path import real_path
from domcaps.patterns import late_pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIRST_BYTES = 256
"""Bytes of a script in which the kernel reads the interpreter (``BINPRM_BUF_SIZE``)."""

_MOST_INTERPRETERS = 5
"""Scripts that the kernel follows; with one more it executes nothing (``ELOOP``)."""
_MOST_PROGRAMS = 32
_BLANKS = b" \t"
_LINE = late_pattern(rb"[ \t]*(?P<path>[^ \t\0\n]+)(?P<end>[ \t\0]*)(?P<argument>[^\0\n]*)")
_SPECIAL = frozenset("\\'\"$#`")
"""Signs of ``env -S`` whose rules are not followed here: quotes, escapes, variables, comments."""
_SPLIT = late_pattern(r"(-v*S|--split-string=)(?P<words>.*)", re.DOTALL)
_HARMLESS = frozenset({"-v", "--debug", "--", "-0", "--null"})
_ASSIGNMENT = late_pattern(r"(?!PATH=|-)[^=/]+=.*", re.DOTALL)


class UnclearInterpreterError(ValueError):
    """The program that a script starts can't be determined; `remedy` is for the operator."""

    remedy = "name the interpreter by its path in the first line"


class FirstLine(PlainRecord):
    """The interpreter that a script names, and the one argument that the kernel adds."""

    interpreter: str
    argument: str


def first_line(start: bytes) -> FirstLine | None:
    """Read the first bytes of a file as the kernel does; None where it starts no interpreter."""
    text = start[:FIRST_BYTES]
    if not text.startswith(b"#!"):
        return None
    found = _LINE.match(text[2:].ljust(FIRST_BYTES - 2, b"\0"))
    if found is None or (len(text) == FIRST_BYTES and found.end("path") == FIRST_BYTES - 2):
        # nothing but blanks, or a name that may go on after these bytes
        return None
    # after a zero byte there is no argument, and no end of line; without one the last byte is it
    has_end = b"\n" in text.partition(b"\0")[0]
    end = len(text) if has_end else FIRST_BYTES - 1
    argument = text[2:end][slice(*found.span("argument"))]
    if has_end or len(text) >= FIRST_BYTES - 1:
        # zero bytes after a shorter text are no blanks, and those before them stay
        argument = argument.rstrip(_BLANKS)
    argument = b"" if b"\0" in found["end"] else argument
    path = os.path.join("/", os.fsdecode(found["path"]))  # noqa: PTH118 - text
    return FirstLine(path, os.fsdecode(argument))


def interpreters(
    path: str, read: Callable[[str], bytes], search: Callable[[str], str]
) -> Iterator[str]:
    """Name the programs that start when a file is executed, as they are named; none for a binary.

    `read` gives the first `FIRST_BYTES` of a file, `search` finds a program along ``PATH`` ("" if
    there is none). An argument that is an absolute path is named as well: an interpreter reads it.
    Raises `UnclearInterpreterError`.
    """
    seen: set[str] = set()
    depth = 0
    while path not in seen and len(seen) < _MOST_PROGRAMS and depth <= _MOST_INTERPRETERS:
        seen.add(path)
        line = first_line(read(path))
        if line is None:
            return
        yield line.interpreter
        depth += 1
        if line.argument.startswith("/"):
            yield line.argument
        if not _is_env(line.interpreter):
            path = line.interpreter
            continue
        path = _program_of_env(line, search)
        depth = 0
        if not path:
            return
        yield path


def _is_env(path: str) -> bool:
    """Tell whether a program is ``env``, by its own name or by that of a link to it."""
    return "env" in {os.path.basename(path), os.path.basename(real_path(path))}  # noqa: PTH119


def _program_of_env(line: FirstLine, search: Callable[[str], str]) -> str:
    """Give the program that ``env`` executes; "" for none, and for the script itself."""
    words = _words(line)
    while words and (words[0] in _HARMLESS or _ASSIGNMENT.fullmatch(words[0])):
        words.pop(0)
    if not words:
        return ""
    name = words[0]
    if name.startswith("-") or "=" in name:
        raise _unclear(line)
    found = os.path.join("/", name) if "/" in name else search(name)  # noqa: PTH118 - text
    if found and len(words) > 1 and _is_env(found):
        raise _unclear(line)
    return found


def _words(line: FirstLine) -> list[str]:
    """Divide what ``env`` gets into words: the kernel passes one, which ``-S`` divides further."""
    split = _SPLIT.fullmatch(line.argument)
    if split is None:
        return [line.argument] if line.argument else []
    if _SPECIAL & set(split["words"]):
        raise _unclear(line)
    return split["words"].split()


def _unclear(line: FirstLine) -> UnclearInterpreterError:
    return UnclearInterpreterError(
        f"the program that '{line.interpreter} {line.argument}' executes can't be determined"
    )
