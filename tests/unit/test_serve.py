"""The server, asked by a client that knows nothing of it but the protocol."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from domcaps.errors import DomcapsError, RequestError
from domcaps.facts.record import HostCpu, HostRecord, NumaCell, Recording
from domcaps.facts.recording import save
from domcaps.hosts.host import Host
from domcaps.serve.background import serving
from domcaps.serve.domains import domain_of
from domcaps.serve.hosts import FixedHost, HostSource, RecordedHost, RecordingFolder, ServedHost
from domcaps.serve.limits import ServerLimits
from domcaps.serve.procedure_names import function_name, procedure_names, sent_by_servers
from domcaps.serve.procedures import procedures
from domcaps.serve.read_only import refused as refused_when_read_only
from domcaps.serve.sockets import UnixSocket, tcp_socket
from domcaps.serve.xdr import (
    INT,
    OPTIONAL_STRING,
    STRING,
    UHYPER,
    UINT,
    UUID,
    Array,
    Optional,
    Record,
    Repeated,
    pack,
    unpack,
)
from fakes import emulator_record
from serve_client import KEEPALIVE, CallError, Client, message

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDING = Recording(
    HostRecord(
        arch="x86_64",
        cpu=HostCpu(sockets=1, cores=2, threads=2, vendor="Intel", signature=(6, 85, 4)),
        numa=(NumaCell(0, 4096, (0, 1)), NumaCell(1, 1024, (2, 3))),
    ),
    (emulator_record(types=("VGA", "virtio-net-pci")),),
)
HOST = Host.from_recording(RECORDING, origin="test")

DOMAIN = Record(STRING, UUID, INT)
XML = (
    "<domain type='qemu'><name>a</name><memory unit='MiB'>64</memory><vcpu>3</vcpu>"
    "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


@pytest.fixture
def client(path: Path) -> Iterator[Client]:
    with serving(FixedHost(HOST, "test"), path), Client(path) as connected:
        yield connected


def capabilities(client: Client, *names: str | None, flags: int = 0) -> str:
    arguments = [(OPTIONAL_STRING, name) for name in (*names, None, None, None, None)[:4]]
    found: str = client.ask(342, STRING, *arguments, (UINT, flags))
    return found


def define(client: Client, xml: str = XML, flags: int = 0) -> tuple[str, bytes, int]:
    found: tuple[str, bytes, int] = client.ask(350, DOMAIN, (STRING, xml), (UINT, flags))
    return found


def refused(code: int, call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(CallError) as caught:
        call(*arguments, **named)
    assert caught.value.code == code, caught.value
    return str(caught.value)


# -- what is answered ------------------------------------------------------------------------------


def test_the_report_is_that_of_the_host(client: Client) -> None:
    assert capabilities(client) == HOST.domain_capabilities().xml
    asked = capabilities(client, None, "x86_64", "q35", "qemu")
    assert asked == HOST.domain_capabilities(arch="x86_64", machine="q35", virttype="qemu").xml


def test_every_flag_is_passed_on(path: Path) -> None:
    seen: list[dict[str, Any]] = []

    class Spy(Host):
        def domain_capabilities(self, *arguments: Any, **flags: Any) -> Any:
            seen.append(flags)
            return super().domain_capabilities(*arguments, **flags)

    spy = Spy.from_recording(RECORDING, origin="test")
    names = ("disable_deprecated_features", "expand_cpu_features", "supported_cpu_features")
    with serving(FixedHost(spy, "spy"), path), Client(path) as client:
        for flags in range(8):
            capabilities(client, flags=flags)
        refused(8, capabilities, client, flags=8)
    assert [sum(f[name] << i for i, name in enumerate(names)) for f in seen] == list(range(8))


def test_a_target_that_there_is_not_has_libvirts_error(client: Client) -> None:
    refused(8, capabilities, client, None, "pdp11")
    refused(8, capabilities, client, None, None, "nope")
    refused(8, capabilities, client, None, None, None, "xen")
    refused(67, capabilities, client, None, "s390x")
    refused(8, capabilities, client, "/nowhere")


def test_the_dialect_is_that_of_the_server(path: Path) -> None:
    with serving(FixedHost(HOST, "test"), path, libvirt="11.3"), Client(path) as client:
        assert client.ask(157, UHYPER) == 11_003_000
        assert capabilities(client) == HOST.domain_capabilities(libvirt="11.3").xml


def test_what_a_client_asks_about_the_host(client: Client) -> None:
    assert client.ask(66, Array(INT, 20)) == [0]
    assert client.ask(3, STRING) == "QEMU"
    assert client.ask(4, UHYPER) == 9_009_000
    assert client.ask(59, STRING) == "test"
    assert client.ask(110, STRING) == "qemu:///system"
    info = client.ask(6, Record(Repeated(INT, 32), UHYPER, INT, INT, INT, INT, INT, INT))
    assert bytes(info[0]).rstrip(b"\0") == b"x86_64"
    assert info[1:] == (5120, 4, 0, 2, 1, 2, 2)
    for feature, there in ((10, 1), (14, 1), (15, 1), (8, 0), (3, 0), (99, 0)):
        assert client.ask(60, INT, (INT, feature)) == there


def test_capabilities_name_every_guest_and_its_machines(client: Client) -> None:
    root = etree.fromstring(client.ask(7, STRING))
    assert root.findtext("host/cpu/arch") == "x86_64"
    assert [g.get("name") for g in root.iterfind("guest/arch")] == ["i686", "x86_64"]
    machines = root.findall("guest/arch[@name='x86_64']/machine")
    assert [(m.text, m.get("canonical")) for m in machines] == [
        ("pc-i440fx-9.9", None),
        ("pc", "pc-i440fx-9.9"),
        ("pc-q35-9.9", None),
        ("q35", "pc-q35-9.9"),
    ]
    assert [d.get("type") for d in root.iterfind("guest/arch[@name='i686']/domain")] == ["qemu"]


def test_lists_are_empty(client: Client) -> None:
    for number in (281, 284, 285, 286, 287, 273):
        assert client.call(number, pack(Record(INT, UINT), (1, 0))) == bytes(8)
    for number in (51, 50, 25, 71, 139):
        assert client.ask(number, INT) == 0


def test_events_may_be_registered(client: Client) -> None:
    first, second = (client.ask(316, INT, (INT, event), (INT, 0)) for event in range(2))
    assert first != second
    assert client.call(317, pack(INT, first)) == b""


def test_cpu_models_are_counted_or_listed(client: Client) -> None:
    gives = Record(Array(STRING, 8192), INT)
    names, count = client.ask(312, gives, (STRING, "x86_64"), (INT, 1), (UINT, 0))
    assert "qemu64" in names
    assert len(names) == count
    assert client.ask(312, gives, (STRING, "x86_64"), (INT, 0), (UINT, 0)) == ([], count)


ACCEPTED = "domcaps runs no machines; libvirt 12.8 would accept and start this definition"


def test_what_would_change_a_machine_is_answered_by_name_and_verdict(client: Client) -> None:
    handle = (DOMAIN, define(client))
    for number, arguments, name in (
        (9, [], "virDomainCreate"),
        (12, [], "virDomainDestroy"),
        (29, [(INT, 1)], "virDomainSetAutostart"),
        (33, [], "virDomainShutdown"),
        (32, [(UINT, 2)], "virDomainSetVcpus"),
        (196, [(UINT, 0)], "virDomainCreateWithFlags"),
        (211, [(UINT, 0), (UINT, 0)], "virDomainScreenshot"),
        (358, [(OPTIONAL_STRING, "b"), (UINT, 0)], "virDomainRename"),
    ):
        text = refused(3, client.ask, number, Record(), handle, *arguments)
        assert text.endswith(f"connection driver: {name}: {ACCEPTED}")
    text = refused(3, client.ask, 10, DOMAIN, (STRING, XML), (UINT, 0))
    assert text.endswith(f"virDomainCreateXML: {ACCEPTED}")


def test_the_verdict_has_the_findings_of_a_definition_that_would_not_do(client: Client) -> None:
    wrong = XML.replace("q35", "q53")
    text = refused(3, client.ask, 10, DOMAIN, (STRING, wrong), (UINT, 0))
    assert "virDomainCreateXML: domcaps runs no machines; libvirt 12.8 would refuse" in text
    assert "q53" in text
    asked = ((DOMAIN, define(client)), (STRING, "<disk/>"), (UINT, 0))
    text = refused(3, client.ask, 160, Record(), *asked)
    assert "virDomainAttachDeviceFlags: domcaps runs no machines" in text
    assert "would refuse this definition: line " in text
    missing = XML.replace("<name>a", "<name>b").replace(
        "</os>", "<kernel>/nowhere/vmlinuz</kernel></os>"
    )
    handle = (DOMAIN, define(client, missing))
    assert "virDomainCreate: domcaps runs no" in refused(3, client.ask, 9, Record(), handle)


def test_a_call_about_a_domain_that_is_not_there_has_libvirts_error(client: Client) -> None:
    for number in (9, 12, 26, 211, 298):
        refused(42, client.ask, number, Record(), (DOMAIN, ("a", bytes(16), -1)))


def test_functions_are_named_as_in_libvirts_api() -> None:
    for number, (name, _) in refused_when_read_only().items():
        assert function_name(number) == name


def test_events_are_sent_by_servers() -> None:
    assert sent_by_servers() == {
        107, *range(169, 174), 195, 224, 241, 248, *range(268, 271), 276, 292, 311, 315,
        *range(318, 334), 339, 346, 348, 354, 359, 362, 363, 367, 370, 373, 376, 377, 379, 382,
        383, 385, 423, 438, 446, *range(453, 456),
    }  # fmt: skip


def test_a_call_with_wrong_arguments_is_answered_with_its_name(client: Client) -> None:
    # each is one of several procedures of one function
    for number, name in (
        (150, "domain_is_active"),
        (152, "network_is_active"),
        (8, "domain_attach_device"),
        (316, "connect_domain_event_callback_register_any"),
    ):
        assert refused(39, client.call, number).startswith(f"{name}: ")


def test_every_procedure_is_answered_by_a_function_or_by_name(client: Client) -> None:
    assert set(procedure_names()) - sent_by_servers() == set(procedures())
    assert "driver: virNodeGetCellsFreeMemory" in refused(3, client.call, 101)
    assert "driver: virConnectGetSysinfo" in refused(3, client.call, 203)
    assert "driver: virNodeDeviceUpdate" in refused(3, client.call, 447)
    # those that the protocol has not, or that a server sends
    for number in (0, -1, 107, 318, 457, 100_000):
        assert refused(39, client.call, number) == f"unknown procedure: {number}"


# -- domains ---------------------------------------------------------------------------------------


def test_a_domain_lasts_as_long_as_its_connection(path: Path) -> None:
    gives = Record(Array(DOMAIN, 100), UINT)
    with serving(FixedHost(HOST, "test"), path):
        with Client(path) as client:
            handle = define(client, flags=1)
            assert handle[0] == "a"
            assert client.ask(273, gives, (INT, 1), (UINT, 0)) == ([handle], 1)
            assert client.ask(273, gives, (INT, 1), (UINT, 1)) == ([], 0)
            assert client.ask(23, DOMAIN, (STRING, "a")) == handle
            assert client.ask(24, DOMAIN, (UUID, handle[1])) == handle
            listed = etree.fromstring(client.ask(14, STRING, (DOMAIN, handle), (UINT, 0)))
            assert listed.findtext("uuid")
            given = Record(UINT, UHYPER, UHYPER, UINT, UHYPER)
            assert client.ask(16, given, (DOMAIN, handle)) == (5, 65536, 65536, 3, 0)
        with Client(path) as other:
            refused(42, other.ask, 23, DOMAIN, (STRING, "a"))
            assert other.ask(273, gives, (INT, 1), (UINT, 0)) == ([], 0)


def test_an_undefined_domain_is_gone(client: Client) -> None:
    handle = define(client)
    client.call(231, pack(Record(DOMAIN, UINT), (handle, 0)))
    refused(42, client.ask, 14, STRING, (DOMAIN, handle), (UINT, 0))


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<domain", 35),
        ("<network/>", 27),
        (XML.replace("q35", "nope"), 67),
        (XML.replace("<name>a</name>", ""), 67),
    ],
)
def test_a_domain_that_libvirt_refuses_is_refused(client: Client, xml: str, code: int) -> None:
    with pytest.raises(CallError) as caught:
        define(client, xml)
    assert caught.value.code in {27, code}


def test_nothing_is_defined_over_a_connection_for_reading(path: Path) -> None:
    with serving(FixedHost(HOST, "test"), path), Client(path, opened=False) as client:
        client.call(1, pack(Record(OPTIONAL_STRING, UINT), (None, 1)))
        refused(29, define, client)


def test_a_client_may_define_so_many_domains(client: Client) -> None:
    for number in range(100):
        define(client, XML.replace("<name>a", f"<name>a{number}"))
    refused(9, define, client)


# -- hosts -----------------------------------------------------------------------------------------


def test_a_zoo_has_a_host_for_each_recording(path: Path, tmp_path: Path) -> None:
    zoo = tmp_path / "zoo"
    zoo.mkdir()
    for name in ("one", "two"):
        save(RECORDING, zoo / f"{name}.domcaps")
    (zoo / "broken.domcaps").write_bytes(b"no recording")
    opens = Record(OPTIONAL_STRING, UINT)
    with serving(RecordingFolder(zoo), path):
        for uri, name in (("qemu:///one", "one"), ("qemu:///system?host=two", "two")):
            with Client(path, opened=False) as client:
                client.call(1, pack(opens, (uri, 0)))
                assert client.hostname() == name
        for uri in ("qemu:///system", "qemu:///three", "qemu:///../zoo/one", "qemu:///broken"):
            with Client(path, opened=False) as client:
                with pytest.raises(CallError):
                    client.call(1, pack(opens, (uri, 0)))
                refused(6, client.hostname)


def test_a_replaced_recording_is_read_again(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "host.domcaps"
    save(RECORDING, file)
    with serving(RecordedHost(file), path), Client(path) as client:
        before = capabilities(client)
        other = (emulator_record(path="/opt/qemu-system-x86_64"),)
        save(Recording(RECORDING.host, other), file)
        after = capabilities(client)
        assert "<path>/opt/qemu-system-x86_64</path>" in after
        assert before != after
        file.unlink()
        with pytest.raises(CallError):
            capabilities(client)


def test_a_host_goes_by_its_name_or_none() -> None:
    source = FixedHost(HOST, "test")
    assert source.get("").host is source.get("test").host
    with pytest.raises(DomcapsError):
        source.get("other")


# -- bad clients -----------------------------------------------------------------------------------


def test_only_few_calls_come_before_open(path: Path) -> None:
    with serving(FixedHost(HOST, "test"), path), Client(path, opened=False) as client:
        assert client.ask(60, INT, (INT, 10)) == 1
        for number in (3, 4, 7, 59, 110, 273, 342, 350):
            refused(6, client.call, number)


def test_another_program_or_version_has_an_error(client: Client) -> None:
    refused(39, client.call, 1, program=0x20008087)
    refused(39, client.call, 1, version=2)
    refused(39, client.call, 3, status=1)
    assert client.hostname() == "test"


def test_arguments_that_are_none_have_an_error(client: Client) -> None:
    for payload in (b"", b"\0\0\0\1\xff\xff\xff\xff", b"\0\0\0\5" * 5):
        refused(39, client.call, 342, payload)
    assert client.hostname() == "test"


def test_a_length_that_is_too_large_ends_the_connection(path: Path) -> None:
    with (
        serving(FixedHost(HOST, "test"), path, limits=ServerLimits(message=1000)),
        Client(path) as client,
    ):
        client.send(b"\x7f\xff\xff\xff")
        assert client.receive() is None
        with Client(path) as other:
            assert other.hostname() == "test"


def test_a_slow_writer_is_dropped_and_holds_up_nobody(path: Path) -> None:
    limits = ServerLimits(message_seconds=0.3)
    with serving(FixedHost(HOST, "test"), path, limits=limits), Client(path) as slow:
        slow.send(message(59)[:10])
        with Client(path) as other:
            began = time.monotonic()
            assert other.hostname() == "test"
            assert time.monotonic() - began < 0.3
        assert slow.receive() is None


def test_who_does_not_read_is_dropped(path: Path) -> None:
    limits = ServerLimits(message_seconds=0.3)
    with serving(FixedHost(HOST, "test"), path, limits=limits), Client(path) as deaf:
        call = message(342, pack(Record(*[OPTIONAL_STRING] * 4, UINT), (None,) * 4 + (0,)))
        deaf.socket.settimeout(5)
        with pytest.raises(OSError):
            for _ in range(100_000):
                deaf.send(call)


def test_who_does_not_open_is_dropped(path: Path) -> None:
    limits = ServerLimits(open_seconds=0.1, ping_seconds=0.1)
    with (
        serving(FixedHost(HOST, "test"), path, limits=limits),
        Client(path, opened=False) as silent,
    ):
        assert silent.receive() is None


def test_large_messages_share_what_memory_there_is(path: Path) -> None:
    limits = ServerLimits(message=200_000, memory=200_000, message_seconds=0.5)
    with serving(FixedHost(HOST, "test"), path, limits=limits), Client(path) as greedy:
        greedy.send(message(59, bytes(190_000))[:100])
        with Client(path) as other:
            # a small one needs none of it
            assert other.hostname() == "test"
            other.send(message(59, bytes(190_000)))
            assert greedy.receive() is None


def test_pings_are_answered_and_sent(path: Path) -> None:
    limits = ServerLimits(ping_seconds=0.1, pings=2)
    with serving(FixedHost(HOST, "test"), path, limits=limits), Client(path) as client:
        client.send(message(1, program=KEEPALIVE, kind=2, serial=0))
        found = client.receive()
        assert found is not None
        assert found[0] == (KEEPALIVE, 1, 2, 2, 0, 0)
        assert client.ask(60, INT, (INT, 10)) == 1
        pings = []
        while (heard := client.receive()) is not None:
            pings.append(heard[0][2])
        # it did not answer, and was given up
        assert pings == [1, 1]


def test_a_ping_is_answered_while_a_call_goes_on(path: Path) -> None:
    go_on = threading.Event()

    class Slow(HostSource):
        def get(self, name: str) -> ServedHost:
            go_on.wait(5)
            return ServedHost(HOST, "slow")

    with serving(Slow(), path), Client(path, opened=False) as client:
        client.send(message(1, pack(Record(OPTIONAL_STRING, UINT), (None, 0))))
        client.send(message(1, program=KEEPALIVE, kind=2, serial=0))
        found = client.receive()
        go_on.set()
        assert found is not None
        assert found[0][0] == KEEPALIVE


def test_a_call_that_takes_too_long_is_given_up(path: Path) -> None:
    go_on = threading.Event()

    class Stuck(HostSource):
        def get(self, name: str) -> ServedHost:
            go_on.wait(5)
            raise OSError(5, "late")

    limits = ServerLimits(call_seconds=0.2)
    with serving(Stuck(), path, limits=limits), Client(path, opened=False) as client:
        refused(68, client.call, 1, pack(Record(OPTIONAL_STRING, UINT), (None, 0)))
        go_on.set()


def test_a_failure_of_ours_is_an_error_and_not_the_end(path: Path) -> None:
    class Broken(HostSource):
        def get(self, name: str) -> ServedHost:
            raise ZeroDivisionError

    with serving(Broken(), path), Client(path, opened=False) as client:
        text = refused(1, client.call, 1, pack(Record(OPTIONAL_STRING, UINT), (None, 0)))
        assert "ZeroDivision" not in text
        assert unpack(Array(INT, 20), client.call(66)) == [0]


def test_there_are_so_many_clients_and_no_more(path: Path) -> None:
    with serving(FixedHost(HOST, "test"), path, limits=ServerLimits(clients=2)):
        with Client(path), Client(path) as second:
            with Client(path, opened=False) as third:
                assert third.receive() is None
            assert second.hostname() == "test"
        deadline = time.monotonic() + 5
        while True:
            with contextlib.suppress(AssertionError, OSError), Client(path) as later:
                assert later.hostname() == "test"
                break
            assert time.monotonic() < deadline


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_thousand_connections_leave_nothing_behind(path: Path) -> None:
    with serving(FixedHost(HOST, "test"), path), Client(path) as client:
        before = _descriptors()
        for _ in range(1000):
            with Client(path, opened=False):
                pass
        assert client.hostname() == "test"
        deadline = time.monotonic() + 5
        while _descriptors() > before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert _descriptors() <= before


# -- odd but tolerable: as live libvirtd 12.8 and 11.3 answer, see tests/live/test_serve_odd_live.py


def test_a_client_that_marks_what_is_there_with_another_number_than_one(path: Path) -> None:
    """As go-libvirt does: the bytes 01 00 00 00."""
    with serving(FixedHost(HOST, "test"), path), Client(path, opened=False) as client:
        client.call(66)
        client.call(1, b"\1\0\0\0" + pack(Record(STRING, UINT), ("qemu:///system", 0)))
        assert client.hostname() == "test"
        odd = b"\0\0\0\2" + pack(STRING, "qemu")
        assert unpack(INT, client.call(5, odd)) == client.ask(5, INT, (OPTIONAL_STRING, "QEMU"))


def test_bytes_after_the_arguments_are_passed_over(client: Client) -> None:
    for more in (b"x", bytes(5), bytes(4000)):
        assert unpack(STRING, client.call(59, more)) == "test"
    given = unpack(STRING, client.call(342, bytes(4 * 4 + 4) + b"junk"))
    assert given == capabilities(client)


def test_text_that_is_no_utf_8_is_text(client: Client) -> None:
    wire = b"\0\0\0\3\xe9\xff\0\0"
    assert "\\udce9" in refused(42, client.call, 23, wire)
    refused(42, client.call, 16, wire + bytes(16) + bytes(4))
    text = refused(35, client.call, 11, pack(STRING, "<domain>\udce9</domain>"))
    assert "xml-malformed" in text


def test_a_uri_that_is_no_utf_8_opens_and_comes_back(path: Path) -> None:
    with serving(FixedHost(HOST, "test"), path), Client(path, opened=False) as client:
        wire = pack(STRING, "qemu:///system?x=\udce9")
        client.call(1, b"\0\0\0\1" + wire + bytes(4))
        assert client.call(110) == wire
        assert client.hostname() == "test"
    with serving(FixedHost(HOST, "test"), path), Client(path, opened=False) as client:
        refused(8, client.call, 1, b"\0\0\0\1" + pack(STRING, "qemu:///\udce9") + bytes(4))


def test_a_connection_is_opened_once(client: Client) -> None:
    again = pack(Record(OPTIONAL_STRING, UINT), (None, 0))
    assert "already open" in refused(1, client.call, 1, again)


def test_numbers_of_results_that_can_not_be_are_refused(client: Client) -> None:
    for number in (21, 37, 36, 38, 72, 74, 127, 138, 140, 179):
        assert "must be non-negative" in refused(39, client.ask, number, INT, (INT, -1))
        assert "LIST_MAX" in refused(39, client.ask, number, INT, (INT, 2**31 - 1))


def test_events_are_registered_once_and_by_their_numbers(client: Client) -> None:
    nothing = Record()
    refused(1, client.ask, 316, INT, (INT, 999), (UINT, 0))
    refused(1, client.ask, 316, INT, (INT, -1), (UINT, 0))
    first = client.ask(316, INT, (INT, 3), (UINT, 0))
    refused(8, client.ask, 316, INT, (INT, 3), (UINT, 0))
    assert client.ask(316, INT, (INT, 3), (Optional(DOMAIN), ("a", bytes(16), -1))) == first + 1
    client.ask(317, nothing, (INT, first))
    refused(1, client.ask, 317, nothing, (INT, first))
    client.ask(167, nothing, (INT, 15))
    refused(8, client.ask, 167, nothing, (INT, 15))
    refused(1, client.ask, 167, nothing, (INT, 16))
    client.ask(168, nothing, (INT, 15))
    refused(1, client.ask, 168, nothing, (INT, 15))
    assert unpack(INT, client.call(105)) == 1
    refused(8, client.call, 105)
    assert unpack(INT, client.call(106)) == 0
    refused(1, client.call, 106)


@pytest.mark.parametrize(
    ("size", "kib"),
    [
        ("<memory unit='PiB'>1</memory>", 2**40),
        ("<memory unit='EiB'>1</memory>", 2**50),
        ("<memory unit='PB'>1</memory>", 10**15 // 1024),
        ("<memory unit='p'>1</memory>", 2**40),
        ("<memory unit='byte'>1025</memory>", 2),
        ("<memory unit='kB'>1000</memory>", 977),
        ("<memory>7</memory>", 7),
        ("<memory unit='MiB'>8</memory><currentMemory unit='MiB'>3</currentMemory>", (8192, 3072)),
    ],
)
def test_memory_is_read_in_every_unit(size: str, kib: int | tuple[int, int]) -> None:
    found = domain_of(etree.fromstring(f"<domain><name>a</name>{size}</domain>".encode()))
    assert (found.memory_kib, found.current_kib) == (kib if isinstance(kib, tuple) else (kib, kib))


# -- sockets ---------------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed")
def test_a_user_who_may_not_gets_nothing(path: Path) -> None:
    with serving(FixedHost(HOST, "test"), path, uids=[4242]):
        path.chmod(0o666)
        path.parent.chmod(0o755)
        with Client(path) as root:
            assert root.hostname() == "test"
        for uid, allowed in ((4242, True), (4343, False)):
            with Client.__new__(Client) as client:
                client.serial = 0
                client.socket = socket.socket(socket.AF_UNIX)
                client.socket.settimeout(5)
                folder = os.open(path.parent, os.O_PATH)
                os.seteuid(uid)
                try:
                    client.socket.connect(f"/proc/self/fd/{folder}/{path.name}")
                except PermissionError:
                    pytest.skip("the folder of temporary files is closed to others")
                finally:
                    os.seteuid(0)
                    os.close(folder)
                with contextlib.suppress(OSError):
                    client.send(message(66))
                assert (client.receive() is not None) == allowed


def test_a_socket_is_its_owners_alone(path: Path) -> None:
    with contextlib.closing(UnixSocket(path)):
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


def test_a_socket_of_nobody_is_replaced_one_in_use_is_not(path: Path) -> None:
    UnixSocket(path).listening.close()
    with contextlib.closing(UnixSocket(path)), pytest.raises(RequestError, match="already"):
        UnixSocket(path)
    path.write_text("precious")
    with pytest.raises(RequestError):
        UnixSocket(path)
    assert path.read_text() == "precious"


def test_an_old_server_leaves_the_socket_of_a_new_one(path: Path) -> None:
    old = UnixSocket(path)
    old.remove_name()
    with contextlib.closing(UnixSocket(path)):
        old.close()
        assert path.is_socket()


@pytest.mark.parametrize("surplus", [1, 100, 5000])
def test_a_path_that_is_too_long_for_a_socket_is_said(tmp_path: Path, surplus: int) -> None:
    length = 108 - len(str(tmp_path)) - 2 + surplus
    with pytest.raises(RequestError, match="at most 107 bytes"):
        UnixSocket(tmp_path / ("x" * length))


def test_servers_started_together_never_remove_each_others_socket(path: Path) -> None:
    UnixSocket(path).listening.close()
    made: list[UnixSocket] = []
    ready = threading.Barrier(8)

    def start() -> None:
        ready.wait()
        with contextlib.suppress(RequestError):
            made.append(UnixSocket(path))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    made[0].close()


@pytest.mark.parametrize(
    "address", ["0.0.0.0:1", "10.0.0.1:1", "[::]:1", "127.0.0.1", "x:1", ":-1"]
)
def test_only_the_loopback_interface_is_listened_at(address: str) -> None:
    with pytest.raises(RequestError):
        tcp_socket(address)


def test_clients_come_over_tcp_as_well() -> None:
    with serving(FixedHost(HOST, "test")) as uri:
        port = int(uri.partition("127.0.0.1:")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port), 5) as connected:
            connected.sendall(message(66))
            assert connected.recv(100)[:4] == b"\0\0\0\x24"


# -- answers that are known already ---------------------------------------------------------------


class Knowing(ServedHost):
    """A host whose reports are known without a look at anything, or not."""

    def __init__(self, report: str | None) -> None:
        super().__init__(HOST, "knowing")
        self.report = report
        self.threads: list[str] = []

    def ready(self, options: dict[str, Any]) -> str | None:
        self.threads.append(threading.current_thread().name)
        return self.report


class KnownSource(FixedHost):
    def __init__(self, served: Knowing) -> None:
        super().__init__(HOST, "knowing")
        self._served = served

    def known(self, name: str) -> ServedHost | None:
        return self.get(name)


def test_a_report_that_is_known_is_given_at_once(path: Path) -> None:
    served = Knowing("<domainCapabilities/>")
    with serving(KnownSource(served), path), Client(path) as client:
        assert capabilities(client) == "<domainCapabilities/>"
    # not in one of the threads for what takes long
    assert served.threads == ["domcaps-serve"]


def test_one_that_is_not_is_made(path: Path) -> None:
    with serving(KnownSource(Knowing(None)), path), Client(path) as client:
        assert capabilities(client) == HOST.domain_capabilities().xml
        # flags are looked at in any case
        refused(8, capabilities, client, flags=8)
