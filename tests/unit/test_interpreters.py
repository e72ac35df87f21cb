"""Which programs start for a script: what is read of its first line is what the kernel does."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domcaps.errors import UntrustedProgramError
from domcaps.facts.interpreters import (
    FIRST_BYTES,
    UnclearInterpreterError,
    first_line,
    interpreters,
)
from domcaps.facts.launch import PIPE, Command, start
from domcaps.facts.real_path import links
from domcaps.facts.trust import admit, vouch
from domcaps.fresh.host_view import HostView
from domcaps.fresh.programs import program_parts
from domcaps.fresh.trusted import distrust, trusted_folders
from domcaps.fresh.witness import ProgramFile, TrustedFolder

pytestmark = pytest.mark.usefixtures("no_program_is_named")

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="compares with Linux")


def script(path: Path, text: str | bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o755)
    return str(path)


def named(path: str, search: str = "") -> list[str]:
    def read(place: str) -> bytes:
        try:
            return Path(place).read_bytes()[:FIRST_BYTES]
        except OSError:
            return b""

    return list(interpreters(path, read, lambda name: f"{search}/{name}" if search else ""))


# -- the first line, as the kernel reads it ------------------------------------------------------


def executed(path: str) -> tuple[str, str] | None:
    """Execute a script whose interpreter prints its own name and its arguments, if there is one."""
    try:
        done = subprocess.run([path], stdout=subprocess.PIPE, check=False)
    except OSError as error:
        assert error.errno in {errno.ENOEXEC, errno.ENOENT, errno.EACCES, errno.ENOTDIR}
        return None
    interpreter, *arguments = os.fsdecode(done.stdout).split("\0")[:-1]
    assert arguments[-1] == path
    return interpreter, "".join(arguments[:-1])


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give a program that prints its name and its arguments, each with a zero byte."""
    folder = tmp_path_factory.mktemp("i")
    source, made = folder / "i.c", folder / "i"
    source.write_text(
        '#include <stdio.h>\nint main(int c, char **v) { for (; *v; v++) printf("%s%c", *v, 0); }\n'
    )
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no compiler")
    subprocess.run([compiler, "-o", str(made), str(source)], check=True)
    return str(made)


LINES = {
    "plain": b"#!I\n",
    "an argument": b"#!I -x\n",
    "an argument of several words": b"#!I -x  y\t z\n",
    "blanks around": b"#! \t I \t -x \t \n",
    "no end of line": b"#!I",
    "an argument without an end of line": b"#!I -x",
    "a carriage return": b"#!I\r\n",
    "a vertical tab": b"#!I\x0b-x\n",
    "a zero byte": b"#!I\0-x\n",
    "a zero byte after a blank": b"#!I \0-x\n",
    "a zero byte in the argument": b"#!I -x\0y\n",
    "a zero byte first": b"#!\0I\n",
    "nothing": b"#!\n",
    "blanks": b"#!  \t\n",
    "only the two signs": b"#!",
    "something before": b" #!I\n",
    "more bytes than are read": b"#!I " + b"y" * 400 + b"\n",
    "blanks until the last byte": b"#!" + b" " * 300 + b"I\n",
}


@needs_linux
@pytest.mark.parametrize("name", LINES)
def test_a_line_is_read_as_by_the_kernel(name: str, telling: str, tmp_path: Path) -> None:
    text = LINES[name].replace(b"I", telling.encode(), 1)
    path = script(tmp_path / "s", text + b"\nmore\n" * ("end of line" not in name))
    found = first_line((tmp_path / "s").read_bytes()[:FIRST_BYTES])
    expected = executed(path)
    if expected is None:
        # a name that does not exist is no matter
        assert found is None or found.interpreter != telling
    else:
        assert (found and (found.interpreter, found.argument)) == expected


@needs_linux
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    parts=st.lists(
        st.sampled_from([b" ", b"\t", b"\0", b"\n", b"\r", b"x", b"/", b"I", b"#", b"!"])
    ),
    filled=st.sampled_from([0, 0, 0, 150, 210, 220, 230, 240, 250, 252, 254, 256]),
)
def test_any_line_is_read_as_by_the_kernel(
    *, parts: list[bytes], filled: int, telling: str, tmp_path: Path
) -> None:
    rest = b"".join(parts).replace(b"I", telling.encode(), 1)
    text = b"#!" + b" " * filled + rest
    path = script(tmp_path / "s", text)
    found = first_line(text[:FIRST_BYTES])
    expected = executed(path)
    if expected is not None:
        assert (found and (found.interpreter, found.argument)) == expected
    elif found is not None:
        assert found.interpreter != telling


