"""Whose configuration counts: that of root and of the user, where nobody else can write it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from domcaps.validate import config
from domcaps.validate.config import ignored

if TYPE_CHECKING:
    from pathlib import Path

OWN = 'ignore = ["unknown-attribute"]\n'
SHARED = '[tool.domcaps]\nignore = ["unknown-attribute"]\n'
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
STRANGER = 12345


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    config._in_folder.cache_clear()


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    """Give a domain two folders below the one that is shared."""
    folder = tmp_path / "shared/mine/deep"
    folder.mkdir(parents=True)
    return folder / "guest.xml"


@pytest.mark.parametrize(("name", "text"), [(".domcaps.toml", OWN), ("pyproject.toml", SHARED)])
class TestFile:
    def test_of_the_user(self, guest: Path, name: str, text: str) -> None:
        (guest.parent.parent.parent / name).write_text(text)
        assert ignored(guest) == {"unknown-attribute"}

    @AS_ROOT
    def test_of_another_user(
        self, guest: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shared = guest.parent.parent.parent
        shared.chmod(0o1777)
        (shared / name).write_text(text)
        os.chown(shared / name, STRANGER, STRANGER)
        assert ignored(guest) == frozenset()
        said = capsys.readouterr().err
        assert f"{shared / name} is ignored: {shared / name} belongs to user 12345" in said

    def test_that_all_can_write(
        self, guest: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = guest.parent / name
        file.write_text(text)
        file.chmod(0o666)
        assert ignored(guest) == frozenset()
        assert f"every user may write to {file}" in capsys.readouterr().err

    def test_in_a_folder_that_all_can_write(
        self, guest: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (guest.parent / name).write_text(text)
        guest.parent.chmod(0o777)
        assert ignored(guest) == frozenset()
        assert "is ignored" in capsys.readouterr().err

    @AS_ROOT
    def test_by_a_link_of_another_user(self, guest: Path, name: str, text: str) -> None:
        shared = guest.parent.parent.parent
        shared.chmod(0o1777)
        target = shared.parent / "elsewhere.toml"
        target.write_text(text)
        (shared / name).symlink_to(target)
        os.chown(shared / name, STRANGER, STRANGER, follow_symlinks=False)
        assert ignored(guest) == frozenset()

    @AS_ROOT
    def test_the_next_one_above_counts(self, guest: Path, name: str, text: str) -> None:
        (guest.parent.parent / name).write_text(text)
        (guest.parent / name).write_text("")
        os.chown(guest.parent / name, STRANGER, STRANGER)
        assert ignored(guest) == {"unknown-attribute"}


@AS_ROOT
def test_a_broken_one_of_another_user_stops_nobody(guest: Path) -> None:
    for name in (".domcaps.toml", "pyproject.toml"):
        (guest.parent / name).write_text("[[[")
        os.chown(guest.parent / name, STRANGER, STRANGER)
    assert ignored(guest) == frozenset()


@AS_ROOT
def test_a_project_of_another_user_without_a_word_of_it(
    guest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (guest.parent / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    os.chown(guest.parent / "pyproject.toml", STRANGER, STRANGER)
    assert ignored(guest) == frozenset()
    assert capsys.readouterr().err == ""


def test_a_path_may_have_more_folders_than_python_has_frames(tmp_path: Path) -> None:
    (tmp_path / ".domcaps.toml").write_text(OWN)
    # such a file can be there: a path may have 4095 bytes
    assert ignored(tmp_path.joinpath(*["a"] * 1500, "guest.xml")) == {"unknown-attribute"}
