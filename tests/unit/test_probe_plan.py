"""Which questions a probe asks.

The forms were seen on libvirt's monitor: in the transcripts of its test suite (11.3) and on a
running 12.8.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from domcaps.facts.plan import BASICS, DEVICES, KVM, MACHINES, SCHEMA, TARGET, TYPES, Plan
from domcaps.facts.question import (
    QmpCommand,
    ask,
    cpu_expansion_of,
    device_properties_of,
    object_properties_of,
)
from domcaps.facts.record import Answer, Failure

EXPANSION = "query-cpu-model-expansion"


def reply(question: QmpCommand, value: Any) -> Answer:
    return Answer(question, msgspec.Raw(msgspec.json.encode(value)))


def answers(arch: str, *, kvm: bool, commands: tuple[str, ...] = (EXPANSION,)) -> list[Answer]:
    return [
        reply(TARGET, {"arch": arch}),
        reply(KVM, {"enabled": kvm, "present": kvm}),
        reply(SCHEMA, [{"name": name, "meta-type": "command"} for name in commands]),
    ]


def expansions(arch: str, accelerator: str, *, complete: bool = True) -> list[tuple[str, Any]]:
    """Give type and model of each expansion that is asked for, in order."""
    plan = Plan(accelerator=accelerator, complete=complete)
    asked = plan.opening()
    for answer in answers(arch, kvm=accelerator == "kvm"):
        asked += plan.after(answer)
    arguments = [q.decoded_arguments() for q in asked if q.command == EXPANSION]
    return [(found["type"], found["model"]) for found in arguments]


NO_MIGRATION = {"migratable": False}
ARCH_CAPABILITIES = {"migratable": False, "arch-capabilities": True}
PASSTHROUGH = {"migratable": False, "hv-passthrough": True}


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize(
    ("arch", "accelerator", "wanted"),
    [
        ("x86_64", "kvm", [
            ("static", {"name": "host"}),
            ("static", {"name": "host", "props": NO_MIGRATION}),
            ("static", {"name": "host", "props": ARCH_CAPABILITIES}),
            ("full", {"name": "host"}),
            ("full", {"name": "host", "props": PASSTHROUGH}),
        ]),
        ("s390x", "tcg", [("static", {"name": "max"}), ("full", {"name": "max"})]),
        ("aarch64", "kvm", [
            ("full", {"name": "host"}),
            ("full", {"name": "host", "props": PASSTHROUGH}),
        ]),
        ("aarch64", "hvf", [
            ("full", {"name": "host"}),
            ("full", {"name": "host", "props": PASSTHROUGH}),
        ]),
        ("s390x", "kvm", [("static", {"name": "host"}), ("full", {"name": "host"})]),
        ("riscv64", "tcg", [("static", {"name": "max"}), ("full", {"name": "max"})]),
    ],
)  # fmt: skip
def test_expansions(
    arch: str, accelerator: str, wanted: list[tuple[str, Any]], *, complete: bool
) -> None:
    if complete and accelerator == "tcg" and arch in {"i386", "arm"}:
        # where there is no accelerator, older releases asked TCG about Hyper-V
        wanted = [*wanted, ("full", {"name": "max", "props": PASSTHROUGH})]
    assert expansions(arch, accelerator, complete=complete) == wanted


@pytest.mark.parametrize("complete", [True, False])
def test_hyperv_is_asked_about_without_an_accelerator_only_where_there_is_no_other_run(
    *, complete: bool
) -> None:
    wanted = [
        ("static", {"name": "max"}),
        ("static", {"name": "max", "props": NO_MIGRATION}),
        ("full", {"name": "max"}),
    ]
    last = [("full", {"name": "max", "props": PASSTHROUGH})] if complete else []
    assert expansions("i386", "tcg", complete=complete) == wanted + last


def test_an_accelerator_that_is_not_in_use_has_the_largest_model_asked() -> None:
    plan = Plan(accelerator="kvm")
    asked = plan.opening()
    for answer in answers("x86_64", kvm=False):
        asked += plan.after(answer)
    assert not plan.accelerated
    assert cpu_expansion_of("max", "static") in asked
    assert cpu_expansion_of("host", "static") not in asked


def test_no_expansion_where_the_schema_has_none() -> None:
    plan = Plan(accelerator="tcg")
    asked = plan.opening()
    for answer in answers("ppc64", kvm=False, commands=("query-gic-capabilities",)):
        asked += plan.after(answer)
    assert EXPANSION not in {question.command for question in asked}
    assert ask("query-gic-capabilities") in asked


def test_the_opening_begins_with_the_basics_and_ends_with_the_table() -> None:
    table = [device_properties_of(name) for name in "cab"]
    opening = Plan([*table, *BASICS, *table], accelerator="tcg").opening()
    assert set(opening[: len(BASICS)]) == set(BASICS)
    assert opening[-3:] == sorted(table)
    assert len(opening) == len(set(opening))


def test_a_table_that_comes_late_is_no_part_of_the_opening() -> None:
    table = [device_properties_of(name) for name in "cab"]
    late, plain = Plan(lambda: [*table, *BASICS], accelerator="tcg"), Plan(accelerator="tcg")
    assert late.is_late and not plain.is_late
    assert late.opening() == plain.opening()
    assert late.new(late.rest()) == sorted(table)
    assert late.new(late.rest()) == []


def test_the_inventory_comes_after_a_late_table() -> None:
    plan = Plan(lambda: [device_properties_of("a")], accelerator="tcg", inventory=True)
    assert DEVICES not in plan.opening()
    assert plan.new(plan.rest()) == [device_properties_of("a"), DEVICES]
    devices = reply(DEVICES, [{"name": "a"}, {"name": "b"}])
    assert plan.after(devices) == [device_properties_of("b")]
    assert plan.is_extra(device_properties_of("b"))
    assert not plan.is_extra(device_properties_of("a"))


def test_the_second_accelerator_is_asked_for_little() -> None:
    opening = Plan([device_properties_of("a")], accelerator="tcg", complete=False).opening()
    assert set(opening) == {TARGET, KVM, MACHINES, ask("query-cpu-definitions")}


def test_machine_types_that_libvirt_asks_about() -> None:
    plan = Plan(accelerator="tcg")
    plan.opening()
    machines = [
        {"name": "virt-11.1", "alias": "virt"},
        {"name": "virt-11.0"},
        {"name": "microvm", "alias": "small"},
    ]
    assert plan.after(reply(MACHINES, machines)) == [object_properties_of("virt-11.1-machine")]
    plan = Plan(accelerator="tcg")
    plan.opening()
    assert plan.after(reply(MACHINES, [{"name": "pseries"}])) == [
        object_properties_of("pseries-machine")
    ]


def test_machine_types_of_x86() -> None:
    plan = Plan(accelerator="tcg")
    assert object_properties_of("none-machine") in plan.opening()
    assert plan.after(reply(TARGET, {"arch": "x86_64"})) == [
        object_properties_of("generic-pc-machine")
    ]
    types = [
        {"name": "pc-machine", "parent": "generic-pc-machine"},
        {"name": "generic-pc-machine", "parent": "x86-machine", "abstract": True},
        {"name": "x86-machine", "parent": "machine", "abstract": True},
        {"name": "derived-machine", "parent": "pc-machine"},
        {"name": "e1000-82540em", "parent": "e1000-base"},
        {"name": "e1000-base", "parent": "pci-device", "abstract": True},
    ]
    assert plan.after(reply(TYPES, types)) == [object_properties_of("x86-machine")]


def test_inventory() -> None:
    table = [device_properties_of("b")]
    plan = Plan(table, accelerator="tcg", inventory=True)
    assert plan.opening()[-1] == DEVICES
    asked = plan.after(reply(DEVICES, [{"name": name} for name in "abc"]))
    assert asked == [device_properties_of(name) for name in "ac"]
    assert all(map(plan.is_extra, asked))
    assert plan.is_extra(DEVICES)
    assert not plan.is_extra(table[0])


@pytest.mark.parametrize("question", [TARGET, KVM, SCHEMA, TYPES, MACHINES, DEVICES])
@pytest.mark.parametrize("value", [None, 3, {}, [], [3], [{}], {"arch": 3}, [{"name": {}}]])
def test_strange_answers_call_for_nothing_odd(question: QmpCommand, value: Any) -> None:
    plan = Plan(accelerator="kvm", inventory=True)
    plan.opening()
    assert isinstance(plan.after(reply(question, value)), list)
    refused = Answer(question, failure=Failure("CommandNotFound", "no"))
    assert isinstance(plan.after(refused), list)
