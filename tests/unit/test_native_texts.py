"""No text of a domain becomes another option of QEMU, or another part of one: every place is tried.

Each attribute and each text of the samples of all codes, and of the domains of the tests of
``native``, is replaced by texts that mean something to QEMU. Each time the command has the options
and the names of parts that it has with a plain text, or there is none (`UntoldError`).
"""

from __future__ import annotations

from functools import cache

import pytest

from native_places import Place, places, shape, words_of

PLAIN = "zq7x"
FORMS = (
    "{},id=evil", "{}=evil", ",{}", "{},,", "-{}", "{}\n-device evil", "{}:1-cmd:evil", "{} -S",
    "help", "?", "json:{{\"driver\":\"{}\"}}", "{}'\"\\$`;", "{}\u00e9",
)  # fmt: skip
LONG = "x" * 70_000
PARTS = 8
"""Parts into which the places are divided: one test each."""


@cache
def every() -> tuple[Place, ...]:
    """Give the places but the names of CPU features, which are names of properties."""
    return tuple(place for name, place in places().items() if "cpu/feature   name" not in name)


def allowed(place: Place) -> list[object]:
    """Give the shapes that a command has with the text that stands there, and with a plain one."""
    commands = (words_of(place.host, place.xml), words_of(place.host, place.with_text(PLAIN)))
    return [shape(words) for words in commands if words is not None]


def changed(place: Place, text: str) -> str:
    """Tell what a text changes besides a value; "" for nothing."""
    words = words_of(place.host, place.with_text(text))
    if words is None:
        return ""
    try:
        found = shape(words)
    except AssertionError as error:
        return f"{place.name} {text[:40]!r}: {error}"
    expected = allowed(place)
    if found in expected:
        return ""
    odd = [one for one in found if all(one not in some for some in expected)]  # type: ignore[operator]
    return f"{place.name} {text[:40]!r}: {odd}"


@pytest.mark.parametrize("part", range(PARTS))
def test_no_text_becomes_an_option(part: int) -> None:
    wrong = []
    for place in every()[part::PARTS]:
        before = place.xml
        texts = [form.format(PLAIN) for form in FORMS] + [LONG]
        texts += [place.text + form.format("") for form in FORMS[:2]]
        wrong += [said for text in texts if (said := changed(place, text))]
        assert place.xml == before
    assert not wrong, "\n".join(wrong)


def test_there_are_many_places() -> None:
    assert len(every()) > 1000
