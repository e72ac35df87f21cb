"""Write the man pages: ``python tools/man_pages.py DIR``.

There is one page for domcaps and one for each command, made from the help of the command line, so
that they cannot disagree with it. The build of the wheel calls `write` (see hatch_build.py).
"""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from domcaps import __version__
from domcaps.cli import _root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FILES = """\
.TP
.I .domcaps.toml
Options of \\fBdomcaps validate\\fR; the nearest one in the folder of a domain or above it.
.TP
.I ~/.cache/domcaps
Answers of emulators, each with what it was read from ($XDG_CACHE_HOME)."""
_EXIT = "0 on success, 1 where the command's help says so, 2 if the request cannot be answered."


@dataclass(frozen=True)
class _Page:
    """The parts of one page."""

    name: str
    command: click.Command
    context: click.Context

    def text(self, see: Iterable[str]) -> str:
        """Give the page as roff; `see` names other pages."""
        title = self.name.replace("-", "\\-").upper()
        return "\n".join(
            (
                f'.TH "{title}" 1 "" "domcaps {__version__}" "User commands"',
                ".SH NAME",
                f"{_roff(self.name)} \\- {_roff(self._summary())}",
                ".SH SYNOPSIS",
                f".B {_roff(self.context.command_path)}",
                _roff(" ".join(self.command.collect_usage_pieces(self.context))),
                ".SH DESCRIPTION",
                *_paragraphs(self.command.help or ""),
                *self._options(),
                *self._commands(),
                ".SH EXIT STATUS",
                _EXIT,
                ".SH FILES",
                _FILES,
                ".SH SEE ALSO",
                ",\n".join(f".BR {_roff(name)} (1)" for name in see),
                "",
            )
        )

    def _summary(self) -> str:
        return self.command.get_short_help_str(limit=200).rstrip(".")

    def _options(self) -> Iterator[str]:
        """Give the options, each with what its help says."""
        records = [
            record
            for parameter in self.command.get_params(self.context)
            if (record := parameter.get_help_record(self.context)) and record[1]
        ]
        if records:
            yield ".SH OPTIONS"
        for names, text in records:
            yield from (".TP", f"\\fB{_roff(names)}\\fR", _roff(" ".join(text.split())))

    def _commands(self) -> Iterator[str]:
        """Give the commands of a group."""
        if not isinstance(self.command, click.Group):
            return
        yield ".SH COMMANDS"
        for name in self.command.list_commands(self.context):
            inner = self.command.get_command(self.context, name)
            if inner is not None:
                yield from (".TP", f"\\fB{_roff(name)}\\fR")
                yield _roff(inner.get_short_help_str(limit=200))


def _roff(text: str) -> str:
    """Escape what roff would take for a request or a command."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def _paragraphs(text: str) -> Iterator[str]:
    """Give each paragraph; one that click is told to keep as it stands keeps its lines."""
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.splitlines()
        if lines and lines[0].strip() == "\b":
            kept = textwrap.dedent("\n".join(lines[1:])).splitlines()
            yield from (".PP", ".RS", ".nf", *map(_roff, kept), ".fi", ".RE")
        else:
            yield from (".PP", *(_roff(line.strip()) for line in lines))


def pages() -> dict[str, str]:
    """Give the text of each man page by its file name."""
    root = click.Context(_root, info_name="domcaps", terminal_width=100)
    found = {"domcaps": _Page("domcaps", _root, root)}
    for name in _root.list_commands(root):
        command = _root.get_command(root, name)
        assert command is not None, name
        context = click.Context(command, info_name=name, parent=root, terminal_width=100)
        found[f"domcaps-{name}"] = _Page(f"domcaps-{name}", command, context)
    return {
        f"{name}.1": page.text(n for n in found if n != name and "domcaps" in (name, n))
        for name, page in found.items()
    }


def write(folder: Path) -> list[Path]:
    """Write all pages below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written


if __name__ == "__main__":
    write(Path(sys.argv[1]))
