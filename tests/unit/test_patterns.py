"""Regular expressions that mean the same for every Python there is."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import domcaps
from domcaps.patterns import fits, late_pattern

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


@pytest.mark.parametrize("pattern", ["pc", "pc*", "pc-*", "*", "", "*-q35", "pc-?", "p[ab]c", "**"])
@pytest.mark.parametrize("text", ["", "pc", "pc-q35", "pcx", "pac", "PC", "pc*"])
def test_a_text_fits_as_in_a_shell(text: str, pattern: str) -> None:
    assert fits(text, pattern) == fnmatchcase(text, pattern)


def test_a_late_pattern_is_compiled_when_it_is_used() -> None:
    late = late_pattern(r"(a+)(b)?")
    found = late.fullmatch("aa")
    assert found is not None and found[1] == "aa"
    assert late.pattern == r"(a+)(b)?" and late.groups == 2
    wrong = late_pattern("(")
    with pytest.raises(re.error):
        wrong.search("")


ROOMS = ("cpu", "elements", "facts", "fresh", "hosts", "language", "report", "validate")


def test_no_pattern_is_compiled_when_the_table_is_loaded() -> None:
    """Each process pays for what is compiled at import: most of it for texts that do not come."""
    package = Path(domcaps.__file__).parent
    modules = [
        *package.glob("*.py"),
        *(m for room in ROOMS for m in (package / room).rglob("*.py")),
    ]
    found = [
        f"{module.relative_to(package)}:{line}"
        for module in modules
        for line, text in enumerate(module.read_text().splitlines(), 1)
        if re.match(r"(\w+(: .*)? = )re\.compile\(", text)
    ]
    assert found == []
