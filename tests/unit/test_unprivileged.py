"""As whom programs are asked when root runs this."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.facts import unprivileged
from domcaps.facts.helpers import NoAnswer, run_briefly
from domcaps.facts.launch import Command
from domcaps.facts.trust import ProgramKind, vouch
from domcaps.facts.unprivileged import account_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not unprivileged._may_become_another(),
    reason="only root can become another user",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that every user may enter, which those of pytest are not."""
    made = Path(tempfile.mkdtemp(dir="/var/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def program(folder: Path) -> str:
    path = folder / "program"
    path.write_text("#!/bin/sh\nid -u; id -G; echo $HOME\n")
    path.chmod(0o755)
    return vouch(str(path), ProgramKind.HELPER)


def test_it_is_asked_as_nobody(program: str) -> None:
    account = account_for(program)
    assert account is not None
    assert account.user not in {0, os.getuid()}
    said = run_briefly(Command(program, (), ProgramKind.HELPER)).decode().split()
    assert said[0] == str(account.user)
    assert "0" not in said
    assert said[-1] == "/"


def asked_as(program: str) -> str:
    """Give the number of the user that a program says it runs as."""
    return run_briefly(Command(program, (), ProgramKind.HELPER)).decode().split()[0]


def test_what_nobody_can_not_execute_is_asked_as_root(
    program: str, folder: Path, tmp_path: Path
) -> None:
    nobody = asked_as(program)
    assert nobody != "0"
    Path(program).chmod(0o700)
    assert asked_as(program) == "0"
    Path(program).chmod(0o755)
    folder.chmod(0o700)
    assert asked_as(program) == "0"
    folder.chmod(0o755)
    assert asked_as(program) == nobody
    # nor a script whose interpreter that user can't execute
    shell = tmp_path / "sh"
    shutil.copy("/bin/sh", shell)
    tmp_path.chmod(0o700)
    Path(program).write_text(f"#!{shell}\nid -u\n")
    assert asked_as(program) == "0"


def test_where_root_can_become_nobody_else_it_asks_itself(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = subprocess.Popen

    def refused(*arguments: Any, **named: Any) -> Any:
        if named.get("user") is not None:
            # as in a namespace of users
            raise OSError(errno.EINVAL, "Invalid argument")
        return made(*arguments, **named)

    monkeypatch.setattr(subprocess, "Popen", refused)
    assert asked_as(program) == "0"


def test_what_nobody_can_execute_is_started_once(folder: Path) -> None:
    note = folder / "note"
    note.touch()
    note.chmod(0o666)
    path = folder / "fails"
    path.write_text(f"#!/bin/sh\necho x >> {note}\nexit 3\n")
    path.chmod(0o755)
    with pytest.raises(NoAnswer, match="status 3"):
        run_briefly(Command(vouch(str(path), ProgramKind.HELPER), (), ProgramKind.HELPER))
    assert note.read_text() == "x\n"


def test_a_device_that_only_root_can_open_keeps_root(program: str, folder: Path) -> None:
    device = folder / "device"
    device.touch()
    for mode, is_nobody in ((0o600, False), (0o644, False), (0o666, True)):
        device.chmod(mode)
        assert (account_for(program, (str(device),)) is not None) is is_nobody


def test_the_group_of_a_device_is_given(program: str, folder: Path) -> None:
    device = folder / "device"
    device.touch()
    os.chown(device, 0, 777)
    device.chmod(0o660)
    account = account_for(program, (str(device),))
    assert account is not None
    assert account.groups == (777,)


def test_the_group_of_root_is_given_to_nobody(program: str, folder: Path) -> None:
    device = folder / "device"
    device.touch()
    device.chmod(0o660)
    assert account_for(program, (str(device),)) is None


def test_a_device_that_is_not_there_is_no_matter(program: str, folder: Path) -> None:
    assert account_for(program, (str(folder / "nothing"),)) is not None
