"""No text of a domain becomes an option of its own: every text is a value, as it is."""

from __future__ import annotations

import json
import shlex
from xml.sax.saxutils import quoteattr

import pytest

from domcaps.language.command_line import settings_of
from domcaps.native.line import as_shell, as_shell_lines
from native_domains import told, with_devices
from native_texts import PLACES

HOSTILE = "a,id=x,b=\"c\" 'd' $e `f`;g&h=i\\j\u00e9"


def options(xml: str, text: str) -> list[list[str]]:
    """Give the names of all options, which a text must not change."""
    inside = quoteattr(text)[1:-1].replace("'", "&apos;").replace('"', "&quot;")
    words = told(with_devices(xml.replace("{0}", inside)))
    return [list(json.loads(w) if w.startswith("{") else settings_of(w)) for w in words]


@pytest.mark.parametrize("place", PLACES)
def test_no_text_of_a_domain_becomes_an_option_of_its_own(place: str) -> None:
    assert options(PLACES[place], HOSTILE) == options(PLACES[place], "abc")


@pytest.mark.parametrize("place", PLACES)
def test_a_shell_reads_the_words_as_they_are(place: str) -> None:
    words = told(with_devices(PLACES[place].replace("{0}", "a b&apos;$c")))
    assert shlex.split(as_shell(words)) == list(words)
    assert shlex.split(as_shell_lines(words).replace("\\\n", " ")) == list(words)
