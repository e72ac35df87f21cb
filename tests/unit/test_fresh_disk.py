"""The cache on the disk: whatever is there, it is an answer that holds or it is not there."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fresh_fakes as fakes
from domcaps.fresh.disk import FILE_LIMIT, DiskStore, StoredTrace, cache_folder
from domcaps.fresh.witness import Content, EnvironmentVariable, Listing
from fresh_crash import NAME, is_whole, kill_many, trace
from fresh_fakes import PretendedHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.fresh.probing import Probed

OTHER = "f" * 32


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    store = DiskStore(tmp_path / "cache")
    assert store.save(NAME, trace(1))
    return store


def file_of(store: DiskStore, name: str = NAME) -> Path:
    return store.folder / f"{name}.trace"


def test_what_was_stored_is_read_back(store: DiskStore) -> None:
    stored = store.load(NAME)
    assert stored == trace(1)
    assert store.load(OTHER) is None


def test_every_witness_can_be_stored(store: DiskStore) -> None:
    depends = (
        (Content("/x", 5), "a", None),
        (Listing("/y"), "b", None),
        (EnvironmentVariable("Z"), "c", None),
    )
    assert store.save(NAME, StoredTrace(depends, b"1"))
    stored = store.load(NAME)
    assert stored is not None
    assert stored.depends == depends


def test_nobody_else_may_read_it(store: DiskStore) -> None:
    assert store.folder.stat().st_mode & 0o777 == 0o700
    assert file_of(store).stat().st_mode & 0o777 == 0o600


def test_folders_above_that_are_made_are_the_users_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert DiskStore(tmp_path / "home/.cache/domcaps").save(NAME, trace(1))
    finally:
        os.umask(before)
    for folder in ("home", "home/.cache", "home/.cache/domcaps"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


def replaced(data: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(data)


def altered(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


NONSENSE = [
    b"",
    b"\n",
    b"[]",
    b"{}\n1",
    b"NaN\n1",
    b"[1]\n1",
    b'[[["Rocket","/"],"x",null]]\n1',
    b'[[["PlainRecord"],"x",null]]\n1',
    b'[[["Listing"],"x",null]]\n1',
    b'[[["Listing","/","/"],"x",null]]\n1',
    b'[[["Listing",1],"x",null]]\n1',
    b'[[[[],"/"],"x",null]]\n1',
    b'[[["Content","/",true],"x",null]]\n1',
    b'[[["DeviceNode","/",[1]],"x",null]]\n1',
    b'[[["Listing","/"],1,null]]\n1',
    b'[[["Listing","/"],"x",[1,2,3]]]\n1',
    b'[[["Listing","/"],"x",[1,2,3,4,5,"6"]]]\n1',
    b'[[["Listing","/"],"x"]]\n1',
    b"[] []\n1",
]


def sealed_nonsense(file: Path) -> None:
    """Content with a right digest that is no trace."""
    from domcaps.fresh.disk import _HEAD, _seal

    for body in NONSENSE:
        file.write_bytes(_HEAD + _seal(NAME, body) + body)
        assert DiskStore(file.parent).load(NAME) is None, body


def deep_nonsense(file: Path) -> None:
    from domcaps.fresh.disk import _HEAD, _seal

    body = b"[" * 500_000 + b"\n1"
    file.write_bytes(_HEAD + _seal(NAME, body) + body)


def instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def damage(file: Path) -> None:
        file.rename(file.with_name("aside"))
        make(file)

    return damage


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": replaced(b""),
    "cut off": lambda file: os.truncate(file, file.stat().st_size - 1),
    "cut off early": lambda file: os.truncate(file, 20),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b" "),
    "altered": altered,
    "of something else": replaced(b"\x7fELF" + bytes(500)),
    "of another version": lambda file: file.write_bytes(
        file.read_bytes().replace(b"trace 2", b"trace 1")
    ),
    "sealed nonsense": sealed_nonsense,
    "deep nonsense": deep_nonsense,
    "writable by others": lambda file: file.chmod(0o666),
    "in a folder that others may write to": lambda file: file.parent.chmod(0o777),
    "a folder": instead(Path.mkdir),
    "a pipe": instead(os.mkfifo),
    "a link": instead(lambda file: file.symlink_to("aside")),
    "huge": lambda file: os.truncate(file, FILE_LIMIT + 1),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_not_there(store: DiskStore, damage: str) -> None:
    DAMAGE[damage](file_of(store))
    assert store.load(NAME) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_belongs_to_somebody_else_is_not_there(store: DiskStore, what: str) -> None:
    os.chown(file_of(store) if what == "file" else store.folder, 65534, 65534)
    assert store.load(NAME) is None
    if what == "folder":
        assert not store.save(NAME, trace(2))


def test_a_file_under_another_name_is_not_taken(store: DiskStore) -> None:
    file_of(store).rename(file_of(store, OTHER))
    assert store.load(OTHER) is None


def test_a_damaged_file_is_replaced(store: DiskStore) -> None:
    altered(file_of(store))
    assert store.save(NAME, trace(2))
    assert store.load(NAME) == trace(2)


def test_the_folder_is_bounded(tmp_path: Path) -> None:
    one = len(trace(1).value) + 1000
    store = DiskStore(tmp_path / "cache", limit=5 * one)
    for number in range(20):
        assert store.save(f"{number:032x}", trace(1))
        os.utime(file_of(store, f"{number:032x}"), (number, number))
    sizes = [file.stat().st_size for file in store.folder.glob("*.trace")]
    assert sum(sizes) <= 5 * one
    # the newest stays
    assert store.load(f"{19:032x}") is not None
    assert store.load(f"{0:032x}") is None


def test_what_is_larger_than_the_folder_is_not_stored(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "cache", limit=1000)
    assert not store.save(NAME, trace(1))
    assert store.load(NAME) is None


def test_what_is_used_does_not_go_first(store: DiskStore) -> None:
    os.utime(file_of(store), (1, 1))
    store.load(NAME)
    assert time.time() - file_of(store).stat().st_mtime < 100


def test_not_all_files_are_looked_at_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    monkeypatch.setattr(DiskStore, "_make_room", lambda _: looks.append(1))
    store = DiskStore(tmp_path / "cache", limit=100_000 * len(trace(1).value))
    for number in range(100):
        assert store.save(f"{number:032x}", trace(1))
    assert len(looks) < 20


def test_what_was_left_half_written_goes_some_day(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "cache", limit=5 * len(trace(1).value) + 5000)
    assert store.save(NAME, trace(1))
    old, new = store.folder / "x.1.part", store.folder / "x.2.part"
    for part in (old, new):
        part.write_bytes(b"x")
    os.utime(old, (1, 1))
    store.save(NAME, trace(2))
    assert not old.exists()
    assert new.exists()


# -- disks that do not want to ---------------------------------------------------------------


@contextlib.contextmanager
def small_files(limit: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_can_not_be_finished_leaves_nothing(store: DiskStore) -> None:
    with small_files(50_000):
        assert not store.save(NAME, trace(2))
    assert store.load(NAME) == trace(1)
    assert not list(store.folder.glob("*.part"))


FULL = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
import subprocess
folder = Path({root!r})
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], check=True)
from fresh_fakes import PretendedHost
from domcaps.fresh.disk import DiskStore
from fresh_crash import NAME, trace
store = DiskStore(folder / "cache")
assert not store.save(NAME, trace(1))
(folder / "filler").write_bytes(bytes(48 * 1024))
try:
    (folder / "more").write_bytes(bytes(64 * 1024))
except OSError:
    pass
host = PretendedHost(Path({host!r}), disk=store)
assert host.remembered() == host.from_nothing()
subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
host = PretendedHost(Path({host!r} + "2"), disk=store)
assert host.remembered() == host.from_nothing()
assert not store.save(NAME, trace(1))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_or_read_only_disk_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    code = FULL.format(path=sys.path, root=str(tmp_path / "disk"), host=str(tmp_path / "host"))
    private = ["unshare", "--mount", "--propagation", "private"]
    if subprocess.run([*private, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here")
    done = subprocess.run([*private, sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("place", ["/proc/none/cache", "/dev/null/cache"])
def test_a_folder_that_can_not_be_made_is_done_without(tmp_path: Path, place: str) -> None:
    host = PretendedHost(tmp_path, disk=DiskStore(Path(place)))
    assert host.remembered() == host.from_nothing()


# -- where it is -----------------------------------------------------------------------------


def test_root_takes_the_systems_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    environ = {"HOME": "/home/user", "XDG_CACHE_HOME": "/home/user/cache"}
    assert cache_folder(environ) == "/var/cache/domcaps"


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HOME": "/home/user"}, "/home/user/.cache/domcaps"),
        ({"HOME": "/home/user", "XDG_CACHE_HOME": "/x"}, "/x/domcaps"),
        ({"HOME": "/home/user", "XDG_CACHE_HOME": "x"}, "/home/user/.cache/domcaps"),
        ({"HOME": "/home/user", "XDG_CACHE_HOME": ""}, "/home/user/.cache/domcaps"),
        ({}, "/home/known/.cache/domcaps"),
    ],
)
def test_users_have_their_own(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], folder: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("domcaps.fresh.disk._home", lambda: "/home/known")
    assert cache_folder(environ) == folder


def test_who_has_no_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("domcaps.fresh.disk._home", lambda: "")
    assert cache_folder({}) is None


# -- several at once -------------------------------------------------------------------------


def test_a_lock_is_held_by_one(store: DiskStore) -> None:
    with store.lock(NAME) as first, store.lock(NAME, patience=0.05) as second:
        assert (first, second) == (True, False)
    with store.lock(NAME, patience=0.05) as third:
        assert third


def test_killed_writers_leave_something_whole_or_nothing(tmp_path: Path) -> None:
    found = kill_many(tmp_path / "cache", 40)
    assert sum(found.values()) == 40


def test_two_writers_never_show_a_mixture(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "cache")
    over = threading.Event()

    def write(start: int) -> None:
        number = start
        while not over.is_set():
            number += 1
            store.save(NAME, trace(number))

    writers = [threading.Thread(target=write, args=(start,)) for start in (10_000, 20_000)]
    for writer in writers:
        writer.start()
    for _ in range(100):
        stored = store.load(NAME)
        assert stored is None or is_whole(stored)
    over.set()
    for writer in writers:
        writer.join()


ASK = """
import os, sys
sys.path[:0] = {path!r}
from pathlib import Path
import fresh_fakes as fakes
from domcaps.fresh.disk import DiskStore
host = object.__new__(fakes.PretendedHost)
host.root = Path({root!r})
host.files = fakes.PretendedFiles(host.root)
host.environ = {{"PATH": "/usr/local/bin:/usr/bin", "HOME": "/home/user"}}
host.prober = fakes.PretendedProber(host.files)
host.prober.slow = 0.3
host.disk = DiskStore(Path({cache!r}))
host.host = host.another()
answer = host.remembered(machine="q35")
print(host.prober.asked, len(answer))
"""


def test_processes_that_come_at_once_ask_once(tmp_path: Path) -> None:
    PretendedHost(tmp_path / "root")
    # so that nothing has changed too shortly before to be sure of it
    time.sleep(0.1)
    code = ASK.format(path=sys.path, root=str(tmp_path / "root"), cache=str(tmp_path / "cache"))
    asking = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    said = [process.communicate(timeout=60)[0].split() for process in asking]
    assert sum(int(words[0]) for words in said) == 1
    assert len({words[1] for words in said}) == 1


def test_threads_that_come_at_once_ask_once(tmp_path: Path) -> None:
    host = PretendedHost(tmp_path / "root")
    time.sleep(0.1)
    host.prober.slow = 0.2
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(host.remembered(machine="q35")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert host.prober.asked == 1
    assert set(found) == {host.from_nothing(machine="q35")}


def test_an_emulator_that_changes_while_it_is_asked_is_asked_again(tmp_path: Path) -> None:
    host = PretendedHost(tmp_path / "root")
    time.sleep(0.1)
    plain = type(host.prober).__call__

    class Changing(fakes.PretendedProber):
        def __call__(self, path: str, kvm: bool, inventory: bool) -> Probed:
            probed = plain(self, path, kvm, inventory)
            if self.asked == 1:
                host.write(fakes.REAL_EMULATOR, fakes.emulator_text("cirrus-vga"), 0o755)
            return probed

    host.prober = Changing(host.files)
    host.host = host.another()
    assert host.remembered(machine="q35") == host.from_nothing(machine="q35")
    assert host.prober.asked >= 2
