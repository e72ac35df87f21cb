"""A program is executed only if it is trusted: by whom, and at one place."""

from __future__ import annotations

import ast
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from probe_fakes import WELL_BEHAVED, script

import domcaps
from domcaps.errors import RequestError, UntrustedProgramError
from domcaps.facts import launch
from domcaps.facts.launch import (
    PIPE,
    Command,
    ProgramsRefusedError,
    leave_processor,
    no_programs,
    shell,
    start,
    within_shell,
)
from domcaps.facts.ownership import weakness
from domcaps.facts.real_path import real_path
from domcaps.facts.trust import ProgramKind, admit, allow, matches, plain, vouch
from domcaps.hosts.host import Host

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = Path(domcaps.__file__).parent
STARTS = {
    "subprocess", "pty", "_posixsubprocess", "multiprocessing.popen_fork", "asyncio.subprocess",
}  # fmt: skip
# a fork alone goes on with the code that is there: it executes nothing
LOOKING = {
    "find_library", "which", "architecture", "processor", "getnode", "uuid1", "launch",
    "echo_via_pager",
}  # fmt: skip
"""What takes programs from an unchecked search path, or starts some, in other libraries."""
LIBRARIES = {"ctypes", "util", "shutil", "platform", "uuid", "click"}
STARTING = {
    "system", "popen", "forkpty", "posix_spawn", "posix_spawnp", "startfile",
    "create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell",
}  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_is_configured(
    no_program_is_named: None,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    """Let each test begin with an operator who named nothing, and has no configuration."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-configuration"))


@pytest.fixture
def emulator(tmp_path: Path) -> Path:
    """Give a program that leaves a proof when it is executed."""
    return write(tmp_path / "opt/qemu/bin/qemu-system-x86_64")


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    proof = path.parent / "proof"
    path.write_text(f'#!/bin/sh\necho "$0" >> {proof}\nenv >> {proof}\npwd >> {proof}\nexit 1\n')
    path.chmod(0o755)
    return path


def proof(path: Path) -> str:
    """Give what a program left; "" where it was not executed."""
    found = path.parent / "proof"
    return found.read_text() if found.exists() else ""


# -- one gate ----------------------------------------------------------------------------------


def test_programs_are_started_in_one_module() -> None:
    found = {
        path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.py") if _starts(path)
    }
    # the operator's own editor and virsh; nothing that a domain or a client names
    assert found == {"facts/launch.py", "cli/edit.py"}


def _starts(path: Path) -> bool:
    """Tell whether a module could start a program: by what it imports, and by what it calls."""
    return any(_can_start(node) for node in ast.walk(ast.parse(path.read_text())))


def _can_start(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name in STARTS for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        if (node.module or "").partition(".")[0] in LIBRARIES and names & LOOKING:
            return True
        return node.module in STARTS or (node.module == "os" and any(map(_is_starting, names)))
    if not isinstance(node, ast.Attribute):
        return False
    if node.attr in LOOKING and _last_name(node.value) in LIBRARIES:
        return True
    # other things are called systems, too
    of_os = isinstance(node.value, ast.Name) and node.value.id == "os"
    return _is_starting(node.attr) and (of_os or node.attr != "system")


def _last_name(node: ast.expr) -> str:
    """Give the name of a module that is written as it is imported."""
    return getattr(node, "attr", getattr(node, "id", ""))


def _is_starting(name: str) -> bool:
    return name in STARTING or name.startswith(("spawn", "execv", "execl"))


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess", "from subprocess import Popen", "from os import execve",
        "import os\nos.posix_spawn('/bin/sh', [], {})", "import asyncio\nasyncio.subprocess_exec",
        "import os\nos.spawnv(0, '', [])", "import shutil\nshutil.which('virsh')",
        "from ctypes.util import find_library", "import platform\nplatform.processor()",
        "import ctypes.util\nctypes.util.find_library('c')",
    ],
)  # fmt: skip
def test_the_test_above_can_fail(tmp_path: Path, text: str) -> None:
    file = tmp_path / "module.py"
    file.write_text(text)
    assert _starts(file)


def test_the_gate_asks_for_trust_each_time(emulator: Path) -> None:
    with pytest.raises(UntrustedProgramError):
        start(Command(str(emulator)))
    with pytest.raises(UntrustedProgramError):
        within_shell('"$@"', Command(str(emulator), (), ProgramKind.HELPER))
    vouch(str(emulator))
    start(Command(str(emulator))).wait()
    before = proof(emulator)
    assert before
    emulator.chmod(0o777)
    with pytest.raises(UntrustedProgramError):
        start(Command(str(emulator)))
    assert proof(emulator) == before


# -- who vouches -------------------------------------------------------------------------------


def test_an_emulator_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("qemu-system-riscv64", "qemu-kvm", "kvm"):
        path = write(tmp_path / "bin" / name)
        with pytest.raises(UntrustedProgramError):
            admit(str(path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin")
    for name in ("qemu-system-riscv64", "qemu-kvm", "kvm"):
        assert admit(f"{tmp_path}/bin/{name}") == real_path(f"{tmp_path}/bin/{name}")


@pytest.mark.parametrize("path", ["/bin/true", "/usr/bin/env", sys.executable, "/bin/sh"])
def test_a_program_of_the_system_that_is_no_emulator(path: str) -> None:
    with pytest.raises(UntrustedProgramError, match="not probed"):
        admit(path)


def test_what_is_no_emulator_is_none_by_a_link_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "qemu-system-x86_64").symlink_to("/bin/true")
    with pytest.raises(UntrustedProgramError):
        admit(f"{tmp_path}/qemu-system-x86_64")
    # a folder of the search path is the operator's word
    monkeypatch.setenv("PATH", str(tmp_path))
    assert admit(f"{tmp_path}/qemu-system-x86_64") == real_path("/bin/true")


def test_another_name_of_a_trusted_emulator(
    tmp_path: Path, emulator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "qemu-system-x86_64").symlink_to(emulator)
    monkeypatch.setenv("PATH", str(folder))
    (tmp_path / "other").symlink_to(emulator)
    assert admit(f"{tmp_path}/other") == str(emulator)
    assert admit(str(emulator)) == str(emulator)


@pytest.mark.parametrize("path", [".", "bin", ""])
def test_a_relative_search_path_is_no_place_of_the_system(
    emulator: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(emulator.parent.parent if path == "bin" else emulator.parent)
    monkeypatch.setenv("PATH", f"{path}:/usr/bin")
    with pytest.raises(UntrustedProgramError):
        admit(str(emulator))


@pytest.mark.parametrize(
    "path",
    [
        "/usr/bin/qemu-system-x86_64\0", "", "/", ".", "\udcff", "/usr/bin/qemu-system-x\n",
        "/usr/bin/qemu-system-x/../true", "/x" * 5000, "/proc/self/exe", "/dev/fd/0",
    ],
)  # fmt: skip
def test_odd_paths(path: str) -> None:
    with pytest.raises(UntrustedProgramError):
        admit(path)


def test_a_helper_is_no_emulator_and_an_emulator_no_helper() -> None:
    with pytest.raises(UntrustedProgramError):
        admit("/usr/bin/swtpm", ProgramKind.EMULATOR)
    with pytest.raises(UntrustedProgramError):
        admit("/usr/bin/qemu-system-x86_64", ProgramKind.HELPER)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("/opt/qemu/bin/qemu-system-x86_64", True),
        ("/opt/*/bin/qemu-system-*", True),
        ("/opt/**", True),
        ("/**/qemu-system-*", True),
        ("/opt/**/qemu/**/qemu-system-x86_6[0-9]", True),
        ("/opt/*", False),
        ("/opt/*/qemu-system-*", False),
        ("/opt/qemu/bin", False),
        ("/opt/qemu/bin/qemu-system-x86_64/*", False),
        ("/OPT/qemu/bin/*", False),
    ],
)
def test_a_pattern(pattern: str, *, fits: bool) -> None:
    assert matches("/opt/qemu/bin/qemu-system-x86_64", pattern) is fits


def test_a_pattern_is_compared_with_the_real_path(tmp_path: Path, emulator: Path) -> None:
    allow(f"{tmp_path}/links/*")
    (tmp_path / "links").mkdir()
    (tmp_path / "links/qemu-system-x86_64").symlink_to(emulator)
    with pytest.raises(UntrustedProgramError, match="which leads to"):
        admit(f"{tmp_path}/links/qemu-system-x86_64")
    allow(f"{tmp_path}/opt/*/bin/qemu-system-*")
    assert admit(f"{tmp_path}/links/qemu-system-x86_64") == str(emulator)


def test_a_pattern_is_absolute() -> None:
    with pytest.raises(RequestError, match="begins with '/'"):
        allow("qemu-*")


def test_the_operators_configuration(
    tmp_path: Path, emulator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "home/domcaps/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f'allow-emulators = ["{tmp_path}/opt/*/bin/*"]\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", f"{tmp_path}/home")
    assert admit(str(emulator)) == str(emulator)
    # one that others can write is nobody's word
    file.chmod(0o666)
    with pytest.raises(UntrustedProgramError):
        admit(str(emulator))
    file.chmod(0o644)
    file.write_text("allow-emulators = 'everything'\n")
    with pytest.raises(UntrustedProgramError):
        admit(str(emulator))


def test_a_pipe_as_the_operators_configuration_is_not_waited_for(
    tmp_path: Path, emulator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home/domcaps").mkdir(parents=True)
    os.mkfifo(tmp_path / "home/domcaps/config.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", f"{tmp_path}/home")
    with pytest.raises(UntrustedProgramError):
        admit(str(emulator))


def test_a_link_of_another_user_is_not_the_operators_configuration(
    tmp_path: Path, emulator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid():
        pytest.skip("only root can give files away")
    (tmp_path / "mine.toml").write_text(f'allow-emulators = ["{tmp_path}/opt/*/bin/*"]\n')
    link = tmp_path / "home/domcaps/config.toml"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "mine.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", f"{tmp_path}/home")
    assert admit(str(emulator)) == str(emulator)
    os.lchown(link, 12345, 12345)
    with pytest.raises(UntrustedProgramError):
        admit(str(emulator))


# -- who else could change it ------------------------------------------------------------------


@pytest.fixture
def other_user() -> Iterator[int]:
    if os.geteuid():
        pytest.skip("only root can give files away")
    yield 12345


@pytest.mark.parametrize("place", ["opt/qemu/bin/qemu-system-x86_64", "opt/qemu/bin", "opt"])
def test_others_may_not_write(tmp_path: Path, emulator: Path, place: str) -> None:
    vouch(str(emulator))
    target = tmp_path / place
    before = target.stat().st_mode
    target.chmod(before | stat.S_IWOTH)
    with pytest.raises(UntrustedProgramError, match="every user may write"):
        admit(str(emulator))
    target.chmod(before)
    assert admit(str(emulator))


@pytest.mark.parametrize("place", ["opt/qemu/bin/qemu-system-x86_64", "opt/qemu"])
def test_others_may_not_own(tmp_path: Path, emulator: Path, place: str, other_user: int) -> None:
    vouch(str(emulator))
    os.chown(tmp_path / place, other_user, -1)
    with pytest.raises(UntrustedProgramError, match="belongs to user 12345"):
        admit(str(emulator))


def test_a_group_of_others_may_not_write(emulator: Path, other_user: int) -> None:
    vouch(str(emulator))
    os.chown(emulator.parent, -1, other_user)
    emulator.parent.chmod(0o775)
    with pytest.raises(UntrustedProgramError, match="the group 12345 may write"):
        admit(str(emulator))


def test_a_folder_such_as_tmp(emulator: Path) -> None:
    vouch(str(emulator))
    emulator.parent.chmod(0o1777)
    assert admit(str(emulator)) == str(emulator)


def test_a_program_that_vanished_has_no_weakness(tmp_path: Path) -> None:
    assert weakness(str(tmp_path / "nothing/here")) is None


# -- the real path -----------------------------------------------------------------------------


def test_a_relative_path_means_one_emulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = write(tmp_path / "a/q"), write(tmp_path / "b/q")
    monkeypatch.chdir(one.parent)
    assert vouch("./q") == str(one)
    monkeypatch.chdir(two.parent)
    assert plain("q") == str(two)
    with pytest.raises(UntrustedProgramError):
        admit("./q")


def test_a_folder_above_a_link_is_the_one_the_kernel_finds(tmp_path: Path) -> None:
    there = write(tmp_path / "real/q")
    write(tmp_path / "q")
    (tmp_path / "real/deep").mkdir()
    (tmp_path / "link").symlink_to("real/deep")
    # by its text this is tmp_path/q
    path = f"{tmp_path}/link/../q"
    assert vouch(path) == str(there)
    start(Command(path)).wait()
    assert proof(there)
    assert not proof(tmp_path / "q")


# -- what it gets ------------------------------------------------------------------------------


def test_the_environment_is_a_short_list(emulator: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET", "LD_PRELOAD", "LD_AUDIT", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH"):
        monkeypatch.setenv(name, "hunter2")
    vouch(str(emulator))
    start(Command(str(emulator)), environ={"MARK": "x"}).wait()
    found = proof(emulator)
    assert "hunter2" not in found
    names = {line.partition("=")[0] for line in found.splitlines() if "=" in line}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} <= {*launch.PASSED, "LC_ALL", "MARK"}
    assert found.endswith("\n/\n")


def test_what_is_executed_is_what_was_judged(tmp_path: Path, emulator: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(emulator)
    vouch(str(link))
    start(Command(str(link))).wait()
    assert proof(emulator).startswith(f"{emulator}\n")


def test_the_shell_is_a_tool() -> None:
    process = start(shell(("-c", "echo ok")), output=PIPE)
    assert process.communicate()[0] == b"ok\n"


# -- domains, clients, recordings --------------------------------------------------------------

QEMU = shutil.which("qemu-system-x86_64")
DOMAIN = """<domain type='qemu'><name>a</name><memory>1024</memory>
<os><type arch='x86_64'>hvm</type></os><devices><emulator>{}</emulator></devices></domain>"""


@pytest.mark.skipif(QEMU is None, reason="no qemu-system-x86_64 here")
def test_a_domain_names_no_program(emulator: Path) -> None:
    host = Host.local(cache=False)
    xml = DOMAIN.format(emulator)
    (finding,) = host.validate(xml).errors
    assert finding.code == "emulator-not-probed"
    assert finding.message.startswith(f"not probed: {emulator} is no emulator of this system")
    assert f"--allow-emulator '{emulator}'" in finding.message
    for ask in (host.explain_domain, host.native, host.repair):
        try:
            ask(xml)
        except domcaps.DomcapsError as error:
            assert "not probed" in str(error)
    assert not proof(emulator)


@pytest.mark.skipif(QEMU is None, reason="no qemu-system-x86_64 here")
def test_what_the_caller_names_is_executed_and_then_a_domain_may_name_it(emulator: Path) -> None:
    host = Host.local(cache=False)
    with pytest.raises(domcaps.DomcapsError, match="ended with status 1"):
        host.domain_capabilities(emulator=str(emulator))
    assert proof(emulator)
    (finding,) = host.validate(DOMAIN.format(emulator)).errors
    assert finding.code != "emulator-not-probed"


def test_clients_name_no_program(emulator: Path) -> None:
    host = Host.local(cache=False).for_clients()
    for ask in (host.domain_capabilities, host.world, host.known_world):
        with pytest.raises(UntrustedProgramError, match="not probed"):
            ask(str(emulator), None, None, None, "11.3")
    with pytest.raises(UntrustedProgramError):
        host.explain("video", emulator=str(emulator))
    assert not proof(emulator)


def test_a_client_is_not_told_what_there_is(tmp_path: Path, emulator: Path) -> None:
    host = Host.local(cache=False).for_clients()

    def said(path: Path) -> str:
        with pytest.raises(UntrustedProgramError) as caught:
            host.domain_capabilities(emulator=str(path))
        return str(caught.value).replace(str(path), "PATH")

    link = tmp_path / "link"
    link.symlink_to("/secret/place")
    assert said(emulator) == said(emulator.parent / "nothing")
    assert "secret" not in said(link)


@pytest.mark.parametrize("command", ["validate", "explain", "fix", "diff"])
def test_the_tool_executes_nothing_that_a_domain_names(
    tmp_path: Path, emulator: Path, command: str
) -> None:
    file = tmp_path / "guest.xml"
    file.write_text(DOMAIN.format(emulator))
    arguments = {
        "validate": ["validate", str(file)],
        "explain": ["explain", str(file)],
        "fix": ["fix", str(file)],
        "diff": ["diff", "local", "local", "--domain", str(file)],
    }[command]
    # one of the system's, so that there is something to compare
    script(tmp_path, WELL_BEHAVED)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def run(*more: str) -> bytes:
        tool = [sys.executable, "-m", "domcaps", *arguments, *more]
        done = subprocess.run(tool, env=environ, capture_output=True, check=False, timeout=120)
        return done.stdout + done.stderr

    said = run()
    assert not proof(emulator), said
    said = run("--allow-emulator", str(emulator))
    assert proof(emulator), said


def test_no_programs_means_none_and_is_over_afterwards() -> None:
    with pytest.raises(ProgramsRefusedError), no_programs():
        start(shell(("-c", "true")))
    assert start(shell(("-c", "exit 3"))).wait() == 3


def test_a_process_that_leaves_the_processor_does_so_when_it_starts_a_program() -> None:
    child = os.fork()
    if child == 0:
        try:
            before = os.getpriority(os.PRIO_PROCESS, 0)
            leave_processor(min(19, before + 5))
            is_late = os.getpriority(os.PRIO_PROCESS, 0) == before
            nice = start(shell(("-c", "exit $(nice)"))).wait()
            os._exit(0 if is_late and nice == min(19, before + 5) else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
