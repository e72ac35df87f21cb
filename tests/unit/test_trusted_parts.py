"""What a trusted program would load or start is judged as the program itself is."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.errors import UntrustedProgramError
from domcaps.facts.discovery import installed_emulators
from domcaps.facts.launch import PIPE, Command, start
from domcaps.facts.passed import folders, passed
from domcaps.facts.trust import ProgramKind, admit, vouch
from domcaps.fresh import loader
from domcaps.fresh.elf import read_image
from domcaps.fresh.host_view import HostView
from domcaps.fresh.identity import identity
from domcaps.fresh.loader import CACHE, cached_places
from domcaps.fresh.modules import module_witnesses
from domcaps.fresh.programs import program_parts
from domcaps.fresh.trusted import distrust, trusted_folders
from domcaps.fresh.witness import Listing, ProgramFile, TrustedFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.fresh.elf import ElfImage
    from domcaps.fresh.identity import Identity

CAT = os.path.realpath("/bin/cat")
pytestmark = pytest.mark.usefixtures("no_program_is_named")

needs_elf = pytest.mark.skipif(
    not Path(CAT).read_bytes().startswith(b"\x7fELF"), reason="needs ELF"
)


def script(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


# -- variables that name folders -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["PATH", "LD_LIBRARY_PATH"])
def test_a_folder_that_others_can_write_is_not_passed_on(
    name: str, weak: Path, tmp_path: Path
) -> None:
    assert passed(name, f"{weak}:{tmp_path}:{weak}/below") == str(tmp_path)
    assert passed(name, str(weak)) is None


def test_a_folder_for_modules_that_others_can_write_is_not_passed_on(
    weak: Path, tmp_path: Path
) -> None:
    assert passed("QEMU_MODULE_DIR", str(weak)) is None
    assert passed("QEMU_MODULE_DIR", str(tmp_path)) == str(tmp_path)


def test_a_link_is_passed_on_as_what_it_leads_to(weak: Path, tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.mkdir()
    (weak / "link").symlink_to(good)
    assert passed("PATH", str(weak / "link")) == str(good)


def test_the_sticky_bit_does_not_keep_names_from_being_added(tmp_path: Path) -> None:
    """As ``/tmp`` has it: what stands there is safe, what is looked for there is not."""
    sticky = tmp_path / "sticky"
    sticky.mkdir()
    sticky.chmod(0o1777)
    for name in ("PATH", "LD_LIBRARY_PATH", "QEMU_MODULE_DIR"):
        assert passed(name, str(sticky)) is None
    assert passed("LD_LIBRARY_PATH", f"{sticky}/$PLATFORM") is None
    assert passed("PATH", f"{sticky}/$USER/missing") is None
    (sticky / "$USER").mkdir()
    assert passed("PATH", f"{sticky}/$USER") == f"{sticky}/$USER"
    (sticky / "$USER").chmod(0o777)
    assert passed("PATH", f"{sticky}/$USER") is None


def test_a_relative_folder_of_the_search_path_is_not_passed_on() -> None:
    assert passed("PATH", ":.:bin:/usr/bin:") == "/usr/bin"


def test_names_that_only_the_loader_knows(weak: Path) -> None:
    assert passed("LD_LIBRARY_PATH", "$ORIGIN/../lib") == "$ORIGIN/../lib"
    assert passed("LD_LIBRARY_PATH", f"{weak}/$LIB") is None
    # beside the program is the end: farther up other users may make names
    for folder in ("$ORIGIN/../../tmp/a", "${ORIGIN}/a/../../../tmp", "$LIB/a", "$ORIGINAL", "lib"):
        assert passed("LD_LIBRARY_PATH", folder) is None
    for folder in ("$ORIGIN", "${ORIGIN}/../lib/qemu", "$ORIGIN/$LIB"):
        assert passed("LD_LIBRARY_PATH", folder) == (None if "$LIB" in folder else folder)
    assert folders("LD_LIBRARY_PATH", "/a;/b:$ORIGIN:c") == ("/a", "/b")


@pytest.mark.parametrize("name", ["HOME", "TMPDIR", "GLIBC_TUNABLES"])
def test_other_variables_are_passed_on(name: str, weak: Path) -> None:
    assert passed(name, str(weak)) == str(weak)


def test_a_program_does_not_get_the_folder(
    weak: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(weak / "grep", "#!/bin/sh\necho taken\n")
    monkeypatch.setenv("PATH", f"{weak}:{os.environ['PATH']}")
    program = script(tmp_path / "qemu-system-x86_64", "#!/bin/sh\ngrep --version\necho $PATH\n")
    vouch(program)
    said = start(Command(program), output=PIPE).communicate()[0].decode()
    assert "taken" not in said
    assert str(weak) not in said


# -- what a program consists of ------------------------------------------------------------------


def test_an_interpreter_that_others_can_change(weak: Path, tmp_path: Path) -> None:
    shutil.copy("/bin/sh", weak / "sh")
    program = script(tmp_path / "q", f"#! {weak}/sh -e\necho ok\n")
    vouch(program)
    with pytest.raises(UntrustedProgramError, match="every user may write"):
        admit(program)
    weak.chmod(0o755)
    assert admit(program) == program


def test_a_wrapper_of_a_program_that_others_can_change(weak: Path, tmp_path: Path) -> None:
    shutil.copy(CAT, weak / "real")
    program = script(tmp_path / "q", f'#!/bin/sh\nexec {weak}/real "$@"\n')
    found = distrust(program)
    assert found is not None
    assert f"it would take {weak}/real" in str(found)
    weak.chmod(0o755)
    assert distrust(program) is None


@pytest.mark.parametrize(
    "text",
    [
        "#!/bin/bash\nexec -a qemu {} \"$@\"\n", "#!/bin/bash\nexec -c {}\n",
        "#!/bin/sh\nexec /usr/bin/env {} \"$@\"\n", "#!/bin/sh\nX=1\nexec {}\n",
        "#!/bin/sh\nexec .{} \"$@\"\n", "#!/usr/bin/python3\nimport os\nos.execv('{}', ['q'])\n",
    ],
)  # fmt: skip
def test_a_program_that_a_script_names_is_judged(weak: Path, tmp_path: Path, text: str) -> None:
    shutil.copy(CAT, weak / "real")
    program = script(tmp_path / "q", text.format(weak / "real"))
    assert f"{weak}/real" in str(distrust(program))
    weak.chmod(0o755)
    assert distrust(program) is None


def test_a_program_behind_options_of_exec_is_not_taken_for_known(tmp_path: Path) -> None:
    program = script(tmp_path / "q", f'#!/bin/bash\nexec -a qemu {CAT} "$@"\n')
    assert "is not known" in " ".join(program_parts(program, HostView()).doubts)


def test_a_link_of_another_user_does_not_choose_the_program(
    weak: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = script(tmp_path / "anything", "#!/bin/sh\necho started\n")
    (weak / "qemu-system-x86_64").symlink_to(program)
    monkeypatch.setenv("PATH", str(weak))
    with pytest.raises(UntrustedProgramError, match="is no emulator of this system"):
        admit(program)
    assert str(weak / "qemu-system-x86_64") not in installed_emulators()
    # also where the operator names the link
    vouch(str(weak / "qemu-system-x86_64"))
    with pytest.raises(UntrustedProgramError, match="every user may write"):
        admit(str(weak / "qemu-system-x86_64"))


def test_a_program_is_named_for_one_purpose(tmp_path: Path) -> None:
    """A descriptor of a vhost-user program does not make it an emulator."""
    program = script(tmp_path / "virtiofsd", "#!/bin/sh\necho ok\n")
    vouch(program, ProgramKind.HELPER)
    assert admit(program, ProgramKind.HELPER) == program
    with pytest.raises(UntrustedProgramError, match="is no emulator of this system"):
        admit(program)


def test_a_pipe_is_no_program(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o755)
    assert program_parts(str(tmp_path / "pipe"), HostView()).program


@needs_elf
def test_a_library_that_others_can_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    libraries = tmp_path / "lib"
    libraries.mkdir()
    parts = program_parts(CAT, HostView())
    for group in parts.groups[1:]:
        shutil.copy(group[0], libraries)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(libraries))
    assert distrust(CAT) is None
    taken = next(libraries.iterdir())
    taken.chmod(0o666)
    assert str(taken) in str(distrust(CAT))


@needs_elf
def test_the_rights_of_its_folders_count_as_long_as_answers_are_kept(tmp_path: Path) -> None:
    host_view = HostView()
    program = tmp_path / "cat"
    shutil.copy(CAT, program)
    found = trusted_folders(program_parts(str(program), host_view).witnesses, host_view)
    assert TrustedFolder(str(tmp_path)) in found
    before = TrustedFolder(str(tmp_path)).look(host_view)
    tmp_path.chmod(0o777)
    assert TrustedFolder(str(tmp_path)).look(host_view) != before


def test_a_group_decides_so_that_the_folder_is_looked_at_each_time(tmp_path: Path) -> None:
    host_view = HostView()
    assert TrustedFolder(str(tmp_path)).watched(host_view) == str(tmp_path)
    tmp_path.chmod(0o775)
    assert TrustedFolder(str(tmp_path)).watched(host_view) == ""


# -- folders in which the loader looks -----------------------------------------------------------


def found_in_cache() -> Iterator[tuple[str, str, str]]:
    """Give libraries, each with one that it needs and that the linker's cache alone names."""
    own = {Path(place).name for group in program_parts(CAT, HostView()).groups for place in group}
    cached = cached_places(Path(CACHE).read_bytes())
    for library in (place for places in cached.values() for place in places[:1]):
        image = read_image(library, identity(Path(library).stat()))
        for name in () if image is None or image.rpath or image.runpath else image.needed:
            if name not in own and name in cached:
                yield library, name, cached[name][0]