def test_the_name_may_go_on_after_the_bytes_that_are_read() -> None:
    assert first_line(b"#!/" + b"x" * 300) is None
    full = b"#!/" + b"x" * (FIRST_BYTES - 4)
    assert len(full) == FIRST_BYTES - 1
    assert first_line(full + b"\n") == first_line(full + b" ")
    assert first_line(full + b"x") is None


@needs_linux
def test_as_many_interpreters_are_followed_as_the_kernel_follows(
    telling: str, tmp_path: Path
) -> None:
    last = telling
    for number in range(1, 9):
        last = script(tmp_path / f"s{number}", f"#!{last}\n")
        expected = [str(tmp_path / f"s{one}") for one in range(number - 1, 0, -1)] + [telling]
        try:
            assert subprocess.run([last], stdout=subprocess.PIPE, check=False).returncode >= 0
        except OSError as error:
            assert error.errno == errno.ELOOP
            assert number > 5
            # naming one more does no harm
            assert len(named(last)) <= 6
        else:
            assert number <= 5
            assert named(last) == expected


def test_scripts_that_name_each_other_come_to_an_end(tmp_path: Path) -> None:
    script(tmp_path / "a", f"#!{tmp_path}/b\n")
    script(tmp_path / "b", f"#!{tmp_path}/a\n")
    assert len(named(str(tmp_path / "a"))) <= 6


# -- env -----------------------------------------------------------------------------------------

ENV = {
    "python3": ["/p/python3"],
    "python3 -u": ["/p/python3 -u"],  # one word: the kernel passes one argument
    "/opt/python3": ["/opt/python3", "/opt/python3"],
    "opt/python3": ["/opt/python3"],
    "-S python3 -u": ["/p/python3"],
    "-Spython3": ["/p/python3"],
    "-vS python3": ["/p/python3"],
    "--split-string=python3 -u": ["/p/python3"],
    "-S -v A=b _=/x python3 PATH=x": ["/p/python3"],
    "-S": [],
    "": [],
}


@pytest.mark.parametrize("words", ENV)
def test_the_program_of_env_is_named(words: str, tmp_path: Path) -> None:
    path = script(tmp_path / "s", f"#!/usr/bin/env {words}\n")
    assert named(path, "/p") == ["/usr/bin/env", *ENV[words]]


@pytest.mark.parametrize(
    "words",
    [
        "-S PATH=/x python3", "-S -i python3", "-S -u PATH python3", "-S -P /x python3",
        "-S ${A}", "-S 'python3'", "-S py\\thon3", '-S "python3"', "-S # python3", "-S -C /x p",
        "-S env python3", "-i", "-S --unset=PATH p",
    ],
)  # fmt: skip
def test_what_env_executes_is_not_guessed(words: str, tmp_path: Path) -> None:
    path = script(tmp_path / "s", f"#!/usr/bin/env {words}\n")
    with pytest.raises(UnclearInterpreterError):
        named(path, "/usr/bin")
    vouch(path)
    with pytest.raises(UntrustedProgramError, match=r"can't be determined.*by its path"):
        admit(path)


def test_env_is_known_by_a_link_to_it(tmp_path: Path) -> None:
    (tmp_path / "e").symlink_to("/usr/bin/env")
    path = script(tmp_path / "s", f"#!{tmp_path}/e python3\n")
    assert named(path, "/p")[-1] == "/p/python3"


def test_a_program_of_env_that_is_a_script_is_followed(tmp_path: Path) -> None:
    script(tmp_path / "bin/tool", f"#!{tmp_path}/other -x\n")
    path = script(tmp_path / "s", "#!/usr/bin/env tool\n")
    found = named(path, str(tmp_path / "bin"))
    assert found == ["/usr/bin/env", str(tmp_path / "bin/tool"), str(tmp_path / "other")]


# -- each of them is judged ----------------------------------------------------------------------


def refused(path: str) -> str:
    vouch(path)
    with pytest.raises(UntrustedProgramError) as caught:
        admit(path)
    # and the gate starts nothing
    with pytest.raises(UntrustedProgramError):
        start(Command(path), output=PIPE)
    return str(caught.value)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_an_interpreter_of_an_interpreter_that_others_can_change(
    weak: Path, tmp_path: Path, steps: int
) -> None:
    shutil.copy("/bin/sh", weak / "sh")
    last = f"{weak}/sh"
    for number in range(steps):
        last = script(tmp_path / f"s{number}", f"#!{last}\n")
    assert f"it would take {weak}/sh, and every user may write to {weak}" in refused(last)
    weak.chmod(0o755)
    assert admit(last) == last


