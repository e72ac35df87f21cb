"""Odd frames, to live libvirtd and to this server: what one takes the other takes.

Set ``DOMCAPS_LIBVIRTD`` to the socket of a libvirtd, for example of one in a folder of its own::

    DOMCAPS_LIBVIRTD=/run/libvirt/libvirt-sock pytest -m live tests/live/test_serve_odd_live.py

``tests/conformance/odd_frames.py`` makes more of them, with another seed each time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from odd_frames import code, differing, number

from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost
from domcaps.serve.xdr import STRING, UINT, Record, pack
from domcaps.shipped import open_shipped
from serve_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBVIRTD = Path(os.environ.get("DOMCAPS_LIBVIRTD", "/run/libvirt/libvirt-sock"))
FRAMES = int(os.environ.get("DOMCAPS_ODD_FRAMES", "400"))

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not LIBVIRTD.exists(), reason="there is no libvirtd (DOMCAPS_LIBVIRTD)"),
]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("odd") / "s"
    with serving(FixedHost(open_shipped("sid-x86_64"), "test"), path):
        yield path


def test_odd_calls_have_the_results_that_libvirtd_gives(ours: Path) -> None:
    found = differing(LIBVIRTD, ours, 20, FRAMES)
    assert not found, f"{len(found)} of {FRAMES}: {found[:10]}"


@pytest.mark.parametrize("yes", [1, 2, 0x01000000, 0xFFFFFFFF])
def test_a_connection_is_opened_by_any_yes(ours: Path, yes: int) -> None:
    for path in (LIBVIRTD, ours):
        with Client(path, opened=False) as client:
            client.call(66)
            rest = pack(Record(STRING, UINT), ("qemu:///system", 0))
            assert code(client, 1, number(yes) + rest + b"more") == 0
            assert code(client, 59, b"") == 0
