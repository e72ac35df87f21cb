"""Regular expressions that mean the same for every Python there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import domcaps

SOURCE = Path(domcaps.__file__).parent
# a group that gives nothing back: "(…)*+", "(…)++", "(…)?+", "(?>…)"
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)[*+?]\+|\(\?>")


@pytest.mark.parametrize("text", ["(?:a|b)*+", "(a)++", "(?>a)", "(a)?+"])
def test_possessive_groups_are_seen(text: str) -> None:
    assert POSSESSIVE_GROUP.search(text)


@pytest.mark.parametrize("text", ["[^a]*+", r"\)*+", "(?:a)*", "a++"])
def test_others_are_not(text: str) -> None:
    assert not POSSESSIVE_GROUP.search(text)


def test_no_group_is_possessive() -> None:
    """Before 3.11.5 Python lost its place in them (gh-106052); Debian 12 has 3.11.2."""
    found = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in sorted(SOURCE.rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if POSSESSIVE_GROUP.search(line)
    ]
    assert found == []
