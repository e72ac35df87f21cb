"""Three truth values: what is not known is never promised, and never denied."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domcaps.language import Truth
from domcaps.language.truth import all_of, any_of

TRUTHS = st.sampled_from(Truth)


@pytest.mark.parametrize(
    ("truths", "conjunction", "disjunction"),
    [
        ([], Truth.YES, Truth.NO),
        ([Truth.YES, Truth.UNKNOWN], Truth.UNKNOWN, Truth.YES),
        ([Truth.NO, Truth.UNKNOWN], Truth.NO, Truth.UNKNOWN),
        ([Truth.UNKNOWN, Truth.NO], Truth.NO, Truth.UNKNOWN),
        ([Truth.YES, Truth.YES], Truth.YES, Truth.YES),
    ],
)
def test_the_unknown_stays_unknown_unless_the_rest_decides(
    truths: list[Truth], conjunction: Truth, disjunction: Truth
) -> None:
    assert all_of(truths) is conjunction
    assert any_of(truths) is disjunction


def test_only_yes_counts_as_yes() -> None:
    assert [bool(truth) for truth in Truth] == [True, False, False]


@given(st.lists(TRUTHS))
def test_negation_swaps_all_and_any(truths: list[Truth]) -> None:
    assert ~all_of(truths) is any_of(~truth for truth in truths)


@given(TRUTHS)
def test_negating_twice_changes_nothing(truth: Truth) -> None:
    assert ~~truth is truth
