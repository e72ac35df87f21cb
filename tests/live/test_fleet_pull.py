"""Recording over SSH: equal to a recording made on the host; and hosts that fail."""

from __future__ import annotations

import contextlib
import socket
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from command_runner import CliRunner
from domcaps.cli.fleet import command
from domcaps.facts.arch import emulator_names
from domcaps.facts.deciding import deciding
from domcaps.facts.host_record import libvirt_arch
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.record import HostRecord, Recording
from domcaps.fleet.fleet import Fleet
from domcaps.hosts.host import Host
from domcaps.hosts.recorder import record_here
from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost
from fakes import emulator_record
from ssh_server import SshServer, free_port, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    arch = libvirt_arch(HostFiles().uname[0])
    if not Host.local().has_emulator():
        pytest.skip(f"no {emulator_names(arch, arch)[0]} on this machine")
    yield from served(tmp_path_factory.mktemp("ssh"))


def pull(place: Path, server: SshServer, *words: str, code: int = 0) -> Result:
    options = ("--ssh-options", server.options, "--timeout", "60")
    done = CliRunner().invoke(command, ["pull", str(place), "--ssh", *options, *words])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def left_over(folder: Path) -> list[bytes]:
    """Give the command lines of ssh processes that are left."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if f"{folder}/key".encode() in (text := place.read_bytes()):
                found.append(text)
    return found


def test_a_host_with_python_gives_what_a_recording_there_gives(
    server: SshServer, tmp_path: Path
) -> None:
    done = pull(tmp_path / "store", server, f"node-1={server.url('plain')}")
    assert "node-1: class" in done.stderr
    assert "(1 of 1 host)" in done.stderr
    fleet = Fleet.open(tmp_path / "store")
    here = fleet.add(record_here(), "here")
    there = fleet.store.hosts()["node-1"]
    assert there.digest == here.digest
    assert "over SSH (Python)" in there.made_by


def test_a_host_without_python_is_asked_by_a_shell(server: SshServer, tmp_path: Path) -> None:
    path = Host.local().default_emulator()
    pull(tmp_path / "store", server, f"a={server.url('poor')}", "--emulatorbin", path, code=2)
    (server.folder / "poor" / path.rpartition("/")[2]).symlink_to(path)
    pull(tmp_path / "store", server, f"a={server.url('poor')}")
    fleet = Fleet.open(tmp_path / "store")
    recording = fleet.store.recording(fleet.store.hosts()["a"])
    found, own = deciding(recording), deciding(record_here())
    assert [s.answers for s in found.emulators[0].sessions] == [
        s.answers for s in own.emulators[0].sessions
    ]
    # what a shell can't read is not known, and no other value
    assert found.host.kvm.usable == own.host.kvm.usable
    assert (found.host.kvm.max_vcpus, found.host.kvm.smm) == (0, None)
    assert found.node is not None
    assert found.node.cpuid == ()
    assert found.host.firmware == own.host.firmware
    assert found.host.image_sizes == own.host.image_sizes


def failures(text: str) -> dict[str, str]:
    """Give the lines of progress by the names of hosts."""
    lines = [line.removeprefix("domcaps: ").partition(": ") for line in text.splitlines()]
    return {name: said for name, _, said in lines}


def test_hosts_that_fail_do_not_stop_the_others(server: SshServer, tmp_path: Path) -> None:
    refused = f"refused=ssh://127.0.0.1:{free_port()}"
    kinds = [f"{kind}={server.url(kind)}" for kind in ("banner", "early", "lies", "plain")]
    done = pull(
        tmp_path / "store", server, *kinds, refused, "nameless=no-such-host.invalid", code=1
    )
    said = failures(done.stderr)
    assert said["plain"].startswith("class ")
    for name, words in {
        "banner": "did not run the script",
        "early": "did not run the script",
        "lies": "does not have the requested form",
        "refused": "Connection refused",
        "nameless": "not recorded",
    }.items():
        assert words in said[name], said[name]
    assert Fleet.open(tmp_path / "store").hosts.names == ["plain"]


def test_hosts_that_hang_or_print_without_end_are_given_up(
    server: SshServer, tmp_path: Path
) -> None:
    with closing(socket.socket()) as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        hosts = [
            f"deaf=ssh://127.0.0.1:{deaf.getsockname()[1]}",
            f"silent={server.url('silent')}", f"endless={server.url('endless')}",
        ]  # fmt: skip
        started = time.monotonic()
        done = pull(tmp_path / "store", server, *hosts, "--timeout", "3", code=2)
        assert time.monotonic() - started < 20
    said = failures(done.stderr)
    over = "the time for this host is over"
    assert over in said["deaf"]
    assert over in said["silent"]
    assert "printed more than 64 MiB" in said["endless"] or over in said["endless"]
    assert not left_over(server.folder)


def test_libvirt_is_asked_behind_ssh(server: SshServer, tmp_path: Path) -> None:
    """Over ssh to a socket there; beside hosts whose ssh hangs, ends early or says other things."""
    shown = Host.from_recording(
        Recording(HostRecord("x86_64"), (emulator_record(types=("VGA",)),)), "shown"
    )
    path = tmp_path / "s"
    kinds = ("plain", "silent", "early", "banner", "endless")
    hosts = [
        f"{kind}=qemu+ssh://127.0.0.1:{server.ports[kind]}/system?socket={path}" for kind in kinds
    ]
    options = ("--ssh-options", server.options, "--timeout", "8")
    with serving(FixedHost(shown, "test"), path):
        done = CliRunner().invoke(
            command, ["pull", str(tmp_path / "store"), "--libvirt", *options, *hosts]
        )
    assert done.exit_code == 1, (done.output, done.exception)
    said = failures(done.stderr)
    assert said["plain"].startswith("class ")
    assert "no answer in time" in said["silent"]
    assert "closed the connection" in said["early"]
    assert "sends a message of" in said["banner"]
    assert "not recorded" in said["endless"]
    assert Fleet.open(tmp_path / "store").hosts.names == ["plain"]
    assert not left_over(server.folder)


def test_names_and_options_are_checked(tmp_path: Path) -> None:
    for words, message in (
        (["node-1"], "--ssh"),
        (["--ssh", "a=one", "a=two"], "two hosts are named 'a'"),
    ):
        done = CliRunner().invoke(command, ["pull", str(tmp_path), *words])
        assert done.exit_code == 2
        assert message in done.output
    done = CliRunner().invoke(command, ["pull", str(tmp_path), "--ssh", "a=-oProxyCommand=x"])
    assert "not a host that ssh can connect to" in done.stderr
