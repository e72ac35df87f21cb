"""The sandbox: domains that run as far as a client can tell, and exist in memory alone."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from domcaps.serve.background import serving
from domcaps.serve.limits import ServerLimits
from domcaps.serve.xdr import INT, OPTIONAL_STRING, STRING, UINT, Array, Record, pack
from sandbox_client import (
    DEFINED,
    DESTROYED,
    DOMAIN,
    HOST,
    RESUMED,
    SAVED,
    SHUT_DOWN,
    STARTED,
    SUSPENDED,
    UNDEFINED,
    Watching,
    create,
    define,
    failure,
    names,
    on,
    state,
    warm,
    xml,
)
from serve_client import CallError, Client, message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module", autouse=True)
def _warmed() -> None:
    warm()


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    with serving(HOST, tmp_path / "s", sandbox="user"):
        yield tmp_path / "s"


@pytest.fixture
def client(path: Path) -> Iterator[Watching]:
    with Watching(path) as connected:
        yield connected


def test_a_life_has_the_states_and_events_of_libvirts_test_driver(client: Watching) -> None:
    domain = define(client, xml())
    assert state(client, domain) == (5, 0)
    steps = (
        (9, (), (1, 1), STARTED),
        (34, (), (3, 1), SUSPENDED),
        (28, (), (1, 5), RESUMED),
        (33, (), (5, 1), SHUT_DOWN),
        (9, (), (1, 1), STARTED),
        (12, (), (5, 2), DESTROYED),
        (9, (), (1, 1), STARTED),
        (182, ((UINT, 0),), (5, 5), SAVED),
        (9, (), (1, 1), STARTED),
        (234, ((UINT, 1),), (5, 2), DESTROYED),
    )
    for number, rest, after, _ in steps:
        on(client, number, domain, *rest)
        assert state(client, domain) == after
    on(client, 35, domain)
    expected = [DEFINED, *(event for *_, event in steps), UNDEFINED]
    assert client.lives(len(expected)) == [("a", event) for event in expected]
    assert names(client) == []


def test_a_reboot_leaves_a_domain_running_unless_it_asks_for_another_end(client: Watching) -> None:
    domain = create(client, xml())
    on(client, 34, domain)
    on(client, 27, domain, (UINT, 0))
    assert state(client, domain) == (1, 1)
    on(client, 12, domain)
    ending = create(client, xml("b", "<on_reboot>destroy</on_reboot>"))
    on(client, 27, ending, (UINT, 0))
    lasting = create(client, xml("c", "<on_poweroff>restart</on_poweroff>"))
    on(client, 33, lasting)
    assert names(client) == ["c"]
    assert [event for _, event in client.lives(6)] == [
        STARTED, SUSPENDED, DESTROYED, STARTED, SHUT_DOWN, STARTED
    ]  # fmt: skip


def test_a_domain_has_a_number_while_it_runs(client: Watching) -> None:
    first, second = define(client, xml("a")), define(client, xml("b"))
    assert (first[2], second[2]) == (-1, -1)
    on(client, 9, first)
    started = client.ask(196, DOMAIN, (DOMAIN, second), (UINT, 0))
    assert started[2] == 2
    assert client.ask(22, DOMAIN, (INT, 2)) == started
    assert client.ask(37, Array(INT, 9), (INT, 9)) == [1, 2]
    assert "<domain id='2' " in client.ask(14, STRING, (DOMAIN, started), (UINT, 0))
    assert " id=" not in client.ask(14, STRING, (DOMAIN, started), (UINT, 2))
    on(client, 12, first)
    assert "42: " in failure(client, 22, (INT, 1), gives=DOMAIN)
    assert names(client, 1) == ["b"]
    assert names(client, 2) == ["a"]
    assert client.ask(21, Array(STRING, 9), (INT, 9)) == ["a"]


def test_a_paused_start_is_a_start_and_a_pause(client: Watching) -> None:
    domain = create(client, xml(), flags=1)
    assert state(client, domain) == (3, 1)
    assert [event for _, event in client.lives(2)] == [STARTED, SUSPENDED]


def test_a_transient_domain_ends_for_good_and_can_be_made_to_last(client: Watching) -> None:
    domain = create(client, xml())
    assert client.ask(151, INT, (DOMAIN, domain)) == 0
    assert "cannot undefine transient domain" in failure(client, 35, (DOMAIN, domain))
    assert "transient" in failure(client, 29, (DOMAIN, domain), (INT, 1))
    text = client.ask(14, STRING, (DOMAIN, domain), (UINT, 2))
    assert define(client, text)[1] == domain[1]
    assert client.ask(151, INT, (DOMAIN, domain)) == 1
    on(client, 12, domain)
    assert names(client) == ["a"]
    on(client, 9, domain)
    on(client, 231, domain, (UINT, 0))
    assert client.ask(151, INT, (DOMAIN, domain)) == 0
    on(client, 12, domain)
    assert names(client) == []


def test_a_definition_that_is_refused_fails_with_libvirts_error(client: Watching) -> None:
    for number in (10, 350):
        text = failure(client, number, (STRING, xml(machine="q53")), (UINT, 0), gives=DOMAIN)
        assert text.startswith(("67: unsupported configuration", "8: "))
        assert "q53" in text
    assert client.events == []
    assert names(client) == []


def test_calls_that_a_state_does_not_allow_are_refused(client: Watching) -> None:
    domain = define(client, xml())
    for number, rest in ((12, ()), (34, ()), (28, ()), (33, ()), (182, ((UINT, 0),))):
        assert failure(client, number, (DOMAIN, domain), *rest).startswith("55: Requested operatio")
    on(client, 9, domain)
    for number in (9, 28):
        assert "already running" in failure(client, number, (DOMAIN, domain))
    again = client.ask(14, STRING, (DOMAIN, domain), (UINT, 2))
    assert "already active" in failure(client, 10, (STRING, again), (UINT, 0), gives=DOMAIN)
    # the same name, another UUID
    assert failure(client, 350, (STRING, xml()), (UINT, 0), gives=DOMAIN).startswith("9: ")


def test_variables_of_a_firmware_have_to_be_named_once_there_are_some(client: Watching) -> None:
    loader = "<loader readonly='yes' type='pflash'>/a</loader><nvram template='/c'>/b</nvram></os>"
    text = xml(more="<features><acpi/></features>").replace("</os>", loader)
    domain = define(client, text)
    on(client, 9, domain)
    on(client, 12, domain)
    assert "cannot undefine domain with nvram" in failure(client, 35, (DOMAIN, domain))
    on(client, 231, domain, (UINT, 4))
    assert names(client) == []


def test_passwords_are_given_to_those_alone_who_ask_for_them(client: Watching) -> None:
    more = "<devices><graphics type='vnc' passwd='secret'/></devices>"
    domain = define(client, xml(more=more))
    assert "secret" not in client.ask(14, STRING, (DOMAIN, domain), (UINT, 0))
    assert "secret" in client.ask(14, STRING, (DOMAIN, domain), (UINT, 1))


def test_a_network_card_gets_an_address_and_a_name_on_the_host(client: Watching) -> None:
    more = "<devices><interface type='user'><model type='virtio'/></interface></devices>"
    domain = define(client, xml(more=more))
    stored = client.ask(14, STRING, (DOMAIN, domain), (UINT, 0))
    assert '<mac address="52:54:00:' in stored
    assert "vnet" not in stored
    on(client, 9, domain)
    assert 'dev="vnet0"' in client.ask(14, STRING, (DOMAIN, domain), (UINT, 0))
    assert client.ask(14, STRING, (DOMAIN, domain), (UINT, 2)) == stored
    other = create(client, xml("b", more))
    assert 'dev="vnet1"' in client.ask(14, STRING, (DOMAIN, other), (UINT, 0))


def test_all_connections_of_a_user_share_a_sandbox_and_its_events(
    path: Path, client: Watching
) -> None:
    with Client(path) as other:
        domain = create(other, xml())
        assert names(client) == ["a"]
    assert names(client) == ["a"], "it outlives the connection that started it"
    on(client, 12, domain)
    assert [event for _, event in client.lives(2)] == [STARTED, DESTROYED]


def test_a_domain_may_end_with_its_connection(path: Path, client: Watching) -> None:
    with Client(path) as other:
        create(other, xml(), flags=2)
        assert names(client) == ["a"]
    assert [event for _, event in client.lives(2)] == [STARTED, DESTROYED]
    assert names(client) == []


def test_a_sandbox_may_belong_to_one_connection(tmp_path: Path) -> None:
    with serving(HOST, tmp_path / "s", sandbox="connection"), Client(tmp_path / "s") as first:
        create(first, xml())
        with Client(tmp_path / "s") as second:
            assert names(second) == []
            create(second, xml())


def test_a_read_only_connection_changes_nothing(path: Path, client: Watching) -> None:
    domain = define(client, xml())
    with Client(path, opened=False) as reader:
        reader.call(66)
        reader.call(1, pack(Record(OPTIONAL_STRING, UINT), ("qemu:///system", 1)))
        assert names(reader) == ["a"]
        for number in (9, 12, 28, 29, 33, 34, 35, 196, 231, 350, 10):
            assert failure(reader, number, (DOMAIN, domain)).startswith("29: operation forbidden")


def test_what_a_sandbox_can_not_do_is_refused_by_name(client: Watching) -> None:
    domain = create(client, xml())
    text = failure(client, 211, (DOMAIN, domain), (UINT, 0), (UINT, 0))
    assert text.endswith("connection driver: virDomainScreenshot")


def test_a_sandbox_is_bounded(tmp_path: Path) -> None:
    limits = ServerLimits(kept=40_000, kept_each=20_000)
    with serving(HOST, tmp_path / "s", sandbox="user", limits=limits):
        with Client(tmp_path / "s") as client:
            for number in range(100):
                with contextlib.suppress(CallError):
                    create(client, xml(f"n{number}", f"<title>{'x' * 500}</title>"))
            count = len(names(client))
            assert 3 < count < 15
            assert failure(client, 10, (STRING, xml("more")), (UINT, 0), gives=DOMAIN)[:3] == "2: "
            assert len(names(client)) == count
        with Client(tmp_path / "s") as client:
            for name in names(client):
                on(client, 12, client.ask(23, DOMAIN, (STRING, name)))
            assert names(client) == []
            create(client, xml("more"))


def test_a_client_that_does_not_read_its_events_is_disconnected(path: Path) -> None:
    with Watching(path) as deaf, Client(path) as other:
        domain = create(other, xml())
        suspend = message(34, pack(DOMAIN, domain))
        resume = message(28, pack(DOMAIN, domain))
        for _ in range(4000):
            other.send(suspend + resume)
            for _ in range(2):
                head, _ = other.receive() or ((), b"")
                assert head[5] == 0
        # what was sent before may be read, then the connection ends
        with contextlib.suppress(ConnectionResetError):
            while deaf.socket.recv(65536):
                pass
        assert names(other) == ["a"]