@pytest.fixture
def needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a module that needs a library which the linker's cache has in a folder of its own."""
    modules, libraries = tmp_path / "modules", tmp_path / "libraries"
    modules.mkdir()
    libraries.mkdir()
    library, name, place = next(found_in_cache())
    shutil.copy(library, modules / "ui-a.so")
    shutil.copy(place, libraries / name)
    known = loader.cached_places
    monkeypatch.setattr(
        loader, "cached_places", lambda data: known(data) | {name: [str(libraries / name)]}
    )
    monkeypatch.setenv("QEMU_MODULE_DIR", str(modules))
    assert distrust(CAT) is None
    return libraries / name


@needs_elf
def test_a_library_of_a_module_that_another_user_can_change(needed: Path) -> None:
    needed.chmod(0o666)
    assert f"it would take {needed}" in str(distrust(CAT))


@needs_elf
@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_library_of_a_module_that_another_user_can_bring(needed: Path, mode: int) -> None:
    # the cache still names it
    needed.unlink()
    needed.parent.chmod(mode)
    assert str(needed.parent) in str(distrust(CAT))


@needs_elf
@pytest.mark.parametrize("mode", [0o777, 0o1777])
@pytest.mark.parametrize("inner", ["", "later"])
def test_a_folder_of_a_runpath_in_which_another_user_can_put_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, inner: str
) -> None:
    folder = tmp_path / "libraries"
    folder.mkdir()
    real = read_image

    def with_runpath(path: str, state: Identity) -> ElfImage | None:
        image = real(path, state)
        return image and image._replace(runpath=(f"{folder}/{inner}".rstrip("/"),))

    monkeypatch.setattr(loader, "read_image", with_runpath)
    assert distrust(CAT) is None
    folder.chmod(mode)
    assert f"it would take {folder}" in str(distrust(CAT))


