"""YAML for values of JSON: mappings and lists in blocks, every text in double quotes."""

from __future__ import annotations

import json
import re
from typing import Any

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,100}", re.ASCII)
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_BEYOND = re.compile("([\U00010000-\U0010ffff])")
_HALF = re.compile("[\ud800-\udfff]")
_WORDS = frozenset({"yes", "no", "on", "off", "true", "false", "null", "y", "n"})


def to_yaml(value: Any) -> str:
    """Write a document; any YAML reader gives `value` back, with U+FFFD for half a character."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        return [line for key, inner in value.items() for line in _entry(f"{_key(key)}:", inner)]
    if isinstance(value, list | tuple) and value:
        return [line for inner in value for line in _item(_lines(inner))]
    return [_scalar(value)]


def _entry(head: str, value: Any) -> list[str]:
    lines = _lines(value)
    if isinstance(value, dict | list | tuple) and value:
        return [head, *(f"  {line}" for line in lines)]
    return [f"{head} {lines[0]}"]


def _item(lines: list[str]) -> list[str]:
    return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]


def _key(key: str) -> str:
    return key if _PLAIN.fullmatch(key) and key.lower() not in _WORDS else _quoted(key)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    return "[]" if isinstance(value, tuple) else json.dumps(value)


def _quoted(text: str) -> str:
    """Write a text as JSON does, but what JSON writes as two halves as one character.

    YAML has no such halves: its readers refuse them, or take each for a character.
    """
    parts = _BEYOND.split(_HALF.sub(_REPLACED, text))
    return f'"{"".join(map(_escaped, parts))}"'


def _escaped(part: str) -> str:
    return f"\\U{ord(part):08x}" if _BEYOND.fullmatch(part) else json.dumps(part)[1:-1]
