"""Emulators and hosts made of a few lines, for tests."""

from __future__ import annotations

from typing import Any

import msgspec

from domcaps.facts.emulator import EmulatorFacts
from domcaps.facts.host import HostFacts
from domcaps.facts.question import QmpCommand, ask
from domcaps.facts.record import Answer, EmulatorRecord, Failure, HostRecord, ProbeSession
from domcaps.language import Target, World, parse_dialect

PC = {"name": "pc-i440fx-9.9", "alias": "pc", "is-default": True, "cpu-max": 255}
Q35 = {"name": "pc-q35-9.9", "alias": "q35", "cpu-max": 288}


def answer(question: QmpCommand, value: Any) -> Answer:
    """Give an answer as an emulator would."""
    if isinstance(value, Failure):
        return Answer(question, failure=value)
    return Answer(question, msgspec.Raw(msgspec.json.encode(value)))


def emulator_record(
    *,
    target: str = "x86_64",
    types: tuple[str, ...] = (),
    machines: tuple[dict[str, Any], ...] = (PC, Q35),
    kvm: bool = False,
    answers: dict[QmpCommand, Any] | None = None,
    path: str = "",
) -> EmulatorRecord:
    """Give an emulator that has those types and machines, and answers what else is given."""
    known: dict[QmpCommand, Any] = {
        ask("query-version"): {"qemu": {"major": 9, "minor": 9, "micro": 0}, "package": ""},
        ask("query-target"): {"arch": target},
        ask("query-qmp-schema"): [],
        ask("qom-list-types"): [{"name": name} for name in ("tcg-accel", *types)],
        ask("query-machines"): [{"name": "none"}, *machines],
        ask("query-command-line-options"): [],
        ask("query-cpu-definitions"): [],
        ask("query-tpm-models"): [],
        ask("query-tpm-types"): [],
    }
    known |= answers or {}
    plain = tuple(answer(question, value) for question, value in known.items())
    sessions = [ProbeSession("tcg", plain)]
    if kvm:
        state = answer(ask("query-kvm"), {"enabled": True, "present": True})
        sessions.insert(0, ProbeSession("kvm", (*plain, state)))
    return EmulatorRecord(path=path or f"/usr/bin/qemu-system-{target}", sessions=tuple(sessions))


def world(
    emulator: EmulatorRecord | None = None,
    host: HostRecord | None = None,
    *,
    arch: str = "x86_64",
    machine: str = "pc-q35-9.9",
    virttype: str = "qemu",
    libvirt: str = "12.8",
) -> World:
    """Give a target with the facts of an emulator and a host."""
    record = emulator or emulator_record()
    target = Target(record.path, arch, machine, virttype, parse_dialect(libvirt))
    return World(target, EmulatorFacts(record), HostFacts(host or HostRecord(arch="x86_64")))
