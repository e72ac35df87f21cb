"""Every command that writes a file: where it goes is not for another user to choose."""

from __future__ import annotations

import ast
import os
import socket
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import domcaps
from command_runner import CliRunner
from domcaps.cli import _root
from domcaps.errors import FleetError, RequestError
from domcaps.facts.recording import save
from domcaps.facts.shipped import load_shipped
from domcaps.fleet.index import VerdictIndex
from domcaps.serve import sockets
from domcaps.serve.sockets import UnixSocket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.destination import FileDestination

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
ANOTHER = 1234
HOST = "shipped:debian12-x86_64"
DOMAIN = """<domain type='qemu'><name>a</name><memory>1048576</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><video><model type='none-such'/></video></devices></domain>"""
TRANSCRIPT = (
    '{"execute": "qmp_capabilities", "id": "1"} {"return": {}, "id": "1"}'
    '{"execute": "query-target", "id": "3"} {"return": {"arch": "x86_64"}, "id": "3"}'
)

COMMANDS = {
    "record": ("record", "--redact", "--from", "{recording}", "-o", "{link}"),
    "import": ("import", "{transcript}", "-o", "{link}"),
    "validate": ("validate", "--host", HOST, "--add-known", "{link}", "{domain}"),
    "new": ("new", "--name", "a", "--host", HOST, "--pin", "{link}"),
    "fix": ("fix", "--host", HOST, "--write", "--yes", "{link}"),
    "convert": ("convert", "--to-host", HOST, "--to", "pc", "--write", "{link}"),
}
"""Command lines that write to the place of a link; fleets have more than one file."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recording") / "a.domcaps"
    save(load_shipped("debian12-x86_64"), path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder without the sticky bit in which everybody may make names."""
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def planted(link: Path, target: str) -> Path:
    link.symlink_to(target)
    os.lchown(link, ANOTHER, ANOTHER)
    return link


@ROOT
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_follows_a_link_of_another_user(
    name: str, folder: Path, recording: Path
) -> None:
    # what is read before it is written has to be readable as such
    victim = folder.parent / "victim.xml"
    victim.write_text(DOMAIN)
    domain = folder.parent / "domain.xml"
    domain.write_text(DOMAIN)
    transcript = recording.with_name("a.replies")
    transcript.write_text(TRANSCRIPT)
    link = planted(folder / "link.xml", "../victim.xml" if name in {"fix", "convert"} else "../new")
    names = {"link": link, "recording": recording, "domain": domain, "transcript": transcript}
    words = [word.format(**names) for word in COMMANDS[name]]
    done = CliRunner().invoke(_root, words)
    assert "belongs to another user" in done.output + str(done.exception), done.output
    assert done.exit_code
    assert victim.read_text() == DOMAIN
    assert sorted(path.name for path in folder.parent.iterdir()) == [
        "domain.xml", "open", "victim.xml",
    ]  # fmt: skip
    assert [path.name for path in folder.iterdir()] == ["link.xml"]


@pytest.mark.parametrize("name", ["record", "import", "fleet page"])
def test_a_name_of_a_folder_makes_no_file(name: str, tmp_path: Path, recording: Path) -> None:
    transcript, store = tmp_path / "a.replies", tmp_path / "store"
    transcript.write_text(TRANSCRIPT)
    assert not CliRunner().invoke(_root, ["fleet", "add", str(store), str(recording)]).exit_code
    commands = COMMANDS | {"fleet page": ("fleet", "page", str(store), "-o", "{link}")}
    names = {"link": f"{tmp_path}/new/", "recording": recording, "transcript": transcript}
    done = CliRunner().invoke(_root, [word.format(**names) for word in commands[name]])
    assert done.exit_code
    assert "not the name of a file" in done.output + str(done.exception), done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.replies", "store"]


