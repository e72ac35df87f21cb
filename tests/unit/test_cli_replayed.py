"""A command that runs again on the same files prints the same, without commands and table."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import domcaps
from domcaps.cli import _replayed
from domcaps.facts.looks import LOOKS
from domcaps.facts.named_files import look_at
from domcaps.fresh.command_inputs import HARDWARE, Inputs
from domcaps.fresh.witness import Content, NamedFile
from domcaps.shipped import shipped_names

HOST = "shipped:sid-x86_64"
DOMAIN = """<domain type='kvm'>
  <name>guest</name><memory unit='GiB'>2</memory><vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices><video><model type='virtio'/></video></devices>
</domain>
"""
WRONG = DOMAIN.replace("virtio", "colour")

PROGRAM = """
import sys
from pathlib import Path
import domcaps.fresh.command_cache as cache
folder = sys.argv.pop(1)
cache.cache_folder = lambda: folder
from domcaps.cli import main
try:
    main()
finally:
    loaded = "domcaps.elements" in sys.modules or "click" in sys.modules
    Path("loaded").write_text(str(loaded))
"""


class Ran(NamedTuple):
    """What a command printed, its exit code, and whether commands and table were loaded for it."""

    code: int
    out: str
    err: str
    loaded: bool


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    (project / "guest.xml").write_text(DOMAIN)
    monkeypatch.chdir(project)
    return project


def run(folder: Path, *words: str) -> Ran:
    """Run a command in a process of its own, with a cache of its own."""
    command = [sys.executable, "-c", PROGRAM, str(folder.parent / "cache"), *words]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    loaded = (folder / "loaded").read_text() == "True"
    return Ran(done.returncode, done.stdout, done.stderr, loaded)


VALIDATE = ("validate", "--host", HOST, "guest.xml")


@pytest.mark.parametrize(
    "words",
    [
        VALIDATE,
        ("explain", "video.modelType=qxl", "--host", HOST, "--libvirt=11.3"),
        ("codes", "video-none-not-alone", "--format", "json"),
    ],
)
def test_the_second_run_prints_the_same_and_loads_little(
    folder: Path, words: tuple[str, ...]
) -> None:
    first, second = run(folder, *words), run(folder, *words)
    assert first.loaded and not second.loaded
    assert first[:3] == second[:3] and first.out + first.err


def test_what_is_refused_is_refused_again(folder: Path) -> None:
    (folder / "guest.xml").write_text(WRONG)
    first, second = run(folder, *VALIDATE), run(folder, *VALIDATE)
    assert first.code == second.code == 1
    assert not second.loaded and "colour" in second.out


def test_a_changed_file_is_validated_anew(folder: Path) -> None:
    assert run(folder, *VALIDATE).code == 0
    (folder / "guest.xml").write_text(WRONG)
    changed = run(folder, *VALIDATE)
    assert changed.code == 1 and changed.loaded
    (folder / "guest.xml").write_text(DOMAIN)
    assert run(folder, *VALIDATE).code == 0


def test_a_configuration_that_comes_counts(folder: Path) -> None:
    (folder / "guest.xml").write_text(WRONG)
    for name, text in (
        (".domcaps.toml", 'ignore = ["video-model-type-unknown"]\n'),
        ("pyproject.toml", '[tool.domcaps]\nignore = ["video-model-type-unknown"]\n'),
    ):
        (folder / name).unlink(missing_ok=True)
        assert run(folder, *VALIDATE).code == 1
        (folder / name).write_text(text)
        assert run(folder, *VALIDATE).code == 0
        (folder / name).unlink()
    assert run(folder, *VALIDATE).code == 1


def test_another_recording_of_the_same_name_counts(folder: Path) -> None:
    words = ("validate", "--host", "host.domcaps", "guest.xml")
    known = Path(domcaps.__file__).parent / "recordings"
    codes = []
    assert "sid-s390x" in shipped_names()
    for name in ("sid-x86_64", "sid-s390x", "sid-x86_64"):
        (folder / "host.domcaps").write_bytes((known / f"{name}.domcaps").read_bytes())
        codes.append(run(folder, *words).code)
    assert codes == [0, 1, 0]
    assert not run(folder, *words).loaded


def test_a_file_that_explain_would_read_counts(folder: Path) -> None:
    words = ("explain", "qxl", "--host", HOST)
    run(folder, *words)
    before = run(folder, *words)
    assert not before.loaded
    (folder / "qxl").write_text(DOMAIN)
    assert run(folder, *words).loaded


@pytest.mark.parametrize(
    "words",
    [
        "validate",
        "validate -",
        "validate --watch guest.xml",
        "validate --known known.json guest.xml",
        "validate --as root guest.xml",
        "validate --host",
        "validate --help",
        "explain --emulatorbin /usr/bin/qemu-system-x86_64 qxl",
        "codes a b",
    ],
)
def test_other_words_are_left_to_the_command(folder: Path, words: str) -> None:
    assert folder.is_dir()
    found = _replayed.asked(words.split())
    assert found is None or _replayed.witnesses(found) is None


@pytest.mark.parametrize("host", ["shipped:*", "shipped:", "shipped:../x", "shipped:none", "."])
def test_a_name_that_is_no_recording_is_left_to_the_command(folder: Path, host: str) -> None:
    found = _replayed.asked(["validate", "--host", host, str(folder / "guest.xml")])
    assert found is not None and _replayed.witnesses(found) is None


def test_a_file_that_changes_while_it_is_read_is_not_kept(folder: Path) -> None:
    inputs = Inputs([Content(str(folder / "guest.xml"))])
    (folder / "guest.xml").write_text(WRONG)
    assert inputs.proven() is None


def test_what_a_rule_sees_of_a_file_is_a_witness(folder: Path) -> None:
    inputs = Inputs([])
    image = str(folder / "image")
    look_at(image)
    proven = inputs.proven()
    assert proven is not None
    assert [(one.witness, one.seen) for one, _ in proven] == [(NamedFile(image), (False, None, ""))]
    (folder / "image").write_bytes(b"1")
    assert NamedFile(image).look(inputs._host_view) == (True, 1, "file")
    # it was seen before it came, and after
    look_at(image)
    assert inputs.proven() is None


def test_a_look_at_the_hardware_has_witnesses() -> None:
    inputs = Inputs([])
    LOOKS.at_hardware()
    proven = inputs.proven()
    assert proven is not None and [one.witness for one, _ in proven] == list(HARDWARE)


def test_text_that_is_not_plain_is_not_printed() -> None:
    assert _replayed._is_plain("one\n\ttwo ✓\n")
    for text in ("\x1b[2J", "\u202e", "\x9b", os.fsdecode(b"\xff")):
        assert not _replayed._is_plain(text)
