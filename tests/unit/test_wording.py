"""Phrases that titles, messages and explanations share."""

from __future__ import annotations

import itertools

import pytest

from domcaps.language.spelling import nearest
from domcaps.language.wording import (
    counted,
    denied,
    did_you_mean,
    listed,
    named,
    one_of,
    only,
    plain,
)


@pytest.mark.parametrize(
    ("part", "path", "text"),
    [
        ("devices/video", "model/@type", "attribute 'type' of <model> in <video>"),
        ("devices/pstore", "size", "<size> in <pstore>"),
        ("devices/*/acpi", "@index", "attribute 'index' of <acpi>"),
        ("cpu/numa/cell", "@id", "attribute 'id' of <cell> in <numa>"),
        ("devices/memory[@model='dimm']", "source/nodemask", "<nodemask> in <memory model='dimm'>"),
        ("vcpu", "", "<vcpu>"),
        ("", "@type", "attribute 'type' of <domain>"),
        ("", "name", "<name>"),
    ],
)
def test_a_place_is_named_as_the_xml_has_it(part: str, path: str, text: str) -> None:
    assert named(part, path) == text


@pytest.mark.parametrize(
    ("statement", "denial"),
    [
        ("QEMU has the type 'has-it'", "QEMU does not have the type 'has-it'"),
        ("swtpm can set up a TPM 2.0", "swtpm cannot set up a TPM 2.0"),
        ("the program 'is' is installed", "the program 'is' is not installed"),
        ("the guest's machine type is q35", "the guest's machine type is not q35"),
        ("nothing like this", "not true: nothing like this"),
    ],
)
def test_a_statement_that_does_not_hold_reads_as_its_negation(statement: str, denial: str) -> None:
    assert denied(statement) == denial


def test_values_are_listed_as_alternatives() -> None:
    assert one_of(("yes", "no")) == "'yes' or 'no'"
    assert one_of(("", "a", "b", "c")) == "one of 'a', 'b', 'c', or be empty"
    assert one_of(("", "a")) == "'a', or be empty"
    assert one_of(tuple("abcdefghijkl"), 9).startswith("a value such as 'a', 'b', ")
    assert one_of(tuple("abcdefghijkl"), 9).endswith(" (12 are valid)")
    assert listed(tuple("abcdefghijkl"), 3) == "a, b, c and 9 more"
    # one that is left takes no more room than saying so
    assert listed(tuple("abcd"), 3) == "a, b, c, d"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "no vCPU"), (1, "only the vCPU 0"), (3, "only the vCPUs 0 to 2")],
)
def test_numbered_things_are_counted_in_the_right_number(number: int, text: str) -> None:
    assert only(number, "vCPU") == text


def test_a_misspelt_name_gets_the_nearest() -> None:
    assert did_you_mean("q53", ("pc", "q35")) == "; did you mean 'q35'?"
    assert did_you_mean("Virtio_SCSI", ("virtio-scsi",)) == "; did you mean 'virtio-scsi'?"
    assert did_you_mean("nothing", ("q35",)) == ""
    assert nearest("", ("", "a")) == []


def one_slip_from(word: str) -> set[str]:
    cuts = [(word[:n], word[n:]) for n in range(len(word) + 1)]
    found = {a + b[1:] for a, b in cuts if b} | {a + b[1] + b[0] + b[2:] for a, b in cuts if b[1:]}
    found |= {a + letter + b for a, b in cuts for letter in "abc"}
    found |= {a + letter + b[1:] for a, b in cuts if b for letter in "abc"}
    return {other for other in found if other != word and max(len(word), len(other)) >= 3}


def test_each_word_that_differs_by_a_slip_is_found() -> None:
    words = ["".join(letters) for n in (2, 3, 4) for letters in itertools.product("abc", repeat=n)]
    for word in words:
        assert set(nearest(word, words, len(words), exact=True)) == one_slip_from(word) & {*words}


def test_markup_is_rendered_for_a_terminal() -> None:
    assert plain("``<auth>`` needs ``uuid`` or ``type='x'``.") == "<auth> needs 'uuid' or type='x'."


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 hosts"), (1, "1 host"), (2, "2 hosts"), (1000, "1000 hosts")]
)
def test_things_are_counted(number: int, text: str) -> None:
    assert counted(number, "host") == text