def test_a_script_as_interpreter_that_others_can_change(weak: Path, tmp_path: Path) -> None:
    middle = script(weak / "middle", "#!/bin/sh\n")
    assert f"it would take {middle}" in refused(script(tmp_path / "s", f"#!{middle}\n"))


def test_a_program_of_env_that_others_can_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = script(tmp_path / "bin/tool", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    path = script(tmp_path / "s", "#!/usr/bin/env tool\n")
    vouch(path)
    assert admit(path) == path
    (tmp_path / "bin/tool").chmod(0o777)
    assert f"it would take {tool}" in refused(path)


def test_env_does_not_search_where_others_can_write(
    weak: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(weak / "tool", "#!/bin/sh\necho taken\n")
    good = script(tmp_path / "bin/tool", "#!/bin/sh\necho good\n")
    monkeypatch.setenv("PATH", f"{weak}:{tmp_path}/bin:/usr/bin:/bin")
    path = script(tmp_path / "s", "#!/usr/bin/env tool\n")
    vouch(path)
    assert start(Command(path), output=PIPE).communicate()[0] == b"good\n"
    (tmp_path / "bin/tool").chmod(0o777)
    assert good in refused(path)


def test_an_argument_that_names_a_file_that_others_can_change(weak: Path, tmp_path: Path) -> None:
    script(weak / "run", "echo taken\n")
    assert f"it would take {weak}/run" in refused(script(tmp_path / "s", f"#!/bin/sh {weak}/run\n"))


@pytest.mark.parametrize("form", ["{weak}/link", "{weak}/bin/sh", "{tmp}/far"])
def test_a_link_to_an_interpreter_that_others_can_change(
    form: str, weak: Path, tmp_path: Path
) -> None:
    (weak / "link").symlink_to("/bin/sh")
    (weak / "bin").symlink_to("/bin")
    (tmp_path / "far").symlink_to(weak / "link")
    path = script(tmp_path / "s", f"#!{form.format(weak=weak, tmp=tmp_path)}\n")
    assert f"every user may write to {weak}" in refused(path)


def test_links_on_the_way_to_a_path(tmp_path: Path) -> None:
    (tmp_path / "real/deep").mkdir(parents=True)
    (tmp_path / "real/file").touch()
    (tmp_path / "one").symlink_to("real/deep")
    (tmp_path / "two").symlink_to(f"{tmp_path}/one/../file")
    (tmp_path / "loop").symlink_to("loop")
    assert links(f"{tmp_path}/two") == (f"{tmp_path}/two", f"{tmp_path}/one")
    assert links(f"{tmp_path}/real/file") == ()
    assert set(links(f"{tmp_path}/loop")) == {f"{tmp_path}/loop"}
    assert links(f"{tmp_path}/nothing/../x\0") == ()


def test_a_relative_path_has_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one").symlink_to("two")
    monkeypatch.chdir(tmp_path)
    assert links("one") == (f"{tmp_path}/one",)


# -- kept answers --------------------------------------------------------------------------------


def test_interpreters_of_interpreters_belong_to_the_program(tmp_path: Path) -> None:
    middle = script(tmp_path / "a/middle", "#!/bin/sh\n")
    path = script(tmp_path / "s", f"#!{middle}\nexec cat\n")
    parts = program_parts(path, HostView())
    assert {ProgramFile(middle), ProgramFile("/bin/sh")} <= set(parts.witnesses)
    assert any(middle in doubt for doubt in parts.doubts)
    (tmp_path / "a").chmod(0o777)
    assert f"it would take {middle}" in str(distrust(path))


def test_folders_of_links_count_as_long_as_answers_are_kept(tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links/real").symlink_to("/bin/cat")
    path = script(tmp_path / "s", f'#!/bin/sh\nexec {tmp_path}/links/real "$@"\n')
    host_view = HostView()
    parts = program_parts(path, host_view)
    assert TrustedFolder(f"{tmp_path}/links") in trusted_folders(parts.witnesses, host_view)
    assert distrust(path) is None
    (tmp_path / "links").chmod(0o777)
    assert f"every user may write to {tmp_path}/links" in str(distrust(path))
