"""The command line tool: every file in this package without a leading ``_`` is a command.

Exit codes: 0 on success, 1 as a command's help says, 2 for wrong usage and for unusable files or
emulators, 130 after Ctrl-C. Results go to standard output, everything else to standard error.

What is cached is printed before anything else is imported; `_plain` runs common command lines
without click, `_group` has all commands.
"""

from __future__ import annotations

import gc
import sys

from domcaps.cli._direct_imports import install

TYPE_CHECKING = False
if TYPE_CHECKING:
    import click


def main() -> None:
    """Run the tool."""
    if None in {sys.stdin, sys.stdout, sys.stderr}:
        from domcaps.cli._closed_streams import fill_closed

        fill_closed()
    install()
    try:
        _run()
    except KeyboardInterrupt:
        # while modules are imported: a command that runs has said it already
        sys.stderr.write("domcaps: interrupted\n")
        sys.exit(130)


def _run() -> None:
    if sys.argv[1:2] == ["report"]:
        from domcaps.cli._remembered import print_report

        print_report(sys.argv[2:])
    if sys.argv[1:2] and sys.argv[1] in _REPEATED:
        _run_plainly(sys.argv[1:])
    from domcaps.cli._group import run

    run()


def _run_plainly(words: list[str]) -> None:
    """Run a plain command line and end the process, or do nothing."""
    from domcaps.cli._replayed import asked, replay

    found = asked(words)
    if found is None:
        return
    # more than a plain command line makes: it has ended before there is garbage worth a search
    gc.set_threshold(_NEW_OBJECTS)
    rerun = replay(found)
    from domcaps.cli._plain import runner

    command = runner(found)
    if command is not None:
        from domcaps.cli._running import run

        run(command, rerun)


_NEW_OBJECTS = 1_000_000
_REPEATED = frozenset({"validate", "explain", "codes"})
"""Commands whose output is kept for the next process."""


def __getattr__(name: str) -> click.Group:
    """Give `_root`, the group of all commands, when it is asked for."""
    if name != "_root":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from domcaps.cli._group import root

    return root
