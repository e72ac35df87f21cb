"""Whatever a client sends, the server goes on, and answers the next one."""

from __future__ import annotations

import contextlib
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domcaps.facts.record import HostRecord, Recording
from domcaps.hosts.host import Host
from domcaps.serve.background import serving
from domcaps.serve.frames import Type
from domcaps.serve.hosts import FixedHost
from domcaps.serve.limits import ServerLimits
from domcaps.serve.procedures import procedures
from domcaps.serve.xdr import (
    INT,
    OPTIONAL_STRING,
    STRING,
    UHYPER,
    UINT,
    Array,
    Codec,
    Opaque,
    Record,
    XdrError,
    pack,
    unpack,
)
from fakes import emulator_record
from serve_client import KEEPALIVE, PROGRAM, Client, message

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = Host.from_recording(
    Recording(HostRecord(arch="x86_64"), (emulator_record(types=("VGA",)),)), origin="test"
)
# what ends a connection for being idle would only make the tests wait
LIMITS = ServerLimits(message=100_000, message_seconds=1.0)

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50)
VALUES: list[tuple[Codec, st.SearchStrategy[Any]]] = [
    (INT, st.integers(-(2**31), 2**31 - 1)),
    (UINT, st.integers(0, 2**32 - 1)),
    (UHYPER, st.integers(0, 2**64 - 1)),
    (STRING, TEXT),
    (OPTIONAL_STRING, st.none() | TEXT),
    (Opaque(50), st.binary(max_size=50)),
    (Array(STRING, 9), st.lists(TEXT, max_size=9)),
    (Record(INT, STRING), st.tuples(st.integers(0, 9), TEXT)),
]


@pytest.mark.parametrize(("codec", "values"), VALUES)
@given(data=st.data())
def test_a_value_survives_the_wire(
    codec: Codec, values: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    value = data.draw(values)
    wire = pack(codec, value)
    assert len(wire) % 4 == 0
    assert unpack(codec, wire) == value
    # and no shorter one is taken for it
    with pytest.raises(XdrError):
        unpack(codec, wire[:-1])


@given(st.sampled_from(VALUES), st.binary(max_size=200))
def test_any_bytes_are_a_value_or_refused(
    kind: tuple[Codec, st.SearchStrategy[Any]], data: bytes
) -> None:
    with contextlib.suppress(XdrError):
        assert unpack(kind[0], data) is not Ellipsis


@given(st.sampled_from(sorted(procedures())), st.binary(max_size=200))
def test_any_bytes_are_arguments_or_refused(number: int, data: bytes) -> None:
    with contextlib.suppress(XdrError):
        assert isinstance(procedures()[number].arguments(data), tuple)


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "s"
        with serving(FixedHost(HOST, "test"), where, limits=LIMITS):
            yield where


FRAMES = st.builds(
    message,
    st.sampled_from(sorted(procedures())) | st.integers(-(2**31), 2**31 - 1),
    st.binary(max_size=100)
    | st.builds(
        lambda counts, rest: struct.pack(f">{len(counts)}I", *counts) + rest,
        st.lists(st.sampled_from([0, 1, 2, 2**16, 2**31, 2**32 - 1]), max_size=6),
        st.binary(max_size=20),
    ),
    program=st.sampled_from([PROGRAM, PROGRAM, KEEPALIVE, 0, 2**32 - 1]),
    version=st.sampled_from([1, 1, 1, 0, 2]),
    kind=st.sampled_from([0, 0, 0, *map(int, Type), 4, 6, 2**32 - 1]),
    serial=st.integers(0, 2**32 - 1),
    status=st.sampled_from([0, 0, 0, 1, 2, 2**32 - 1]),
)
STREAMS = st.lists(FRAMES, max_size=8).map(b"".join)
CUT = st.builds(lambda data, cut: data[: len(data) - cut], STREAMS, st.integers(0, 60))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=CUT | st.binary(max_size=300), opened=st.booleans())
def test_no_client_harms_the_next(path: Path, data: bytes, opened: bool) -> None:
    with Client(path, opened=opened) as bad, contextlib.suppress(OSError):
        bad.send(data)
    with Client(path) as good:
        assert good.hostname() == "test"


@settings(max_examples=60, deadline=None)
@given(frames=st.lists(FRAMES, max_size=6), opened=st.booleans())
def test_every_call_has_one_reply_with_its_serial(
    path: Path, frames: list[bytes], opened: bool
) -> None:
    """Until it closes: whatever program a call is for, its client waits for the reply."""
    expected = []
    sent = b""
    for frame in frames:
        program, _, number, kind, serial, _ = struct.unpack(">IIiIII", frame[4:28])
        if number == 2:
            continue
        sent += frame
        if kind == 0 and program != KEEPALIVE:
            expected.append((number, serial))
    with Client(path, opened=opened) as client:
        client.send(sent + message(66, serial=77))
        heard = []
        while (found := client.receive()) is not None:
            if found[0][0] != KEEPALIVE:
                heard.append((found[0][2], found[0][4]))
            if heard and heard[-1] == (66, 77) and len(heard) > len(expected):
                break
        assert heard == [*expected, (66, 77)]
