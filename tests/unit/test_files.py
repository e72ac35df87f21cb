"""Files are replaced whole or not at all, keep who may read them, and are read within limits."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from domcaps import files
from domcaps.cli import fix
from domcaps.cli.edit import OfFile
from domcaps.destination import destination
from domcaps.file_metadata import copy_metadata

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def rights(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


@pytest.fixture
def domain(tmp_path: Path) -> Path:
    path = tmp_path / "guest.xml"
    path.write_bytes(b"old")
    path.chmod(0o640)
    return path


@ROOT
def test_root_leaves_owner_and_group_as_they_were(domain: Path) -> None:
    os.chown(domain, 1234, 2345)
    before = rights(domain)
    kept = fix.replace(domain, b"old", b"new")
    assert rights(domain) == rights(kept) == before
    assert (domain.read_bytes(), kept.read_bytes()) == (b"new", b"old")


def test_mode_and_attributes_are_kept(domain: Path) -> None:
    domain.chmod(0o2751)
    try:
        os.setxattr(domain, "user.note", b"mine")
    except OSError:
        pytest.skip("this file system has no attributes of users")
    kept = fix.replace(domain, b"old", b"new")
    assert rights(domain)[2] == rights(kept)[2] == 0o2751
    assert os.getxattr(domain, "user.note") == os.getxattr(kept, "user.note") == b"mine"


def test_where_the_owner_can_not_be_kept_nobody_gets_more_rights(
    domain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    found = domain.stat()
    other = os.stat_result((*found[:4], found.st_uid + 1, *found[5:]))
    with (domain.parent / "new").open("wb") as file, domain.open("rb") as source:
        copy_metadata(source.fileno(), other, file.fileno())
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600


def test_nothing_is_ever_readable_by_others(domain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domain.chmod(0o600)
    seen: list[tuple[str, int]] = []
    old_write = os.write

    def watch(handle: int, data: bytes) -> int:
        seen.extend(
            (path.name, stat.S_IMODE(path.stat().st_mode)) for path in domain.parent.iterdir()
        )
        return old_write(handle, data)

    monkeypatch.setattr(os, "write", watch)
    previous = os.umask(0)
    try:
        fix.replace(domain, b"old", b"new")
    finally:
        os.umask(previous)
    assert len({name for name, _ in seen}) >= 3
    assert {mode for _, mode in seen} == {0o600}


@pytest.mark.parametrize("writes", [0, 1])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_disk_leaves_everything_as_it_was(
    domain: Path, monkeypatch: pytest.MonkeyPatch, writes: int, code: int
) -> None:
    left = [writes]
    old_write = os.write

    def fill(handle: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(code, os.strerror(code))
        left[0] -= 1
        return old_write(handle, data)

    monkeypatch.setattr(os, "write", fill)
    with pytest.raises(OSError, match=os.strerror(code)):
        fix.replace(domain, b"old", b"new")
    assert [path.name for path in domain.parent.iterdir()] == ["guest.xml"]
    assert domain.read_bytes() == b"old"


def test_a_short_write_is_continued(domain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old_write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: old_write(handle, data[:1]))
    files.replace(domain, b"longer than before")
    assert domain.read_bytes() == b"longer than before"


def test_an_older_copy_is_not_overwritten(domain: Path) -> None:
    domain.with_name("guest.xml.orig").write_bytes(b"older")
    kept = fix.replace(domain, b"old", b"new")
    assert kept.name == "guest.xml.orig1"
    assert domain.with_name("guest.xml.orig").read_bytes() == b"older"


def test_a_link_that_stands_where_the_copy_goes_is_not_followed(domain: Path) -> None:
    victim = domain.with_name("victim")
    domain.with_name("guest.xml.orig").symlink_to(victim)
    assert fix.replace(domain, b"old", b"new").name == "guest.xml.orig1"
    assert not victim.exists()


def test_a_file_system_without_hard_links(domain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert fix.replace(domain, b"old", b"new").read_bytes() == b"old"
    with destination(domain) as place, pytest.raises(FileExistsError):
        place.create_beside("guest.xml.orig", b"")


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        files.replace(tmp_path / "new", b"x")
    finally:
        os.umask(previous)
    assert rights(tmp_path / "new")[2] == 0o640


@pytest.mark.parametrize("form", ["{}/", "{}/.", "{}/..", "{}//", ""])
def test_a_path_that_names_a_folder_by_its_form_is_refused(tmp_path: Path, form: str) -> None:
    path = form.format(tmp_path / "new")
    with pytest.raises(OSError) as caught:
        files.replace(path, b"x")
    assert caught.value.errno in {errno.EISDIR, errno.ENOENT}
    assert not any(tmp_path.iterdir())


def test_an_absolute_path_is_written_from_a_folder_that_was_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    files.replace(tmp_path / "new", b"x")
    assert (tmp_path / "new").read_bytes() == b"x"
    with pytest.raises(FileNotFoundError):
        files.replace("new", b"x")


# -- reading -----------------------------------------------------------------------------------


def test_what_is_no_file_is_refused_with_its_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "socket"))
        odd = ["/dev/zero", "/dev/full", "/dev/tty", str(tmp_path), f"{tmp_path}/socket", "a\0b"]
        for path in (*odd, f"{tmp_path}/{'x' * 300}", f"{tmp_path}/\udcff", ""):
            with pytest.raises(OSError) as caught:
                files.read(path, 100)
            assert str(caught.value.filename) == path
    assert files.read(tmp_path / "pipe", 100) == b""


def test_a_file_above_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 101)
    with pytest.raises(OSError, match="larger than 100 bytes"):
        files.read(tmp_path / "a", 100)
    assert len(files.read_at_most(tmp_path / "a", 100)) == 100


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def reached(path: Path) -> Path:
    with destination(path) as place:
        return place.path


def victim_of(link: Path) -> Path:
    """Make a file that a link of another user leads to."""
    victim = link.parent.parent / "victim"
    victim.write_bytes(b"kept")
    link.symlink_to(victim)
    os.lchown(link, 1234, 1234)
    return victim


@ROOT
def test_a_link_of_another_user_in_a_shared_folder_is_not_followed(shared: Path) -> None:
    victim = victim_of(shared / "link")
    with pytest.raises(PermissionError, match="belongs to another user"):
        files.replace(shared / "link", b"new")
    with pytest.raises(PermissionError):
        fix.replace(shared / "link", b"kept", b"new")
    assert (victim.read_bytes(), len(list(shared.iterdir()))) == (b"kept", 1)


@ROOT
def test_nor_is_one_on_the_way(shared: Path) -> None:
    (shared / "folder").symlink_to(shared.parent)
    os.lchown(shared / "folder", 1234, 1234)
    with pytest.raises(PermissionError):
        reached(shared / "folder" / "file")
    (shared.parent / "mine").symlink_to("shared/folder/file")
    with pytest.raises(PermissionError):
        reached(shared.parent / "mine")


ANOTHER = 1234
FOLDERS = {"sticky": 0o1777, "open": 0o777, "group": 0o775, "another user's": 0o755}


@pytest.fixture(params=list(FOLDERS))
def foreign(request: pytest.FixtureRequest, shared: Path) -> Path:
    """Give a folder in which another user may make names."""
    shared.chmod(FOLDERS[request.param])
    if request.param == "another user's":
        os.chown(shared, ANOTHER, ANOTHER)
    return shared


@ROOT
def test_root_follows_no_link_of_another_user_wherever_it_is(foreign: Path) -> None:
    victim = victim_of(foreign / "link")
    (foreign / "folder").symlink_to(foreign.parent)
    os.lchown(foreign / "folder", ANOTHER, ANOTHER)
    for path in (foreign / "link", foreign / "folder" / "victim", foreign / "folder" / "new"):
        for write in (
            lambda path=path: files.replace(path, b"new"),
            lambda path=path: fix.replace(path, b"kept", b"new"),
            lambda path=path: OfFile(path).save(b"new"),
        ):
            with pytest.raises(PermissionError, match="belongs to another user"):
                write()
    assert victim.read_bytes() == b"kept"
    assert not (foreign.parent / "new").exists()


def test_links_are_followed_as_the_system_does(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/b")
    (tmp_path / "other").symlink_to(tmp_path / "link")
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "link" / ".." / "x", tmp_path / "other" / "x", tmp_path / "x"):
        assert reached(path) == path.resolve()
    with pytest.raises(OSError, match="links"):
        reached(tmp_path / "loop")


def test_a_link_that_appears_after_links_were_followed_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"kept")
    with destination(tmp_path / "name") as place:
        (tmp_path / "name").symlink_to("victim")
        place.replace(b"new", mode=0o600)
    assert (tmp_path / "victim").read_bytes() == b"kept"
    assert (tmp_path / "name").read_bytes() == b"new"
    # a link has all rights: they are not those of the file that takes its place
    assert rights(tmp_path / "name")[2] == 0o600


@ROOT
@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_another_user_puts_there_meanwhile_gives_the_new_file_no_owner(
    shared: Path, kind: str
) -> None:
    with destination(shared / "name") as place:
        place.require_own()
        if kind == "file":
            (shared / "name").write_bytes(b"old")
        else:
            (shared / "name").symlink_to("old")
        os.lchown(shared / "name", ANOTHER, ANOTHER)
        with pytest.raises(PermissionError, match="belongs to another user"):
            place.replace(b"new")
    assert [path.name for path in shared.iterdir()] == ["name"]
    assert (shared / "name").lstat().st_uid == ANOTHER


def test_an_open_file_without_a_name_is_written_to(tmp_path: Path) -> None:
    with (tmp_path / "name").open("w+b") as file:
        file.write(b"an older and longer text")
        file.flush()
        (tmp_path / "name").unlink()
        files.replace(f"/proc/self/fd/{file.fileno()}", b"new")
        file.seek(0)
        assert file.read() == b"new"
    assert not any(tmp_path.iterdir())


def test_the_root_of_another_process_is_entered(tmp_path: Path) -> None:
    script = f"mount -t tmpfs none {tmp_path} && mkdir {tmp_path}/inner && echo ready && read _"
    command = ["unshare", "-m", "sh", "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            pytest.skip("no namespace of mounts can be made here")
        place = f"/proc/{process.pid}/root{tmp_path}/inner"
        files.replace(f"{place}/file", b"new")
        assert (Path(place) / "file").read_bytes() == b"new"
        process.communicate(b"\n")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a\0b", "\udfff"])
@pytest.mark.parametrize("follow", [True, False])
def test_a_name_that_no_file_can_have_is_an_error_of_the_system(
    tmp_path: Path, name: str, *, follow: bool
) -> None:
    with pytest.raises(OSError), destination(f"{tmp_path}/{name}", follow=follow) as place:
        place.require_own()


def test_a_file_in_the_place_of_a_pipe_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    with destination(tmp_path / "file") as place, pytest.raises(OSError, match="replaced"):
        place.write_into(b"new")
    assert (tmp_path / "file").read_bytes() == b"kept"


_ENDED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from domcaps.cli import fix
os.fsync = lambda handle: os.kill(os.getpid(), getattr(signal, sys.argv[2]))
fix.replace(Path(sys.argv[1]), b"old", b"new")
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_nothing_half_done(domain: Path, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ENDED_WHILE_WRITING, str(domain), name], timeout=60, check=False
    )
    assert done.returncode == -getattr(signal, name)
    assert sorted(path.name for path in domain.parent.iterdir()) == ["guest.xml", "guest.xml.orig"]
    assert domain.read_bytes() == b"new"


def test_a_file_of_the_kernel_that_has_nothing_to_read_yet_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as /proc/kmsg, which is a regular file by its mode
    place = tmp_path / "kmsg"
    os.mkfifo(place)
    writer = os.open(place, os.O_RDWR)
    monkeypatch.setattr(files, "_require_content", lambda *_: None)
    monkeypatch.setattr(stat, "S_ISFIFO", lambda _: False)
    with pytest.raises(OSError, match="nothing to read yet"):
        files.read_at_most(place, 100)
    os.close(writer)


@pytest.mark.parametrize("limit", [0, 1, 65536, 65537, 200_000, 300_000])
def test_no_more_than_the_limit_is_read_of_a_large_file(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(range(250)) * 1000)
    assert files.read_at_most(path, limit) == path.read_bytes()[:limit]


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    content = b"x" * 200_000
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    # a pipe that nobody writes to has nothing to read
    writer = open(path, "wb")  # noqa: PTH123, SIM115 - the thread closes it

    def write() -> None:
        with writer:
            writer.write(content)

    thread = threading.Thread(target=write)
    thread.start()
    assert files.read_handle(reader, len(content) + 1, str(path)) == content
    thread.join()
