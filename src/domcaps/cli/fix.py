"""``domcaps fix``: the least edit that makes a refused domain acceptable."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from domcaps import files
from domcaps.cli._common import allow_emulator_option, libvirt_option, note, open_host
from domcaps.cli._terminal import emit_json, say
from domcaps.text import file_name

if TYPE_CHECKING:
    from domcaps.choose.repair import Repair

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def _complete_host(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    from domcaps.cli._common import complete_host as complete

    return complete(ctx, param, incomplete)


@click.command("fix")
@click.argument("file", metavar="FILE.xml", type=click.Path(path_type=Path, allow_dash=True))
@allow_emulator_option
@click.option(
    "--host",
    "host_files",
    multiple=True,
    metavar="FILE",
    help="A recording instead of this machine; with several the domain is mended for all of them.",
    shell_complete=_complete_host,
)
@libvirt_option()
@click.option(
    "--existing", is_flag=True, help="Take it for a domain that libvirt has known for long."
)
@click.option("--write", is_flag=True, help="Change the file; asks first.")
@click.option("--yes", is_flag=True, help="With --write: do not ask.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def command(
    *,
    file: Path,
    host_files: tuple[str, ...],
    libvirt: str,
    existing: bool,
    write: bool,
    yes: bool,
    form: str,
) -> None:
    """Propose the fewest edits that make a refused domain acceptable, as a unified diff.

    Each edit comes with its reason. What is not at fault is not touched: comments, order, blanks
    and unknown elements stay as they were, byte for byte. Of edits that do, a value is replaced
    before it is taken away, and a whole device goes only where nothing else helps: look at the
    proposal before you take it. - is standard input.

    With --write the file is replaced at once, and the old one is kept beside it as FILE.xml.orig
    (.orig1, .orig2 … where there is one already).

    The exit code is 0 where the domain is accepted as it is, 1 where it needs an edit that was
    only proposed or was declined, or can't be mended; with --write it is 0 when it was mended. It
    is 2 where the file can't be read.
    """
    from domcaps.choose.repair import repair
    from domcaps.errors import InputError
    from domcaps.language import check_dialect
    from domcaps.validate.document.parse import MAX_BYTES

    hosts = [open_host(name) for name in host_files] or [open_host(None)]
    check_dialect(libvirt)
    data = files.read_input(file, MAX_BYTES + 1)
    if write and str(file) == "-":
        raise click.UsageError("standard input can't be changed: give --write a file")
    try:
        found = repair(hosts, data, libvirt, new=not existing)
    except InputError as error:
        error.where = error.where or str(file)
        raise
    if form == "json":
        _print_json(found, str(file))
    else:
        _print(found, str(file))
    if not found.changes:
        raise click.exceptions.Exit(0 if found.accepted else 1)
    if not write or not (yes or _agreed(file)):
        raise click.exceptions.Exit(1)
    kept = replace(file, data, found.data)
    note(f"{file} is changed; it was kept as {kept}")


def _agreed(file: Path) -> bool:
    """Ask whether to change the file; who has nothing to say does not agree."""
    try:
        agreed = click.confirm(f"Change {file}?", default=False, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        say(err=True)
        agreed = False
    if not agreed:
        note(f"{file} is not changed (--yes does without the question)")
    return agreed


def _print(found: Repair, name: str) -> None:
    if not found.changes:
        if found.accepted:
            note(f"{name}: accepted as it is")
            return
        note(f"{name}: no edit that is known mends it")
        for finding in found.findings:
            say(f"{name}:{finding.line}: {finding.message} [{finding.code}]", err=True)
        return
    for line in found.diff_of(file_name(name)).removesuffix("\n").split("\n"):
        bold = line.startswith(("+++", "---"))
        say(line, fg=None if bold else _COLOURS.get(line[:1]), bold=bold)
    for change in found.changes:
        note(f"line {change.line}: {change.what}, since {change.reason} [{change.code}]")
    if not found.proven:
        note("fewer edits may do: the search was given up")


def _print_json(found: Repair, name: str) -> None:
    import dataclasses

    content = {
        "file": name,
        "accepted": found.accepted,
        "changes": [dataclasses.asdict(change) for change in found.changes],
        "diff": found.diff_of(name),
        "fewest": found.proven,
        "findings": [{"code": f.code, "message": f.message} for f in found.findings],
    }
    emit_json(content)


def replace(file: Path, old: bytes, new: bytes) -> Path:
    """Put a new text in the place of a file at once, and keep the old one beside it.

    Both have the owner, the mode and the attributes of the file. An older one that was kept is not
    overwritten: then the next free name is taken. Raises `OSError`; then nothing was changed.
    """
    from domcaps.validate.document.parse import MAX_BYTES

    target = file.resolve()
    if files.read_at_most(target, MAX_BYTES + 1) != old:
        raise click.ClickException(f"{file} was changed by somebody else meanwhile")
    kept = _keep(target, old)
    try:
        files.replace(target, new)
    except BaseException:
        kept.unlink(missing_ok=True)
        raise
    return kept


def _keep(target: Path, old: bytes) -> Path:
    number = 0
    while True:
        kept = target.with_name(f"{target.name}.orig{number or ''}")
        try:
            files.create(kept, old, like=target)
        except FileExistsError:
            number += 1
        else:
            return kept
