"""Changes of a host that leave few traces, each played on the real one, in a mount namespace.

A scenario is a generator: up to its `yield` it prepares, after that it makes one change. Then what
is remembered, in this process and on the disk, must be what is found without any memory.

``python tests/fresh_scenarios.py [NAME…]`` plays them; a test plays all.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

# before a scenario becomes a user who may not read them
from domcaps.fresh.build import Build
from domcaps.fresh.disk import DiskStore
from domcaps.fresh.disk_memo import remembered
from domcaps.fresh.host_view import HostView
from domcaps.fresh.hostfacts import HostQuestion, HostRecordField
from domcaps.fresh.key import Key
from domcaps.fresh.programs import LINKER_VARIABLES, passed_to_program, program_parts
from domcaps.fresh.store import doubts
from domcaps.fresh.witness import ProgramFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.fresh.fetch import Fetch

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_MOUNTS, BIND, REMOUNT, NOEXEC, PRIVATE = 0x20000, 4096, 32, 8, 16384 | 1 << 18
USER = 65534
CAT = os.path.realpath("/bin/cat")
OTHER = os.path.realpath("/bin/echo")
DESCRIPTOR = '{{"description": "{}"}}'


def checked(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    words = [word.encode() or None for word in (source, target, kind)]
    checked(LIBC.mount(*words, flags, data.encode() or None), target)


class Runs(Key[str], frozen=True):
    """What a program prints, which is also what it consists of."""

    path: str

    def task(self, fetch: Fetch) -> str:
        return remembered(fetch, ("scenario", self.path), str, self._run)

    def _run(self, fetch: Fetch) -> str:
        for name in LINKER_VARIABLES:
            passed_to_program(fetch, name)
        parts = program_parts(self.path, fetch.host_view)
        for witness in parts.witnesses:
            fetch.look(witness)
            if isinstance(witness, ProgramFile) and not fetch.is_settled(witness):
                small = Path(witness.path).exists() and Path(witness.path).stat().st_size < 65536
                if not small:
                    fetch.forget(f"{witness.path} is new or in memory")
        for doubt in parts.doubts:
            fetch.forget(doubt)
        named = ((name, fetch.host_view.passed(name)) for name in os.environ)
        environ = {name: value for name, value in named if value is not None}
        command = [self.path, "/proc/self/maps"]
        try:
            said = subprocess.run(
                command, capture_output=True, check=False, cwd="/", env=environ
            ).stdout.decode()
        except OSError as error:
            return f"error {error.errno}"
        return " ".join(sorted({line.split()[-1] for line in said.splitlines() if ".so" in line or
                                "/" not in line}))  # fmt: skip

    @property
    def text(self) -> str:
        return f"what {self.path} prints"


class Scene:
    """Where a scenario plays: a folder in memory, and one on a disk."""

    def __init__(self, memory: Path, disk: Path) -> None:
        self.memory = memory
        self.disk = disk
        self.key: Key[Any] = Runs(CAT)
        self.keep: list[object] = []

    def write(self, name: str, text: str, mode: int = 0o644) -> str:
        place = self.disk / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)
        return str(place)

    def script(self, text: str, name: str = "program") -> None:
        self.key = Runs(self.write(name, f"#!/bin/sh\n{text}\n", 0o755))

    def copy(self, folder: Path, source: str = CAT) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        return str(shutil.copy(source, folder / "program"))

    def libc(self, folder: Path) -> None:
        """Put a library of the program's into a folder."""
        from domcaps.fresh.loader import dependencies

        for group in dependencies(CAT, HostView(), "").groups[1:]:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(group[0], folder)

    def overlay(self, folder: str) -> None:
        """Make changes of a folder of the system go elsewhere."""
        upper, work = self.memory / "upper", self.memory / "work"
        upper.mkdir()
        work.mkdir()
        mount("overlay", folder, "overlay",
              data=f"lowerdir={folder},upperdir={upper},workdir={work}")  # fmt: skip

    def descriptor(self, text: str = "one", folder: Path | None = None) -> Path:
        """Have a descriptor of this user's be read."""
        os.environ["XDG_CONFIG_HOME"] = str(folder or self.disk)
        place = (folder or self.disk) / "qemu/firmware/10-x.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(DESCRIPTOR.format(text))
        self.key = HostRecordField(HostQuestion(privileged=False), "firmware")
        return place


SCENARIOS: dict[str, Callable[[Scene], Iterator[None]]] = {}


