"""No text of a domain becomes another option of QEMU, or another part of one: every place is tried.

Each attribute and each text of the samples of all codes, and of the domains of the tests of
``native``, is replaced by texts that mean something to QEMU. Each time the command has the options
and the names of parts that it has with a plain text, or there is none (`UntoldError`).
"""

from __future__ import annotations

import os
from functools import cache

import pytest

import domcaps
from domcaps.language.command_line import options, parts_of
from native_domains import told, with_devices, written
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


def changed(place: Place, text: str, expected: list[object]) -> str:
    """Tell what a text changes besides a value; "" for nothing."""
    words = words_of(place.host, place.with_text(text))
    if words is None:
        return ""
    try:
        found = shape(words)
    except AssertionError as error:
        return f"{place.name} {text[:40]!r}: {error}"
    if found in expected:
        return ""
    odd = [one for one in found if all(one not in some for some in expected)]  # type: ignore[operator]
    return f"{place.name} {text[:40]!r}: {odd}"


@pytest.mark.parametrize("part", range(PARTS))
def test_no_text_becomes_an_option(part: int) -> None:
    wrong = []
    for number, place in list(enumerate(every()))[part::PARTS]:
        expected = allowed(place)
        texts = texts_for(place, number)
        wrong += [said for text in texts if (said := changed(place, text, expected))]
    assert not wrong, "\n".join(wrong)


def texts_for(place: Place, number: int) -> list[str]:
    """Give some texts for a place, others for the next one; all with ``NATIVE_TEXTS=all``."""
    every_text = [form.format(PLAIN) for form in FORMS] + [LONG]
    more = place.text + FORMS[0].format("")
    if os.environ.get("NATIVE_TEXTS") == "all":
        return [*every_text, more, place.text + FORMS[1].format("")]
    return [every_text[0], every_text[1 + number % (len(every_text) - 1)], more]


def test_there_are_many_places() -> None:
    assert len(every()) > 1000


# -- what has no place in a value ----------------------------------------------------------------


@pytest.mark.parametrize("first", ["a=b", "=", "help", "?"])
def test_the_first_value_of_an_option_is_no_other_part(first: str) -> None:
    with pytest.raises(domcaps.UntoldError):
        options(first, id="x")
    with pytest.raises(domcaps.UntoldError):
        options("x", **{"a=b": 1})
    assert parts_of(options("a,b", id="c,d=e")) == ["a,b", "id=c,d=e"]
    assert options(None, type=1, b=None) == "type=1"


@pytest.mark.parametrize("name", ["a,b", "a=on", "-avx", "a b", "help", "?", "a\nb", "\u00e9", ""])
def test_names_of_cpu_features_are_names(name: str) -> None:
    above = f"<cpu><model>qemu64</model><feature name='{name}' policy='require'/></cpu>"
    with pytest.raises(domcaps.UntoldError):
        written(with_devices(above=above.replace("\n", "&#10;")))


@pytest.mark.parametrize(
    "above",
    [
        "<cpu><model vendor_id='a,b=c'>qemu64</model></cpu>",
        "<features><hyperv><vendor_id state='on' value='a,pmu=on'/></hyperv></features>",
        "<cpu><model>help</model></cpu>",
        "<cpu><model>qemu64,pmu=on</model></cpu>",
    ],
)
def test_in_options_of_a_cpu_a_comma_has_no_escape(above: str) -> None:
    with pytest.raises(domcaps.UntoldError):
        written(with_devices(above=above))


@pytest.mark.parametrize("address", ["10.0.2.1:80-cmd:evil", "10.0.2.1,id=x", "x", ""])
def test_a_forwarded_channel_starts_no_program(address: str) -> None:
    with pytest.raises(domcaps.UntoldError):
        written(
            with_devices(
                "<channel type='pty'><target type='guestfwd' "
                f"address='{address}' port='4600'/></channel>"
            )
        )


def test_a_table_of_acpi_is_one_file() -> None:
    xml = with_devices().replace("</os>", "<acpi><table type='slic'>{}</table></acpi></os>")
    assert "file=/a,,b" in " ".join(told(xml.format("/a,b")))
    with pytest.raises(domcaps.UntoldError):
        told(xml.format("/a:/etc/passwd"))


_WEB = (
    "<disk type='network' device='cdrom'><source protocol='http' name='{}'{}><host name='{}' "
    "port='{}'/></source><target dev='sda' bus='sata'/></disk>"
)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("/a b?c#d%", "/a%20b%3Fc%23d%25"), ("a/../b", "/a/../b"), ("/\u00e9,=", "/%C3%A9,=")],
)
def test_the_path_of_a_url_is_a_path(name: str, shown: str) -> None:
    words = told(with_devices(_WEB.format(name, "", "h", "80")))
    assert f'"url":"http://h:80{shown}"' in " ".join(words)


@pytest.mark.parametrize(
    ("host", "port", "query"),
    [
        ("a@b", "80", ""), ("a/b", "80", ""), ("a?b", "80", ""), ("h", "80/x", ""), ("h", "x", ""),
        ("h", "80", " query='a#b'"), ("::1/x", "80", ""), ("a b", "80", ""),
    ],
)  # fmt: skip
def test_the_parts_of_a_url_stay_parts(host: str, port: str, query: str) -> None:
    with pytest.raises(domcaps.UntoldError):
        told(with_devices(_WEB.format("/a", query, host, port)))


@pytest.mark.parametrize("text", ["\0", "&#0;", "&#x1b;", "\x1b"])
def test_what_xml_can_not_hold_is_no_domain(text: str) -> None:
    with pytest.raises(domcaps.DomcapsError):
        told(with_devices(f"<disk type='file'><source file='/{text}'/><target dev='sda'/></disk>"))


@pytest.mark.parametrize(
    "xml",
    [
        "<graphics/>", "<sound/>", "<watchdog/>", "<input/>", "<iommu/>",
        "<graphics type='nothing'/>",
    ],
)  # fmt: skip
def test_a_device_that_says_not_what_it_is(xml: str) -> None:
    with pytest.raises(domcaps.UntoldError):
        told(with_devices(xml))
