"""Probes of the emulators that are installed here."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import msgspec
import pytest

from domcaps.facts.discovery import installed_emulators
from domcaps.facts.plan import BASICS, KVM, SCHEMA, TYPES, VERSION
from domcaps.facts.probe import probe
from domcaps.facts.question import QmpCommand, ask, device_properties_of, object_properties_of
from domcaps.facts.record import Answer, EmulatorRecord, HostRecord, ProbeSession, Recording
from domcaps.facts.recording import load, save
from marked_processes import marking, survivors

if TYPE_CHECKING:
    from pathlib import Path

EMULATORS = installed_emulators()
KVM_IS_USABLE = os.access("/dev/kvm", os.R_OK | os.W_OK)
TABLE = [device_properties_of("virtio-blk-pci"), object_properties_of("memory-backend-file")]

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not EMULATORS, reason="no QEMU system emulator is installed"),
]


def record_of(path: str, *, kvm: bool = False, inventory: bool = False) -> EmulatorRecord:
    (result,) = probe([path], TABLE, kvm=kvm, inventory=inventory)
    assert isinstance(result, EmulatorRecord), result
    return result


def answers(session: ProbeSession) -> dict[QmpCommand, Answer]:
    return {answer.question: answer for answer in session.answers}


def named(answer: Answer) -> set[str]:
    return {entry["name"] for entry in msgspec.json.decode(answer.reply)}


@pytest.mark.parametrize("path", EMULATORS)
def test_every_emulator_answers(path: str) -> None:
    record = record_of(path, kvm=KVM_IS_USABLE)
    for session in record.sessions:
        assert session.failure is None
        assert all(a.failure is None or a.failure.is_answer for a in session.answers)
    found = answers(record.sessions[0])
    assert {*BASICS, *TABLE} <= set(found)
    assert all(found[question].failure is None for question in BASICS)
    version = msgspec.json.decode(found[VERSION].reply)
    assert version["qemu"]["major"] >= 6


@pytest.mark.parametrize("path", EMULATORS)
def test_the_accelerator_is_the_one_in_use(path: str) -> None:
    first, *others = record_of(path, kvm=KVM_IS_USABLE).sessions
    kvm = msgspec.json.decode(answers(first)[KVM].reply)["enabled"]
    assert first.accelerator == ("kvm" if kvm else "tcg")
    assert [session.accelerator for session in others] == ["tcg"] * kvm
    for session in others:
        assert not msgspec.json.decode(answers(session)[KVM].reply)["enabled"]


def test_the_second_session_answers_as_one_of_its_own() -> None:
    path = EMULATORS[0]
    alone = answers(record_of(path).sessions[0])
    beside = answers(record_of(path, kvm=KVM_IS_USABLE).sessions[-1])
    for question in (ask("query-machines"), ask("query-cpu-definitions")):
        assert named(alone[question]) == named(beside[question])


def test_all_at_once() -> None:
    results = probe(EMULATORS, TABLE, kvm=KVM_IS_USABLE)
    assert [getattr(result, "path", result) for result in results] == list(EMULATORS)


def test_inventory_and_recording(tmp_path: Path) -> None:
    record = record_of(EMULATORS[-1], inventory=True)
    found = answers(record.sessions[0])
    devices = found[ask("qom-list-types", implements="device", abstract=False)]
    asked = [found[device_properties_of(name)] for name in named(devices)]
    assert len(asked) > 50
    # some types end some versions of QEMU, but then only they are missing
    missing = [answer for answer in asked if answer.failure]
    assert len(missing) < len(asked) / 20
    recording = Recording(HostRecord("x86_64"), (record,))
    save(recording, tmp_path / "file")
    assert load(tmp_path / "file") == recording


def test_a_schema_is_kept_whole() -> None:
    found = answers(record_of(EMULATORS[0]).sessions[0])
    assert "query-version" in named(found[SCHEMA])
    assert "memory-backend-file" in named(found[TYPES])


def test_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = uuid.uuid4().hex
    for name, value in marking(mark).items():
        monkeypatch.setenv(name, value)
    probe(EMULATORS, TABLE, kvm=KVM_IS_USABLE)
    assert survivors(mark, patience=0) == []
