"""What a program is made of."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from domcaps.facts.hostfiles import HostFiles
from domcaps.fresh.host_view import HostView
from domcaps.fresh.programs import (
    LINKER_CACHE,
    Parts,
    Running,
    loaded_witnesses,
    mismatches,
    program_parts,
    running,
)
from domcaps.fresh.witness import Executable, Listing, ProgramFile


def host(root: Path, **environ: str) -> HostView:
    return HostView(HostFiles(root), environ)


def program(root: Path, path: str, text: str = "\x7fELF") -> str:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    place.chmod(0o755)
    return path


needs_proc = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux")


@needs_proc
def test_files_of_a_running_program_are_seen() -> None:
    found = running(os.getpid()).files
    paths = {mapped.path for mapped in found}
    assert str(Path(sys.executable).resolve()) in paths or any("libpython" in p for p in paths)
    assert all(path.startswith("/") and "(deleted)" not in path for path in paths)
    assert all(mapped.inode == Path(mapped.path).stat().st_ino for mapped in found)


@needs_proc
def test_what_a_wrapper_started_is_seen() -> None:
    # the shell has something to do afterwards, so that it stays
    code = f"{sys.executable} -c 'print(1, flush=True); input()'; exit"
    shell = subprocess.Popen(
        ["/bin/sh", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert shell.stdout is not None
    shell.stdout.read(1)
    paths = {mapped.path for mapped in running(shell.pid).files}
    shell.communicate(b"\n")
    assert os.path.realpath("/bin/sh") in paths
    assert any("python" in path for path in paths)


def test_of_a_process_that_is_gone_nothing_is_seen() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    assert running(child.pid).files == frozenset()


def test_a_program_is_its_file(tmp_path: Path) -> None:
    path = program(tmp_path, "/usr/bin/qemu")
    parts = program_parts(path, host(tmp_path))
    assert parts.witnesses == (Executable(path), ProgramFile(path))
    assert (parts.program, parts.doubts) == (path, ())


def test_a_script_is_made_of_what_it_starts(tmp_path: Path) -> None:
    program(tmp_path, "/bin/sh")
    program(tmp_path, "/opt/qemu/real")
    program(tmp_path, "/usr/bin/qemu-kvm", "#!/bin/sh\nexec '/opt/qemu/real' -x y \"$@\"\n")
    text = '#!/bin/sh\n# a comment\n\nset -e\nexec qemu-kvm -S "$@"\nwhatever follows\n'
    path = program(tmp_path, "/usr/bin/qemu", text)
    parts = program_parts(path, host(tmp_path, PATH="/usr/local/bin:/usr/bin"))
    assert {witness.place for witness in parts.witnesses} == {
        "/usr/bin/qemu", "/bin/sh", "/opt/qemu/real", "$PATH", "/usr/local/bin/qemu-kvm",
        "/usr/bin/qemu-kvm", "/usr/local/bin", "/usr/bin",
    }  # fmt: skip
    assert (parts.program, parts.doubts) == ("/opt/qemu/real", ())


OBSCURE = {
    "a vertical tab is no blank": 'exec\v/usr/bin/cat "$@"',
    "a form feed is no blank": 'exec\f/usr/bin/cat "$@"',
    "a carriage return is no blank": 'exec\r/usr/bin/cat "$@"',
    "a line begins with a vertical tab": '\vexec /usr/bin/cat "$@"',
    "a zero byte": "echo '\0'",
    "sources a file": ". /etc/conf\nexec $REAL",
    "looks at a variable": 'exec "$REAL" "$@"',
    "computes a name": 'exec "$(dirname "$0")/real" "$@"',
    "in backticks": "exec `cat /etc/real`",
    "sets a variable before": "LD_LIBRARY_PATH=/opt exec /real",
    "starts a child": '/real "$@"',
    "decides": "if true; then exec /real; fi",
    "looks for files": "exec /opt/*/real",
    "at home": "exec ~/real",
    "two commands": "exec /real; true",
    "in the background": "exec /real & wait",
    "reads": "exec /real < /etc/conf",
    "goes elsewhere": "cd /opt\nexec ./real",
    "goes on in the next line": "exec /real \\\n  $(cat /etc/conf)",
    "says a variable": 'echo "$REAL"',
    "a function": "f() { cat /etc/conf; }\nexec /real",
    "here document": "exec /real << E\nE",
    "not text": "exec /r\u00e9al",
}


@pytest.mark.parametrize("name", OBSCURE)
def test_a_script_of_which_not_all_is_known_is_doubted(name: str, tmp_path: Path) -> None:
    program(tmp_path, "/real")
    path = program(tmp_path, "/usr/bin/qemu", f"#!/bin/sh\n{OBSCURE[name]}\n")
    (doubt,) = program_parts(path, host(tmp_path)).doubts
    assert "/usr/bin/qemu" in doubt


@pytest.mark.parametrize(
    "first", ["#!/usr/bin/env sh", "#!/usr/bin/python3", "#!/opt/sh", "#!/bin/sh -x", "#!/bin/ksh"]
)
def test_of_other_interpreters_it_is_not_known_what_they_read(first: str, tmp_path: Path) -> None:
    program(tmp_path, "/real")
    path = program(tmp_path, "/usr/bin/qemu", f"{first}\nexec /real\n")
    assert program_parts(path, host(tmp_path)).doubts


def test_scripts_that_start_each_other_come_to_an_end(tmp_path: Path) -> None:
    program(tmp_path, "/a", "#!/bin/sh\nexec /b\n")
    program(tmp_path, "/b", "#!/bin/sh\nexec /a\n")
    assert program_parts("/a", host(tmp_path)).doubts


@pytest.mark.parametrize("content", [b"", b"#!", b"#!\0\xff\xfe", b"#!" + b"'" * 70_000])
def test_odd_scripts_do_no_harm(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "qemu").write_bytes(content)
    assert ProgramFile("/qemu") in program_parts("/qemu", host(tmp_path)).witnesses


def test_a_long_script_is_not_half_understood(tmp_path: Path) -> None:
    path = program(tmp_path, "/qemu", "#!/bin/sh\n" + "#" * 70_000 + "\nexec /real\n")
    assert program_parts(path, host(tmp_path)).doubts


# -- what was expected, and what ran ---------------------------------------------------------


def expected(program: str, *groups: tuple[str, ...]) -> Parts:
    return Parts((), program, groups, ())


@needs_proc
def test_what_ran_is_compared_with_what_was_expected() -> None:
    host_view, real = HostView(), os.path.realpath("/bin/sh")
    with subprocess.Popen(["/bin/sh", "-c", "read _; exit"], stdin=subprocess.PIPE) as shell:
        time.sleep(0.3)
        seen = running(shell.pid)
    parts = program_parts("/bin/sh", host_view)
    assert len(parts.groups) >= 2
    assert list(mismatches(parts, seen, host_view)) == []
    other = os.path.realpath(sys.executable)
    assert "starts other programs" in " ".join(mismatches(expected(other), seen, host_view))
    assert "was not loaded" in " ".join(mismatches(expected(real, (other,)), seen, host_view))
    nothing = Running(frozenset(), frozenset())
    assert "can't be seen" in " ".join(mismatches(parts, nothing, host_view))


def library(root: Path, real: str, *links: str) -> str:
    path = program(root, f"/usr/lib/{real}")
    for link in links:
        (root / "usr/lib" / link).symlink_to(real)
    return path


@pytest.mark.parametrize(
    ("real", "links", "found"),
    [
        ("libz.so.1.2.13", ("libz.so", "libz.so.1"), "libz.so.1"),
        ("libicu.so.72.1", ("libicu.so.72",), "libicu.so.72"),
        ("libelf-0.188.so", ("libelf.so.1",), "libelf.so.1"),
        ("libssl.so.3", (), "libssl.so.3"),
        ("libprivate-16.1.so", (), "libprivate-16.1.so"),
        ("ld-linux-x86-64.so.2", (), "ld-linux-x86-64.so.2"),
    ],
)
def test_a_library_is_known_by_the_name_that_is_looked_for(
    tmp_path: Path, real: str, links: tuple[str, ...], found: str
) -> None:
    path = library(tmp_path, real, *links)
    witnesses = loaded_witnesses("/usr/bin/qemu", [path], host(tmp_path))
    assert ProgramFile(f"/usr/lib/{found}") in witnesses
    assert LINKER_CACHE in witnesses


def test_a_link_to_another_version_is_not_taken(tmp_path: Path) -> None:
    old = library(tmp_path, "libz.so.1.2.12")
    library(tmp_path, "libz.so.1.2.13", "libz.so.1")
    witnesses = loaded_witnesses("/usr/bin/qemu", [old], host(tmp_path))
    assert ProgramFile(old) in witnesses


def test_folders_for_modules_are_looked_into_even_if_none_was_loaded(tmp_path: Path) -> None:
    path = library(tmp_path, "x86_64-linux-gnu/libz.so.1")
    host_view = host(tmp_path, QEMU_MODULE_DIR="/opt/modules")
    folders = {w.path for w in loaded_witnesses("/usr/bin/qemu", [path], host_view)
               if isinstance(w, Listing)}  # fmt: skip
    assert {"/usr/lib/x86_64-linux-gnu/qemu", "/opt/modules", "/var/run/qemu"} <= folders


def test_modules_may_be_in_the_folder_that_the_program_was_built_for(tmp_path: Path) -> None:
    path = program(tmp_path, "/opt/q/bin/qemu", "\x7fELF\0/usr/lib/some-triplet/qemu\0")
    folders = {w.path for w in loaded_witnesses(path, [], host(tmp_path))
               if isinstance(w, Listing)}  # fmt: skip
    assert {"/usr/lib/some-triplet/qemu", "/opt/q/lib/some-triplet/qemu"} <= folders


@pytest.mark.parametrize("before", [-30, -5, 0, 3])
def test_the_name_of_a_module_folder_may_lie_across_two_pieces(
    before: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domcaps.fresh.modules._PIECE", 1000)
    filling = "x" * (1000 + before - len("\x7fELF"))
    path = program(tmp_path, "/opt/q/bin/qemu", f"\x7fELF{filling}\0/usr/lib/some-triplet/qemu\0")
    folders = {w.path for w in loaded_witnesses(path, [], host(tmp_path))
               if isinstance(w, Listing)}  # fmt: skip
    assert "/usr/lib/some-triplet/qemu" in folders
