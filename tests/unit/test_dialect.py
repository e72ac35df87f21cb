"""Dialects: every release that is known, and a clear error for the others."""

from __future__ import annotations

import pytest

from domcaps import UnknownDialectError
from domcaps.language import known_dialects, parse_dialect


def test_the_known_dialects_are_those_from_11_3_to_12_8() -> None:
    names = [str(dialect) for dialect in known_dialects()]
    assert names[0] == "11.3"
    assert names[7:9] == ["11.10", "12.0"]
    assert names[-1] == "12.8"


def test_a_micro_number_makes_no_difference() -> None:
    assert parse_dialect("12.8.0") == parse_dialect(" 12.8 ")


@pytest.mark.parametrize("text", ["11.2", "12.9", "13.0", "", "newest", "12", "12.8.0.1", "-1.0"])
def test_another_one_is_an_error_that_lists_the_known(text: str) -> None:
    with pytest.raises(UnknownDialectError, match=r"11\.3, .*12\.8"):
        parse_dialect(text)


@pytest.mark.parametrize(
    ("since", "until", "spoken"),
    [
        ("", "", True),
        ("12.0", "", True),
        ("12.1", "", False),
        ("", "12.0", False),
        ("", "12.1", True),
        ("11.10", "12.1", True),
    ],
)
def test_since_includes_and_until_excludes_the_release(
    since: str, until: str, spoken: bool
) -> None:
    assert parse_dialect("12.0").speaks(since, until) is spoken
