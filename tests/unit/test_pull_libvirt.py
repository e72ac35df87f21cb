"""Hosts of which only libvirt can be asked: over each kind of connection, and those that fail."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest

from command_runner import CliRunner
from domcaps.cli.fleet import command
from domcaps.errors import DomcapsError, FleetError, LibvirtCallError, RequestError
from domcaps.facts.launch import Command
from domcaps.facts.record import HostRecord, Recording
from domcaps.facts.trust import ProgramKind
from domcaps.fleet.fleet import Fleet
from domcaps.hosts.host import Host
from domcaps.serve import links
from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost
from domcaps.serve.links import host_of, link_to
from domcaps.serve.offered import read_capabilities
from domcaps.serve.recorder import record_libvirt
from fakes import emulator_record
from lying_proxy import lying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

# of this one only a few machine types are recorded, which is quick
SMALL = Host.from_recording(
    Recording(HostRecord("x86_64"), (emulator_record(types=("VGA", "qxl-vga", "qxl")),)), "small"
)
PATH = "/usr/bin/qemu-system-x86_64"


def pull(store: Path, *words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(command, ["pull", str(store), "--libvirt", *words])
    assert done.exit_code == code, (done.output, done.exception)
    return done


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("served") / "s"
    with serving(FixedHost(SMALL, "test"), path):
        yield path


def uri_of(path: Path) -> str:
    return f"qemu:///system?socket={path}"


def test_sockets_and_tcp_are_asked_alike(behind: Path, tmp_path: Path) -> None:
    with serving(FixedHost(SMALL, "test")) as tcp:
        done = pull(
            tmp_path, f"one={uri_of(behind)}", f"two={tcp}", f"qemu+unix://{uri_of(behind)[7:]}"
        )
    assert len(re.findall(r"class [0-9a-f]{16}", done.stderr)) == 3
    fleet = Fleet.open(tmp_path)
    manifests = fleet.store.hosts()
    assert len(manifests) == 3
    assert len({one.digest for one in manifests.values()}) == 1
    host = fleet.host("two")
    assert host.recording is not None
    assert "over libvirt" in host.recording.made_by
    assert "firmware" in host.recording.host.unread
    assert host.domain_capabilities(machine="q35").xml == (
        SMALL.domain_capabilities(machine="q35").xml
    )


def test_the_name_is_that_of_the_host_in_the_uri(tmp_path: Path) -> None:
    with serving(FixedHost(SMALL, "test")) as tcp:
        pull(tmp_path, tcp)
    assert list(Fleet.open(tmp_path).store.latest()) == ["127.0.0.1"]


def test_an_emulator_that_is_not_there_is_an_error_that_names_those_that_are(
    behind: Path, tmp_path: Path
) -> None:
    done = pull(tmp_path, uri_of(behind), "--emulatorbin", "/usr/bin/qemu", code=2)
    assert f"libvirt has no emulator '/usr/bin/qemu'; it has {PATH}" in done.stderr
    pull(tmp_path, uri_of(behind), "--emulatorbin", PATH)


def test_one_way_is_named(tmp_path: Path) -> None:
    for words in (["a"], ["--ssh", "--libvirt", "a"]):
        done = CliRunner().invoke(command, ["pull", str(tmp_path), *words])
        assert done.exit_code == 2
        assert "one of --ssh and --libvirt" in done.output


# -- hosts that fail -------------------------------------------------------------------------------


@contextlib.contextmanager
def listening(path: Path, behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen at a path; `behave` gets each client."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(0.1)
        ended = threading.Event()

        def accept() -> None:
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    client, _ = listener.accept()
                    with client:
                        client.settimeout(10)
                        behave(client)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield uri_of(path)
        finally:
            ended.set()
            thread.join()


def silent(client: socket.socket) -> None:
    while client.recv(1 << 16):
        pass


def flood(client: socket.socket) -> None:
    """Send events without end."""
    event = struct.pack(">IIIiIII", 28, 0x20008086, 1, 5, 2, 0, 0)
    while True:
        client.sendall(event * 1000)


def slow(client: socket.socket) -> None:
    """Send a message byte by byte, so that something always arrives."""
    for byte in struct.pack(">I", 1 << 20) + bytes(1000):
        client.sendall(bytes([byte]))
        time.sleep(0.05)


def large(client: socket.socket) -> None:
    client.sendall(struct.pack(">I", 0xFFFFFFFF))
    silent(client)


def other(client: socket.socket) -> None:
    client.sendall(b"SSH-2.0-OpenSSH_10.0\r\n")
    silent(client)


def empty(client: socket.socket) -> None:
    client.recv(1)


@pytest.mark.parametrize(
    ("behave", "message"),
    [
        (silent, "no answer in time"), (flood, "no answer in time"), (slow, "no answer in time"),
        (large, "sends a message of"), (other, "sends a message of"), (empty, "closed"),
    ],
)  # fmt: skip
def test_a_libvirt_that_misbehaves_fails_alone_and_in_time(
    behave: Callable[[socket.socket], None], message: str, behind: Path, tmp_path: Path
) -> None:
    started = time.monotonic()
    with listening(tmp_path / "s", behave) as uri:
        done = pull(
            tmp_path / "store", f"bad={uri}", f"gone={uri_of(tmp_path / 'gone')}",
            f"good={uri_of(behind)}", "--timeout", "2", code=1,
        )  # fmt: skip
    assert time.monotonic() - started < 15
    bad, gone, good = sorted(done.stderr.splitlines())
    assert message in bad
    assert "no connection" in gone
    assert "class" in good
    assert list(Fleet.open(tmp_path / "store").store.latest()) == ["good"]


@pytest.mark.parametrize(
    ("lie", "message"),
    [
        (lambda _: "no XML", "malformed"),
        (lambda _: "<domain/>", "malformed"),
        (lambda text: text[: len(text) // 2], "malformed"),
        (
            lambda text: re.sub("<machine>.*</machine>", "<machine>none</machine>", text),
            "not about",
        ),
        (lambda text: text.replace("<arch>x86_64", "<arch>aarch64"), "not about"),
        (lambda text: text.replace(PATH, "/bin/sh"), "not about"),
        (lambda text: text.replace("<domain>qemu", "<domain>kvm"), "not about"),
        (lambda _: "<a>" * 100_000, "malformed"),
    ],
)
def test_a_report_about_something_else_is_refused(
    lie: Callable[[str], str], message: str, behind: Path, tmp_path: Path
) -> None:
    with lying(tmp_path / "p", behind, lie), pytest.raises(FleetError, match=message):
        record_libvirt(uri_of(tmp_path / "p"))


def test_a_libvirt_that_lies_about_features_hurts_only_itself(behind: Path, tmp_path: Path) -> None:
    with lying(tmp_path / "p", behind, lambda text: text.replace("<value>vga</value>", "")):
        pull(tmp_path / "store", f"liar={uri_of(tmp_path / 'p')}", f"good={uri_of(behind)}")
    hosts = Fleet.open(tmp_path / "store")
    found = {name: "vga" in hosts.host(name).domain_capabilities(machine="q35").xml
             for name in ("liar", "good")}  # fmt: skip
    assert found == {"liar": False, "good": True}


GUEST = """<guest><os_type>hvm</os_type><arch name='x86_64'><emulator>/q</emulator>{}
<domain type='qemu'/></arch></guest>"""


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "<domain/>", "<capabilities/>",
        "<capabilities><host><cpu><arch>z80</arch></cpu></host></capabilities>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><capabilities>&b;</capabilities>",
        GUEST.format("<machine>a b</machine>"), GUEST.format("<machine>-x</machine>"),
        GUEST.format("<machine canonical='../x'>a</machine>"),
        GUEST.format("<machine>a</machine>" * 1001), GUEST.format("") * 101,
        GUEST.replace("/q", "q"), GUEST.replace("/q", "/q\n/r"), GUEST.replace("x86_64", "none"),
    ],
)  # fmt: skip
def test_capabilities_of_another_form_are_refused(text: str) -> None:
    if text.startswith("<guest>"):
        head = "<host><cpu><arch>x86_64</arch></cpu></host>"
        text = f"<capabilities>{head}{text}</capabilities>"
    with pytest.raises(FleetError, match="malformed"):
        read_capabilities(text.encode(), "x")


def test_odd_numbers_of_capabilities_count_as_none() -> None:
    text = """<capabilities><host><cpu><arch>x86_64</arch><pages unit='KiB' size='4'/>