def scenario(play: Callable[[Scene], Iterator[None]]) -> Callable[[Scene], Iterator[None]]:
    SCENARIOS[play.__name__] = play
    return play


# -- the dynamic loader ----------------------------------------------------------------------


@scenario
def variable_for_libraries(s: Scene) -> Iterator[None]:
    s.libc(s.disk / "libs")
    yield
    os.environ["LD_LIBRARY_PATH"] = str(s.disk / "libs")


@scenario
def library_appears_on_the_library_path(s: Scene) -> Iterator[None]:
    os.environ["LD_LIBRARY_PATH"] = str(s.disk / "libs")
    yield
    s.libc(s.disk / "libs")


@scenario
def library_appears_for_the_processor(s: Scene) -> Iterator[None]:
    os.environ["LD_LIBRARY_PATH"] = str(s.disk / "libs")
    s.libc(s.disk / "libs")
    yield
    s.libc(s.disk / "libs/glibc-hwcaps/x86-64-v2")


@scenario
def folder_of_libraries_turned(s: Scene) -> Iterator[None]:
    s.libc(s.disk / "one")
    s.libc(s.disk / "two")
    (s.disk / "now").symlink_to("one")
    os.environ["LD_LIBRARY_PATH"] = str(s.disk / "now")
    yield
    (s.disk / "next").symlink_to("two")
    (s.disk / "next").rename(s.disk / "now")


@scenario
def preload_file_created(s: Scene) -> Iterator[None]:
    s.overlay("/etc")
    s.libc(s.disk / "libs")
    yield
    Path("/etc/ld.so.preload").write_text(str(next((s.disk / "libs").iterdir())) + "\n")


@scenario
def preload_file_removed(s: Scene) -> Iterator[None]:
    s.overlay("/etc")
    s.libc(s.disk / "libs")
    Path("/etc/ld.so.preload").write_text(str(next((s.disk / "libs").iterdir())) + "\n")
    yield
    Path("/etc/ld.so.preload").unlink()


@scenario
def library_mounted_over(s: Scene) -> Iterator[None]:
    from domcaps.fresh.loader import dependencies

    real = os.path.realpath(dependencies(CAT, HostView(), "").groups[1][0])
    s.libc(s.disk / "libs")
    os.environ["LD_LIBRARY_PATH"] = str(s.disk / "libs")
    yield
    # what is mounted is no library: the program can't start any more
    mount("/bin/true", str(s.disk / "libs" / Path(real).name), flags=BIND)


@scenario
def folder_of_libraries_writable_for_others(s: Scene) -> Iterator[None]:
    s.libc(s.disk / "libs")
    os.environ["LD_LIBRARY_PATH"] = str(s.disk / "libs")
    yield
    # from then on the folder is not passed on
    (s.disk / "libs").chmod(0o777)


# -- programs --------------------------------------------------------------------------------


@scenario
def script_edited(s: Scene) -> Iterator[None]:
    s.script(f'exec {CAT} "$@"')
    yield
    s.script(f'exec {OTHER} "$@"')


@scenario
def script_edited_with_its_times_kept(s: Scene) -> Iterator[None]:
    s.script(f'exec {CAT}  "$@"')
    place = Path(s.key.path)  # type: ignore[attr-defined]
    os.link(place, s.disk / "twin")
    before = place.stat()
    yield
    with (s.disk / "twin").open("r+") as file:
        file.write(f'#!/bin/sh\nexec {OTHER} "$@"\n')
    os.utime(s.disk / "twin", ns=(before.st_atime_ns, before.st_mtime_ns))


@scenario
def script_with_a_blank_that_is_none(s: Scene) -> Iterator[None]:
    conf = s.write("conf", f"REAL={CAT}\n")
    s.script(f'exec\v{CAT} "$@"\n. {conf}\nexec "$REAL" "$@"')
    yield
    s.write("conf", f"REAL={OTHER}\n")


@scenario
def script_that_sources(s: Scene) -> Iterator[None]:
    conf = s.write("conf", f"REAL={CAT}\n")
    s.script(f'. {conf}\nexec "$REAL" "$@"')
    yield
    s.write("conf", f"REAL={OTHER}\n")


@scenario
def script_that_looks_at_a_variable(s: Scene) -> Iterator[None]:
    os.environ["REAL_PROGRAM"] = CAT
    s.script('exec "$REAL_PROGRAM" "$@"')
    yield
    os.environ["REAL_PROGRAM"] = OTHER


