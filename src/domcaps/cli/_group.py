"""The group of all commands, and what becomes of errors."""

from __future__ import annotations

import gc
import importlib.util
import os
import pkgutil
import sys
from typing import TYPE_CHECKING

import click

from domcaps._version import __version__
from domcaps.cli._terminal import install, say, wants_colour

if TYPE_CHECKING:
    from types import ModuleType

_NEW_OBJECTS = 50000
_WHOLE = 1000


class _NobodyReadsError(Exception):
    """Whoever read us has enough."""


def _package() -> ModuleType:
    """Give the package whose files are commands; it imports this module, and not the reverse."""
    return sys.modules[str(__package__)]


class _Commands(click.Group):
    """Commands by file name; a file is imported when its command is called or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name the files: ``why_fresh.py`` is ``why-fresh``.

        A trailing ``_`` keeps a name from being one of Python's words.
        """
        names = (module.name for module in pkgutil.iter_modules(_package().__path__))
        found = (name.rstrip("_") for name in names if not name.startswith("_"))
        return sorted(name.replace("_", "-") for name in found)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's file."""
        if cmd_name not in self.list_commands(ctx):
            return None
        file = cmd_name.replace("-", "_")
        for name in (file, f"{file}_"):
            if importlib.util.find_spec(f"{__package__}.{name}"):
                module = importlib.import_module(f"{__package__}.{name}")
                command: click.Command = module.command
                return command
        return None

    def invoke(self, ctx: click.Context) -> object:
        """Call the command; click would make 1 of a pipe that nobody reads, which means no."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _NobodyReadsError from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, each with its whole first sentence; click cuts it off."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, command.get_short_help_str(_WHOLE)) for name, command in found if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="domcaps", message="%(prog)s %(version)s")
def root() -> None:
    """What can a virtual machine be given here?

    domcaps asks the QEMU of this machine, or a recording of another one, and answers as libvirt
    does: in the form of its domain capabilities, for the release of libvirt that you name.

    \b
      domcaps report                    what the default emulator can give a guest
      domcaps report --machine q35      … on another machine type
      domcaps record -o host.domcaps    keep all answers in a file
      domcaps report --host host.domcaps --libvirt 11.3
    """  # noqa: D301 - click takes the character, not its name


def _colour() -> bool | None:
    """Say no where nobody wants colour (https://no-color.org), else leave it to the terminal."""
    return None if wants_colour() else False


def run() -> None:
    """Run the tool; every error is one line and exit code 2."""
    from domcaps.errors import DomcapsError
    from domcaps.facts.descendants import ADOPTION

    install()
    # whatever becomes a child of this process descends from a program that it started
    ADOPTION.is_alone = True
    # the table is made once and stays: looking through it for garbage costs a tenth of a start
    gc.set_threshold(_NEW_OBJECTS)
    try:
        # a command that ends with an exit code has it returned here
        sys.exit(root.main(prog_name="domcaps", standalone_mode=False, color=_colour()))
    except (click.Abort, KeyboardInterrupt):
        say("domcaps: interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except _NobodyReadsError:
        drop_output()
        sys.exit(0)
    except DomcapsError as error:
        say(f"domcaps: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        say(f"domcaps: {place}{error.strerror or error}", err=True)
        try:
            sys.stdout.flush()
        except OSError:
            drop_output()
        sys.exit(2)


def drop_output() -> None:
    """Give up what could not be printed: the interpreter must not fail on it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
