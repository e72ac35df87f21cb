"""Transcripts: what is read of them, and the place of what is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domcaps import TranscriptError, read_transcript
from domcaps.facts.question import ask

if TYPE_CHECKING:
    from domcaps.facts.record import EmulatorRecord

GREETING = ({"execute": "qmp_capabilities", "id": "1"}, {"return": {}, "id": "1"})


def write(*documents: Any) -> bytes:
    return "\n\n".join(json.dumps(document, indent=2) for document in documents).encode()


def read(data: bytes) -> EmulatorRecord:
    return read_transcript(data, where="x.replies", emulator="/usr/bin/qemu")


def question(command: str, **arguments: Any) -> dict[str, Any]:
    return {"execute": command, "arguments": arguments}


KVM = (question("query-kvm"), {"return": {"enabled": True, "present": True}})
NO_KVM = (question("query-kvm"), {"return": {"enabled": False, "present": True}})
HYPERV = (question("query-accelerators"), {"return": {"enabled": "mshv", "present": ["mshv"]}})
MACHINES: tuple[Any, ...] = (question("query-machines"), {"return": []})


@pytest.mark.parametrize(
    ("documents", "accelerators"),
    [
        ((*GREETING, *KVM, *GREETING, *MACHINES), ["kvm", "tcg"]),
        ((*GREETING, *KVM), ["kvm"]),
        ((*GREETING, *NO_KVM), ["tcg"]),
        ((*GREETING, *NO_KVM, *GREETING, *MACHINES), ["hvf", "tcg"]),
        ((*GREETING, *NO_KVM, *HYPERV, *GREETING, *MACHINES), ["mshv", "tcg"]),
        ((*GREETING, *MACHINES), ["tcg"]),
    ],
)
def test_runs_are_told_apart_by_what_they_answer(
    documents: tuple[Any, ...], accelerators: list[str]
) -> None:
    record = read(write(*documents))
    assert [session.accelerator for session in record.sessions] == accelerators


def test_arguments_and_errors_are_kept() -> None:
    refused = {"error": {"class": "DeviceNotFound", "desc": "no such device"}}
    record = read(write(*GREETING, question("device-list-properties", typename="x"), refused))
    (answer,) = record.sessions[0].answers
    assert answer.question == ask("device-list-properties", typename="x")
    assert answer.failure is not None
    assert answer.failure.kind == "DeviceNotFound"
    assert answer.failure.is_answer


def test_braces_and_quotes_in_strings_are_text() -> None:
    text = 'a "quoted" { brace } and a \\ backslash'
    record = read(write(*GREETING, question("query-x"), {"return": text}))
    assert json.loads(bytes(record.sessions[0].answers[0].reply)) == text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "holds no questions"),
        (b"nonsense", r"x\.replies:1: expected '\{'"),
        (b"\n\n  }", r"x\.replies:3: expected '\{'"),
        (b'{"execute": "qmp_capabilities"', r"x\.replies:1: .* never ends"),
        (write(GREETING[0]), "reply to 'qmp_capabilities' is missing"),
        (write(*MACHINES), "begins with 'query-machines'"),
        (write(*GREETING, {"exec": 1}), "expected a command"),
        (write(*GREETING, question("query-x"), {"result": 1}), "neither returns nor fails"),
        (write(*GREETING, *KVM, *GREETING, *KVM, *GREETING, *KVM), "holds 3 runs"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(TranscriptError, match=message):
        read(data)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_transcript_or_a_clear_error(data: bytes) -> None:
    try:
        read(data)
    except TranscriptError as error:
        assert "x.replies" in str(error)


WHOLE = write(*GREETING, *KVM, *MACHINES, *GREETING, *MACHINES)


@given(st.integers(min_value=0, max_value=len(WHOLE) - 1))
def test_a_cut_transcript_never_gives_more_than_the_whole(length: int) -> None:
    whole = {a.question for session in read(WHOLE).sessions for a in session.answers}
    try:
        cut = read(WHOLE[:length])
    except TranscriptError:
        return
    assert {a.question for session in cut.sessions for a in session.answers} <= whole
