"""XDR: how values stand on the wire (RFC 4506), as far as libvirt uses it.

A codec reads a value from a `Reader` and writes one into a `bytearray`. Codecs are put together
out of smaller ones, so that a procedure's arguments can be written down as the protocol does::

    DOMAIN = Record(STRING, UUID, INT)
    Array(DOMAIN, most=16384)

Whatever is read may be hostile: lengths are compared with what is there before anything is made.
It may also come from a client that packs values in its own way. What libvirt's decoder (libtirpc)
takes is taken: any number but 0 means that an optional value is there, bytes of padding may be
anything, a string ends at its first NUL and may be in any encoding, and bytes after the last
argument are ignored.
"""

from __future__ import annotations

import struct
from typing import Any, Protocol

STRING_MAX = 4194304
"""Bytes that a string may have (``REMOTE_STRING_MAX``)."""


MESSAGE_MAX = 16 * 1024 * 1024
"""Bytes that a reply may have; libvirt's own clients take 32 MiB."""


class XdrError(ValueError):
    """Bytes that are not what was to be read, or a value that can't be written so."""


class Reader:
    """Bytes that are read from front to back."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes were not read yet."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """Give the next bytes; raises `XdrError` where there are not as many."""
        if size > self.left:
            raise XdrError(f"{size} bytes are announced, {self.left} are left")
        start = self._at
        self._at += size
        return self._data[start : self._at]

    def end(self) -> None:
        """Raise `XdrError` unless everything was read."""
        if self.left:
            raise XdrError(f"{self.left} bytes too many")


class Codec(Protocol):
    """One type of the wire."""

    def read(self, reader: Reader) -> Any:
        """Read a value; raises `XdrError`."""

    def write(self, value: Any, out: bytearray) -> None:
        """Append a value; raises `XdrError` where it does not fit."""


class XdrInteger:
    """An integer of a fixed width; `form` is that of `struct`."""

    def __init__(self, form: str) -> None:
        self._struct = struct.Struct(form)

    def read(self, reader: Reader) -> int:
        """Read one."""
        value: int = self._struct.unpack(reader.take(self._struct.size))[0]
        return value

    def write(self, value: int, out: bytearray) -> None:
        """Append one."""
        try:
            out += self._struct.pack(value)
        except struct.error as error:
            raise XdrError(f"{value} does not fit: {error}") from error


INT = XdrInteger(">i")
UINT = XdrInteger(">I")
UHYPER = XdrInteger(">Q")


class Fixed:
    """So many bytes, as they are; `size` is a multiple of four."""

    def __init__(self, size: int) -> None:
        self._size = size

    def read(self, reader: Reader) -> bytes:
        """Read them."""
        return reader.take(self._size)

    def write(self, value: bytes, out: bytearray) -> None:
        """Append them."""
        if len(value) != self._size:
            raise XdrError(f"{len(value)} bytes instead of {self._size}")
        out += value


UUID = Fixed(16)


class Opaque:
    """Bytes with their number before them, filled up to a multiple of four."""

    def __init__(self, most: int) -> None:
        self._most = most

    def read(self, reader: Reader) -> bytes:
        """Read them; what fills up is overlooked, as other readers do."""
        size = UINT.read(reader)
        if size > self._most:
            raise XdrError(f"{size} bytes are more than {self._most}")
        value = reader.take(size)
        reader.take(-size % 4)
        return value

    def write(self, value: bytes, out: bytearray) -> None:
        """Append them."""
        if len(value) > self._most:
            raise XdrError(f"{len(value)} bytes are more than {self._most}")
        UINT.write(len(value), out)
        out += value
        out += bytes(-len(value) % 4)


class CString:
    """Bytes that end where C ends a string: at the first NUL."""

    def __init__(self, most: int = STRING_MAX) -> None:
        self._bytes = Opaque(most)

    def read(self, reader: Reader) -> bytes:
        """Read them up to the first NUL."""
        return self._bytes.read(reader).partition(b"\0")[0]

    def write(self, value: bytes, out: bytearray) -> None:
        """Append them up to the first NUL."""
        self._bytes.write(value.partition(b"\0")[0], out)


class String:
    """Text. Bytes that are no UTF-8 become surrogates, and the same bytes when they are written."""

    def __init__(self, most: int = STRING_MAX) -> None:
        self._bytes = CString(most)

    def read(self, reader: Reader) -> str:
        """Read it."""
        return self._bytes.read(reader).decode(errors="surrogateescape")

    def write(self, value: str, out: bytearray) -> None:
        """Append it."""
        try:
            data = value.encode(errors="surrogateescape")
        except UnicodeEncodeError:  # a surrogate that stands for no byte
            data = value.encode(errors="replace")
        self._bytes.write(data, out)


XML = CString()
"""A document: its encoding is what it says itself, so that it is left as bytes."""

STRING = String()


class Optional:
    """A value or none."""

    def __init__(self, inner: Codec) -> None:
        self._inner = inner

    def read(self, reader: Reader) -> Any:
        """Read it; None for none. Any number but 0 says that there is one, as in libtirpc."""
        return self._inner.read(reader) if UINT.read(reader) else None

    def write(self, value: Any, out: bytearray) -> None:
        """Append it."""
        UINT.write(int(value is not None), out)
        if value is not None:
            self._inner.write(value, out)


OPTIONAL_STRING = Optional(STRING)


class Array:
    """Values of one type with their number before them."""

    def __init__(self, inner: Codec, most: int) -> None:
        self._inner = inner
        self._most = most

    def read(self, reader: Reader) -> list[Any]:
        """Read them."""
        count = UINT.read(reader)
        # each takes four bytes at least, so a large number alone makes nothing grow
        if count > self._most or count * 4 > reader.left:
            raise XdrError(f"{count} values are more than there can be")
        return [self._inner.read(reader) for _ in range(count)]

    def write(self, value: list[Any] | tuple[Any, ...], out: bytearray) -> None:
        """Append them."""
        if len(value) > self._most:
            raise XdrError(f"{len(value)} values are more than {self._most}")
        UINT.write(len(value), out)
        for item in value:
            self._inner.write(item, out)
            if len(out) > MESSAGE_MAX:
                raise XdrError(f"it has more than {MESSAGE_MAX} bytes")


class Repeated:
    """So many values of one type; how many is not on the wire."""

    def __init__(self, inner: Codec, count: int) -> None:
        self._inner = inner
        self._count = count

    def read(self, reader: Reader) -> list[Any]:
        """Read them."""
        return [self._inner.read(reader) for _ in range(self._count)]

    def write(self, value: list[Any] | tuple[Any, ...], out: bytearray) -> None:
        """Append them."""
        if len(value) != self._count:
            raise XdrError(f"{len(value)} values instead of {self._count}")
        for item in value:
            self._inner.write(item, out)


class Record:
    """Values of different types one after the other."""

    def __init__(self, *fields: Codec) -> None:
        self._fields = fields

    def read(self, reader: Reader) -> tuple[Any, ...]:
        """Read them."""
        return tuple(field.read(reader) for field in self._fields)

    def write(self, value: tuple[Any, ...], out: bytearray) -> None:
        """Append them."""
        if len(value) != len(self._fields):
            raise XdrError(f"{len(value)} values instead of {len(self._fields)}")
        for field, item in zip(self._fields, value, strict=True):
            field.write(item, out)


def pack(codec: Codec, value: Any) -> bytes:
    """Give a value's bytes; raises `XdrError`."""
    out = bytearray()
    codec.write(value, out)
    return bytes(out)


def unpack(codec: Codec, data: bytes) -> Any:
    """Read a value that takes all of `data`; raises `XdrError`."""
    reader = Reader(data)
    value = codec.read(reader)
    reader.end()
    return value


def unpack_first(codec: Codec, data: bytes) -> Any:
    """Read a value from the front of `data`, whatever follows; raises `XdrError`."""
    return codec.read(Reader(data))
