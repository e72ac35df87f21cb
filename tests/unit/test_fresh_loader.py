"""The dynamic loader's rules: what is taken is what the loader itself says that it takes."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_E_MACHINE

from domcaps.fresh.elf import BrokenImageError, read_image
from domcaps.fresh.host_view import HostView
from domcaps.fresh.identity import identity
from domcaps.fresh.loader import Dependencies, cached_places, dependencies
from domcaps.fresh.witness import Content, Listing, ProgramFile

SHELL = os.path.realpath("/bin/sh")
LOADED = re.compile(r"(/\S+) \(0x")


def listed(path: str, **environ: str) -> set[str]:
    """Ask the loader itself."""
    answer = subprocess.run(
        [path], env={"LD_TRACE_LOADED_OBJECTS": "1", **environ}, capture_output=True, check=True
    )
    return {os.path.realpath(found) for found in LOADED.findall(answer.stdout.decode())}


pytestmark = pytest.mark.skipif(
    not Path(SHELL).read_bytes().startswith(b"\x7fELF"), reason="needs ELF"
)


def followed(path: str, library_path: str = "") -> Dependencies:
    return dependencies(path, HostView(), library_path)


def taken(found: Dependencies) -> set[str]:
    return {os.path.realpath(group[0]) for group in found.groups}


def library() -> Path:
    """Give a library that the shell needs, by the name that it asks for."""
    image = read_image(SHELL, identity(Path(SHELL).stat()))
    assert image is not None
    name = image.needed[0]
    (place,) = [p for p in followed(SHELL).groups if p[0].endswith(f"/{name}")]
    return Path(place[0])


@pytest.mark.parametrize("name", ["sh", "python3", "git", "ssh", "gcc", "ldd", "openssl"])
def test_it_takes_what_the_loader_takes(name: str) -> None:
    path = os.path.realpath(shutil.which(name) or SHELL)
    if not Path(path).read_bytes().startswith(b"\x7fELF"):
        path = SHELL
    found = followed(path)
    assert taken(found) == listed(path)
    assert found.doubts == ()


def test_a_folder_that_is_searched_earlier_counts(tmp_path: Path) -> None:
    shutil.copy(library(), tmp_path)
    found = followed(SHELL, str(tmp_path))
    assert taken(found) == listed(SHELL, LD_LIBRARY_PATH=str(tmp_path))
    assert str(tmp_path / library().name) in taken(found)


def test_a_library_that_appears_earlier_would_be_noticed(tmp_path: Path) -> None:
    found = followed(SHELL, f"{tmp_path}/none:{tmp_path}")
    assert {Listing(f"{tmp_path}/none"), Listing(str(tmp_path))} <= set(found.witnesses)


@pytest.mark.parametrize("below", ["glibc-hwcaps/x86-64-v2", "tls", "tls/haswell"])
def test_folders_for_processors_are_looked_into(tmp_path: Path, below: str) -> None:
    (tmp_path / below).mkdir(parents=True)
    found = followed(SHELL, str(tmp_path))
    assert Listing(str(tmp_path / below)) in found.witnesses
    shutil.copy(library(), tmp_path / below)
    places = [group for group in followed(SHELL, str(tmp_path)).groups if len(group) == 1]
    assert any(place[0].startswith(str(tmp_path / below)) for place in places)


def test_a_library_for_another_machine_is_passed_over(tmp_path: Path) -> None:
    data = bytearray(library().read_bytes())
    # e_machine
    struct.pack_into("<H", data, 18, 0x1234)
    (tmp_path / library().name).write_bytes(data)
    assert taken(followed(SHELL, str(tmp_path))) == listed(SHELL)


def test_what_is_loaded_before_all_and_the_cache_are_witnesses() -> None:
    found = followed(SHELL).witnesses
    assert any(isinstance(w, Content) and w.path == "/etc/ld.so.preload" for w in found)
    assert any(isinstance(w, Content) and w.path == "/etc/ld.so.cache" for w in found)


@pytest.mark.parametrize("folders", ["libs", "/lib:", "$PLATFORM/lib", "/opt/${NONE}"])
def test_a_folder_that_depends_on_something_else_is_doubted(folders: str) -> None:
    assert "libraries are looked for in" in " ".join(followed(SHELL, folders).doubts)


def test_the_origin_is_the_folder_of_the_program() -> None:
    found = followed(SHELL, "$ORIGIN/../own:${ORIGIN}/own")
    folder = str(Path(SHELL).parent)
    assert {Listing(f"{folder}/../own"), Listing(f"{folder}/own")} <= set(found.witnesses)


def test_what_is_no_program_needs_nothing(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    assert followed(str(tmp_path / "text")) == Dependencies((), (), ())
    assert followed(str(tmp_path / "none")) == Dependencies((), (), ())


def test_a_program_for_an_unknown_loader_is_doubted(tmp_path: Path) -> None:
    data = Path(SHELL).read_bytes()
    begin = data.index(b"/ld-linux")
    broken = data[:begin] + b"/xx-linux" + data[begin + 9 :]
    (tmp_path / "program").write_bytes(broken)
    assert "are not known" in " ".join(followed(str(tmp_path / "program")).doubts)


@pytest.mark.parametrize("size", [4, 16, 40, 63, 64, 100, 200, 1000, 5000])
def test_a_program_that_is_cut_off_does_no_harm(tmp_path: Path, size: int) -> None:
    path = tmp_path / "program"
    path.write_bytes(Path(SHELL).read_bytes()[:size])
    try:
        read_image(str(path), identity(path.stat()))
    except BrokenImageError:
        assert followed(str(path)).doubts


@pytest.mark.parametrize("place", range(16, 64))
def test_a_broken_header_does_no_harm(tmp_path: Path, place: int) -> None:
    data = bytearray(Path(SHELL).read_bytes())
    data[place] ^= 0xFF
    (tmp_path / "program").write_bytes(data)
    found = followed(str(tmp_path / "program"))
    assert found.doubts or found.groups or not found.witnesses


def test_what_is_read_is_what_pyelftools_reads() -> None:
    libraries = sorted(Path("/usr/lib").glob("*-linux-gnu/lib*.so*"))[:80]
    paths = {os.path.realpath(path) for path in libraries}
    paths |= {place for group in followed(SHELL).groups for place in group}
    images = 0
    for path in sorted({*paths, os.path.realpath(SHELL)}):
        image = read_image(path, identity(Path(path).stat()))
        if image is None:  # a script of the linker
            continue
        images += 1
        with Path(path).open("rb") as file:
            elf: Any = ELFFile(file)
            assert image.kind[0] * 32 == elf.elfclass
            assert (image.kind[1] == 1) == elf.little_endian
            assert ENUM_E_MACHINE[elf["e_machine"]] == image.kind[2]
            told = [tag for part in elf.iter_segments("PT_DYNAMIC") for tag in part.iter_tags()]
            assert image.needed == tuple(
                tag.needed for tag in told if tag.entry.d_tag == "DT_NEEDED"
            )
            runpaths = [tag.runpath for tag in told if tag.entry.d_tag == "DT_RUNPATH"]
            assert image.runpath == tuple(":".join(runpaths).split(":") if runpaths else ())
            named = [part.get_interp_name() for part in elf.iter_segments("PT_INTERP")]
            assert image.interpreter == "".join(named)
    assert images > 5


@pytest.mark.parametrize(("place", "value"), [(4, 0), (4, 3), (5, 0), (5, 7), (54, 1), (54, 255)])
def test_a_header_of_no_known_form_is_broken(tmp_path: Path, place: int, value: int) -> None:
    data = bytearray(Path(SHELL).read_bytes())
    data[place] = value
    path = tmp_path / "program"
    path.write_bytes(data)
    with pytest.raises(BrokenImageError):
        read_image(str(path), identity(path.stat()))


def test_a_file_is_taken_by_its_program_file() -> None:
    found = followed(SHELL)
    assert {ProgramFile(place) for group in found.groups for place in group} <= set(found.witnesses)


def test_a_broken_cache_names_nothing() -> None:
    good = Path("/etc/ld.so.cache").read_bytes()
    assert cached_places(good)
    head = b"glibc-ld.so.cache1.1" + b"\xff" * 40
    for data in (b"", b"x" * 100, head, good[:60], good[: len(good) // 2]):
        cached_places(data)