<pages unit='KiB' size='2048'/></cpu><topology><cells><cell id='0'><memory unit='MiB'>2</memory>
<cpus><cpu id='0'/><cpu id='1'/></cpus></cell><cell id='9999999999999999999'><cpus/></cell></cells>
</topology></host><guest><os_type>hvm</os_type><arch name='x86_64'><emulator>/q</emulator>
<machine maxCpus='1e9' deprecated='yes'>pc-1</machine><machine canonical='pc-1'>pc</machine>
<domain type='qemu'/><domain type='xen'/></arch></guest></capabilities>"""
    found = read_capabilities(text.encode(), "x")
    (guest,) = found.guests
    assert guest.virttypes == ("qemu",)
    assert [tuple(one) for one in guest.machines] == [("pc-1", "pc", 0, False)]
    assert found.hugepage_sizes_kib == (2048,)
    assert [(cell.id, cell.memory_kib, cell.cpus) for cell in found.cells] == [
        (0, 2048, (0, 1)), (0, 0, ())
    ]  # fmt: skip


# -- URIs and ssh ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "xen:///system", "qemu+tls://a/system", "qemu+ssh://a/", "qemu+ssh://a:b/system",
        "qemu+tcp:///system", "qemu://host/system", "http://a/system", "", "qemu+ssh://[a/system",
        "qemu+libssh2://a/system",
    ],
)  # fmt: skip
def test_other_uris_are_refused(uri: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="not the URI"):
        link_to(uri, 1.0)
    pull(tmp_path, f"a={uri}" if uri else "a=x", code=2)


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "a b", "a;b", "$(x)", ""])
def test_no_part_of_a_uri_becomes_an_option_of_ssh(host: str) -> None:
    with pytest.raises(DomcapsError):
        link_to(f"qemu+ssh://{host}/system", 1.0)


def test_names_in_uris() -> None:
    assert host_of("qemu+ssh://admin@node-1:2222/system") == "node-1"
    assert host_of("qemu+tcp://[::1]:5/system") == "::1"
    assert host_of("qemu:///system") == ""


class LocalHost:
    """Runs here what ssh would run there."""

    def __init__(self, seen: list[str], before: str = "") -> None:
        self._seen, self._before = seen, before

    def command(self, remote: str) -> Command:
        self._seen.append(remote)
        return Command("/bin/sh", ("-c", self._before or remote), ProgramKind.TOOL)


@pytest.fixture
def ssh(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let commands for ssh run here; gives the destinations and what was to be run."""
    seen: list[str] = []

    def host(destination: str, options: object) -> LocalHost:
        seen.append(destination)
        return LocalHost(seen, {"mute": "exec sleep 60", "no": "echo refused >&2; exit 255"}.get(
            destination, ""))  # fmt: skip

    monkeypatch.setattr(links, "ssh_host", host)
    return seen


def test_a_socket_behind_ssh_is_reached_by_a_program_there(behind: Path, ssh: list[str]) -> None:
    found = record_libvirt(f"qemu+ssh://admin@node-1:2222/system?socket={behind}")
    assert found.emulators[0].path == PATH
    assert ssh[0] == "ssh://admin@node-1:2222"
    assert "virt-ssh-helper" not in ssh[1]
    with pytest.raises(LibvirtCallError):
        record_libvirt("qemu+ssh://node-1/session", seconds=5)
    assert "exec virt-ssh-helper qemu:///session" in ssh[3]


def test_an_ssh_that_fails_or_hangs_is_ended(ssh: list[str], tmp_path: Path) -> None:
    with pytest.raises(LibvirtCallError, match="refused"):
        record_libvirt("qemu+ssh://no/system", seconds=5)
    with pytest.raises(LibvirtCallError, match="no socket of libvirt"):
        record_libvirt(f"qemu+ssh://a/system?socket={tmp_path / 'none'}", seconds=5)
    started = time.monotonic()
    with pytest.raises(LibvirtCallError, match="no answer in time"):
        record_libvirt("qemu+ssh://mute/system", seconds=1)
    assert time.monotonic() - started < 8
    assert ssh
