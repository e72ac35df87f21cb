"""Typed parameters: values with a name and a type, as libvirt sends statistics."""

from __future__ import annotations

from typing import Any, NamedTuple

from domcaps.serve.xdr import INT, STRING, UHYPER, UINT, Codec, Reader, Record, XdrError

_FORMS: dict[int, Codec] = {1: INT, 2: UINT, 3: UHYPER, 4: UHYPER, 5: UHYPER, 6: INT, 7: STRING}
"""``virTypedParameterType``: int, unsigned int, 64 bits, 64 bits without sign, double, boolean,
string."""


class Typed(NamedTuple):
    """A value and its type."""

    type: int
    value: Any


def typed_int(value: int) -> Typed:
    """Make an integer."""
    return Typed(1, value)


def typed_uint(value: int) -> Typed:
    """Make an integer without sign."""
    return Typed(2, value)


def typed_ullong(value: int) -> Typed:
    """Make an integer of 64 bits without sign."""
    return Typed(4, value)


class _TypedCodec:
    """A type, and the value in the form that belongs to it."""

    def read(self, reader: Reader) -> Typed:
        """Read one."""
        kind = INT.read(reader)
        if kind not in _FORMS:
            raise XdrError(f"{kind} is no type of a parameter")
        return Typed(kind, _FORMS[kind].read(reader))

    def write(self, value: Typed, out: bytearray) -> None:
        """Append one."""
        INT.write(value.type, out)
        _FORMS[value.type].write(value.value, out)


TYPED = Record(STRING, _TypedCodec())
"""A typed parameter with its name."""
