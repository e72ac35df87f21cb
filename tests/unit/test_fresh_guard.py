"""The sentry: it tells of everything that looking would show, or does not claim to."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domcaps.facts.hostfiles import HostFiles
from domcaps.fresh import guard
from domcaps.fresh.guard import InotifyWatch
from domcaps.fresh.host_view import HostView
from domcaps.fresh.identity import now
from domcaps.fresh.store import Sighting
from domcaps.fresh.witness import Content, Existence, FileStatus, Listing, Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs inotify")


class Scene:
    """A few files, with a sentry set on some."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.host_view = HostView(HostFiles(root), {})
        self.sentry = InotifyWatch()
        (root / "folder/inner").mkdir(parents=True)
        (root / "folder/inner/file").write_text("1")
        (root / "folder/inner/same").write_text("1")
        (root / "elsewhere").mkdir()
        (root / "elsewhere/file").write_text("1")
        (root / "link").symlink_to("folder/inner/file")
        (root / "way").symlink_to("folder")
        (root / "hard").hardlink_to(root / "folder/inner/file")
        self.generation = -1

    def guard(self, *witnesses: Witness) -> int:
        """Set the sentry, look, and give how many it can't watch."""
        guard = self.sentry.cover([Sighting(witness) for witness in witnesses], self.host_view)
        assert guard is not None
        self.generation = guard.generation
        return sum(not watched for watched in guard.watched.values())

    @property
    def is_quiet(self) -> bool:
        return self.sentry.generation() == self.generation


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


FILE = "/folder/inner/file"
FOLDER = "folder/inner"


def write(path: Path, text: str = "2") -> None:
    path.write_text(text)


def mapped_write(path: Path) -> None:
    import mmap

    with path.open("r+b") as file, mmap.mmap(file.fileno(), 1) as memory:
        memory[0:1] = b"2"


def turn(link: Path, target: str) -> None:
    other = link.with_name("other")
    other.symlink_to(target)
    other.rename(link)


def open_again(scene: Scene) -> None:
    if (scene.root / "folder").exists():
        (scene.root / "folder").chmod(0o755)


