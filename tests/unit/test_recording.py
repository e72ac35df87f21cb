"""Recordings as files."""

from __future__ import annotations

import gc
import gzip
import os
import resource
import subprocess
import sys
import time
import weakref
import zlib
from typing import TYPE_CHECKING

import msgspec
import pytest

from domcaps.errors import RecordingError
from domcaps.facts import recording as module
from domcaps.facts.question import ask
from domcaps.facts.record import (
    FORMAT,
    Answer,
    EmulatorRecord,
    Failure,
    HostRecord,
    ProbeSession,
    Recording,
)
from domcaps.facts.recording import dumps, load, loads, save
from domcaps.shipped import open_shipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REPLY = b'{"text": "\xc3\xa4", "n":  [1.50, {"b": 1, "a": null}]}'
SMALL = Recording(
    HostRecord("x86_64", kernel="6.12", asserted={"os.loader": ("/a", "/b")}),
    (
        EmulatorRecord(
            "/usr/bin/qemu-system-x86_64",
            (
                ProbeSession("kvm", (Answer(ask("query-version"), msgspec.Raw(REPLY)),)),
                ProbeSession("tcg", failure=Failure("died", "no TCG")),
            ),
            size=12,
            mtime_ns=1_700_000_000_000_000_001,
            inventory=True,
        ),
    ),
    made_by="domcaps",
    comment="für Tests",
)


def large() -> Recording:
    """Make one with about 6 MB of replies in many answers."""
    reply = msgspec.Raw(
        msgspec.json.encode([{"name": f"p{n}", "type": "bool"} for n in range(200)])
    )
    answers = tuple(Answer(ask("device-list-properties", typename=n), reply) for n in range(900))
    return Recording(HostRecord("x86_64"), (EmulatorRecord("/q", (ProbeSession("kvm", answers),)),))


def trouble(data: bytes) -> str:
    with pytest.raises(RecordingError) as caught:
        loads(data, "the-file")
    line = str(caught.value)
    assert line.startswith("the-file: ")
    assert line.endswith(")")
    assert "\n" not in line
    assert len(line) < 500
    return line


def wrap(
    version: object, content: bytes = b'{"host":{"arch":"x"}}', name: str = module.NAME
) -> bytes:
    head = msgspec.json.encode({"format": name, "version": version})
    return head[:-1] + b',"recording":' + content + b"}"


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "host.domcaps"
    save(SMALL, path)
    assert load(path) == SMALL
    assert load(str(path)) == SMALL
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_replies_come_back_as_they_were() -> None:
    answer = loads(dumps(SMALL), "").emulators[0].sessions[0].answers[0]
    assert bytes(answer.reply) == REPLY


def test_the_same_recording_gives_the_same_file() -> None:
    assert dumps(SMALL) == dumps(loads(dumps(SMALL), ""))


def test_the_file_names_itself_and_is_plain_gzip() -> None:
    data = dumps(SMALL)
    assert b"domcaps recording, format 1\0" in data[:64]
    content = msgspec.json.decode(gzip.decompress(data))
    assert list(content) == ["format", "version", "recording"]
    assert content["version"] == FORMAT


def test_uncompressed_content_can_be_read() -> None:
    text = gzip.decompress(dumps(SMALL))
    assert loads(text, "") == SMALL
    indented = msgspec.json.format(text, indent=2)
    again = loads(b"\n" + indented + b"\n", "")
    assert again.emulators[0].path == SMALL.emulators[0].path


def _least_time(work: Callable[[], object]) -> float:
    """Give the seconds of CPU that it takes: the least of five, since the machine may be busy."""
    times = []
    for _ in range(5):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def test_loading_takes_little_more_than_unpacking() -> None:
    data = dumps(large())
    text = gzip.decompress(data)
    assert len(text) > 5_000_000
    unpacked = _least_time(lambda: msgspec.json.decode(gzip.decompress(data)))
    assert _least_time(lambda: loads(data, "")) < 3 * unpacked


def test_truncated_anywhere() -> None:
    data = dumps(SMALL)
    for end in range(len(data)):
        assert trouble(data[:end])


def test_truncated_anywhere_without_compression() -> None:
    text = gzip.decompress(dumps(SMALL))
    for end in range(len(text)):
        assert trouble(text[:end])


def test_one_byte_changed_anywhere() -> None:
    data = dumps(SMALL)
    header = data.index(b"\0", 10) + 1
    for place in range(header, len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x55
        assert trouble(bytes(changed))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\x7fELF\x02\x01", "not a recording"),
        (b"<domainCapabilities/>", "not a recording"),
        (b"{}", "not a recording"),
        (b"[]", "not a recording"),
        (gzip.compress(b"hello", mtime=0), "not a recording"),
        (gzip.compress(b"", mtime=0), "empty"),
        (dumps(SMALL) + b"x", "follows"),
        (dumps(SMALL) * 2, "follows"),
        (wrap(FORMAT + 1, b'{"strange": []}'), f"format {FORMAT + 1}"),
        (wrap(0), "format 0"),
        (wrap(-1), "format -1"),
        (wrap("1"), "version"),
        (wrap(1, b"{}"), "host"),
        (wrap(1, b'{"host": {"arch": 3}}'), "$.host.arch"),
        (wrap(1, name="something else"), "something else"),
        (wrap(1, b'{"host":{"arch":"x"},"comment":"\xff"}'), "utf-8"),
        (
            wrap(1, b'{"host":{"arch":"x"},"new":' + b"[" * 5_000_000 + b"]" * 5_000_000 + b"}"),
            "deep",
        ),
        (b"[" * 1_000_000, "not a recording"),
        (b'{"format":' * 100_000, "not a recording"),
    ],
)
def test_what_is_no_recording(data: bytes, words: str) -> None:
    line = trouble(data)
    # how a limit of depth is called depends on the version of Python
    assert words in line or (words == "deep" and ("recursion" in line or "overflow" in line))


