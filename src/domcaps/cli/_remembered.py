"""``domcaps report`` for an answer that is remembered, without the machinery of commands.

Loading click and the table takes longer than to prove that an answer still holds. What is not plain
here (other options, a terminal, an answer that is not remembered) is left to the command itself,
which answers the same.
"""

from __future__ import annotations

import os
import sys

from domcaps._version import DEFAULT_DIALECT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_FLAGS = ("disable_deprecated_features", "expand_cpu_features", "supported_cpu_features")
_VALUES = {
    "--arch": "arch",
    "--machine": "machine",
    "--virttype": "virttype",
    "--libvirt": "libvirt",
    "--format": "form",
}
_AUTO = "auto"
_BARE = {code: None for code in range(128) if not 32 <= code < 127 and chr(code) not in "\t\n"}


def print_report(words: list[str]) -> None:
    """Print a remembered report and end the process, or do nothing."""
    if "_DOMCAPS_COMPLETE" in os.environ or sys.stdout is None or sys.stderr is None:
        return
    question = _question(words)
    if question is None or sys.stderr.isatty() or sys.stdout.isatty():
        return
    form = question.pop("form")
    from domcaps.fresh.report_cache import options_of, recall

    answer = recall(options_of(question))
    if answer is None or answer.unknown:
        return
    text = answer.xml if form == "xml" else answer.json
    note = answer.libvirt if question["libvirt"] == _AUTO else ""
    if not (_is_plain(text) and _is_plain(note)):
        return
    write_and_end(text, f"domcaps: {note}\n" if note else "")


def write_and_end(out: str, err: str, code: int = 0) -> NoReturn:
    """Print what is known to be plain, and end the process as a command does."""
    try:
        _tell(err)
        sys.stdout.write(out)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        _tell(f"domcaps: {error.strerror or error}\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)
    sys.exit(code)


def _tell(text: str) -> None:
    """Print messages; where that is not possible they are lost, and the result is what it is."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _question(words: list[str]) -> dict[str, object] | None:
    """Give what is asked, None where a word is more than the plainest options."""
    question: dict[str, object] = {
        **dict.fromkeys(("emulator", *_VALUES.values())),
        **dict.fromkeys(_FLAGS, False),
    }
    left = iter(words)
    for word in left:
        name, equals, value = word.partition("=")
        flag = word.removeprefix("--").replace("-", "_")
        if flag in _FLAGS and word.startswith("--"):
            question[flag] = True
            continue
        key = _VALUES.get(name)
        text = value if equals else next(left, "")
        # what begins like an option is an error, or none: the command knows
        if key is None or question[key] is not None or not text or text[0] == "-":
            return None
        question[key] = text
    question["form"] = question["form"] or "xml"
    question["libvirt"] = question["libvirt"] or DEFAULT_DIALECT
    # whose QEMU it is where no option says it, as `_notes.qemu_user` gives it
    question["as"] = "system" if os.geteuid() == 0 else "session"
    return question if question["form"] in {"xml", "json"} else None


def _is_plain(text: str) -> bool:
    """Tell whether text has nothing that is not shown to terminals."""
    return text.isascii() and len(text.translate(_BARE)) == len(text)