@ROOT
@pytest.mark.parametrize("part", ["", ".parts", "objects", "hosts"])
def test_a_store_of_a_fleet_follows_none_either(part: str, folder: Path, recording: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    store = folder / "store"
    if part:
        store.mkdir()
    planted(store / part if part else store, str(outside))
    done = CliRunner().invoke(_root, ["fleet", "add", str(store), str(recording)])
    if done.exit_code == 0:
        # a folder of that name is not one of the store
        assert not (store / part).resolve().samefile(outside) or not any(outside.iterdir())
    else:
        assert "belongs to another user" in done.output + str(done.exception), done.output
    assert not any(outside.iterdir())


@ROOT
def test_nor_does_the_index_of_verdicts(folder: Path) -> None:
    planted(folder / "index", "../new")
    with pytest.raises((PermissionError, FleetError), match="belongs to another user"):
        VerdictIndex(folder / "index", "scope")
    assert not (folder.parent / "new").exists()


@ROOT
def test_nor_does_the_socket_of_the_server(folder: Path) -> None:
    planted(folder / "link", str(folder.parent))
    with pytest.raises(PermissionError, match="belongs to another user"):
        UnixSocket(folder / "link" / "socket")
    assert not (folder.parent / "socket").exists()


@ROOT
def test_nor_does_the_server_touch_a_stale_socket_behind_a_link(folder: Path) -> None:
    stale_socket(folder.parent / "socket")
    planted(folder / "link", str(folder.parent))
    with pytest.raises(PermissionError, match="belongs to another user"):
        UnixSocket(folder / "link" / "socket")
    assert (folder.parent / "socket").is_socket()


@ROOT
def test_the_server_removes_no_stale_socket_of_another_user(folder: Path) -> None:
    stale_socket(folder / "socket")
    os.chown(folder / "socket", ANOTHER, ANOTHER)
    with pytest.raises(PermissionError, match="belongs to another user"):
        UnixSocket(folder / "socket")
    assert (folder / "socket").stat().st_uid == ANOTHER


@pytest.mark.parametrize("stale", [False, True])
def test_a_link_that_appears_while_a_socket_is_made_leads_it_nowhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, stale: bool
) -> None:
    victim, inner = folder.parent / "victim", folder / "inner"
    victim.mkdir()
    inner.mkdir()
    if stale:
        stale_socket(victim / "socket")
    before = (victim / "socket").exists()
    locked = sockets._locked

    @contextmanager
    def exchange(place: FileDestination) -> Iterator[None]:
        inner.rename(folder / "other")
        inner.symlink_to(victim)
        with locked(place):
            yield

    monkeypatch.setattr(sockets, "_locked", exchange)
    with closing(UnixSocket(inner / "socket")):
        assert (folder / "other" / "socket").is_socket()
    assert (victim / "socket").exists() == before


def test_tools_show_the_path_of_a_socket(tmp_path: Path) -> None:
    with closing(UnixSocket(tmp_path / "socket")) as made:
        assert made.listening.getsockname() == str(tmp_path / "socket")


def test_a_server_that_is_too_busy_to_accept_is_not_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as busy, ExitStack() as clients:
        busy.bind(str(tmp_path / "socket"))
        busy.listen(0)
        for _ in range(3):
            client = clients.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            with suppress(BlockingIOError):
                client.connect(str(tmp_path / "socket"))
        with pytest.raises(RequestError, match="a process listens there already"):
            UnixSocket(tmp_path / "socket")


def stale_socket(path: Path) -> None:
    """Leave the name of a socket at which no process listens."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def test_the_mode_of_a_socket_is_not_given_to_what_takes_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("x")
    victim.chmod(0o600)
    listen = socket.socket.listen

    def exchange(made: socket.socket, backlog: int) -> None:
        (tmp_path / "socket").unlink()
        (tmp_path / "socket").symlink_to("victim")
        listen(made, backlog)

    monkeypatch.setattr(socket.socket, "listen", exchange)
    UnixSocket(tmp_path / "socket", 0o666).listening.close()
    assert victim.stat().st_mode & 0o777 == 0o600


OPENERS = frozenset(
    {
        "destination.py",  # the one for files that people name
        "cli/_closed_streams.py",  # /dev/null alone
        "fresh/disk.py",  # a folder that belongs to this user alone
        "cli/edit.py", "verify/trying.py", "verify/throwaway.py", "verify/whole/images.py",
        "verify/whole/backend_stand_ins.py",  # folders of their own, made by mkdtemp
    }
)  # fmt: skip
MODES = frozenset({"w", "wb", "a", "ab", "x", "xb", "r+b", "w+b", "r+"})
WRITING = ("write_text", "write_bytes", "mkdtemp", "mkstemp", "touch")


def writes(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in {*WRITING, "O_CREAT", "O_TRUNC"}
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    modes = [word.value for word in node.args if isinstance(word, ast.Constant)]
    return name == "open" and any(m in MODES for m in modes)


def test_one_module_opens_the_files_that_commands_write() -> None:
    root = Path(domcaps.__file__).parent
    # all but the tables, of which the largest takes seconds to parse
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if "elements" not in path.parts
        if any(map(writes, ast.walk(ast.parse(path.read_text()))))
    }
    assert found <= OPENERS
