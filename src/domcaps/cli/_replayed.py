"""``domcaps validate FILE``, ``explain PATH`` and ``codes``: what was printed before, if it holds.

The second run of a command on the same files needs neither click nor the table: see
`domcaps.fresh.command_cache`. What is not plain here (other options, folders, a terminal, a project
with a configuration) is left to the command itself, which prints the same.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from domcaps.fresh.command_cache import Output
    from domcaps.fresh.command_inputs import Inputs
    from domcaps.fresh.store import Store
    from domcaps.fresh.witness import Witness

_VALUES = {
    "validate": ("--host", "--libvirt", "--format", "--fail-on", "--select", "--ignore"),
    "explain": ("--host", "--libvirt", "--format", "--arch", "--machine", "--virttype"),
    "codes": ("--format",),
}
_FLAGS = {
    "validate": (
        "--schema", "--no-schema", "--existing", "--notices", "--explain", "--statistics",
        "--exit-zero", "-q", "--quiet",
    ),
    "explain": (),
    "codes": (),
}  # fmt: skip
_VARIABLES = (
    "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "DOMCAPS_DOCS_URL", "CI_PROJECT_DIR",
    "GITHUB_WORKSPACE",
)  # fmt: skip
_MOST_FILES = 20
_MOST_BYTES = 4 << 20
_LARGEST_RECORDING = 64 << 20
_CONFIGURATION, _PROJECT = ".domcaps.toml", "pyproject.toml"
_LARGEST_PROJECT = 256 << 10


class PlainCommand:
    """A command line: the command, its words, the files or names, the recordings, other options."""

    def __init__(self, command: str, words: list[str]) -> None:
        self.command = command
        self.words = words
        self.values: dict[str, list[str]] = {}
        self.flags: list[str] = []
        self.names: list[str] = []
        self.hosts: list[str] = []

    @property
    def is_of_this_machine(self) -> bool:
        """Whether facts of this machine count."""
        return self.command != "codes" and (not self.hosts or "local" in self.hosts)

    def value(self, option: str, default: str | None) -> Any:
        """Give what an option that may stand once has, or the default."""
        given = self.values.get(option)
        return given[0] if given else default

    def key(self) -> tuple[object, ...]:
        """Give what the output depends on besides files and host."""
        encodings = sys.stdout.encoding, sys.stderr.encoding
        values = (os.environ.get(name) for name in _VARIABLES)
        return self.command, *self.words, os.getcwd(), *encodings, *values  # noqa: PTH109 - faster


def asked(words: list[str]) -> PlainCommand | None:
    """Read a command line; None where a word is more than the plainest."""
    if "_DOMCAPS_COMPLETE" in os.environ or sys.stdout is None or sys.stderr is None:
        return None
    command = words[0]
    found, left = PlainCommand(command, words[1:]), iter(words[1:])
    for word in left:
        name, equals, value = word.partition("=")
        if word in _FLAGS[command]:
            found.flags.append(word)
            continue
        if name in _VALUES[command]:
            text = value if equals else next(left, "")
            if not text or text[0] == "-":
                return None
            if name == "--host":
                found.hosts.append(text)
            else:
                found.values.setdefault(name, []).append(text)
        elif word[:1] == "-" or not word:
            return None
        else:
            found.names.append(word)
    fits = len(found.names) <= (_MOST_FILES if command == "validate" else 1)
    return found if fits and (found.names or command == "codes") else None


def witnesses(found: PlainCommand) -> list[Witness] | None:
    """Give witnesses of all files that a command reads; None where that is not known beforehand."""
    from domcaps.fresh.witness import Content, Existence, FileStatus

    seen: list[Witness] = []
    for host in found.hosts:
        if host == "local":
            continue
        path = _recording(host)
        if path is None:
            return None
        seen.append(Content(path, _LARGEST_RECORDING))
        if host.startswith("shipped:"):
            # a file of that name would go before
            seen.append(Existence(os.path.abspath(host)))  # noqa: PTH100
    for name in found.names if found.command != "codes" else ():
        path = os.path.abspath(name)  # noqa: PTH100
        if found.command == "validate" and not os.path.isfile(path):  # noqa: PTH113
            return None
        is_file = found.command == "validate" or name.endswith(".xml")
        seen.append(Content(path, _MOST_BYTES) if is_file else FileStatus(path))
    if found.command != "validate":
        return seen
    configured = _configuration(found)
    return None if configured is None else seen + configured


def _configuration(found: PlainCommand) -> list[Witness] | None:
    """Give witnesses that no configuration counts; None where one may."""
    from domcaps.fresh.witness import Content, Existence

    folders: dict[str, None] = {}
    here = os.getcwd()  # noqa: PTH109
    for path in (here, *(os.path.dirname(os.path.abspath(name)) for name in found.names)):  # noqa: PTH100, PTH120
        while path not in folders:
            folders[path] = None
            path = os.path.dirname(path)  # noqa: PTH120
    seen: list[Witness] = []
    for folder in folders:
        own = os.path.join(folder, _CONFIGURATION)  # noqa: PTH118
        project = os.path.join(folder, _PROJECT)  # noqa: PTH118
        if os.path.lexists(own) or _speaks_of_domcaps(project):
            return None
        seen += Existence(own), Content(project, _LARGEST_PROJECT)
    return seen


def _speaks_of_domcaps(project: str) -> bool:
    try:
        with open(project, "rb") as file:  # noqa: PTH123
            return b"domcaps" in file.read(_LARGEST_PROJECT + 1)
    except OSError:
        return False


def _recording(host: str) -> str | None:
    """Give the path of a recording; None where a name stands for several, or for none."""
    if any(sign in host for sign in "*?["):
        return None
    kind, _, name = host.partition(":")
    path = os.path.abspath(host)  # noqa: PTH100
    if kind == "shipped" and not os.path.lexists(path):
        if not name or "/" in name:
            return None
        package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
        path = os.path.join(package, "recordings", f"{name}.domcaps")  # noqa: PTH118
    return path if os.path.isfile(path) else None  # noqa: PTH113


class Rerun:
    """A command that runs since nothing that holds is kept of it; its output is kept at its end."""

    def __init__(self, found: PlainCommand, inputs: Inputs) -> None:
        self._found = found
        self._inputs = inputs
        self._key = found.key()

    def keep(self, out: str, err: str, code: int) -> None:
        """Keep what was printed, if all of it was proven and is plain."""
        from domcaps.fresh.command_cache import Output
        from domcaps.fresh.command_inputs import keep

        if code not in {0, 1} or not (_is_plain(out) and _is_plain(err)):
            return
        host: Store | None = None
        emulators: tuple[str, ...] = ()
        if self._found.is_of_this_machine:
            from domcaps.fresh.machine import WorldOf, shared_build

            host = shared_build().store
            named = (e.key.question.emulator for e in host.entries() if isinstance(e.key, WorldOf))
            emulators = tuple(dict.fromkeys(filter(None, named)))
        keep(self._key, Output(out, err, code, emulators), self._inputs, host)


def replay(found: PlainCommand) -> Rerun | None:
    """Print what a command printed before and end the process; else give who is to keep it.

    None where it can't be kept.
    """
    if sys.stderr.isatty() or sys.stdout.isatty():
        return None
    from domcaps.fresh.command_cache import recall

    kept = recall(found.key())
    if kept is not None and _is_plain(kept.out) and _is_plain(kept.err):
        _print(kept)
    seen = witnesses(found)
    from domcaps.cli._lean_imports import load_msgspec

    load_msgspec()
    from domcaps.fresh.command_inputs import Inputs

    return None if seen is None else Rerun(found, Inputs(seen))


def _print(kept: Output) -> None:
    """Print and end the process; what the encoding has not is left to the command."""
    from domcaps.cli._remembered import write_and_end

    try:
        for stream, text in ((sys.stdout, kept.out), (sys.stderr, kept.err)):
            text.encode(stream.encoding or "utf-8")
    except (UnicodeError, LookupError):
        return
    write_and_end(kept.out, kept.err, kept.code)


def _is_plain(text: str) -> bool:
    """Tell whether text has nothing that is not shown to terminals."""
    return text.replace("\n", "").replace("\t", "").isprintable()
