"""Reading QMP transcripts: commands and replies in turn, as separate JSON documents.

This is the form in which emulators are kept as test data in the field: ``{"execute": …}``
followed by its ``{"return": …}`` or ``{"error": …}``, again and again, with white space between
the documents and without QEMU's greeting. A second ``qmp_capabilities`` begins a second run of
the same emulator, without the accelerator of the first.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.checked import checked
from domcaps.errors import TranscriptError
from domcaps.facts import bounded
from domcaps.facts.question import ask, question_of
from domcaps.facts.record import Answer, EmulatorRecord, Failure, ProbeSession
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 64 << 20
"""A longer transcript is refused. One emulator with its inventory takes about 10 MB."""

MAX_VALUES = 4_000_000
"""A transcript with more commas and brackets is refused: each takes a step in Python."""


class _Error(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="class", default="")
    desc: str = ""


class _Command(msgspec.Struct, frozen=True):
    execute: str
    arguments: dict[str, Any] = {}


class _Reply(msgspec.Struct, frozen=True):
    value: msgspec.Raw = msgspec.field(name="return", default=msgspec.Raw())
    error: _Error | None = None


class _Kvm(msgspec.Struct, frozen=True):
    enabled: bool = False
    present: bool = False


class _Accelerators(msgspec.Struct, frozen=True):
    enabled: str = ""


@checked
def read_transcript(data: bytes, *, where: str, emulator: str) -> EmulatorRecord:
    """Read a transcript into the record of one emulator.

    `where` names the file in errors, `emulator` is the path that the emulator is said to have.
    Raises `TranscriptError` where the text is not what this module's description says.
    """
    if len(data) > MAX_BYTES:
        raise TranscriptError(
            f"is larger than {MAX_BYTES >> 20} MiB", where=where, remedy="give a QMP transcript"
        )
    try:
        bounded.require_values(data, MAX_VALUES)
    except bounded.TooMuch as error:
        raise TranscriptError(str(error), where=where, remedy="give a QMP transcript") from None
    runs: list[list[Answer]] = []
    for command, answer in _pairs(data, where):
        if command == "qmp_capabilities":
            runs.append([])
        elif not runs:
            raise TranscriptError(
                f"begins with {command!r} instead of 'qmp_capabilities'",
                where=where,
                remedy="give a transcript from the very first command on",
            )
        else:
            runs[-1].append(answer)
    if not runs or not runs[0]:
        raise TranscriptError(
            "holds no questions", where=where, remedy="give a transcript of commands and replies"
        )
    return EmulatorRecord(path=emulator, sessions=_sessions(runs, where))


def _sessions(runs: list[list[Answer]], where: str) -> tuple[ProbeSession, ...]:
    if len(runs) > 2:
        raise TranscriptError(
            f"holds {len(runs)} runs of an emulator, where two are the most",
            where=where,
            remedy="split it into one file for each emulator",
        )
    first = "tcg"
    if _kvm_enabled(runs[0]):
        first = "kvm"
    elif len(runs) == 2:
        # two runs without KVM: another accelerator that is asked about in two runs
        first = "mshv" if _accelerator(runs[0]) == "mshv" else "hvf"
    named = [ProbeSession(first, tuple(runs[0]))]
    named += [ProbeSession("tcg", tuple(run)) for run in runs[1:]]
    return tuple(named)


def _kvm_enabled(run: list[Answer]) -> bool:
    question = ask("query-kvm")
    for answer in run:
        if answer.question == question and answer.failure is None:
            try:
                state = msgspec.json.decode(answer.reply, type=_Kvm)
            except (msgspec.DecodeError, ValueError):
                return False
            return state.enabled and state.present
    return False


def _accelerator(run: list[Answer]) -> str:
    """Give the accelerator that QEMU said it uses, "" where it was not asked or can't tell."""
    question = ask("query-accelerators")
    for answer in run:
        if answer.question == question and answer.failure is None:
            with contextlib.suppress(msgspec.DecodeError, ValueError):
                return msgspec.json.decode(answer.reply, type=_Accelerators).enabled
    return ""


def _pairs(data: bytes, where: str) -> Iterator[tuple[str, Answer]]:
    documents = _documents(data, where)
    for text, line in documents:
        command: _Command = _decoded(text, _Command, f"{where}:{line}", "command")
        reply_text, reply_line = next(documents, (b"", line))
        if not reply_text:
            raise _bad(where, line, f"the reply to {command.execute!r} is missing")
        reply: _Reply = _decoded(reply_text, _Reply, f"{where}:{reply_line}", "reply")
        yield command.execute, _answer(command, reply, where, reply_line)


def _decoded(text: bytes, kind: Any, place: str, what: str) -> Any:
    try:
        return bounded.decode(text, kind)
    except (bounded.TooMuch, msgspec.DecodeError, ValueError) as error:
        raise _bad_at(place, f"expected a {what} ({error})") from error


def _answer(command: _Command, reply: _Reply, where: str, line: int) -> Answer:
    try:
        question = question_of(command.execute, command.arguments)
        if reply.error is not None:
            return Answer(question, failure=Failure(reply.error.kind, reply.error.desc))
        if not bytes(reply.value):
            raise _bad(where, line, f"the reply to {command.execute!r} neither returns nor fails")
        # compact: transcripts are indented for reading
        return Answer(question, msgspec.Raw(msgspec.json.format(bytes(reply.value), indent=-1)))
    except (RecursionError, msgspec.DecodeError, ValueError) as error:
        raise _bad(where, line, f"nested too deep, or no JSON: {error}") from error


_TOKEN = late_pattern(
    rb"""
    # a string, in which a brace is none; one without an end goes up to the end of the text, so
    # that it is looked through once and not from each of its quotes
    (?P<skip> "[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z|\\\Z) )
    | (?P<open> \{ )
    | (?P<close> \} )
    | (?P<other> [^\s{}"]+ )         # counts outside of documents only
    """,
    re.VERBOSE | re.DOTALL,
)


def _documents(data: bytes, where: str) -> Iterator[tuple[bytes, int]]:
    """Split concatenated JSON objects, each with the number of its first line."""
    start = depth = counted = 0
    line = 1
    for token in _TOKEN.finditer(data):
        kind = token.lastgroup
        if depth == 0:
            line += data.count(b"\n", counted, token.start())
            counted = start = token.start()
            if kind != "open":
                raise _bad(where, line, f"expected '{{', found {_shown(token[0])}")
        depth += {"open": 1, "close": -1}.get(kind or "", 0)
        if depth == 0:
            yield data[start : token.end()], line
    if depth:
        raise _bad(where, line, "the JSON document that begins here never ends")


def _shown(text: bytes) -> str:
    return repr(text[:20].decode(errors="replace"))


def _bad(where: str, line: int, what: str) -> TranscriptError:
    return _bad_at(f"{where}:{line}", what)


def _bad_at(place: str, what: str) -> TranscriptError:
    return TranscriptError(what, where=place, remedy="give QMP commands and replies in turn")
