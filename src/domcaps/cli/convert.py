"""``domcaps convert``: a whole domain for another board or another host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from domcaps import files
from domcaps.cli._common import WholeNumber, allow_emulator_option, format_option, libvirt_option
from domcaps.cli._files import path_in_diff
from domcaps.cli._notes import note, open_host
from domcaps.cli._terminal import emit, emit_document, emit_portable, say
from domcaps.errors import InputError

if TYPE_CHECKING:
    from domcaps.choose.conversion import Conversion


def _complete_host(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    from domcaps.cli._common import complete_host as complete

    return complete(ctx, param, incomplete)


@click.command("convert")
@click.argument("file", metavar="FILE.xml", type=click.Path(allow_dash=True))
@click.option("--to", "board", type=click.Choice(["q35", "pc"]), help="Machine type to convert to.")
@click.option(
    "--to-host",
    "to_host",
    metavar="FILE",
    help="Recording of the host to convert to [default: this machine].",
    shell_complete=_complete_host,
)
@click.option(
    "--host",
    "host_file",
    metavar="FILE",
    help="Recording of the host to convert to (same as --to-host).",
)
@allow_emulator_option
@libvirt_option("libvirt version that must accept the result:")
@click.option(
    "--keep",
    is_flag=True,
    help="Write the versioned machine type into the domain: pc-q35-10.0 instead of q35.",
)
@click.option(
    "--hotplug",
    type=WholeNumber(0, 64),
    default=0,
    metavar="N",
    help="Add N free PCIe root ports for hot-plugging.",
)
@click.option("--diff", "as_diff", is_flag=True, help="Print a unified diff instead of the domain.")
@click.option("--write", is_flag=True, help="Change the file; the old one is kept beside it.")
@format_option("xml", "json")
def command(
    *,
    file: str,
    board: str | None,
    to_host: str | None,
    host_file: str | None,
    libvirt: str,
    keep: bool,
    hotplug: int,
    as_diff: bool,
    write: bool,
    form: str,
) -> None:
    """Convert a domain to another machine type (--to) or to another host (--to-host).

    Give one of the two options, or both. Without them the domain is converted for this machine.

    \b
      domcaps convert --to q35 old.xml > new.xml
      domcaps convert --to-host new-host.domcaps guest.xml --diff

    --to changes the machine type and all that depends on it: PCI controllers and addresses, IDE
    disks, USB controllers. --to-host changes the machine type, CPU, firmware, emulator and devices
    to those of the host. Changes that the guest notices are listed on standard error, the most
    important first.

    Exit code: 0 if the result is valid, 1 if something could not be converted, 2 if the file cannot
    be read.
    """  # noqa: D301 - click takes the character, not its name
    from domcaps.choose.conversion import convert
    from domcaps.language import check_dialect
    from domcaps.validate.document.parse import MAX_BYTES

    if write and file == "-":
        raise click.UsageError("--write needs a file, not standard input")
    host = open_host(to_host or host_file)
    check_dialect(libvirt)
    data = files.read_input(file, MAX_BYTES + 1)
    try:
        done = convert([host], data, libvirt, board=board or "", hotplug=hotplug, keep=keep)
    except InputError as error:
        error.where = error.where or file
        raise
    if form == "json":
        _print_json(done, file)
    else:
        _print(done, file, as_diff=as_diff, write=write)
    if write and done.data != data:
        from domcaps.cli.fix import replace

        kept = replace(Path(file), data, done.data)
        note(f"{file} was changed; the old file is {kept}")
    if not done.accepted:
        raise click.exceptions.Exit(1)


def _print(done: Conversion, file: str, *, as_diff: bool, write: bool) -> None:
    if as_diff:
        emit(done.repair.diff_of(path_in_diff(file)))
    elif not write:
        emit_portable(done.data.decode(errors="surrogateescape"))
    for change in done.repair.changes:
        note(f"{change.what} ({change.path})")
    for change in done.repair.removals:
        note(f"removed: {change.removes} ({change.path})")
    for notice in done.notices:
        say(f"visible in the guest: {notice.text}", err=True)
    if done.repair.decisions:
        note("for you to decide:")
    for one in done.repair.decisions:
        note(f"  {one}")
    left = zip(done.repair.findings, done.repair.remedies, strict=True)
    for finding, advice in () if done.accepted else left:
        say(f"{file}: not converted: {finding.message} [{finding.code}]", err=True)
        for text in advice:
            say(f"    on the host: {text}", err=True)


def _print_json(done: Conversion, file: str) -> None:
    import dataclasses

    content = {
        "file": file,
        "accepted": done.accepted,
        "xml": done.data.decode(errors="replace"),
        "changes": [dataclasses.asdict(change) for change in done.repair.changes],
        "guest": [dataclasses.asdict(notice) for notice in done.notices],
        "decisions": [dataclasses.asdict(one) for one in done.repair.decisions],
        "findings": [{"code": f.code, "message": f.message} for f in done.repair.findings],
        "remedies": [list(advice) for advice in done.repair.remedies],
    }
    emit_document(content)
