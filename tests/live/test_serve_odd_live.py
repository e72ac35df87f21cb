"""Odd frames, to live libvirtd and to this server: what one takes the other takes.

Frames that are correct but strange: other numbers for yes, padding that is not zero, bytes after
the arguments, strings in other encodings or with a NUL, numbers that no API allows. Set
``DOMCAPS_LIBVIRTD`` to the socket of a libvirtd, for example of one in a folder of its own::

    DOMCAPS_LIBVIRTD=/run/libvirt/libvirt-sock pytest -m live tests/live/test_serve_odd_live.py
"""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost
from domcaps.serve.xdr import STRING, UINT, Record, pack
from domcaps.shipped import open_shipped
from serve_client import CallError, Client

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBVIRTD = Path(os.environ.get("DOMCAPS_LIBVIRTD", "/run/libvirt/libvirt-sock"))
FRAMES = int(os.environ.get("DOMCAPS_ODD_FRAMES", "400"))

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not LIBVIRTD.exists(), reason="there is no libvirtd (DOMCAPS_LIBVIRTD)"),
]


def number(value: int) -> bytes:
    return struct.pack(">I", value & 0xFFFFFFFF)


class Odd:
    """Arguments as another implementation of XDR might pack them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - odd, not secret

    def yes(self) -> bytes:
        return number(self._random.choice((1, 2, 7, 0x01000000, 0xFFFFFFFF, 0x80000000)))

    def string(self, text: bytes) -> bytes:
        """Pack a text, with padding of any bytes and perhaps more behind a NUL."""
        data = text + self._random.choice((b"", b"", b"\0", b"\0junk", b"\0\xff\xfe"))
        return number(len(data)) + data + self._random.randbytes(-len(data) % 4)

    def optional(self, text: bytes | None) -> bytes:
        return number(0) if text is None else self.yes() + self.string(text)

    def truth(self) -> bytes:
        return number(self._random.choice((0, 1, 2, -1, 0x01000000)))

    def text(self) -> bytes:
        return self._random.choice(
            (b"", b"a", b"no such", b"\xe9\xff", b"\xc3\xa9", b"%s%n", b"x" * 300)
        )

    def rest(self) -> bytes:
        return self._random.choice((b"", b"", b"\0", b"more", bytes(40), self._random.randbytes(9)))

    def call(self) -> tuple[int, bytes]:
        """Make one call that changes nothing."""
        uuid = self._random.randbytes(16)
        handle = self.string(self.text()) + uuid + number(-1)
        small = number(self._random.choice((0, 1, 2, 15, 16, 31, -1, 2**31 - 1, 16384, 16385)))
        x86 = self.optional(b"/usr/bin/qemu-system-x86_64") + self.optional(b"x86_64")
        machine = self._random.choice((b"q35", b"pc", b"none such", None))
        kind = self._random.choice((b"qemu", b"nothing"))
        number_of, payload = self._random.choice((
            (59, b""), (3, b""), (110, b""), (149, b""), (25, b""), (51, b""), (122, b""),
            (60, small), (5, self.optional(self._random.choice((b"qemu", b"QEMU", b"zz")))),
            (22, small), (23, self.string(self.text())), (24, uuid),
            (14, handle + number(0)), (16, handle), (212, handle + number(0)), (19, handle),
            (35, handle), (231, handle + number(0)), (151, handle), (150, handle), (15, handle),
            (183, handle + number(0)), (426, handle + number(0)),
            (273, self.truth() + number(0)), (273, self.truth() + number(1)),
            (21, small), (37, small), (312, self.string(b"x86_64") + self.truth() + number(0)),
            (312, self.string(self.text()) + self.truth() + number(0)),
            (316, small + number(0)), (167, small), (317, number(77)),
            (342, x86 + self.optional(machine) + self.optional(kind) + number(0)),
            (342, x86 + self.optional(machine) + self.optional(kind) + number(8)),
            (293, self.truth() + self.truth() + number(0)),
            (11, self.string(b"<domain>")), (11, self.string(b"no xml")), (11, self.string(b"")),
            (162, number(0) + number(0)), (457, b""), (0, b""), (107, b""), (9999, b"abc"),
        ))  # fmt: skip
        return number_of, payload + self.rest()


def code(client: Client, procedure: int, payload: bytes) -> int:
    """Give the code of the error that a call has, 0 for none."""
    try:
        client.call(procedure, payload)
    except CallError as error:
        return error.code
    return 0


def opened(path: Path) -> Client:
    client = Client(path, opened=False)
    client.call(66)
    client.call(1, number(0x01000000) + pack(Record(STRING, UINT), ("qemu:///system", 0)))
    return client


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("odd") / "s"
    with serving(FixedHost(open_shipped("sid-x86_64"), "test"), path):
        yield path


def test_odd_calls_have_the_results_that_libvirtd_gives(ours: Path) -> None:
    odd = Odd(20)
    differing = []
    with opened(LIBVIRTD) as theirs, opened(ours) as own:
        for _ in range(FRAMES):
            procedure, payload = odd.call()
            expected, found = code(theirs, procedure, payload), code(own, procedure, payload)
            if expected != found:
                differing.append((procedure, payload[:60], expected, found))
    assert not differing, f"{len(differing)} of {FRAMES}: {differing[:10]}"


@pytest.mark.parametrize("yes", [1, 2, 0x01000000, 0xFFFFFFFF])
def test_a_connection_is_opened_by_any_yes(ours: Path, yes: int) -> None:
    for path in (LIBVIRTD, ours):
        with Client(path, opened=False) as client:
            client.call(66)
            rest = pack(Record(STRING, UINT), ("qemu:///system", 0))
            assert code(client, 1, number(yes) + rest + b"more") == 0
            assert code(client, 59, b"") == 0
