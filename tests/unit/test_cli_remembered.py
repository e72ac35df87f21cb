"""A report that is remembered is printed before commands are loaded, and is the same."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from command_runner import CliRunner
from domcaps.cli import _remembered, _root, report
from domcaps.fresh import report_cache
from domcaps.fresh.report_cache import Printed, options_of

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER = Printed("<domainCapabilities/>\n", '{"a": 1}\n', (), "1", "libvirt 9.0 is assumed")

WORDS = [
    "",
    "--machine q35",
    "--machine=q35 --arch x86_64",
    "--virttype kvm --libvirt 9.0 --format json",
    "--expand-cpu-features --format=xml",
    "--disable-deprecated-features --supported-cpu-features --libvirt=auto",
]
OTHER_WORDS = [
    "--machine",
    "--machine q35 --machine pc",
    "--format html",
    "--format pdf",
    "--emulatorbin /usr/bin/qemu-system-x86_64",
    "--host shipped",
    "--truth",
    "--machine --arch",
    "--help",
    "q35",
    "--machine=",
    "--mach q35",
    "--expand-cpu-features=1",
]


@pytest.fixture
def recalled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Have an answer for everything, and give what it was asked for."""
    asked: list[tuple[object, ...]] = []

    def recall(options: tuple[object, ...]) -> Printed:
        asked.append(options)
        return ANSWER

    monkeypatch.setattr(report_cache, "recall", recall)
    monkeypatch.setattr(report, "recall", recall)
    return asked


@pytest.fixture
def printed(capfd: pytest.CaptureFixture[str]) -> Callable[[str], tuple[int, str, str] | None]:
    """Give a function that prints a remembered report; it gives exit code and output."""

    def run(words: str) -> tuple[int, str, str] | None:
        try:
            _remembered.print_report(words.split())
        except SystemExit as ended:
            return int(str(ended.code)), *capfd.readouterr()
        return None

    return run


@pytest.mark.parametrize("words", WORDS)
def test_it_prints_what_the_command_prints(
    recalled: list[tuple[object, ...]],
    printed: Callable[[str], tuple[int, str, str] | None],
    words: str,
) -> None:
    done = printed(words)
    wanted = CliRunner().invoke(_root, ["report", *words.split()])
    assert done == (wanted.exit_code, wanted.stdout, wanted.stderr) and done[0] == 0
    assert len(recalled) == 2 and recalled[0] == recalled[1]


@pytest.mark.parametrize("words", OTHER_WORDS)
def test_other_words_are_the_commands(
    recalled: list[tuple[object, ...]],
    printed: Callable[[str], tuple[int, str, str] | None],
    words: str,
) -> None:
    assert printed(words) is None
    assert recalled == []


@pytest.mark.parametrize(
    "answer",
    [
        Printed("<a>\x1b[2J</a>\n", "{}", (), "1"),
        Printed("<a>\u202e</a>\n", "{}", (), "1"),
        Printed("<a/>\n", "{}", ("something",), "1"),
        Printed("<a/>\n", "{}", (), "1", "libvirt\x07"),
        None,
    ],
)
def test_what_is_not_plain_is_left_to_the_command(
    monkeypatch: pytest.MonkeyPatch,
    printed: Callable[[str], tuple[int, str, str] | None],
    answer: Printed | None,
) -> None:
    monkeypatch.setattr(report_cache, "recall", lambda _: answer)
    assert printed("--machine q35") is None


def test_options_are_named_alike_in_any_order() -> None:
    question = {"emulator": None, "arch": "x86_64", "machine": "q35", "libvirt": "auto"}
    assert options_of(question) == options_of(dict(reversed(question.items())))


def test_it_loads_neither_commands_nor_table() -> None:
    code = (
        "import sys\n"
        "bare = set(sys.modules)\n"
        "from domcaps.cli import main; from domcaps.fresh import report_cache as c\n"
        "c.recall = lambda options: c.Printed('<a/>', '{}', (), '1')\n"
        "sys.argv = ['domcaps', 'report']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sorted(set(sys.modules) - bare), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert loaded[0].startswith("<a/>")
    unwanted = ("click", "lxml", "hashlib", "random", "domcaps.elements", "domcaps.language")
    for name in (*unwanted, "msgspec", "json", "pathlib", "re", "threading", "domcaps.fresh.store"):
        assert name not in loaded, name
