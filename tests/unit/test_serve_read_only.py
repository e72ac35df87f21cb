"""Read-only connections: libvirt's refusals, over all procedures of the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domcaps.serve.background import serving
from domcaps.serve.errors import LibvirtError
from domcaps.serve.hosts import FixedHost
from domcaps.serve.procedures import procedures
from domcaps.serve.read_only import check, refused
from domcaps.serve.xdr import OPTIONAL_STRING, STRING, UINT, UUID, Record, pack
from domcaps.shipped import open_shipped
from serve_client import CallError, Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ_ONLY = 1
DENIED = 29
SERVED = sorted(set(procedures()) & set(refused()))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    path: Path = tmp_path_factory.mktemp("serve") / "s"
    source = FixedHost(open_shipped(arch="x86_64"), "one")
    with serving(source, path), Client(path, opened=False) as connected:
        connected.ask(1, Record(), (OPTIONAL_STRING, "qemu:///system"), (UINT, READ_ONLY))
        yield connected


def denied(client: Client, number: int, payload: bytes = b"") -> str:
    """Give what a refused call is told."""
    with pytest.raises(CallError) as caught:
        client.call(number, payload)
    assert caught.value.code == DENIED
    return str(caught.value)


@pytest.mark.parametrize("number", sorted(refused()))
def test_every_procedure_that_libvirt_refuses(client: Client, number: int) -> None:
    name, _ = refused()[number]
    said = denied(client, number)
    assert said == f"operation forbidden: read only access prevents {name}"


def test_the_list_is_as_long_as_libvirts() -> None:
    # counted by asking libvirt 12.8 over its wire, see tests/live/test_serve_read_only_live.py
    assert len(refused()) == 202
    assert {342, 393, 394, 136, 11, 350, 76, 77} <= set(SERVED)


def test_what_changes_nothing_is_answered(client: Client) -> None:
    for number in (3, 7, 59, 110, 157):
        client.call(number)


def test_a_connection_for_writing_is_not_refused(tmp_path: Path) -> None:
    source = FixedHost(open_shipped(arch="x86_64"), "one")
    with serving(source, tmp_path / "s"), Client(tmp_path / "s") as connected:
        target = [(OPTIONAL_STRING, None)] * 4
        assert connected.ask(342, Record(STRING), *target, (UINT, 0))


DOMAIN = pack(Record(STRING, UUID, UINT), ("a", bytes(16), 0))


@pytest.mark.parametrize(
    ("number", "words", "reason"),
    [
        (14, (1,), "virDomainGetXMLDesc with secure flag"),
        (14, (8 | 2,), "virDomainGetXMLDesc with secure flag"),
        (186, (1,), "virDomainSnapshotGetXMLDesc with secure flag"),
        (200, (8,), "read only access prevents virDomainGetVcpusFlags"),
        (353, (1, 0), "read only access prevents virDomainInterfaceAddresses"),
        (388, (1,), "virDomainManagedSaveGetXMLDesc with secure flag"),
        (412, (1,), "virDomainCheckpointGetXMLDesc with secure flag"),
    ],
)
def test_flags_that_libvirt_refuses(
    client: Client, number: int, words: tuple[int, ...], reason: str
) -> None:
    of = (pack(STRING, "a") if number in {186, 412} else b"") + DOMAIN
    payload = of + b"".join(word.to_bytes(4, "big") for word in words)
    # what follows the arguments is passed over, here as there
    for more in (b"", b"\0", bytes(8)):
        assert denied(client, number, payload + more) == f"operation forbidden: {reason}"
        check(number, of + bytes(4 * len(words)) + more)


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\0\0\1\0", b"\xff" * 3])
def test_a_payload_that_is_cut_off(payload: bytes) -> None:
    for number in (14, 353):
        try:
            check(number, payload)
        except LibvirtError as error:
            assert error.code == DENIED
