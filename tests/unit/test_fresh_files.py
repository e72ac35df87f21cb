"""What a task reads of the host becomes part of its trace, whatever way it reads."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.facts.hostfiles import HostFiles
from domcaps.fresh.build import Build, Call
from domcaps.fresh.fetch import Fetch
from domcaps.fresh.files import TracedFiles
from domcaps.fresh.host_view import HostView
from domcaps.fresh.store import Sighting, Store
from domcaps.fresh.witness import plain_status

if TYPE_CHECKING:
    from collections.abc import Callable

# made of others, or reading nothing
DERIVED = {"text", "names_or_none", "real", "is_live"}


def fetch_at(root: Path, environ: dict[str, str] | None = None) -> Fetch:
    build = Build(HostView(HostFiles(root), environ or {}), sentry=False)
    return Fetch(build, Call(Store(), 1, 1))


def seen(fetch: Fetch) -> list[tuple[str, str]]:
    parts = [part for part, _ in fetch.trace]
    assert all(isinstance(part, Sighting) for part in parts)
    return [(type(p.witness).__name__, p.witness.place) for p in parts if isinstance(p, Sighting)]


def test_every_way_to_read_is_traced() -> None:
    public = {name for name, _ in inspect.getmembers(HostFiles) if not name.startswith("_")}
    own = {name for name in vars(TracedFiles) if not name.startswith("_")}
    assert public - DERIVED <= own


READS: dict[str, tuple[Callable[[HostFiles], Any], list[tuple[str, str]]]] = {
    "read": (lambda f: f.read("/file"), [("Content", "/file")]),
    "text": (lambda f: f.text("/file"), [("Content", "/file")]),
    "text of nothing": (lambda f: f.text("/none"), [("Content", "/none")]),
    "names": (lambda f: f.names("/folder"), [("Listing", "/folder")]),
    "names of nothing": (lambda f: f.names_or_none("/none"), [("Listing", "/none")]),
    "status": (lambda f: plain_status(f.status("/file")), [("FileStatus", "/file")]),
    "exists": (lambda f: f.exists("/none"), [("Existence", "/none")]),
    "is_folder": (lambda f: f.is_folder("/folder"), [("Folder", "/folder")]),
    "program": (lambda f: f.program("/program"), [("RunnableProgram", "/program")]),
    "program that is missing": (lambda f: f.program("/none"), [("RunnableProgram", "/none")]),
    "uname": (lambda f: f.uname, [("KernelBoot", "the running kernel")]),
}


@pytest.mark.parametrize("read", READS)
def test_reading_gives_the_same_and_is_noted(tmp_path: Path, read: str) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "folder").mkdir()
    (tmp_path / "program").write_text("")
    (tmp_path / "program").chmod(0o755)
    how, noted = READS[read]
    fetch = fetch_at(tmp_path)
    assert how(fetch.files) == how(HostFiles(tmp_path))
    assert seen(fetch) == noted


@pytest.mark.parametrize("name", ["read", "names", "status"])
def test_what_can_not_be_read_is_noted_too(tmp_path: Path, name: str) -> None:
    fetch = fetch_at(tmp_path)
    with pytest.raises(FileNotFoundError):
        getattr(fetch.files, name)("/none")
    assert [place for _, place in seen(fetch)] == ["/none"]


def test_a_device_is_asked_again(tmp_path: Path) -> None:
    fetch = fetch_at(tmp_path)
    with pytest.raises(FileNotFoundError):
        fetch.files.control("/dev/kvm", [(1, 2)])
    assert seen(fetch) == [("DeviceNode", "/dev/kvm")]


def test_names_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff")).write_text("")
    fetch = fetch_at(tmp_path)
    assert fetch.files.names("/") == HostFiles(tmp_path).names("/")
    ((part, _),) = fetch.trace
    assert isinstance(part, Sighting)
    assert len(part.digest) == 32


@pytest.mark.parametrize("name", ["a\0b", "/\udcff" * 3, "x" * 5000])
def test_names_that_are_no_names_are_not_there(tmp_path: Path, name: str) -> None:
    fetch = fetch_at(tmp_path)
    assert not fetch.files.exists(f"/{name}")
    assert fetch.files.program(f"/{name}") is None
    assert fetch.files.text(f"/{name[:100]}" if "\0" not in name else "/x") == ""


def test_variables_are_noted_whether_they_are_set_or_not(tmp_path: Path) -> None:
    fetch = fetch_at(tmp_path, {"A": "1"})
    assert (fetch.environ.get("A"), fetch.environ.get("B", "none")) == ("1", "none")
    assert seen(fetch) == [("EnvironmentVariable", "$A"), ("EnvironmentVariable", "$B")]


def test_the_environment_can_not_be_read_as_a_whole(tmp_path: Path) -> None:
    fetch = fetch_at(tmp_path, {"A": "1"})
    with pytest.raises(TypeError):
        dict(fetch.environ)
    with pytest.raises(TypeError):
        len(fetch.environ)


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="needs Linux")
def test_files_of_the_kernel_have_witnesses_of_their_own() -> None:
    build = Build(HostView(), sentry=False)
    fetch = Fetch(build, Call(Store(), 1, 1))
    for path in ("/proc/cpuinfo", "/proc/cmdline", "/proc/version"):
        fetch.files.text(path)
    assert [kind for kind, _ in seen(fetch)] == ["CpuinfoProcessor", "KernelBoot", "KernelFile"]


def test_facts_share_a_witness_of_all_parameters_of_a_module() -> None:
    fetch = Fetch(Build(HostView(), sentry=False), Call(Store(), 1, 1))
    for name in ("kvm_intel/parameters/nested", "kvm_intel/parameters/tdx", "kvm_intel/version"):
        fetch.files.text(f"/sys/module/{name}")
    assert seen(fetch) == [
        ("ModuleParameters", "/sys/module/kvm_intel/parameters"),
        ("KernelFile", "/sys/module/kvm_intel/version"),
    ]


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="needs Linux")
def test_memory_in_use_is_neither_noted_nor_read() -> None:
    fetch = Fetch(Build(HostView(), sentry=False), Call(Store(), 1, 1))
    assert fetch.files.text("/proc/meminfo").startswith("MemTotal:")
    assert "MemFree" not in fetch.files.text("/proc/meminfo")
    ((part, _),) = fetch.trace
    assert isinstance(part, Sighting)
    assert part.seen == fetch.files.text("/proc/meminfo") + "\n"


def test_a_kernel_file_that_goes_away_is_noticed(tmp_path: Path) -> None:
    """It stays open; then reading it fails, as when a module is unloaded."""
    import subprocess
    import sys

    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    host_view = HostView()
    path = f"/proc/{child.pid}/comm"
    first = host_view.kernel_text(path)
    assert first
    assert host_view.kernel_text(path) == first
    child.communicate(b"\n")
    assert host_view.kernel_text(path) is None
