"""QEMU's modules: each one counts by its name, and what it needs, also what is missing."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

import pytest

from domcaps.facts.discovery import installed_emulators
from domcaps.fresh import modules
from domcaps.fresh.elf_constants import constant_parts
from domcaps.fresh.host_view import HostView
from domcaps.fresh.loader import dependencies
from domcaps.fresh.modules import module_folders, module_witnesses
from domcaps.fresh.witness import Listing, ProgramFile, Witness

CAT = os.path.realpath("/bin/cat")
pytestmark = pytest.mark.skipif(
    not Path(CAT).read_bytes().startswith(b"\x7fELF"), reason="needs ELF"
)


def library() -> str:
    return dependencies(CAT, HostView(), "").groups[-1][0]


def witnesses(folder: Path, **environ: str) -> set[Witness]:
    host_view = HostView(environ={"QEMU_MODULE_DIR": str(folder), **environ})
    return set(module_witnesses(CAT, (), host_view))


def test_a_link_that_is_turned_shows(tmp_path: Path) -> None:
    shutil.copy(library(), tmp_path / "first")
    shutil.copy(CAT, tmp_path / "second")
    link = tmp_path / "ui-a.so"
    link.symlink_to("first")
    witness = ProgramFile(str(link))
    assert witness in witnesses(tmp_path)
    before = witness.look(HostView())
    link.unlink()
    link.symlink_to("second")
    assert witness.look(HostView()) != before


def test_a_link_that_leads_nowhere_counts(tmp_path: Path) -> None:
    (tmp_path / "ui-a.so").symlink_to(tmp_path / "later")
    assert ProgramFile(f"{tmp_path}/ui-a.so") in witnesses(tmp_path)


def test_what_can_not_be_loaded_counts(tmp_path: Path) -> None:
    (tmp_path / "ui-a.so").write_bytes(b"none")
    assert ProgramFile(f"{tmp_path}/ui-a.so") in witnesses(tmp_path)


def test_what_is_no_module_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("none")
    assert ProgramFile(f"{tmp_path}/README") not in witnesses(tmp_path)


def test_a_folder_in_which_a_library_of_a_module_may_appear_counts(tmp_path: Path) -> None:
    modules, libraries = tmp_path / "modules", tmp_path / "libraries"
    modules.mkdir()
    libraries.mkdir()
    # it needs libraries itself, as a module does
    shutil.copy(CAT, modules / "ui-a.so")
    found = witnesses(modules, LD_LIBRARY_PATH=str(libraries))
    assert Listing(str(libraries)) in found
    assert ProgramFile(library()) in found


def test_a_module_that_needs_more_is_followed(tmp_path: Path) -> None:
    data = Path(CAT).read_bytes()
    (tmp_path / "ui-a.so").write_bytes(data.replace(b"libc.so.6\0", b"libq.so.6\0", 1))
    found = witnesses(tmp_path, LD_LIBRARY_PATH=str(tmp_path))
    assert Listing(str(tmp_path)) in found


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"\0\0/usr/lib/qemu\0", {b"/usr/lib/qemu"}),
        (b"x/a/qemu\0", set()),
        (b"\0/qemu\0/b c/qemu\0/d/qemux\0", set()),
        (b"\0/a/qemu\0/b/qemu\0", {b"/a/qemu", b"/b/qemu"}),
        (b"\0/" + b"a" * 200 + b"/qemu\0", {b"/" + b"a" * 200 + b"/qemu"}),
        (b"\0/" + b"a" * 201 + b"/qemu\0", set()),
    ],
)
def test_folders_that_a_program_names(text: bytes, named: set[bytes]) -> None:
    assert set(modules._names_in(b"\0" * 300 + text + b"\0" * 300)) == named


def test_a_folder_that_others_can_write_is_not_asked_for_modules(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    host_view = HostView(environ={"QEMU_MODULE_DIR": str(tmp_path)})
    assert str(tmp_path) not in module_folders(CAT, (), host_view)


def elf_with(*sections: tuple[int, int, bytes]) -> bytes:
    """Give an ELF file of sections, each with its type, its flags and what it holds."""
    data, table = b"", b""
    for kind, flags, held in sections:
        table += struct.pack(
            "<IIQQQQIIQQ", 0, kind, flags, 0, 64 + len(data), len(held), 0, 0, 1, 0
        )
        data += held
    first = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    numbers = struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 64 + len(data), 0, 64, 56, 0, 64, len(sections), 0
    )
    return first + numbers + data + table


def names_in(tmp_path: Path, data: bytes) -> tuple[str, ...]:
    path = tmp_path / "program"
    path.write_bytes(data)
    return modules._named_in.__wrapped__(str(path), HostView().identity(str(path)))


CONSTANT, CODE, DATA, TEXT = (1, 2), (1, 6), (1, 3), (3, 2)


def test_folders_for_modules_are_among_the_constants(tmp_path: Path) -> None:
    name, other = b"\0/opt/a/qemu\0", b"\0/opt/b/qemu\0"
    data = elf_with((*CODE, other), (*TEXT, other), (*CONSTANT, name), (*CONSTANT, b"\0x\0"))
    assert names_in(tmp_path, data) == ("/opt/a/qemu",)


@pytest.mark.parametrize("kind", [CODE, DATA, TEXT])
def test_names_that_are_no_constants_are_found_as_well(
    tmp_path: Path, kind: tuple[int, int]
) -> None:
    data = elf_with((*CONSTANT, b"\0x\0"), (*kind, b"\0/opt/b/qemu\0"))
    assert names_in(tmp_path, data) == ("/opt/b/qemu",)


def test_a_program_without_section_headers_is_read_whole(tmp_path: Path) -> None:
    data = bytearray(elf_with((*CONSTANT, b"\0/opt/a/qemu\0")))
    for place in (40, 58, 60):  # where they are, their size, their number
        broken = data[:]
        broken[place : place + 2] = b"\0\0"
        assert names_in(tmp_path, bytes(broken)) == ("/opt/a/qemu",)
    assert names_in(tmp_path, bytes(data[:-10])) == ("/opt/a/qemu",)


def test_the_constants_of_installed_emulators_have_all_names() -> None:
    for path in installed_emulators():
        with Path(path).open("rb") as file:
            everything = modules._names_of(file, [(0, 1 << 30)])
            assert modules._names_of(file, constant_parts(file)) in (everything, set()), path
