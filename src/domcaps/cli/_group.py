"""The group of all commands, and how errors are reported."""

from __future__ import annotations

import importlib.util
import os
import pkgutil
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from domcaps._version import __version__
from domcaps.cli._running import run as run_command
from domcaps.cli._terminal import colour_option, default_colour, emit

if TYPE_CHECKING:
    from types import ModuleType


_GROUPS = {
    "Commands for every day": ("validate", "fix", "explain", "new", "report", "diff"),
    "Commands for domains": ("edit", "convert", "native", "try", "codes"),
    "Commands for hosts and recordings": ("host", "record", "import", "baseline", "fleet"),
    "Commands for checking domcaps and QEMU": ("verify", "audit", "drift", "watch", "why-fresh"),
    "Commands for integration": (),
}
"""The headings of ``--help``; under the last one stand the commands that no other has."""
_WHOLE = 1000


class _ClosedPipeError(Exception):
    """The reader of standard output closed the pipe."""


def _package() -> ModuleType:
    """Give the package whose files are commands; it imports this module, and not the reverse."""
    return sys.modules[str(__package__)]


class _Commands(click.Group):
    """Commands by file name; a file is imported when its command is run or listed."""

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
                _add_colour(command)
                return command
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; ``help [COMMAND]`` prints help, a misspelt name gets a suggestion."""
        if args[0] == "help":
            return super().resolve_command(ctx, [args[1], "--help"]) if args[1:] else _help(ctx)
        if args[0] not in self.list_commands(ctx) and not args[0].startswith("-"):
            from domcaps.language.wording import did_you_mean

            hint = did_you_mean(args[0], self.list_commands(ctx))
            ctx.fail(f"unknown command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a closed pipe must not give exit code 1, which means "no"."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ClosedPipeError from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands in groups, each with its whole first sentence; click cuts it off."""
        left = self.list_commands(ctx)
        for title, names in _GROUPS.items():
            known = [name for name in names or left if name in left]
            left = [name for name in left if name not in known]
            found = ((name, self.get_command(ctx, name)) for name in known)
            rows = [(name, one.get_short_help_str(_WHOLE)) for name, one in found if one]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _add_colour(command: click.Command) -> None:
    """Give a command ``--color``, and every command below it."""
    if not any("--color" in parameter.opts for parameter in command.params):
        command.params.append(colour_option())
    for inner in getattr(command, "commands", {}).values():
        _add_colour(inner)


def _help(ctx: click.Context) -> NoReturn:
    emit(ctx.get_help() + "\n")
    ctx.exit()


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(
    __version__, "-V", "--version", prog_name="domcaps", message="%(prog)s %(version)s"
)
def root() -> None:
    """Report, validate and choose what a virtual machine can use on a host.

    domcaps probes the QEMU of this machine, or reads a recording of another one, and answers in the
    terms of libvirt, as the libvirt version that you name would.

    \b
      domcaps report                    features of the default emulator, as <domainCapabilities>
      domcaps validate guest.xml        would libvirt define and start this domain?
      domcaps explain video.modelType   why is a feature supported, or not?
      domcaps new --name web --os debian13 --disk web.qcow2
      domcaps record -o host.domcaps    save all facts of this host in a file
      domcaps report --host host.domcaps --libvirt 11.3
    """  # noqa: D301 - click takes the character, not its name


root.params.append(colour_option())


def run() -> NoReturn:
    """Run the tool."""
    if "_DOMCAPS_COMPLETE" in os.environ:
        from domcaps.cli._shells import register

        register()
    run_command(by_click)


def by_click() -> int | None:
    """Have click run the command line, and give the exit code; errors of usage end the process."""
    try:
        code: int | None = root.main(
            prog_name="domcaps", standalone_mode=False, color=default_colour()
        )
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except _ClosedPipeError:
        raise BrokenPipeError from None
    return code
