"""``domcaps edit``: the editor, the question where a domain is refused, files and virsh."""

from __future__ import annotations

import re
import shlex
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from command_runner import MIXES, CliRunner
from domcaps.cli import _root
from linter import BAD, GOOD, LACKING, Linter

if TYPE_CHECKING:
    from click.testing import Result


class Desk:
    """A folder with a file, and an editor that writes texts in turn."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        monkeypatch.chdir(folder)
        Linter(folder)
        self.file = folder / "web.xml"
        self.file.write_text(GOOD)
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setattr("tempfile.tempdir", str(folder))

    def program(self, name: str, code: str) -> Path:
        path = self.folder / name
        path.write_text(f"#!{sys.executable}\nimport pathlib, sys\n{code}\n")
        path.chmod(0o755)
        return path

    def writes(self, *texts: str) -> None:
        """Let the editor write these texts, one each time; "" changes nothing."""
        for number, text in enumerate(texts):
            (self.folder / f"text{number}").write_text(text)
        editor = self.program(
            "editor",
            f"here = pathlib.Path({str(self.folder)!r})\n"
            "first = min(here.glob('text?'))\n"
            "if first.read_text(): pathlib.Path(sys.argv[-1]).write_text(first.read_text())\n"
            "first.unlink()",
        )
        self.monkeypatch.setenv("EDITOR", f"{shlex.quote(str(editor))} --wait")

    def edit(self, name: str = "web.xml", *, answers: str = "") -> Result:
        words = ["edit", "--host", "old.domcaps", name]
        return CliRunner().invoke(_root, words, input=answers)

    def kept(self, done: Result) -> Path:
        found = re.search(r"kept in (\S+)", done.stderr)
        assert found, done.stderr
        return Path(found[1])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


NEW = GOOD.replace("<name>a", "<name>b")


class TestFile:
    def test_what_is_accepted_is_saved(self, desk: Desk) -> None:
        desk.writes(NEW)
        done = desk.edit()
        assert (done.exit_code, desk.file.read_text()) == (0, NEW)
        assert "web.xml is saved" in done.stderr

    def test_what_is_not_changed_is_not_saved(self, desk: Desk) -> None:
        desk.writes("")
        before = desk.file.stat()
        done = desk.edit()
        assert "is not changed" in done.stderr
        assert (done.exit_code, desk.file.stat()) == (0, before)

    def test_edit_again(self, desk: Desk) -> None:
        desk.writes(BAD, NEW)
        done = desk.edit(answers="e\n")
        assert "video-model-type-unknown" in done.stderr
        assert (done.exit_code, desk.file.read_text()) == (0, NEW)

    def test_save_anyway(self, desk: Desk) -> None:
        desk.writes(LACKING)
        assert desk.edit(answers="s\n").exit_code == 0
        assert desk.file.read_text() == LACKING

    # the runner of click 8.1 gives empty lines for ever where there are no more answers
    @pytest.mark.parametrize("answers", ["q\n", "x\nq\n", *([] if MIXES else [""])])
    def test_quit_keeps_the_text(self, desk: Desk, answers: str) -> None:
        desk.writes(BAD)
        done = desk.edit(answers=answers)
        assert (done.exit_code, desk.file.read_text()) == (1, GOOD)
        assert desk.kept(done).read_text() == BAD
        assert stat.S_IMODE(desk.kept(done).stat().st_mode) == 0o600

    def test_an_editor_that_fails_changes_nothing(self, desk: Desk) -> None:
        desk.monkeypatch.setenv("VISUAL", "false")
        done = desk.edit()
        assert done.exit_code != 0
        assert "the editor ended with 1" in done.stderr
        assert desk.file.read_text() == GOOD

    def test_a_file_that_somebody_else_changed_is_not_overwritten(self, desk: Desk) -> None:
        desk.writes(NEW)
        text = Path(desk.folder / "editor").read_text()
        other = f"{text}\npathlib.Path({str(desk.file)!r}).write_text('other')"
        (desk.folder / "editor").write_text(other)
        done = desk.edit()
        assert (done.exit_code, desk.file.read_text()) == (2, "other")
        assert desk.kept(done).read_text() == NEW

    def test_no_temporary_file_is_left(self, desk: Desk) -> None:
        desk.writes(NEW)
        desk.edit()
        assert not list(desk.folder.glob("domcaps-*"))


class TestLibvirt:
    @pytest.fixture(autouse=True)
    def virsh(self, desk: Desk) -> None:
        store = desk.folder / "stored"
        store.write_text(GOOD)
        desk.program(
            "virsh",
            f"store = pathlib.Path({str(store)!r})\n"
            "command = next(word for word in sys.argv[1:] if word in ('dumpxml', 'define'))\n"
            "if 'gone' in sys.argv: sys.exit('error: failed to get domain')\n"
            "if command == 'dumpxml': print(store.read_text(), end='')\n"
            "else: store.write_text(pathlib.Path(sys.argv[-1]).read_text())",
        )
        desk.monkeypatch.setenv("PATH", str(desk.folder), prepend=":")

    def test_a_domain_is_defined(self, desk: Desk) -> None:
        desk.writes(NEW)
        assert desk.edit("web").exit_code == 0
        assert (desk.folder / "stored").read_text() == NEW

    def test_a_domain_that_there_is_not(self, desk: Desk) -> None:
        done = desk.edit("gone")
        assert done.exit_code != 0
        assert "virsh dumpxml: failed to get domain" in done.stderr

    def test_virsh_is_needed(self, desk: Desk) -> None:
        desk.monkeypatch.setenv("PATH", "/nowhere")
        assert "virsh is not installed" in desk.edit("web").stderr
