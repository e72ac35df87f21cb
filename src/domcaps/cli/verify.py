"""``domcaps verify``: is it true?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from domcaps.cli._common import (
    RangedNumber,
    WholeNumber,
    complete_virttype,
    format_option,
    libvirt_option,
    local_as_option,
    tell_own_libvirt,
)
from domcaps.cli._complete import complete_arch, complete_machine
from domcaps.cli._ending import ending_in_order
from domcaps.cli._notes import note, qemu_user
from domcaps.cli._terminal import emit_portable, has_colour, raw_standard_error, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.hosts.host import LiveHost
    from domcaps.verify.result import Verification

_STYLES: dict[str, dict[str, Any]] = {
    "heading": {"bold": True},
    "lie": {"fg": "red"},
    "known": {"fg": "yellow"},
    "chance": {"fg": "cyan"},
    "plain": {},
}


def _complete_path(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    from domcaps.report.explain import paths

    return [path for path in paths() if path.startswith(incomplete)]


@click.command("verify")
@click.option(
    "--emulatorbin",
    "emulator",
    metavar="PATH",
    help="Path of the emulator [default: the one for the architecture].",
)
@click.option(
    "--arch",
    metavar="ARCH",
    help="Architecture of the guest [default: the host's].",
    shell_complete=complete_arch,
)
@click.option(
    "--machine",
    "machines",
    metavar="NAME",
    multiple=True,
    shell_complete=complete_machine,
    help="Machine type or alias, such as q35; may be repeated.",
)
@click.option(
    "--virttype",
    "virttypes",
    shell_complete=complete_virttype,
    metavar="TYPE",
    multiple=True,
    help="Virtualization type: kvm, hvf, hyperv or qemu [default: the first of them that is "
    "available]; may be repeated.",
)
@libvirt_option("libvirt version whose report is tested:")
@click.option(
    "--element",
    "elements",
    shell_complete=_complete_path,
    metavar="PATH",
    multiple=True,
    help="Test only this element (video), enum or value (video.modelType=vga); may be repeated.",
)
@local_as_option
@click.option(
    "--jobs",
    metavar="N",
    type=WholeNumber(1),
    help="Number of machines to run at the same time [default: number of CPUs].",
)
@click.option(
    "--deadline",
    metavar="SECONDS",
    type=RangedNumber(0.1),
    default=30.0,
    show_default=True,
    help="Seconds to wait for a machine to start.",
)
@click.option(
    "--all", "everything", is_flag=True, help="Also list what works, and what was not tested."
)
@format_option(
    "text",
    "json",
    "html",
    text="Text, JSON, or one page for a browser with a column for each target.",
)
def command(
    *,
    emulator: str | None,
    arch: str | None,
    machines: tuple[str, ...],
    virttypes: tuple[str, ...],
    libvirt: str,
    form: str,
    everything: bool,
    **options: Any,
) -> None:
    """Start QEMU with every value that a report can list, and print the values that fail.

    Values that the report of this host does not list are tested as well. CPU models, limits and
    firmware images are tested, too. The machines are started paused, without network, in temporary
    folders, and are stopped at once. Running guests are not affected, and root is not needed. The
    results are cached: 'domcaps report --truth' leaves out the values that failed, until QEMU or
    the host changes.

    Helper programs such as swtpm are started if they are installed. Values that need a device or
    program that this host does not have are counted as not tested.

    Exit code: 0 if every failure is already a known discrepancy (see 'domcaps drift'), 1 if one is
    not, 2 on error.
    """
    from domcaps.hosts.host import Host
    from domcaps.verify.as_json import to_json

    host = Host.local(qemu_user=qemu_user())
    tell_own_libvirt()
    questions = [
        {"emulator": emulator, "arch": arch, "machine": m, "virttype": v, "libvirt": libvirt}
        for m in machines or (None,)
        for v in virttypes or (None,)
    ]
    found = _verify(host, questions, options)
    if form == "json":
        emit_portable(to_json(found))
    elif form == "html":
        from domcaps.verify.as_html import to_html

        emit_portable(to_html(found))
    else:
        _print(found, everything=everything)
    for text in dict.fromkeys(one.not_kept for one in found if one.not_kept):
        note(f"{text}; 'domcaps report --truth' cannot use the results")
    unknown = sum(len(one.unknown_lies) for one in found)
    if unknown:
        note(f"{unknown} failures are not on the list of known discrepancies ('domcaps drift')")
        raise click.exceptions.Exit(1)


def _verify(
    host: LiveHost, questions: list[dict[str, str | None]], options: dict[str, Any]
) -> Sequence[Verification]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(file=raw_standard_error(), no_color=not has_colour(sys.stderr))
    bar = Progress(*columns, console=console, disable=not console.is_terminal)
    with ending_in_order(), bar:
        task = bar.add_task("starting machines", total=None)
        return host.verify(
            questions,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            **options,
        )


def _print(found: Sequence[Verification], *, everything: bool) -> None:
    from domcaps.verify.as_text import to_lines

    for number, one in enumerate(found):
        if number:
            say()
        for style, line in to_lines(one, everything=everything):
            say(line, **_STYLES[style])
    sys.stdout.flush()
