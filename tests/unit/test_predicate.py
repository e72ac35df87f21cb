"""Predicates: evaluated and explained by the same object, with the same outcome."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domcaps.facts.question import ask, device_properties_of, object_properties_of
from domcaps.facts.record import Failure
from domcaps.language import ALWAYS, NEVER, Predicate, Truth
from domcaps.language.observed import (
    arch,
    device,
    device_property,
    machine,
    object_property,
    option,
    qapi,
    virttype,
)
from fakes import emulator_record, world

VGA = device("VGA")
ABSENT = device("no-such-device")
# the emulator of these tests has the type but was not asked for its properties
UNASKED = device_property("VGA", "vgamem_mb")

EMULATOR = emulator_record(
    types=("VGA", "virtio-blk-pci", "refused"),
    answers={
        device_properties_of("virtio-blk-pci"): [{"name": "num-queues", "type": "uint16"}],
        device_properties_of("refused"): Failure("GenericError", "no"),
        object_properties_of("abstract-machine"): [{"name": "i8042"}],
        ask("query-command-line-options"): [
            {"option": "spice", "parameters": [{"name": "gl", "type": "boolean"}]}
        ],
        ask("query-qmp-schema"): [{"name": "query-sgx", "meta-type": "command"}],
    },
)


@pytest.mark.parametrize(
    ("predicate", "truth"),
    [
        (ALWAYS, Truth.YES),
        (NEVER, Truth.NO),
        (VGA, Truth.YES),
        (ABSENT, Truth.NO),
        (device("no-such-device", "VGA"), Truth.YES),
        (device_property("virtio-blk-pci", "num-queues"), Truth.YES),
        (device_property("virtio-blk-pci", "nonesuch"), Truth.NO),
        (device_property("no-such-device", "x"), Truth.NO),
        (device_property("refused", "x"), Truth.NO),
        (UNASKED, Truth.UNKNOWN),
        (object_property("abstract-machine", "i8042", abstract=True), Truth.YES),
        (object_property("other-machine", "i8042", abstract=True), Truth.UNKNOWN),
        (option("spice"), Truth.YES),
        (option("spice", "gl"), Truth.YES),
        (option("spice", "nonesuch"), Truth.NO),
        (option("nonesuch"), Truth.NO),
        (qapi("query-sgx"), Truth.YES),
        (qapi("nonesuch"), Truth.NO),
        (arch("x86_64"), Truth.YES),
        (arch("s390x"), Truth.NO),
        (machine("pc-q35-*"), Truth.YES),
        (machine("q35"), Truth.NO),
        (virttype("kvm"), Truth.NO),
    ],
)
def test_what_was_observed_decides(predicate: Predicate, truth: Truth) -> None:
    assert predicate.evaluate(world(EMULATOR)) is truth


def test_what_was_not_asked_is_noted_and_counts_as_no() -> None:
    asked = world(EMULATOR)
    assert not asked.truth(UNASKED)
    (noted,) = asked.unknown
    assert "vgamem_mb" in noted
    assert "device-list-properties" in noted


def test_a_predicate_names_its_questions_through_every_operator() -> None:
    predicate = ~(VGA & UNASKED) | (ALWAYS & device_property("qxl", "vram64_size_mb"))
    assert set(predicate.questions()) == {device_properties_of("VGA"), device_properties_of("qxl")}


def test_an_explanation_leads_down_to_the_command() -> None:
    reason = (VGA & ~ABSENT).explain(world(EMULATOR))
    assert reason.truth is Truth.YES
    has_vga, has_not = reason.because
    assert has_vga.source == "qom-list-types"
    assert "'VGA'" in has_vga.statement
    assert has_not.because[0].truth is Truth.NO


LEAVES = st.sampled_from([ALWAYS, NEVER, VGA, ABSENT, UNASKED])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a: ~a, inner),
    ),
    max_leaves=12,
)


@given(TREES)
def test_explaining_and_evaluating_never_disagree(predicate: Predicate) -> None:
    assert predicate.explain(world(EMULATOR)).truth is predicate.evaluate(world(EMULATOR))


@given(TREES, TREES)
def test_a_remembered_truth_is_the_truth(one: Predicate, other: Predicate) -> None:
    asked = world(EMULATOR)
    both = one & other
    assert asked.truth(both) is both.evaluate(world(EMULATOR))
    assert asked.truth(both) is asked.truth(both)