@scenario
def script_that_computes(s: Scene) -> Iterator[None]:
    (s.disk / "real").symlink_to(CAT)
    s.script('exec "$(dirname "$0")/real" "$@"')
    yield
    (s.disk / "real").unlink()
    (s.disk / "real").symlink_to(OTHER)


@scenario
def script_in_another_language(s: Scene) -> Iterator[None]:
    s.write("which_one.py", f"REAL = {CAT!r}\n")
    text = f"import os, sys; sys.path.insert(0, {str(s.disk)!r}); sys.dont_write_bytecode = True\n"
    text += "import which_one; os.execv(which_one.REAL, [which_one.REAL, *sys.argv[1:]])\n"
    s.key = Runs(s.write("program", f"#!{sys.executable}\n{text}", 0o755))
    yield
    s.write("which_one.py", f"REAL = {OTHER!r}\n")


@scenario
def interpreter_replaced(s: Scene) -> Iterator[None]:
    shutil.copy(os.path.realpath("/bin/sh"), s.disk / "shell")
    s.key = Runs(s.write("program", f'#!{s.disk}/shell\nexec {CAT} "$@"\n', 0o755))
    yield
    s.write("other", f'#!/bin/sh\nshift\nexec {OTHER} "$@"\n', 0o755)
    (s.disk / "other").rename(s.disk / "shell")


@scenario
def program_appears_earlier_on_the_path(s: Scene) -> Iterator[None]:
    for folder in ("one", "two"):
        (s.disk / folder).mkdir()
    (s.disk / "two/real-program").symlink_to(CAT)
    os.environ["PATH"] = f"{s.disk}/one:{s.disk}/two:{os.environ['PATH']}"
    s.script('exec real-program "$@"')
    yield
    (s.disk / "one/real-program").symlink_to(OTHER)


@scenario
def path_reordered(s: Scene) -> Iterator[None]:
    for folder, program in (("one", OTHER), ("two", CAT)):
        (s.disk / folder).mkdir()
        (s.disk / folder / "real-program").symlink_to(program)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{s.disk}/two:{s.disk}/one:{before}"
    s.script('exec real-program "$@"')
    yield
    os.environ["PATH"] = f"{s.disk}/one:{s.disk}/two:{before}"


@scenario
def last_script_of_a_chain(s: Scene) -> Iterator[None]:
    for number in range(1, 6):
        s.write(f"step{number}", f'#!/bin/sh\nexec {s.disk}/step{number + 1} "$@"\n', 0o755)
    s.write("step6", f'#!/bin/sh\nexec {CAT} "$@"\n', 0o755)
    s.script(f'exec {s.disk}/step1 "$@"')
    yield
    s.write("step6", f'#!/bin/sh\nexec {OTHER} "$@"\n', 0o755)


@scenario
def long_script(s: Scene) -> Iterator[None]:
    s.write("real", f'#!/bin/sh\nexec {CAT} "$@"\n', 0o755)
    s.script("#" * 70_000 + f'\nexec {s.disk}/real "$@"')
    yield
    s.write("real", f'#!/bin/sh\nexec {OTHER} "$@"\n', 0o755)


@scenario
def names_exchanged(s: Scene) -> Iterator[None]:
    other = s.write("other", f'#!/bin/sh\nexec {OTHER} "$@"\n', 0o755)
    s.script(f'exec {CAT} "$@"')
    yield
    here = -100
    path = s.key.path  # type: ignore[attr-defined]
    checked(LIBC.renameat2(here, path.encode(), here, other.encode(), 2), path)


@scenario
def link_turned(s: Scene) -> Iterator[None]:
    (s.disk / "program").symlink_to(CAT)
    s.key = Runs(str(s.disk / "program"))
    yield
    (s.disk / "next").symlink_to(OTHER)
    (s.disk / "next").rename(s.disk / "program")


@scenario
def mount_no_longer_executable(s: Scene) -> Iterator[None]:
    s.key = Runs(s.copy(s.memory / "m"))
    mount("none", str(s.memory / "m"), "tmpfs")
    s.copy(s.memory / "m")
    yield
    mount("", str(s.memory / "m"), flags=REMOUNT | NOEXEC)


@scenario
def program_mounted_over(s: Scene) -> Iterator[None]:
    s.key = Runs(s.copy(s.disk / "bin"))
    yield
    mount(OTHER, str(s.disk / "bin/program"), flags=BIND)


