"""Whatever the bytes, a recording comes out, or an error that says what is wrong."""

from __future__ import annotations

import gzip
import string
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domcaps.errors import RecordingError
from domcaps.facts.node import Node
from domcaps.facts.question import ask
from domcaps.facts.record import (
    Answer,
    EmulatorRecord,
    Failure,
    HostRecord,
    ProbeSession,
    Recording,
)
from domcaps.facts.recording import NAME, dumps, loads

SAMPLE = dumps(
    Recording(
        HostRecord("x86_64"),
        (EmulatorRecord("/q", (ProbeSession("tcg", (Answer(ask("query-version")),)),)),),
    )
)

texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)  # fmt: skip
raws = st.builds(lambda value: msgspec.Raw(msgspec.json.encode(value)), values)
commands = st.text(string.ascii_lowercase + "-", min_size=1)
questions = st.builds(lambda name, value: ask(name, value=value), commands, values)
answers = st.builds(Answer, questions, raws, st.none() | st.builds(Failure, texts, texts))
sessions = st.builds(ProbeSession, texts, st.lists(answers, max_size=4).map(tuple))
emulators = st.builds(
    EmulatorRecord,
    texts,
    st.lists(sessions, max_size=2).map(tuple),
    st.integers(0, 2**63),
    st.integers(0, 2**63),
    st.booleans(),
)
hosts = st.builds(
    HostRecord,
    texts,
    texts,
    asserted=st.dictionaries(texts, st.lists(texts, max_size=2).map(tuple), max_size=2),
)
nodes = st.builds(Node, uuid=texts, mhz=st.integers(0, 2**31), tsc_scaling=st.booleans())
recordings = st.builds(
    Recording,
    hosts,
    st.lists(emulators, max_size=2).map(tuple),
    st.none() | nodes,
    texts,
    texts,
    texts,
)


def read(data: bytes) -> Recording | None:
    """Read what may be a recording; any error but the right one fails the test."""
    try:
        return loads(data, "somewhere")
    except RecordingError as error:
        assert "\n" not in str(error)
        assert error.where == "somewhere"
        assert error.remedy
        return None


@given(recordings)
def test_round_trip(recording: Recording) -> None:
    assert loads(dumps(recording), "") == recording


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    assert read(data) is None


@given(st.binary())
def test_any_bytes_in_gzip(data: bytes) -> None:
    assert read(gzip.compress(data)) is None


@given(values, st.integers(-1, 3))
def test_any_content(value: Any, version: int) -> None:
    text = msgspec.json.encode({"format": NAME, "version": version, "recording": value})
    found = read(text)
    assert found is None or version == 1


@given(st.integers(0, len(SAMPLE) - 1), st.binary(max_size=8))
def test_a_piece_replaced(place: int, piece: bytes) -> None:
    read(SAMPLE[:place] + piece + SAMPLE[place + len(piece) :])


@given(st.integers(0, len(SAMPLE)), st.binary(min_size=1))
def test_a_piece_put_in(place: int, piece: bytes) -> None:
    read(SAMPLE[:place] + piece + SAMPLE[place:])


@given(st.integers(0, len(SAMPLE) - 1))
def test_cut_short(end: int) -> None:
    assert read(SAMPLE[:end]) is None
