"""Compare the refusals over a read-only connection with a libvirt that runs.

It is asked over its own wire, each procedure that is served here and each that is said to be
refused. Set ``DOMCAPS_LIBVIRT_RO`` to its socket (``libvirt-sock-ro``); by default the usual one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from domcaps.serve.procedures import procedures
from domcaps.serve.read_only import refused
from domcaps.serve.xdr import OPTIONAL_STRING, UINT, Array, Codec, Optional, Record, XdrError, pack
from serve_client import CallError, Client

SOCKET = Path(os.environ.get("DOMCAPS_LIBVIRT_RO", "/run/libvirt/libvirt-sock-ro"))
DENIED = 29

pytestmark = pytest.mark.skipif(not SOCKET.exists(), reason=f"no libvirt listens at {SOCKET}")

# a call that ends the connection, or that asks for it to be opened once more
_NOT_ASKED = {1, 2, 66}


def least(codec: Codec) -> Any:
    """Give the least value of a type."""
    if isinstance(codec, Record):
        return tuple(least(part) for part in vars(codec)["_fields"])
    if isinstance(codec, Array):
        return [least(vars(codec)["_inner"])]
    if isinstance(codec, Optional):
        return None
    for value in (1, "x", b"\1" * 16):
        try:
            pack(codec, value)
        except (XdrError, TypeError, AttributeError, ValueError):
            continue
        return value
    raise AssertionError(codec)


@pytest.mark.parametrize("number", sorted(set(procedures()) - _NOT_ASKED))
def test_libvirt_refuses_the_same(number: int) -> None:
    codec = procedures()[number].takes
    with Client(SOCKET, opened=False) as client:
        client.call(66)
        client.call(1, pack(Record(OPTIONAL_STRING, UINT), ("qemu:///system", 1)))
        try:
            client.call(number, pack(codec, least(codec)))
        except CallError as error:
            is_refused = error.code == DENIED and "read only" in str(error)
            if is_refused:
                assert number in refused(), str(error)
                assert str(error).endswith(refused()[number][0])
        else:
            is_refused = False
    assert is_refused is (number in refused())
