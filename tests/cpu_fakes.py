"""Emulators that tell of CPUs, for tests."""

from __future__ import annotations

from typing import Any

import msgspec

from domcaps.facts.emulator import EmulatorFacts
from domcaps.facts.question import QmpCommand, ask, cpu_expansion_of
from domcaps.facts.record import EmulatorRecord, HostCpu, HostRecord, ProbeSession
from domcaps.language.dialect import Dialect
from fakes import answer, emulator_record

NEWEST = Dialect(12, 8)
OLDEST = Dialect(11, 3)
UNSORTED_LAST = Dialect(12, 4)
MAX_TYPES = ("max-x86_64-cpu",)

EPYC = {"vendor": "AuthenticAMD", "family": 23, "model": 1, "stepping": 2}
EXPANSION = [{"name": "query-cpu-model-expansion", "meta-type": "command"}]


def definition(name: str, *unavailable: str, **more: Any) -> dict[str, Any]:
    """Give a CPU definition as QEMU does, with the features that it lacks here."""
    return {"name": name, "typename": f"{name}-cpu", "unavailable-features": unavailable} | more


def expanded(
    props: dict[str, Any], name: str = "base", deprecated: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Give the answer to the question what a model is made of."""
    return {"model": {"name": name, "props": props}, "deprecated-props": deprecated}


def x86_answers(
    model: str,
    props: dict[str, Any],
    definitions: list[dict[str, Any]],
    unmigratable: dict[str, Any] | None = None,
    held_back: dict[str, Any] | None = None,
) -> dict[QmpCommand, Any]:
    """Give what an x86 QEMU says of CPUs; `unmigratable` and `held_back` are added to `props`."""
    every = props | (unmigratable or {})
    answers = {
        ask("query-qmp-schema"): EXPANSION,
        ask("query-cpu-definitions"): definitions,
        cpu_expansion_of(model, "static"): expanded(props),
        cpu_expansion_of(model, "static", {"migratable": False}): expanded(every),
    }
    if held_back is not None:
        told = {"migratable": False, "arch-capabilities": True}
        answers[cpu_expansion_of(model, "static", told)] = expanded(every | held_back)
    return answers


def emulator(
    answers: dict[QmpCommand, Any],
    *,
    target: str = "x86_64",
    types: tuple[str, ...] = MAX_TYPES,
    kvm: bool = False,
) -> EmulatorFacts:
    """Give an emulator that answers that with each of its accelerators."""
    record = emulator_record(target=target, types=types, kvm=kvm, answers=answers)
    return EmulatorFacts(record)


def with_session(facts: EmulatorFacts, session: ProbeSession) -> EmulatorFacts:
    """Give the same emulator with a further session."""
    record: EmulatorRecord = facts.record
    return EmulatorFacts(msgspec.structs.replace(record, sessions=(*record.sessions, session)))


def kvm_session(answers: dict[QmpCommand, Any]) -> ProbeSession:
    """Give a session with KVM in which only that was asked."""
    return ProbeSession(
        "kvm", tuple(answer(question, value) for question, value in answers.items())
    )


def host(arch: str = "x86_64", **cpu: Any) -> HostRecord:
    """Give a host with that CPU."""
    return HostRecord(arch=arch, cpu=HostCpu(**cpu))