@scenario
def lower_layer_changed(s: Scene) -> Iterator[None]:
    for name in ("lower", "upper", "work", "merged"):
        (s.memory / name).mkdir()
    place = s.memory / "lower/program"
    place.write_text(f'#!/bin/sh\nexec {CAT} "$@"\n')
    place.chmod(0o755)
    data = ",".join(f"{name}dir={s.memory / name}" for name in ("lower", "upper", "work"))
    mount("overlay", str(s.memory / "merged"), "overlay", data=data)
    s.key = Runs(str(s.memory / "merged/program"))
    yield
    place.write_text(f'#!/bin/sh\nexec {OTHER} "$@"\n')


@scenario
def script_in_memory_written_through_a_mapping(s: Scene) -> Iterator[None]:
    place = s.memory / "program"
    place.write_text(f'#!/bin/sh\nexec {CAT}  "$@"\n')
    place.chmod(0o755)
    s.key = Runs(str(place))
    yield
    with place.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[:] = f'#!/bin/sh\nexec {OTHER} "$@"\n'.encode()


@scenario
def program_in_memory_written_through_a_mapping(s: Scene) -> Iterator[None]:
    s.key = Runs(s.copy(s.memory / "bin", OTHER))
    place = s.memory / "bin/program"
    yield
    with place.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[0:4] = b"none"


# -- descriptors -----------------------------------------------------------------------------


def as_user(s: Scene) -> None:
    """Become somebody who may do nothing, and to whom the folders belong."""
    for folder in (s.memory, s.disk):
        for place in (folder, *folder.rglob("*")):
            os.chown(place, USER, USER)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)


def write_through_memory(s: Scene, place: Path, *, closed: bool) -> None:
    handle = os.open(place, os.O_RDWR)
    memory = mmap.mmap(handle, 0)
    os.close(handle)
    memory[:] = memory[:].replace(b"one", b"two")
    if closed:
        memory.close()
    s.keep.append(memory)


def mapping(name: str, *, in_memory: bool, closed: bool) -> None:
    def play(s: Scene) -> Iterator[None]:
        place = s.descriptor(folder=s.memory if in_memory else s.disk)
        as_user(s)
        yield
        write_through_memory(s, place, closed=closed)

    play.__name__ = name
    scenario(play)


mapping("descriptor_mapped_in_memory", in_memory=True, closed=True)
mapping("descriptor_mapped_in_memory_still", in_memory=True, closed=False)
mapping("descriptor_mapped", in_memory=False, closed=True)
mapping("descriptor_mapped_still", in_memory=False, closed=False)


@scenario
def descriptor_mapped_twice(s: Scene) -> Iterator[None]:
    """Only the first write to a page changes the times."""
    place = s.descriptor("none")
    as_user(s)
    handle = os.open(place, os.O_RDWR)
    memory = mmap.mmap(handle, 0)
    s.keep.append(memory)
    memory[:] = memory[:].replace(b"none", b"one ")
    yield
    memory[:] = memory[:].replace(b"one", b"two")


@scenario
def configuration_elsewhere(s: Scene) -> Iterator[None]:
    s.descriptor()
    os.environ["XDG_CONFIG_HOME"] = str(s.disk / "none")
    as_user(s)
    yield
    os.environ["XDG_CONFIG_HOME"] = str(s.disk)


@scenario
def folder_above_moved(s: Scene) -> Iterator[None]:
    s.descriptor(folder=s.disk / "config")
    as_user(s)
    yield
    (s.disk / "config").rename(s.disk / "gone")


@scenario
def more_events_than_the_queue_holds(s: Scene) -> Iterator[None]:
    place = s.descriptor()
    as_user(s)
    yield
    for number in range(17_000):
        (place.parent / f".{number}").touch()
    place.unlink()


# -- the process -----------------------------------------------------------------------------


@scenario
def group_lost(s: Scene) -> Iterator[None]:
    place = s.descriptor()
    os.chown(place, 0, 12777)
    place.chmod(0o640)
    checked(LIBC.prctl(8, 1, 0, 0, 0), "keepcaps")
    os.setgroups([12777])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    set_capabilities(1 << 6)
    yield
    os.setgroups([])


@scenario
def capability_lost(s: Scene) -> Iterator[None]:
    place = s.descriptor()
    os.chown(place, USER, USER)
    place.chmod(0o600)
    yield
    # all but those that pass over modes of files
    set_capabilities(~0b110 & 0xFFFFFFFF)


