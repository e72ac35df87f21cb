"""Folders as pools of storage: what clients see of them, and that nothing in them changes."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from domcaps.facts.record import HostRecord, Recording
from domcaps.hosts.host import Host
from domcaps.serve.access import Peer
from domcaps.serve.background import serving
from domcaps.serve.calls.storage import POOL, VOLUME
from domcaps.serve.errors import ErrorNumber
from domcaps.serve.hosts import FixedHost, LiveHostSource
from domcaps.serve.storage import Pool
from domcaps.serve.xdr import INT, OPTIONAL_STRING, STRING, UHYPER, UINT, Array, Record
from serve_client import CallError, Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GIB = 1024**3
READ_ONLY = 1
VOLUMES = Record(Array(VOLUME, 100), UINT)
INFO = Record(UINT, UHYPER, UHYPER, UHYPER)


def qcow2(size: int) -> bytes:
    """Give the head of an image in that format."""
    return b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(16) + size.to_bytes(8, "big") + bytes(72)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    images.mkdir()
    (images / "a.qcow2").write_bytes(qcow2(5 * GIB))
    (images / "b.img").write_bytes(bytes(4096))
    (images / "c.iso").write_bytes(bytes(0x8001) + b"CD001" + bytes(100))
    (images / "d").mkdir()
    os.mkfifo(images / "e")
    (images / "f").symlink_to("nowhere")
    return images


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with serving(LiveHostSource(), tmp_path / "s"), Client(tmp_path / "s") as connected:
        yield connected


def describe(folder: Path | str, name: str = "images", kind: str = "dir", more: str = "") -> str:
    path = f"<target><path>{folder}</path></target>"
    return f"<pool type='{kind}'><name>{name}</name>{more}{path}</pool>"


def define(client: Client, xml: str) -> Any:
    return client.ask(77, POOL, (STRING, xml), (UINT, 0))


def start(client: Client, folder: Path) -> Any:
    pool = define(client, describe(folder))
    client.ask(79, Record(), (POOL, pool), (UINT, 0))
    client.ask(78, Record(), (POOL, pool), (UINT, 0))
    return pool


def names(client: Client, pool: Any) -> list[str]:
    found, number = client.ask(282, VOLUMES, (POOL, pool), (INT, 1), (UINT, 0))
    assert number == len(found)
    return [name for _, name, _ in found]


def failure(client: Client, procedure: int, *arguments: Any) -> int:
    with pytest.raises(CallError) as raised:
        client.ask(procedure, Record(), *arguments)
    return raised.value.code


def test_there_are_none_at_first(client: Client) -> None:
    assert client.ask(71, INT) == client.ask(73, INT) == 0
    assert client.ask(281, Record(Array(POOL, 1), UINT), (INT, 1), (UINT, 0)) == ([], 0)


def test_a_pool_lists_what_could_be_a_disk(client: Client, folder: Path) -> None:
    pool = start(client, folder)
    assert names(client, pool) == ["a.qcow2", "b.img", "c.iso", "d"]
    (folder / "a.qcow2").unlink()
    assert names(client, pool) == ["b.img", "c.iso", "d"]
    assert client.ask(91, INT, (POOL, pool)) == 3
    assert client.ask(92, Array(STRING, 9), (POOL, pool), (INT, 2)) == ["b.img", "c.iso"]


def test_formats_and_sizes_are_those_of_the_disk_inside(client: Client, folder: Path) -> None:
    start(client, folder)
    seen = {}
    for name in ("a.qcow2", "b.img", "c.iso", "d"):
        volume = client.ask(97, VOLUME, (STRING, str(folder / name)))
        assert volume == ("images", name, str(folder / name))
        root = etree.fromstring(client.ask(99, STRING, (VOLUME, volume), (UINT, 0)))
        kind, capacity, _ = client.ask(98, Record(INT, UHYPER, UHYPER), (VOLUME, volume))
        assert root.findtext("capacity") == str(capacity)
        assert root.findtext("target/path") == str(folder / name)
        seen[name] = kind, root.get("type"), root.xpath("string(target/format/@type)")
        if name == "a.qcow2":
            assert capacity == 5 * GIB
        if name == "b.img":
            assert capacity == 4096
    assert seen == {
        "a.qcow2": (0, "file", "qcow2"),
        "b.img": (0, "file", "raw"),
        "c.iso": (0, "file", "iso"),
        "d": (2, "dir", "dir"),
    }


def test_what_is_not_there_has_its_own_errors(client: Client, folder: Path) -> None:
    pool = start(client, folder)
    for path in (folder / "none", folder / "e", folder / "f", "/dev/null", "x", ""):
        assert failure(client, 97, (STRING, str(path))) == ErrorNumber.NO_STORAGE_VOL
    for name in ("none", "..", ".", "", "../images/a.qcow2"):
        assert failure(client, 95, (POOL, pool), (STRING, name)) == ErrorNumber.NO_STORAGE_VOL
    assert failure(client, 84, (STRING, "other")) == ErrorNumber.NO_STORAGE_POOL
    assert failure(client, 391, (STRING, "/nowhere")) == ErrorNumber.NO_STORAGE_POOL


def test_a_pool_of_a_folder_that_is_not_there_is_empty(client: Client, tmp_path: Path) -> None:
    pool = start(client, tmp_path / "later" / "images")
    assert names(client, pool) == []
    state, capacity, _, free = client.ask(87, INFO, (POOL, pool))
    assert state == 2
    assert capacity >= free > 0
    assert not (tmp_path / "later").exists(), "nothing is made"


def test_a_pool_that_is_not_active_is_not_looked_at(client: Client, folder: Path) -> None:
    pool = define(client, describe(folder))
    assert client.ask(154, INT, (POOL, pool)) == 0
    assert failure(client, 282, (POOL, pool), (INT, 1), (UINT, 0)) == ErrorNumber.OPERATION_FAILED
    assert failure(client, 97, (STRING, str(folder / "b.img"))) == ErrorNumber.NO_STORAGE_VOL
    assert client.ask(74, Array(STRING, 9), (INT, 9)) == ["images"]
    client.ask(78, Record(), (POOL, pool), (UINT, 0))
    assert client.ask(72, Array(STRING, 9), (INT, 9)) == ["images"]
    client.ask(80, Record(), (POOL, pool))
    assert client.ask(154, INT, (POOL, pool)) == 0
    client.ask(82, Record(), (POOL, pool))
    assert client.ask(73, INT) == 0


def test_pools_describe_themselves(client: Client, folder: Path) -> None:
    number = "6c6b0ba0-0ea3-4f0c-9f0a-0d6d6b9d0c11"
    pool = define(client, describe(folder, more=f"<uuid>{number}</uuid>"))
    root = etree.fromstring(client.ask(88, STRING, (POOL, pool), (UINT, 0)))
    assert root.findtext("uuid") == number
    assert root.findtext("target/path") == str(folder)
    client.ask(90, Record(), (POOL, pool), (INT, 1))
    assert client.ask(89, INT, (POOL, pool)) == 1
    assert client.ask(155, INT, (POOL, pool)) == 1


@pytest.mark.parametrize(
    "xml",
    [
        "", "<pool", "<domain/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><pool type='dir'/>",
        describe("/tmp", kind="logical"), describe("relative"), describe("/tmp", name="a/b"),
        describe("/tmp", more="<uuid>moon</uuid>"), "<pool type='dir'><name>a</name></pool>",
    ],
)  # fmt: skip
def test_other_pools_are_refused(client: Client, xml: str) -> None:
    code = failure(client, 77, (STRING, xml), (UINT, 0))
    assert code in {
        ErrorNumber.XML_ERROR,
        ErrorNumber.XML_DETAIL,
        ErrorNumber.OPERATION_UNSUPPORTED,
    }
    assert client.ask(73, INT) == 0


def test_names_are_given_once(client: Client, folder: Path) -> None:
    define(client, describe(folder))
    again = (STRING, describe(folder)), (UINT, 0)
    assert failure(client, 77, *again) == ErrorNumber.OPERATION_FAILED


def test_a_connection_has_so_many(client: Client) -> None:
    for number in range(100):
        define(client, describe("/tmp", name=f"p{number}"))
    more = (STRING, describe("/tmp", name="more")), (UINT, 0)
    assert failure(client, 77, *more) == ErrorNumber.OPERATION_FAILED


def test_files_of_this_machine_are_not_those_of_a_recorded_host(
    tmp_path: Path, folder: Path
) -> None:
    host = Host.from_recording(Recording(HostRecord(arch="x86_64"), ()), origin="test")
    with serving(FixedHost(host, "test"), tmp_path / "s"), Client(tmp_path / "s") as client:
        assert names(client, start(client, folder)) == []


def test_who_may_only_read_defines_none(tmp_path: Path, folder: Path) -> None:
    with (
        serving(LiveHostSource(), tmp_path / "s"),
        Client(tmp_path / "s", opened=False) as client,
    ):
        client.ask(1, Record(), (OPTIONAL_STRING, "qemu:///system"), (UINT, READ_ONLY))
        assert (
            failure(client, 77, (STRING, describe(folder)), (UINT, 0))
            == ErrorNumber.OPERATION_DENIED
        )


@pytest.mark.parametrize("kind", ["fifo", "socket", "folder", "link to a fifo"])
def test_what_takes_the_name_of_a_volume_is_not_opened(folder: Path, kind: str) -> None:
    """Between the look at a file and the look into it, it can become what never answers."""
    peer = Peer(os.getuid(), frozenset({os.getgid()}))
    pool = Pool("images", bytes(16), str(folder), real=True, active=True, peer=peer)
    volume = pool.volume("a.qcow2")
    assert volume is not None
    name = folder / "a.qcow2"
    name.unlink()
    with contextlib.ExitStack() as stack:
        if kind == "fifo":
            os.mkfifo(name)
        elif kind == "socket":
            stack.enter_context(socket.socket(socket.AF_UNIX)).bind(os.path.relpath(name))
        elif kind == "folder":
            name.mkdir()
        else:
            name.symlink_to("e")
        found: list[str] = []
        looking = threading.Thread(target=lambda: found.append(volume.xml()), daemon=True)
        looking.start()
        looking.join(5)
    assert len(found) == 1
    # nothing is said of what another file holds
    form = etree.fromstring(found[0].encode()).find("target/format")
    assert form is not None
    assert form.get("type") == "raw"
