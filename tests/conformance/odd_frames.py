#!/usr/bin/env python3
"""Send the same odd but tolerable frames to libvirtd and to the server, and compare the results.

Frames that are correct but strange: other numbers for yes, padding that is not zero, bytes after
the arguments, strings in other encodings or with a NUL, numbers that no API allows. Compared is
whether a call succeeds, and the code of its error. No call changes anything in libvirtd::

    odd_frames.py /run/libvirt/libvirt-sock --host shipped:sid-x86_64 --libvirt 12.8 --count 2000
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost
from domcaps.serve.xdr import STRING, UINT, Record, pack
from domcaps.shipped import open_shipped
from serve_client import CallError, Client

SECONDS = 120
ON_DOMAINS = (9, 12, 28, 33, 34)
"""Procedures whose only argument is a domain: of one that there is not."""
ON_DOMAINS_WITH_FLAGS = (27, 182, 184, 196, 234, 245, 258)


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
            (self._random.choice(ON_DOMAINS), handle),
            (self._random.choice(ON_DOMAINS_WITH_FLAGS), handle + number(0)),
            (29, handle + self.truth()), (32, handle + number(self._random.choice((0, 2)))),
            (31, handle + bytes(7) + self._random.choice((b"\0", b"\1"))),
            (160, handle + self.string(b"<disk/>") + number(1)),
            (265, handle + number(1) + self.optional(None) + number(0)),
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
    client.socket.settimeout(SECONDS)
    client.call(66)
    client.call(1, number(0x01000000) + pack(Record(STRING, UINT), ("qemu:///system", 0)))
    return client


class Difference(NamedTuple):
    """A call with two results: the codes of the errors, 0 for none."""

    procedure: int
    payload: bytes
    libvirtd: int
    ours: int


def differing(theirs: Path, ours: Path, seed: int, count: int) -> list[Difference]:
    """Make so many calls to both servers, and give those with different results."""
    odd = Odd(seed)
    found = []
    with opened(theirs) as first, opened(ours) as second:
        for _ in range(count):
            procedure, payload = odd.call()
            codes = code(first, procedure, payload), code(second, procedure, payload)
            if codes[0] != codes[1]:
                found.append(Difference(procedure, payload[:60], *codes))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("socket", type=Path, help="the socket of a libvirtd")
    parser.add_argument("--host", default="shipped:sid-x86_64", help="a shipped recording")
    parser.add_argument("--libvirt", default="12.8")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))  # noqa: S311
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    host = FixedHost(open_shipped(asked.host.removeprefix("shipped:")), "test")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s"
        with serving(host, path, libvirt=asked.libvirt):
            found = differing(asked.socket, path, asked.seed, asked.count)
    for one in found[:50]:
        print(one)
    print(f"{asked.count - len(found)} of {asked.count} calls have the same result")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