CHANGES: dict[str, tuple[Witness, Callable[[Path], object]]] = {
    "written": (Content(FILE), lambda r: write(r / "folder/inner/file")),
    "written by another name": (Content(FILE), lambda r: write(r / "hard")),
    "written through memory": (Content(FILE), lambda r: mapped_write(r / "hard")),
    "truncated": (Content(FILE), lambda r: os.truncate(r / "hard", 0)),
    "removed": (Content(FILE), lambda r: (r / "folder/inner/file").unlink()),
    "replaced": (Content(FILE), lambda r: (r / "elsewhere/file").rename(r / "folder/inner/file")),
    "mode": (FileStatus(FILE), lambda r: (r / "hard").chmod(0o600)),
    "owner": (FileStatus(FILE), lambda r: os.chown(r / "hard", os.getuid(), os.getgid())),
    "times": (FileStatus(FILE), lambda r: os.utime(r / "hard", (0, 0))),
    "link turned": (Content("/link"), lambda r: turn(r / "link", "elsewhere/file")),
    "behind a link": (Content("/link"), lambda r: write(r / "folder/inner/file")),
    "behind a link to a folder": (
        Content("/way/inner/file"),
        lambda r: write(r / "folder/inner/file"),
    ),
    "link to a folder turned": (Content("/way/inner/file"), lambda r: turn(r / "way", "elsewhere")),
    "folder renamed": (Content(FILE), lambda r: (r / "folder").rename(r / "gone")),
    "inner folder renamed": (Content(FILE), lambda r: (r / "folder/inner").rename(r / "gone")),
    "folder closed": (Content(FILE), lambda r: (r / "folder").chmod(0)),
    "folder replaced": (
        Content(FILE),
        lambda r: [(r / "folder/inner").rename(r / "x"), (r / "elsewhere").rename(r / FOLDER)],
    ),
    "name added": (Listing("/folder"), lambda r: write(r / "folder/new")),
    "folder added": (Listing("/folder"), lambda r: (r / "folder/new").mkdir()),
    "name removed": (Listing("/folder/inner"), lambda r: (r / "folder/inner/same").unlink()),
    "moved in": (Listing("/folder"), lambda r: (r / "hard").rename(r / "folder/hard")),
    "moved out": (
        Listing("/folder/inner"),
        lambda r: (r / "folder/inner/file").rename(r / "out"),
    ),
    "what was missing": (Existence("/folder/later"), lambda r: write(r / "folder/later")),
    "what was missing deep down": (
        Existence("/elsewhere/a/b/c"),
        lambda r: (r / "elsewhere/a/b").mkdir(parents=True),
    ),
    "link to nothing filled": (
        Existence("/folder/dangling"),
        lambda r: write(r / "elsewhere/target"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_told(scene: Scene, change: str) -> None:
    witness, make = CHANGES[change]
    (scene.root / "folder/dangling").symlink_to("../elsewhere/target")
    assert scene.guard(witness) == 0
    quiet = [scene.is_quiet]
    make(scene.root)
    quiet.append(scene.is_quiet)
    assert quiet == [True, False]
    open_again(scene)


def test_once_told_it_is_told_again(scene: Scene) -> None:
    for text in "2345":
        scene.guard(Content(FILE))
        (scene.root / "folder/inner/file").write_text(text)
        assert not scene.is_quiet


def test_what_was_replaced_is_watched_in_its_turn(scene: Scene) -> None:
    scene.guard(Content(FILE))
    (scene.root / "elsewhere/file").rename(scene.root / FILE.lstrip("/"))
    assert not scene.is_quiet
    scene.guard(Content(FILE))
    write(scene.root / FILE.lstrip("/"), "3")
    assert not scene.is_quiet


def test_what_nobody_asked_for_is_not_told(scene: Scene) -> None:
    scene.guard(Content(FILE), Existence("/folder/later"))
    (scene.root / "folder/other").write_text("")
    (scene.root / "folder/inner/same").write_text("2")
    (scene.root / "elsewhere/file").unlink()
    (scene.root / "folder/inner/file").read_text()
    assert scene.is_quiet


def test_a_flood_is_told(scene: Scene) -> None:
    """The queue has an end; what does not fit in is lost, but not that something was."""
    scene.guard(Content(FILE))
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    names = [scene.root / "folder/inner" / f"flood{number}" for number in (1, 2)]
    for _ in range(limit // 4 + 10):
        for name in names:
            name.touch()
            name.unlink()
    scene.root.joinpath(FILE.lstrip("/")).write_text("2")
    assert not scene.is_quiet


@pytest.mark.parametrize("path", ["/proc/self/status", "/sys/kernel/mm", "/dev/null"])
def test_what_the_kernel_makes_up_is_not_watched(path: str) -> None:
    host_view = HostView()
    guard = InotifyWatch().cover([Sighting(FileStatus(path))], host_view)
    assert guard is not None
    assert list(guard.watched.values()) == [False]


def test_a_file_system_that_others_may_change_is_not_watched(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    nfs = 0x6969
    monkeypatch.setattr("domcaps.fresh.guard.kind_of_file_system", lambda _: nfs)
    assert scene.guard(Content(FILE), Listing("/folder"), Existence("/none")) == 3


def test_without_watches_everything_is_looked_at(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inotify_simple import INotify  # type: ignore[import-untyped]

    def refuse(self: object, path: str, mask: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(INotify, "add_watch", refuse)
    assert scene.guard(Content(FILE), Listing("/folder")) == 2


def test_without_inotify_there_is_no_guard(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, **options: bool) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("inotify_simple.INotify.__init__", refuse)
    assert scene.sentry.cover([Sighting(Content(FILE))], scene.host_view) is None
    with pytest.raises(OSError, match="inotify"):
        scene.sentry.wait(0)


def test_many_watches_are_given_back(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domcaps.fresh.guard._MOST_WATCHES", 3)
    for _ in range(3):
        scene.guard(Content(FILE))
        assert scene.is_quiet or scene.guard(Content(FILE)) == 0
    scene.guard(Content(FILE))
    (scene.root / "hard").write_text("2")
    assert not scene.is_quiet


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_nothing_stays_open(tmp_path: Path) -> None:
    before = open_files()
    for number in range(5):
        (tmp_path / str(number)).mkdir()
        scene = Scene(tmp_path / str(number))
        scene.guard(Content(FILE))
        del scene
    import gc

    gc.collect()
    assert open_files() <= before


def test_waiting_ends_with_a_change(scene: Scene) -> None:
    scene.guard(Content(FILE))
    assert not scene.sentry.wait(0)
    (scene.root / "hard").write_text("2")
    assert scene.sentry.wait(5)
    # to wait takes nothing away
    assert not scene.is_quiet


MOUNTING = """
import subprocess, sys
sys.path[:0] = {path!r}
from pathlib import Path
from test_fresh_guard import FILE, Scene
from domcaps.fresh.witness import Content
scene = Scene(Path({root!r}))
scene.guard(Content(FILE))
assert scene.is_quiet
subprocess.run(["mount", "-t", "tmpfs", "none", {root!r} + "/folder"], check=True)
assert scene.sentry.wait(5)
assert not scene.is_quiet
assert scene.guard(Content(FILE)) == 0
assert scene.is_quiet
subprocess.run(["umount", {root!r} + "/folder"], check=True)
assert not scene.is_quiet
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_mount_is_told(tmp_path: Path) -> None:
    code = MOUNTING.format(path=[*sys.path, str(Path(__file__).parent)], root=str(tmp_path))
    private = ["unshare", "--mount", "--propagation", "private"]
    can = subprocess.run([*private, "true"], capture_output=True, check=False)
    if can.returncode:
        pytest.skip("no mount namespaces here")
    done = subprocess.run([*private, sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_looking_and_watching_agree(scene: Scene) -> None:
    """Whatever changes what is seen is told: no witness is silent where looking would speak."""
    for witness, change in CHANGES.values():
        sighting = Sighting(witness)
        sighting.look(scene.host_view, now())
        scene.guard(witness)
        try:
            change(scene.root)
        except OSError:
            continue
        if not sighting.is_same(scene.host_view):
            assert not scene.is_quiet, witness
        open_again(scene)


IS_ROOT = os.geteuid() == 0
NOBODY = 65534
SHUT = "/folder/inner/file"


def change_mode(folder: Path, mode: int) -> None:
    """Change it as the folder's owner, whoever this process passes for now."""
    subprocess.run(["chmod", f"{mode:o}", folder], user=os.getuid(), check=True)


@pytest.fixture
def shut() -> Iterator[Scene]:
    """Give a scene in which a folder lets this user neither look nor enter."""
    # pytest's own folders let nobody else in
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        scene = Scene(root)
        change_mode(root / "folder", 0o700 if IS_ROOT else 0)
        if IS_ROOT:
            os.seteuid(NOBODY)
        try:
            yield scene
        finally:
            if IS_ROOT:
                os.seteuid(0)
            change_mode(root / "folder", 0o700)


def test_what_a_folder_shuts_away_need_not_be_looked_at(shut: Scene) -> None:
    assert shut.guard(Existence(SHUT), Existence("/folder/none")) == 0
    quiet = [shut.is_quiet]
    change_mode(shut.root / "folder", 0o755)
    quiet.append(shut.is_quiet)
    assert shut.guard(Existence(SHUT)) == 0
    assert [*quiet, shut.is_quiet] == [True, False, True]


def test_a_folder_put_in_the_place_of_one_that_is_shut_is_told(shut: Scene) -> None:
    assert shut.guard(Existence(SHUT)) == 0
    shut_away = shut.root / "folder"
    subprocess.run(["mv", shut_away, f"{shut_away}-gone"], user=os.getuid(), check=True)
    assert not shut.is_quiet
    subprocess.run(["mv", f"{shut_away}-gone", shut_away], user=os.getuid(), check=True)


def test_what_may_be_entered_but_not_watched_is_looked_at(shut: Scene) -> None:
    change_mode(shut.root / "folder", 0o711 if IS_ROOT else 0o100)
    assert shut.guard(Existence(SHUT)) == 1


def test_where_something_is_mounted_a_shut_folder_is_looked_at(
    shut: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = os.fsencode(shut.root / "folder")
    monkeypatch.setattr(guard, "_mount_points", lambda: {mounted})
    assert shut.guard(Existence(SHUT)) == 1


def test_mount_points_are_read_as_they_are_written() -> None:
    points = guard._mount_points()
    # where somebody changed the root, "/" itself is not one of them
    assert b"/proc" in points or not Path("/proc").is_mount()
    assert all(point.startswith(b"/") for point in points)


@pytest.mark.skipif(not IS_ROOT, reason="only root can pass for somebody else")
def test_for_another_user_all_is_looked_at_again(shut: Scene) -> None:
    assert shut.guard(Existence(SHUT)) == 0
    os.seteuid(0)
    assert not shut.is_quiet
    os.seteuid(NOBODY)
    assert not shut.is_quiet
