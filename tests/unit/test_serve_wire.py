"""What stands on the wire: values, messages, errors, the names of hosts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domcaps.errors import (
    DomcapsError,
    EmulatorDiedError,
    EmulatorNotFoundError,
    UnsupportedTargetError,
)
from domcaps.serve.errors import ERROR, ErrorNumber, LibvirtError, libvirt_error
from domcaps.serve.frames import Frame, FrameError, ReplyStatus, read_frame
from domcaps.serve.ledger import Ledger
from domcaps.serve.session import check_flags, host_name
from domcaps.serve.xdr import (
    INT,
    OPTIONAL_STRING,
    STRING,
    UHYPER,
    UINT,
    UUID,
    XML,
    Array,
    Codec,
    Opaque,
    Record,
    Repeated,
    XdrError,
    pack,
    unpack,
    unpack_first,
)
from serve_client import message


@pytest.mark.parametrize(
    ("codec", "value", "wire"),
    [
        (INT, -2, b"\xff\xff\xff\xfe"),
        (UINT, 0x20008086, b"\x20\x00\x80\x86"),
        (UHYPER, 1, b"\0\0\0\0\0\0\0\1"),
        (STRING, "qemu:", b"\0\0\0\5qemu:\0\0\0"),
        (STRING, "", b"\0\0\0\0"),
        (OPTIONAL_STRING, None, b"\0\0\0\0"),
        (OPTIONAL_STRING, "abcd", b"\0\0\0\1\0\0\0\4abcd"),
        (Array(INT, 3), [1, 2], b"\0\0\0\2\0\0\0\1\0\0\0\2"),
        (Repeated(INT, 2), [1, 2], b"\0\0\0\1\0\0\0\2"),
        (Opaque(8), b"\1", b"\0\0\0\1\1\0\0\0"),
        (Record(INT, UUID), (7, b"u" * 16), b"\0\0\0\7" + b"u" * 16),
    ],
)
def test_a_value_has_the_form_of_the_rfc(codec: Codec, value: Any, wire: bytes) -> None:
    assert pack(codec, value) == wire
    assert unpack(codec, wire) == value


@pytest.mark.parametrize(
    ("codec", "wire", "value"),
    [
        # go-libvirt's yes; any number but 0 is one for libtirpc
        (OPTIONAL_STRING, b"\1\0\0\0" + b"\0\0\0\1a\0\0\0", "a"),
        (OPTIONAL_STRING, b"\xff\xff\xff\xff" + b"\0\0\0\1a\0\0\0", "a"),
        (OPTIONAL_STRING, b"\0\0\0\2" + b"\0\0\0\0", ""),
        # C ends a string at the first NUL; padding is whatever it is
        (STRING, b"\0\0\0\4ab\0d", "ab"),
        (STRING, b"\0\0\0\1aXYZ", "a"),
        (STRING, b"\0\0\0\4ab\xffd", "ab\udcffd"),
        (XML, b"\0\0\0\4ab\xffd", b"ab\xffd"),
        (Opaque(4), b"\0\0\0\3abcX", b"abc"),
    ],
)
def test_bytes_that_libvirts_decoder_takes_are_taken(
    codec: Codec, wire: bytes, value: object
) -> None:
    assert unpack(codec, wire) == value
    assert unpack_first(codec, wire + b"more") == value


def test_text_in_another_encoding_comes_back_as_the_same_bytes() -> None:
    wire = pack(XML, b"caf\xe9")
    assert pack(STRING, unpack(STRING, wire)) == wire
    assert pack(STRING, "\ud800") == pack(STRING, "?")


@pytest.mark.parametrize(
    ("codec", "wire"),
    [
        (INT, b"\0\0\0"),
        (INT, b"\0\0\0\1\0"),
        (STRING, b"\xff\xff\xff\xffabcd"),
        (STRING, b"\0\0\0\5abcd"),
        (OPTIONAL_STRING, b"\0\0\0\2"),
        (Array(INT, 1 << 31), b"\x7f\xff\xff\xff\0\0\0\0"),
        (Array(INT, 1), b"\0\0\0\2\0\0\0\0\0\0\0\0"),
        (Opaque(4), b"\0\0\0\5abcde\0\0\0"),
    ],
)
def test_bytes_that_are_no_value_are_refused(codec: Codec, wire: bytes) -> None:
    with pytest.raises(XdrError):
        unpack(codec, wire)


def test_a_value_that_does_not_fit_is_not_written() -> None:
    misfits: list[tuple[Codec, Any]] = [
        (INT, 1 << 31),
        (UINT, -1),
        (UUID, b"short"),
        (Opaque(1), b"ab"),
        (Array(INT, 1), [1, 2]),
        (Repeated(INT, 2), [1]),
        (Record(INT), (1, 2)),
    ]
    for codec, value in misfits:
        with pytest.raises(XdrError):
            pack(codec, value)


def _read(data: bytes, *, end: bool = True, largest: int = 1000) -> Frame | None:
    async def read() -> Frame | None:
        stream = asyncio.StreamReader()
        stream.feed_data(data)
        if end:
            stream.feed_eof()
        account = Ledger(10_000, 10_000).account(lambda _: None)
        return await read_frame(stream, lambda: largest, 0.05, account)

    return asyncio.run(read())


def test_a_message_is_read_as_it_was_written() -> None:
    wire = message(342, b"\0\0\0\1", serial=9)
    frame = _read(wire)
    assert frame == Frame(0x20008086, 1, 342, 0, 9, 0, b"\0\0\0\1")
    assert frame.encode() == wire
    reply = frame.reply(b"", ReplyStatus.ERROR)
    assert (reply.type, reply.serial, reply.procedure, reply.status) == (1, 9, 342, 1)


def test_the_end_of_the_stream_is_no_error_between_messages() -> None:
    assert _read(b"") is None


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0",
        b"\0\0\0\x1b" + bytes(23),
        b"\0\0\0\0",
        b"\xff\xff\xff\xff" + bytes(24),
        message(1)[:-1],
        b"\0\0\x03\xe9" + bytes(2000),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        _read(data)


def test_a_message_that_does_not_go_on_is_given_up() -> None:
    with pytest.raises(FrameError, match="not complete"):
        _read(message(1)[:20], end=False)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnsupportedTargetError("no"), ErrorNumber.INVALID_ARG),
        (EmulatorNotFoundError("gone", where="/x"), ErrorNumber.SYSTEM_ERROR),
        (EmulatorDiedError("died"), ErrorNumber.INTERNAL_ERROR),
    ],
)
def test_errors_are_told_in_libvirts_classes(error: DomcapsError, code: ErrorNumber) -> None:
    found = unpack(ERROR, libvirt_error(error).encode())
    assert found[0] == code
    assert error.message in found[2]
    assert found[3] == 2


def test_a_client_recognizes_the_words_of_an_error() -> None:
    assert LibvirtError(ErrorNumber.INVALID_ARG, "x").message == "invalid argument: x"
    assert LibvirtError(ErrorNumber.NO_DOMAIN, "x").message == "Domain not found: x"
    assert len(LibvirtError(ErrorNumber.RPC, "x" * 100_000).message) < 20_000


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("", ""),
        ("qemu:///system", ""),
        ("qemu:///session", ""),
        ("qemu+tcp://host:1/system", ""),
        ("qemu:///old%20host", "old host"),
        ("qemu:///system?host=old", "old"),
    ],
)
def test_a_uri_names_a_host(uri: str, name: str) -> None:
    assert host_name(uri) == name


@pytest.mark.parametrize("uri", ["xen:///system", "test:///default", "qemu://[::1/system"])
def test_a_uri_of_something_else_is_refused(uri: str) -> None:
    with pytest.raises(LibvirtError):
        host_name(uri)


def test_flags_that_nobody_knows_are_refused() -> None:
    check_flags(3, 7)
    with pytest.raises(LibvirtError, match="0x8"):
        check_flags(11, 7)