@needs_elf
def test_what_the_cache_names_and_is_not_there_may_come(needed: Path) -> None:
    needed.unlink()
    found = set(module_witnesses(CAT, (), HostView()))
    assert ProgramFile(str(needed)) in found


TAGS = {
    "DT_AUDIT": 0x6FFFFEFC,
    "DT_DEPAUDIT": 0x6FFFFEFB,
    "DT_AUXILIARY": 0x7FFFFFFD,
    "DT_FILTER": 0x7FFFFFFF,
}


@needs_elf
@pytest.mark.parametrize("name", TAGS)
def test_every_kind_of_library_that_an_elf_file_names_is_read(name: str, tmp_path: Path) -> None:
    before = read_image(CAT, identity(Path(CAT).stat()))
    assert before is not None
    assert before.needed
    order = "<" if before.kind[1] == 1 else ">"
    pair = f"{order}qQ" if before.kind[0] == 2 else f"{order}iI"
    text = Path(CAT).read_bytes()
    size = struct.calcsize(pair)
    words = {text[at : at + size] for at in range(0, len(text) - size, size // 2)}
    known = [
        one for one in words if struct.unpack(pair, one)[0] == 1 and one[size // 2 :].rstrip(b"\0")
    ]
    changed = tmp_path / "changed"
    seen = set()
    for one in known:
        made = text.replace(one, struct.pack(pair, TAGS[name], struct.unpack(pair, one)[1]))
        changed.unlink(missing_ok=True)
        changed.write_bytes(made)
        found = read_image(str(changed), identity(changed.stat()))
        seen |= set(found.loads if found else ())
    assert seen & set(before.needed)


def with_image(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Have every file say this to the loader, besides what it says."""
    real = read_image

    def changed(path: str, state: Identity) -> ElfImage | None:
        image = real(path, state)
        return image and image._replace(**fields)

    monkeypatch.setattr(loader, "read_image", changed)


@needs_elf
@pytest.mark.parametrize(
    "name", ["{}/liba.so", "$ORIGIN/../../../../../../../..{}/liba.so", "relative"]
)
def test_a_library_beside_the_needed_ones_that_others_can_change(
    name: str, weak: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(program_parts(CAT, HostView()).groups[1][0], weak / "liba.so")
    written = str(weak)[1:] + "/liba.so" if name == "relative" else name.format(weak)
    with_image(monkeypatch, loads=(written,))
    assert "weak" in str(distrust(CAT))


@needs_elf
@pytest.mark.parametrize("form", ["{}", "/$PLATFORM/../{}", "/etc/../{}"])
@pytest.mark.parametrize("field", ["rpath", "runpath"])
def test_a_relative_folder_counts_from_the_root(
    form: str, field: str, weak: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_image(monkeypatch, **{field: (form.format(str(weak)[1:]),)})
    assert "weak" in str(distrust(CAT))
    assert program_parts(CAT, HostView()).doubts or form.startswith("/etc")


@needs_elf
def test_a_relative_library_counts_from_the_root(
    weak: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_image(monkeypatch, needed=(f"{str(weak)[1:]}/liba.so",))
    assert "weak" in str(distrust(CAT))


@needs_elf
def test_an_empty_folder_is_the_working_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    with_image(monkeypatch, runpath=(".",))
    assert Listing("/") in program_parts(CAT, HostView()).witnesses
