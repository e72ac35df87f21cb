"""The pytest plugin, as somebody else's tests use it."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from domcaps.facts.record import HostRecord, Recording
from domcaps.facts.recording import save
from domcaps.language import parse_dialect
from domcaps.serve.hosts import RecordedHost
from domcaps.serve.server import Server
from domcaps.serve.sockets import tcp_socket
from fakes import emulator_record

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "some.domcaps"
    save(Recording(HostRecord("x86_64"), (emulator_record(types=("VGA",)),)), path)
    return path


def test_a_test_is_given_the_uri_of_a_recorded_host(
    pytester: pytest.Pytester, recording: Path
) -> None:
    pytester.makeconftest('pytest_plugins = ["domcaps.serve.plugin"]')
    pytester.makepyfile(
        f"""
        import socket
        from urllib.parse import urlsplit

        URIS = []

        def connect(uri):
            found = urlsplit(uri)
            assert (found.scheme, found.path) == ("qemu+tcp", "/system")
            return socket.create_connection((found.hostname, found.port), timeout=5)

        def test_one(domcaps_uri):
            URIS.append(domcaps_uri({str(recording)!r}))
            connect(URIS[0]).close()

        def test_two_at_once(domcaps_uri):
            uris = [domcaps_uri({str(recording)!r}) for _ in range(2)]
            assert len(set(uris)) == 2
            for uri in uris:
                connect(uri).close()

        def test_that_of_a_test_before_is_gone():
            try:
                connect(URIS[0])
            except OSError:
                return
            raise AssertionError("it still listens")
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize("steps", range(8))
def test_a_client_that_arrives_while_the_server_ends_is_not_served(
    steps: int, recording: Path
) -> None:
    """The connection is at each point between its acceptance and its first call."""

    async def arrive_and_stop() -> int:
        server = Server(RecordedHost(recording), parse_dialect("12.8"))
        listening = tcp_socket("127.0.0.1:0")
        await server.start([listening])
        with socket.create_connection(listening.getsockname()[:2], timeout=5):
            for _ in range(steps):
                await asyncio.sleep(0)
            await server.stop()
            await asyncio.sleep(0.02)
            return server.clients

    assert asyncio.run(arrive_and_stop()) == 0


def test_a_recording_that_comes_along_is_served_by_its_name(pytester: pytest.Pytester) -> None:
    from domcaps.shipped import shipped_names

    names = shipped_names()
    if not names:
        pytest.skip("no recording is shipped")
    pytester.makeconftest('pytest_plugins = ["domcaps.serve.plugin"]')
    pytester.makepyfile(
        f"""
        def test_it(domcaps_uri):
            assert domcaps_uri("shipped:{names[0]}").startswith("qemu+tcp://127.0.0.1:")
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_what_is_no_recording_is_said_by_the_test_that_asks(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["domcaps.serve.plugin"]')
    pytester.makepyfile(
        """
        import pytest
        from domcaps.errors import DomcapsError

        def test_it(domcaps_uri):
            with pytest.raises(DomcapsError):
                domcaps_uri("/nowhere.domcaps")
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