def set_capabilities(low: int) -> None:
    header = struct.pack("=Ii", 0x20080522, 0)
    found = ctypes.create_string_buffer(24)
    checked(LIBC.capget(header, found), "capget")
    held = struct.unpack("=6I", found.raw)
    low &= held[1]
    data = struct.pack("=6I", low, low, 0, *held[3:])
    checked(LIBC.capset(header, data), "capset")


@scenario
def limit_set(s: Scene) -> Iterator[None]:
    import resource

    s.script(f'exec {CAT} "$@"')
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


@scenario
def told_another_machine(s: Scene) -> Iterator[None]:
    s.key = HostRecordField(HostQuestion(), "arch")
    yield
    # PER_LINUX32: uname(2) tells of the machine's smaller brother from then on
    LIBC.personality(8)


@scenario
def another_root(s: Scene) -> Iterator[None]:
    place = s.descriptor()
    root = s.memory / "root"
    (root / str(place).lstrip("/")).parent.mkdir(parents=True)
    (root / str(place).lstrip("/")).write_text(DESCRIPTOR.format("other"))
    yield
    os.chroot(root)
    os.chdir("/")


@scenario
def mounts_of_its_own(s: Scene) -> Iterator[None]:
    place = s.descriptor()
    other = s.write("other", DESCRIPTOR.format("other"))
    yield
    checked(LIBC.unshare(NEW_MOUNTS), "unshare")
    mount(other, str(place), flags=BIND)


def kernel_file(name: str, field: str, path: str, text: str) -> None:
    def play(s: Scene) -> Iterator[None]:
        s.key = HostRecordField(HostQuestion(privileged=False), field)
        other = s.write("other", text)
        yield
        mount(other, path, flags=BIND)

    play.__name__ = name
    scenario(play)


kernel_file("processor_masked", "cpu", "/proc/cpuinfo", "vendor_id : Nobody\nflags : fpu\n")
kernel_file(
    "hugepages_masked",
    "transparent_hugepage_kib",
    "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
    "12345678\n",
)


# -- playing ---------------------------------------------------------------------------------


def play(name: str, memory: Path, disk: Path) -> str:
    """Play a scenario in this process, which is then of no more use; say what is wrong, or ""."""
    checked(LIBC.unshare(NEW_MOUNTS), "unshare")
    mount("", "/", flags=PRIVATE)
    mount("none", str(memory), "tmpfs", data="mode=755")
    os.environ.pop("LD_LIBRARY_PATH", None)
    scene = Scene(memory, disk / "scene")
    scene.disk.mkdir()
    steps = SCENARIOS[name](scene)
    next(steps)
    time.sleep(0.15)
    store = DiskStore(Path(tempfile.mkdtemp(dir=disk)) / "cache")
    warm = Build(disk=store)
    before = [warm.get(scene.key) for _ in range(4)]
    assert before[0] == before[3], "not steady"
    next(steps, None)
    after = [warm.get(scene.key), warm.get(scene.key)]
    cold = Build(sentry=False).get(scene.key)
    other = Build(disk=store).get(scene.key)
    why = doubts(warm.store.entry(scene.key))
    effect = "changed" if before[0] != cold else "the same"
    print(f"{name:45} {effect:8} {'; '.join(doubt.text for doubt in why)[:80]}", flush=True)
    wrong = [text for text, found in (("memory", after[0]), ("memory, again", after[1]),
                                      ("disk", other)) if found != cold]  # fmt: skip
    return f"stale: {', '.join(wrong)}" if wrong else ("" if before[0] != cold else "no effect")


def played(name: str) -> str:
    """Play a scenario in a process of its own; say what is wrong, or ``fine``."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for part in ("memory", "disk"):
            (folder / part).mkdir()
        # whoever a scenario becomes has to get through to it
        folder.chmod(0o711)
        (folder / "disk").chmod(0o1777)
        return _in_child(name, folder)


def _in_child(name: str, folder: Path) -> str:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            found = play(name, folder / "memory", folder / "disk")
        except BaseException as error:  # noqa: BLE001 - handed on
            found = "".join(traceback.format_exception(error)[-3:])
        os.write(write, found.encode() or b"fine")
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        found = file.read()
    os.waitpid(child, 0)
    return found


def main(names: list[str]) -> int:
    wrong = 0
    for name in names or list(SCENARIOS):
        found = played(name)
        if found != "fine":
            wrong += 1
            print(f"{name}: {found}", flush=True)
    print(f"{len(names or SCENARIOS)} scenarios, {wrong} of them wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
