"""What every command owes to whoever calls it: help, colour, pipes, a line for what is wrong."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import BashComplete

from command_runner import CliRunner
from domcaps.cli import _root, main
from domcaps.facts.recording import load, loads
from plain_hosts import plain

HOST = ("--host", plain("sid-x86_64"))
COMMANDS = _root.list_commands(click.Context(_root))
REFUSED = """<domain type='kvm'>
  <name>x</name>
  <memory unit='MiB'>100</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices><video><model type='qxl'/></video></devices>
</domain>
"""


def run(*args: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "domcaps", *args],
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    path = tmp_path / "refused.xml"
    path.write_text(REFUSED)
    return path


def on_a_terminal(*args: str, **variables: str) -> str:
    """Run with standard output on a terminal, and give what was written there."""
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal can be had here: {error}")
    environment = {n: v for n, v in os.environ.items() if n != "NO_COLOR"} | {"TERM": "xterm"}
    with os.fdopen(ours, "rb", buffering=0) as reader:
        running = subprocess.Popen(
            [sys.executable, "-m", "domcaps", *args],
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
            env=environment | variables,
        )
        os.close(theirs)
        written = b""
        try:
            while more := reader.read(65536):
                written += more
        except OSError:  # Linux: nobody has the other end any more
            pass
        running.wait(60)
    return written.decode()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_laid_out(command: str) -> None:
    shown = CliRunner().invoke(_root, [command, "--help"], prog_name="domcaps")
    assert shown.exit_code == 0
    # the mark that keeps lines of examples apart must not be seen
    assert "\\b" not in shown.output
    assert "\b" not in shown.output


def test_each_command_is_listed_with_its_whole_sentence() -> None:
    shown = CliRunner().invoke(_root, ["--help"], prog_name="domcaps").output
    listed = shown.partition("Commands for every day:")[2]
    assert "..." not in listed
    rows = [line for line in listed.splitlines() if line.startswith("  ") and line[2:3].strip()]
    names = [row.split()[0] for row in rows]
    assert sorted(names) == COMMANDS
    assert names[:3] == ["validate", "fix", "explain"]


def test_colour_is_for_terminals_that_want_it(refused: Path) -> None:
    arguments = ("validate", *HOST, str(refused))
    assert "\x1b[" in on_a_terminal(*arguments)
    assert "\x1b[" not in on_a_terminal(*arguments, NO_COLOR="1")
    assert "\x1b[" not in on_a_terminal(*arguments, TERM="dumb")
    assert "\x1b[" not in run(*arguments).stdout


def test_who_stops_reading_is_no_reason_to_complain(refused: Path) -> None:
    links = [str(refused.with_name(f"{number}.xml")) for number in range(1000)]
    for link in links:
        Path(link).symlink_to(refused)
    with subprocess.Popen(
        [sys.executable, "-m", "domcaps", "validate", *HOST, *links],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(60) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["report", "validate"])
def test_output_that_takes_nothing_is_told_in_a_line(command: str, refused: Path) -> None:
    files = [str(refused)] if command == "validate" else []
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "domcaps", command, *HOST, *files],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == "domcaps: No space left on device"
    assert "Traceback" not in ended.stderr


def test_fix_changes_nothing_where_nobody_agrees(refused: Path) -> None:
    ended = run("fix", *HOST, "--write", str(refused))
    assert ended.returncode == 1
    assert "was not changed" in ended.stderr
    assert refused.read_text() == REFUSED
    assert list(refused.parent.iterdir()) == [refused]


def test_fix_names_the_file_that_it_can_not_read(tmp_path: Path) -> None:
    path = tmp_path / "notes.xml"
    path.write_text("no XML at all")
    ended = run("fix", *HOST, str(path))
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"domcaps: {path}: ")


def test_diff_takes_a_domain_from_standard_input() -> None:
    sides = ("shipped:debian12-x86_64", "shipped:sid-x86_64")
    old = REFUSED.replace("machine='q35'", "machine='pc-i440fx-2.6'")
    ended = run("diff", *sides, "--domain", "-", text=old)
    assert ended.returncode == 1
    assert "-: accepted before, refused after" in ended.stdout


def test_a_recording_can_go_to_standard_output(tmp_path: Path) -> None:
    replies = tmp_path / "x.replies"
    replies.write_text(
        '{"execute": "qmp_capabilities", "id": "1"} {"return": {}, "id": "1"}'
        '{"execute": "query-version", "id": "2"}'
        '{"return": {"qemu": {"major": 9, "minor": 0, "micro": 0}, "package": ""}, "id": "2"}'
        '{"execute": "query-target", "id": "3"} {"return": {"arch": "x86_64"}, "id": "3"}'
    )
    ended = subprocess.run(
        [sys.executable, "-m", "domcaps", "import", str(replies), "-o", "-"],
        capture_output=True,
        cwd=tmp_path,
        check=True,
    )
    assert ended.stderr.endswith(b"1 emulator, 0 kB\n")
    kept = tmp_path / "x.domcaps"
    assert run("import", str(replies), "-o", str(kept)).returncode == 0
    assert loads(ended.stdout, "-") == load(kept)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.domcaps", "x.replies"]


def test_what_new_tells_to_do_first_can_be_pasted() -> None:
    ended = run("new", *HOST, "--name", "x", "--disk", "/srv/a b.qcow2,size=1GiB")
    assert ended.returncode == 0
    assert "qemu-img create -f qcow2 '/srv/a b.qcow2' 1073741824" in ended.stderr


def test_every_code_says_where_it_is_found() -> None:
    known = json.loads(run("codes", "--format", "json").stdout)["codes"]
    assert [c["name"] for c in known if not c["element"] or c["element"].endswith("/")] == []
    shown = run("codes", "memory-missing").stdout.splitlines()
    assert shown[1] == "error: the domain is refused when it is defined; place: domain"


def test_a_slip_of_the_pen_and_a_wrong_text_read_well(tmp_path: Path) -> None:
    path = tmp_path / "slip.xml"
    path.write_text(REFUSED.replace("<devices>", "<memry/><devices>").replace(">100<", ">1 GB<"))
    shown = run("validate", *HOST, str(path)).stdout
    assert "<domain> has no element <memry>; libvirt ignores it; did you mean 'memory' or" in shown
    assert "<memory> is '1 GB', but must be a whole number" in shown


def test_a_folder_is_no_word_of_the_table(tmp_path: Path) -> None:
    ended = run("explain", *HOST, str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr == f"domcaps: {tmp_path}: Is a directory\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("domcaps re", {"record", "report"}),
        ("domcaps report --libvirt 11.1", {"11.1", "11.10"}),
        ("domcaps report --virttype q", {"qemu"}),
        ("domcaps report --host shipped:sid-x", {"shipped:sid-x86_64"}),
        ("domcaps fix --libvirt 12.8", {"12.8"}),
        ("domcaps diff lo", {"local"}),
        ("domcaps baseline shipped:sid-x86_64 lo", {"local"}),
        ("domcaps explain video.modelType=q", {"video.modelType=qxl"}),
        ("domcaps verify --element video.modelType=q", {"video.modelType=qxl"}),
        ("domcaps codes video-model-type-uns", {"video-model-type-unsupported"}),
    ],
)
def test_a_shell_completes(line: str, expected: set[str]) -> None:
    *words, incomplete = line.split()[1:]
    complete = BashComplete(_root, {}, "domcaps", "_DOMCAPS_COMPLETE")
    found = complete.get_completions(words, incomplete)
    # besides, some take any file: that is left to the shell
    assert {item.value for item in found if item.type == "plain"} == expected


def test_an_interrupt_while_modules_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.argv", ["domcaps", "host"])
    monkeypatch.setattr("domcaps.cli._group.run", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
