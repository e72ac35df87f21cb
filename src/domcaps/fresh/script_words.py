"""Words of a shell script that could name a program, and that only the shell puts together.

A script that is not understood (`domcaps.fresh.scripts`) is judged by the paths that stand in it.
``'/opt/a'/real``, ``$x/real`` and ``cd /opt/a`` name programs by no path that stands there. Such
a script is not trusted. What is put into the environment is no matter, unless programs or libraries
are looked for there, or a command takes its words from it.
"""

from __future__ import annotations

import re

from domcaps.patterns import late_pattern

_SHELL = late_pattern(r"#![ \t]*\S*/(?:env[ \t]+)?(?:ba|da|a|k|mk|z)?sh\b")
_COMMENT = late_pattern(r"(?:^|(?<=[ \t;]))#[^\n]*", re.MULTILINE)
_WORD = late_pattern(
    r"(?:[^\s;&|()<>'\"\\`]|'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.)+", re.DOTALL | re.ASCII
)
_PLAIN = r"[\w./+@%:,=-]*"
_WHOLE = late_pattern(
    rf"{_PLAIN}|'[\w./+@%:,= \t!-]*'|\"[\w./+@%:,= \t-]*\"|\"?\$(?:\w+|\{{\w+\}}|[@*#?])\"?",
    re.ASCII,
)
_EXPANSION = late_pattern(r"\$\{?(\w+)", re.ASCII)
_ASSIGNMENT = late_pattern(r"(?P<name>[A-Za-z_]\w*)\+?=(?P<value>.*)", re.DOTALL | re.ASCII)
_COMPUTED = late_pattern(r"\bexec[ \t]+[\"']?(?:\$\(|`)")
_MOVES = frozenset({"cd", "chdir", "pushd", "popd"})
_SEARCHED = frozenset({"PATH", "ENV", "BASH_ENV", "IFS", "CDPATH"})


def unclear_word(script: bytes) -> str:
    """Give a word of a shell script that could name a program which stands nowhere; "" for none."""
    text = script.decode("utf-8", "replace")
    if _SHELL.match(text) is None:
        return ""
    code = _COMMENT.sub("", text)
    if found := _COMPUTED.search(code):
        return str(found[0])
    words = _WORD.findall(code)
    unclear: set[str] = set()
    paths: set[str] = set()
    for word in words:
        given = _ASSIGNMENT.fullmatch(word)
        if given is None:
            continue
        name, value = given["name"], given["value"]
        if name in _SEARCHED or name.startswith("LD_"):
            return str(word)
        if _is_put_together(value, unclear, paths) or value == "$":
            unclear.add(name)
        elif "/" in value:
            paths.add(name)
    return next((word for word in words if _is_doubtful(word, unclear, paths)), "")


def _is_doubtful(word: str, unclear: set[str], paths: set[str]) -> bool:
    if word in _MOVES:
        return True
    return _ASSIGNMENT.fullmatch(word) is None and _is_put_together(word, unclear, paths)


def _is_put_together(word: str, unclear: set[str], paths: set[str]) -> bool:
    """Tell whether only the shell knows what a word is that could be a path."""
    names = _EXPANSION.findall(word)
    if unclear.intersection(names):
        return True
    is_whole = _WHOLE.fullmatch(word) is not None
    return not is_whole and ("/" in word or len(names) > 1 or bool(paths.intersection(names)))