def test_a_newer_format_tells_what_to_do() -> None:
    assert "newer domcaps" in trouble(wrap(FORMAT + 1))


def test_fields_that_a_later_version_of_the_same_format_added_are_passed_over() -> None:
    assert loads(wrap(1, b'{"host":{"arch":"x","more":[1]},"more":2}'), "").host.arch == "x"


# -- size ---------------------------------------------------------------------------------------


def bomb(size: int) -> bytes:
    """Give the gzip file of a JSON string of that length, without making the string."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    chunk = b" " * (1 << 20)
    parts = [packer.compress(b'{"format":"')]
    parts += [packer.compress(chunk) for _ in range(size >> 20)]
    return b"".join([*parts, packer.compress(b'"}'), packer.flush()])


def test_a_string_of_two_gigabytes_in_limited_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(bomb(2 << 30))
    program = """
import resource, sys
limit = 1 << 30
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from domcaps.errors import RecordingError
from domcaps.facts.recording import load
try:
    load(sys.argv[1])
except RecordingError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True)
    assert "larger than" in done.stdout, done.stderr


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(RecordingError, match="larger than 64 MiB"):
        load(path)


# -- files that are none -----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/nonexistent/file", "a\0b", "/dev/zero", "/dev", "x" * 999])
def test_paths_that_can_not_be_read(path: str) -> None:
    with pytest.raises(RecordingError) as caught:
        load(path)
    assert caught.value.remedy


def test_a_pipe_without_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordingError, match="empty"):
        load(tmp_path / "pipe")


def test_a_pipe_can_be_read(tmp_path: Path) -> None:
    save(SMALL, tmp_path / "file")
    program = """
import sys
from domcaps.facts.recording import load
print(load("/dev/stdin").comment)
"""
    shell = f"(sleep 0.1; cat {tmp_path / 'file'}) | {sys.executable} -c '{program}'"
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True)
    assert done.stdout == "für Tests\n", done.stderr


# -- saving -------------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "host.domcaps"
    save(SMALL, path)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores the signal, so that this is an error of write(), as on a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(RecordingError, match="can't be written"):
            save(large(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "path", ["/nonexistent/file", "/proc/version", "/dev/full", "", "a\0b", "/tmp/none/"]
)
def test_what_can_not_be_written(path: str) -> None:
    with pytest.raises(RecordingError) as caught:
        save(SMALL, path)
    assert caught.value.where == path


def test_text_that_is_no_unicode_is_an_error_and_no_file(tmp_path: Path) -> None:
    odd = Recording(HostRecord("x86_64"), (EmulatorRecord("/bin/\udcff"),))
    with pytest.raises(RecordingError):
        save(odd, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    save(SMALL, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert load(tmp_path / "real") == SMALL


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("kind", ["link", "file", "pipe"])
def test_nothing_that_another_user_left_in_a_shared_folder_is_written_to(
    tmp_path: Path, kind: str
) -> None:
    """``record`` writes to a name that can be guessed: that of the host."""
    shared, victim = tmp_path / "shared", tmp_path / "victim"
    shared.mkdir()
    shared.chmod(0o1777)
    victim.write_bytes(b"kept")
    left = shared / "host.domcaps"
    if kind == "link":
        left.symlink_to(victim)
    elif kind == "file":
        left.write_bytes(b"kept")
    else:
        os.mkfifo(left)
    os.lchown(left, 1234, 1234)
    with pytest.raises(RecordingError, match="belongs to another user"):
        save(SMALL, left)
    assert victim.read_bytes() == b"kept"
    assert list(shared.iterdir()) == [left]


def test_permissions(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("")
    old.chmod(0o640)
    mask = os.umask(0o022)
    try:
        save(SMALL, old)
        save(SMALL, tmp_path / "new")
    finally:
        os.umask(mask)
    assert old.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o644


def test_a_pipe_can_be_written() -> None:
    program = """
from domcaps.facts.record import HostRecord, Recording
from domcaps.facts.recording import save
save(Recording(HostRecord("riscv64")), "/dev/stdout")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert loads(done.stdout, "").host.arch == "riscv64"


def test_hosts_of_one_file_share_what_was_read() -> None:
    first, second = open_shipped("sid-x86_64"), open_shipped("sid-x86_64")
    assert first is not second
    assert first.recording is second.recording
    (path, *_) = first.emulators.paths()
    assert first.emulators.get(path) is second.emulators.get(path)
    released = weakref.ref(first.emulators.get(path))
    del first, second
    gc.collect()
    assert released() is None
