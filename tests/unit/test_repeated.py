"""Elements that libvirt does not read because another one of their name came first."""

from __future__ import annotations

import pytest
from lxml import etree

from domcaps.elements.schema.repeated import FIRST_CHILDREN_WIN, FIRST_WINS
from domcaps.validate.document.repeated import take_away


def taken(xml: str) -> list[str]:
    return [str(node.tag) for node in take_away(etree.fromstring(xml))]


def inside(path: str, content: str) -> str:
    for name in reversed(path.split("/")):
        content = f"<{name}>{content}</{name}>"
    return f"<domain>{content}</domain>"


@pytest.mark.parametrize("path", FIRST_WINS)
def test_the_second_one_is_taken_away_wherever_it_stands(path: str) -> None:
    above, _, name = path.rpartition("/")
    twice = f"<{name} a='1'/><{name} a='2'/>"
    assert taken(inside(above, twice) if above else f"<domain>{twice}</domain>") == [name]


@pytest.mark.parametrize("path", FIRST_CHILDREN_WIN)
def test_children_are_read_once(path: str) -> None:
    assert taken(inside(path, "<a/><b/><a/>")) == ["a"]


@pytest.mark.parametrize(
    "xml",
    [
        "<domain><os><boot dev='hd'/><boot dev='network'/></os></domain>",
        "<domain><cpu><feature name='a'/><feature name='b'/></cpu></domain>",
        "<domain><devices><disk/><disk/></devices></domain>",
    ],
)
def test_what_may_stand_several_times_stays(xml: str) -> None:
    assert taken(xml) == []
