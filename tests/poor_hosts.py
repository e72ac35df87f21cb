"""A host without KVM, SPICE and QXL, which most domains that people have ask for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

import domcaps
from domcaps.facts.question import ask
from domcaps.facts.record import Kvm, ProbeSession, Recording
from fakes import answer
from sample_hosts import _path, _shipped, rich_host

if TYPE_CHECKING:
    from pathlib import Path

    from domcaps.facts.record import EmulatorRecord


def emulated_record() -> EmulatorRecord:
    """Give a QEMU without SPICE and QXL, as if it had been asked where there is no KVM."""
    record = _shipped("x86_64", "sid")
    assert record is not None
    whole, emulated = record.sessions
    answers = {a.question: a for a in (*whole.answers, *emulated.answers)}
    answers[ask("query-kvm")] = answer(ask("query-kvm"), {"enabled": False, "present": False})
    sessions = (ProbeSession("tcg", tuple(answers.values())),)
    return msgspec.structs.replace(record, path=_path("x86_64"), sessions=sessions)


@cache
def poor_host() -> domcaps.Host:
    """Give a host whose QEMU has neither SPICE nor QXL, and that has no KVM.

    It has what a host of people has else: firmware, an IOMMU, programs such as swtpm.
    """
    record = emulated_record()
    rich = rich_host("x86_64", record, "sid").facts.record
    host = msgspec.structs.replace(rich, kvm=Kvm())
    return domcaps.Host.from_recording(Recording(host=host, emulators=(record,)), origin="sid")


def host_at(recording: Path | None) -> domcaps.Host:
    """Open a recording, or give the poor host where none is named."""
    return poor_host() if recording is None else domcaps.Host.load(recording)
