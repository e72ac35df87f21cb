"""Helper programs: where they are found, what they say, and that nothing of them remains."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from domcaps.facts.helpers import NoAnswer, read_helpers, run_briefly
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.launch import Command
from domcaps.facts.trust import ProgramKind, vouch

if TYPE_CHECKING:
    from domcaps.facts.record import Helper


def program(root: Path, path: str, script: str = "exit 0", mode: int = 0o755) -> Path:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(mode)
    return file


def find(root: Path, *, run: bool = True, known: tuple[Helper, ...] = ()) -> dict[str, Helper]:
    helpers = read_helpers(
        HostFiles(root), privileged=True, environ={"PATH": "/opt/bin:bin:"}, run=run, known=known
    )
    return {helper.name: helper for helper in helpers}


def test_the_search_path_comes_first_then_the_systems(tmp_path: Path) -> None:
    program(tmp_path, "/usr/bin/swtpm")
    assert find(tmp_path)["swtpm"].path == "/usr/bin/swtpm"
    program(tmp_path, "/opt/bin/swtpm")
    assert find(tmp_path)["swtpm"].path == "/opt/bin/swtpm"


def test_what_can_not_be_executed_is_no_program(tmp_path: Path) -> None:
    program(tmp_path, "/opt/bin/passt", mode=0o644)
    (tmp_path / "opt/bin/nbdkit").mkdir()
    (tmp_path / "opt/bin/swtpm").symlink_to("swtpm")
    found = find(tmp_path)
    for name in ("passt", "nbdkit", "swtpm"):
        assert found[name].path == ""
        assert found[name].reason == f"no program {name!r} on the search path"


def test_programs_of_qemu_have_folders_of_their_own(tmp_path: Path) -> None:
    program(tmp_path, "/usr/lib/qemu/qemu-bridge-helper")
    program(tmp_path, "/usr/libexec/qemu-pr-helper")
    found = find(tmp_path)
    assert found["qemu-bridge-helper"].path == "/usr/lib/qemu/qemu-bridge-helper"
    assert found["qemu-pr-helper"].path == "/usr/libexec/qemu-pr-helper"


def test_virtiofsd_is_named_by_a_descriptor(tmp_path: Path) -> None:
    program(tmp_path, "/usr/libexec/virtiofsd")
    program(tmp_path, "/far/away/fsd", """echo '{"features": ["migrate-precopy"]}'""")
    folder = tmp_path / "usr/share/qemu/vhost-user"
    folder.mkdir(parents=True)
    (folder / "10-broken.json").write_text("{")
    (folder / "20-gone.json").write_text('{"type": "fs", "binary": "/gone"}')
    (folder / "50-virtiofsd.json").write_text('{"type": "fs", "binary": "/far/away/fsd"}')
    found = find(tmp_path)["virtiofsd"]
    assert found.path == "/far/away/fsd"
    assert found.features == ("migrate-precopy",)


@pytest.mark.parametrize(
    ("script", "features"),
    [
        ("""echo '{"features": ["tpm-1.2", "tpm-2.0"], "version": "1"}'""", ("tpm-1.2", "tpm-2.0")),
        ("""echo '{"features": ["tpm-2.0", 1, "tpm-1.2"]}'""", ("tpm-2.0",)),
        ("""echo '{"features": []}'""", ()),
    ],
)
def test_features_are_what_the_program_says(
    tmp_path: Path, script: str, features: tuple[str, ...]
) -> None:
    program(tmp_path, "/opt/bin/swtpm_setup", script)
    found = find(tmp_path)["swtpm_setup"]
    assert found.features == features
    assert found.reason == ""


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "it ended with status 3"),
        ("kill -9 $$", "it ended with status 9"),
        ("echo hello", "no JSON with a list of features"),
        ("echo '{}'", "no JSON with a list of features"),
        ("true", "no JSON with a list of features"),
        (r"""printf '{"features": ["tpm\377"]}'""", "no JSON with a list of features"),
        ("yes", "it prints more than 64 KiB"),
        ("""echo '{"features": ["tpm-2.0"]}'; exit 1""", "it ended with status 1"),
    ],
)
def test_a_program_that_does_not_tell_is_there_all_the_same(
    tmp_path: Path, script: str, reason: str
) -> None:
    program(tmp_path, "/opt/bin/swtpm_setup", script)
    found = find(tmp_path)["swtpm_setup"]
    assert found.path == "/opt/bin/swtpm_setup"
    assert found.features == ()
    assert found.reason == f"it does not tell its features: {reason}"


def test_a_file_of_another_kind_can_not_be_started(tmp_path: Path) -> None:
    file = tmp_path / "swtpm_setup"
    file.write_bytes(b"\x7fELF nonsense")
    file.chmod(0o755)
    with pytest.raises(NoAnswer, match="Exec format error"):
        run_briefly(named(file))


def test_no_program_is_run_unless_wanted(tmp_path: Path) -> None:
    program(tmp_path, "/opt/bin/swtpm_setup", f"touch {tmp_path}/ran")
    assert find(tmp_path, run=False)["swtpm_setup"].path == "/opt/bin/swtpm_setup"
    assert not (tmp_path / "ran").exists()


def test_what_was_not_asked_is_asked_when_wanted(tmp_path: Path) -> None:
    program(tmp_path, "/opt/bin/swtpm_setup", """echo '{"features": ["tpm-2.0"]}'""")
    quiet = find(tmp_path, run=False)["swtpm_setup"]
    assert quiet.reason == "it was not asked for its features"
    asked = find(tmp_path, known=(quiet,))["swtpm_setup"]
    assert asked.features == ("tpm-2.0",)
    assert find(tmp_path, run=False, known=(asked,))["swtpm_setup"] == asked


def test_who_took_too_long_is_asked_again(tmp_path: Path) -> None:
    program(tmp_path, "/opt/bin/swtpm_setup", """echo '{"features": ["tpm-2.0"]}'""")
    found = find(tmp_path)["swtpm_setup"]
    slow = msgspec.structs.replace(
        found, features=(), reason="it does not tell its features: it takes too long"
    )
    assert find(tmp_path, known=(slow,))["swtpm_setup"] == found


def test_a_program_is_asked_again_only_when_it_changed(tmp_path: Path) -> None:
    say = """echo x >> COUNT; echo '{"features": ["tpm-2.0"]}'"""
    count = tmp_path / "count"
    file = program(tmp_path, "/opt/bin/swtpm_setup", say.replace("COUNT", str(count)))
    first = find(tmp_path)
    again = find(tmp_path, known=tuple(first.values()))
    assert again == first
    assert count.read_text() == "x\n"
    os.utime(file, ns=(1, 1))
    assert find(tmp_path, known=tuple(first.values()))["swtpm_setup"].features == ("tpm-2.0",)
    assert count.read_text() == "x\nx\n"


def test_a_hanging_program_and_its_children_are_ended(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"echo $$ >> {pids}; sleep 1000 & echo $! >> {pids}; exec sleep 1000"
    file = program(tmp_path, "/opt/bin/slow", script)
    started = time.monotonic()
    with pytest.raises(NoAnswer, match="too long"):
        run_briefly(named(file), deadline=0.5)
    assert time.monotonic() - started < 5
    assert_gone(pids)


def test_children_left_behind_are_ended_too(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 1000 >/dev/null 2>&1 & echo $! > {pids}; echo done"
    file = program(tmp_path, "/opt/bin/fork", script)
    assert run_briefly(named(file)) == b"done\n"
    assert_gone(pids)


def test_a_program_that_closes_its_output_but_stays(tmp_path: Path) -> None:
    file = program(tmp_path, "/opt/bin/mute", "exec >/dev/null; sleep 1000")
    with pytest.raises(NoAnswer, match="too long"):
        run_briefly(named(file), deadline=0.3)


def named(file: Path) -> Command:
    """Give a helper program that the operator named."""
    return Command(vouch(str(file), ProgramKind.HELPER), (), ProgramKind.HELPER)


def assert_gone(pids: Path) -> None:
    """Nobody of these runs any more; whoever adopts orphans may need a moment to notice."""
    numbers = [int(line) for line in pids.read_text().split()]
    assert numbers
    for _ in range(200):
        if not any(is_running(number) for number in numbers):
            return
        time.sleep(0.01)
    pytest.fail("a process is left")


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


# -- descriptors vouch for programs, if nobody else can write them -----------------------------


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """Give the descriptor of a user's own virtiofsd, in the folder of his configuration."""
    file = program(tmp_path, "/own/virtiofsd", """echo '{"features": ["mine"]}'""")
    descriptor = tmp_path / "config/qemu/vhost-user/10-fs.json"
    descriptor.parent.mkdir(parents=True)
    descriptor.write_text(f'{{"type": "fs", "binary": "{file}"}}')
    return descriptor


def virtiofsd(descriptor: Path) -> Helper:
    environ = {"PATH": "/nowhere", "XDG_CONFIG_HOME": str(descriptor.parents[2])}
    found = read_helpers(HostFiles(), privileged=False, environ=environ)
    return next(helper for helper in found if helper.name == "virtiofsd")


def test_the_users_own_descriptor_vouches(described: Path) -> None:
    assert virtiofsd(described).features == ("mine",)


@pytest.mark.parametrize("place", ["10-fs.json", ".", "../.."])
def test_a_descriptor_that_others_can_write_vouches_for_nothing(
    described: Path, place: str
) -> None:
    target = described.parent / place
    target.chmod(0o777)
    found = virtiofsd(described)
    assert found.path != str(described.parents[3] / "own/virtiofsd")
    assert found.features != ("mine",)


def test_a_program_that_others_can_write_is_not_asked(described: Path) -> None:
    (described.parents[3] / "own").chmod(0o777)
    found = virtiofsd(described)
    assert found.features == ()
    assert "not started: every user may write to" in found.reason
