"""What texts and attributes tell: the same of an element and of one that is watched."""

from __future__ import annotations

from lxml import etree

from domcaps.elements.display.graphics_vnc import _is_of_vnc
from domcaps.elements.network.interface import _is_multicast
from domcaps.language.text_tells import attribute_tells, text_tells


def test_an_attribute_tells_what_a_function_makes_of_it() -> None:
    node = etree.fromstring("<source file='/a'/>")
    assert attribute_tells(node, "file", bool)
    assert not attribute_tells(node, "dev", bool)
    assert not attribute_tells(None, "file", bool)


def test_a_text_tells_what_a_function_makes_of_it() -> None:
    root = etree.fromstring("<domain><name>a</name></domain>")
    assert text_tells(root, "name", len) == 1
    assert text_tells(root, "title", len) == 0


def test_an_address_of_several_cards_has_an_odd_first_byte() -> None:
    assert _is_multicast("53:54:00:12:34:56")
    assert not _is_multicast("52:54:00:12:34:56")
    assert not _is_multicast("")
    assert not _is_multicast("zz:54:00:12:34:56")


def test_ports_of_vnc() -> None:
    assert _is_of_vnc("5900")
    assert _is_of_vnc("65535")
    for port in ("", "-1", "5899", "65536", "first", "\u0665\u0669\u0660\u0660"):
        assert not _is_of_vnc(port)
