"""Regular expressions that are compiled when they are first used, and patterns that need none.

Compiling all of the table took a fifteenth of a first verdict, which needs few of them.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class _LatePattern:
    """A pattern that has the methods of a compiled one."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Compile it, and keep the method: the next use does not come here."""
        found = getattr(re.compile(self._text, self._flags), name)
        self.__dict__[name] = found
        return found


def late_pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Give what `re.compile` gives; an error in the pattern is raised at its first use."""
    return cast("re.Pattern[AnyStr]", _LatePattern(text, flags))


def fits(text: str, shell_pattern: str) -> bool:
    """Tell whether a text has the form of a shell pattern, as `fnmatch.fnmatchcase` does.

    Most patterns are a name, or the beginning of one and ``*``: those are not compiled.
    """
    begin = shell_pattern.removesuffix("*")
    if not _SPECIAL.isdisjoint(begin):
        from fnmatch import fnmatchcase

        return fnmatchcase(text, shell_pattern)
    return text == begin if begin is shell_pattern else text.startswith(begin)


_SPECIAL = frozenset("*?[")
