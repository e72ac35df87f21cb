"""The command line tool: one file for each command, found by being here.

Exit codes: 0 when it was answered, 1 where a command's help says so, 2 for wrong usage or a file or
emulator that can't be used, 130 after Ctrl-C. What is asked for goes to standard output, everything
else to standard error.

A report that is remembered is printed before anything else is loaded; all other commands are in
`_group`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


def main() -> None:
    """Run the tool."""
    if sys.argv[1:2] == ["report"]:
        from domcaps.cli._remembered import print_report

        print_report(sys.argv[2:])
    from domcaps.cli._group import run

    run()


def __getattr__(name: str) -> click.Group:
    """Give `_root`, the group of all commands, when it is asked for."""
    if name != "_root":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from domcaps.cli._group import root

    return root
