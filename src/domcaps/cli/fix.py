"""``domcaps fix``: the edits by which refused domains lose least, as a unified diff."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from domcaps import files
from domcaps.cli._common import (
    allow_emulator_option,
    existing_option,
    format_option,
    libvirt_option,
)
from domcaps.cli._files import expand, path_in_diff
from domcaps.cli._notes import note, open_host, tell_newest
from domcaps.cli._terminal import emit_document, say
from domcaps.errors import DomcapsError, InputError
from domcaps.language.wording import listed
from domcaps.text import file_name, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.choose.change import Change, Settled
    from domcaps.choose.repaired import Repair
    from domcaps.destination import FileDestination
    from domcaps.hosts.host import Host
    from domcaps.language.finding import Finding

_DEPRECATED = "os-type-machine-deprecated"
"""A warning that the change of the machine type repeats."""
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def _complete_host(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    from domcaps.cli._common import complete_host as complete

    return complete(ctx, param, incomplete)


@click.command("fix")
@click.argument("names", metavar="FILE…", nargs=-1, required=True, type=click.Path(allow_dash=True))
@allow_emulator_option
@click.option(
    "--host",
    "host_files",
    multiple=True,
    metavar="FILE",
    help="Use a recording instead of this machine. May be repeated: domains are then "
    "repaired for all of them.",
    shell_complete=_complete_host,
)
@libvirt_option("libvirt version that must accept the domain:")
@existing_option
@click.option(
    "--allow-removal",
    is_flag=True,
    help="Also remove disks, network interfaces, host devices, filesystems, TPMs, "
    "memory encryption and UEFI settings if nothing else helps.",
)
@click.option("--write", is_flag=True, help="Change the file; asks first.")
@click.option("--yes", is_flag=True, help="With --write: do not ask.")
@format_option("text", "json")
def command(
    *,
    names: tuple[str, ...],
    host_files: tuple[str, ...],
    libvirt: str,
    existing: bool,
    allow_removal: bool,
    write: bool,
    yes: bool,
    form: str,
) -> None:
    """Propose edits that make invalid domains valid and keep what they ask for.

    FILE is a domain XML, a folder (all *.xml below it), a pattern such as 'domains/*.xml', or - for
    standard input. The
    output is a unified diff for 'git apply' or 'patch -p1'; each edit comes with its reason.
    Unrelated text, comments and unknown elements are left unchanged, byte for byte.

    Misspelt names are corrected, missing parts are added, and unsupported values are replaced by
    the nearest supported ones. Removals are always reported. If only a change of the host helps,
    such as installing a package, that change is reported and the domain is left alone. What only
    libvirt's schema refuses is not repaired; 'domcaps validate --schema' shows it.

    --write replaces the file; the old one is kept as FILE.xml.orig (.orig1, .orig2 and so on if
    that exists).

    Exit code: 0 if every domain is valid, or was repaired with --write. 1 if edits were only
    proposed or were declined, or if a problem remains. 2 if a file cannot be read.
    """
    from domcaps.language import check_dialect

    hosts = [open_host(name) for name in host_files] or [open_host(None)]
    check_dialect(libvirt)
    paths = expand(names)
    if write and "-" in paths:
        raise click.UsageError("--write needs a file, not standard input")
    several = len(paths) > 1 or list(paths) != list(names)
    run = _Run(hosts, libvirt, not existing, allow_removal, write, yes, form, several)
    code = max(run.fix(path) for path in paths)
    if form == "json":
        emit_document({"files": run.documents} if several else run.documents[0])
    else:
        note("libvirt's schema was not read: 'domcaps validate --schema' does that")
    if code:
        raise click.exceptions.Exit(code)


@dataclass
class _Run:
    """One call of the command: what is the same for all files, and the JSON of those done."""

    hosts: Sequence[Host]
    dialect: str
    new: bool
    allow_removal: bool
    write: bool
    yes: bool
    form: str
    several: bool

    def __post_init__(self) -> None:
        self.documents: list[dict[str, Any]] = []

    def fix(self, name: str) -> int:
        """Repair one file; gives the exit code. With several files an unreadable one is noted."""
        try:
            return self._fix(name)
        except (OSError, DomcapsError) as error:
            if isinstance(error, InputError):
                error.where = error.where or name
            if not self.several:
                raise
            note(f"{name}: {error.strerror}" if isinstance(error, OSError) else str(error))
            self.documents.append({"file": name, "error": str(error)})
            return 2

    def _fix(self, name: str) -> int:
        from domcaps.choose.repair import repair
        from domcaps.language.dialect import AUTO
        from domcaps.validate.document.parse import MAX_BYTES

        data = files.read_input(name, MAX_BYTES + 1)
        found = repair(
            self.hosts, data, self.dialect, new=self.new, allow_removal=self.allow_removal
        )
        if self.dialect == AUTO:
            for host in self.hosts:
                tell_newest(host)
        self.documents.append(_as_json(found, name))
        if self.form == "text":
            _print(found, name, several=self.several)
            self._tell_of_removal(found)
            self._tell_owner(found, name)
            self._tell_of_broken_rules(found)
        if not found.changes:
            return 0 if found.accepted else 1
        if not self.write or not (self.yes or _agreed(Path(name))):
            return 1
        kept = replace(Path(name), data, found.data)
        note(f"{name} was changed; the old file is {kept}")
        return 0 if found.accepted else 1

    def _tell_owner(self, found: Repair, name: str) -> None:
        """Say what the owner has to check or decide, and repeat the warnings that edits bring."""
        from domcaps.choose.kept import said_of_kept

        if not found.changes:
            return
        said = [str(one) for one in found.decisions]
        before = self._warnings(found.original)
        told = {_DEPRECATED} if any("will not have" in text for text in said) else set()
        for code, message in self._warnings(found.data).items():
            if code not in before and code not in told:
                said.append(f"warning after these edits: {message} [{code}]")
        if said:
            note(f"{file_name(name)}: for you to decide:" if self.several else "for you to decide:")
        for text in said:
            note(f"  {text}")
        if found.kept:
            note("kept as it is:")
        for one in found.kept:
            note(f"  {said_of_kept(one)}")

    def _tell_of_broken_rules(self, found: Repair) -> None:
        """Say which rules could not judge the domain: it may be refused in spite of the repair."""
        from domcaps.validate.check import BROKEN

        for host in self.hosts:
            done = host.validate(found.data, libvirt=self.dialect, new=self.new)
            for text in done.unknown:
                if BROKEN in text:
                    note(f"not judged, so that libvirt may still refuse the domain: {text}")

    def _warnings(self, data: bytes) -> dict[str, str]:
        return {
            one.code: one.message
            for host in self.hosts
            for one in host.validate(data, libvirt=self.dialect, new=self.new).warnings
        }

    def _tell_of_removal(self, found: Repair) -> None:
        """Name the option where only a removal repairs what is left, and what it would remove."""
        from domcaps.choose.repair import repair

        if found.accepted or self.allow_removal:
            return
        more = repair(self.hosts, found.data, self.dialect, new=self.new, allow_removal=True)
        if more.removals and len(more.findings) < len(found.findings):
            what = listed([change.removes for change in more.removals])
            note(f"--allow-removal repairs more: it removes {what}")


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
        note(f"{file} was not changed (--yes skips the question)")
    return agreed


def _print(found: Repair, name: str, *, several: bool) -> None:
    if not found.changes and found.accepted:
        note(f"{name}: valid, nothing to change")
        return
    if found.changes:
        _print_diff(found, name)
        _print_changes(found.changes, f"{file_name(name)}: " if several else "")
    if not found.accepted:
        _print_left(found, name)
    if not found.proven:
        note("the search reached its limit; a better repair may exist")


def _print_diff(found: Repair, name: str) -> None:
    """Print the diff, byte for byte where it goes to another program."""
    text = found.diff_of(path_in_diff(name))
    if not sys.stdout.isatty():
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode(errors="surrogateescape"))
        sys.stdout.buffer.flush()
        return
    for line in text.removesuffix("\n").split("\n"):
        bold = line.startswith(("+++", "---"))
        say(line, fg=None if bold else _COLOURS.get(line[:1]), bold=bold)


def _print_changes(changes: Sequence[Change], file: str) -> None:
    from domcaps.validate.messages import cause_of

    for change in sorted(changes, key=lambda change: change.after or change.line):
        place = f"line {change.line}: " if change.line else ""
        if change.after:
            place = f"after line {change.after}: "
        code = f" [{change.code}]" if change.code else ""
        also = "".join(f"; this settles {_settled(one)}, too" for one in change.settles)
        note(f"{file}{place}{change.what}, because {cause_of(change.reason)}{code}{also}")
    for change in changes:
        if change.removes:
            note(
                file + styled(f"this removes {change.removes}{_line(change)}", fg="red", bold=True)
            )


def _settled(one: Settled) -> str:
    return f"line {one.line} [{one.code}]" if one.line else f"[{one.code}]"


def _line(change: Change) -> str:
    return f" (line {change.line})" if change.line else f" ({change.path})"


def _print_left(found: Repair, name: str) -> None:
    number = len(found.findings)
    left = "1 error is" if number == 1 else f"{number} errors are"
    note(f"{name}: {left} left that no edit repairs without losing what the domain asks for:")
    for finding, advice in zip(found.findings, found.remedies, strict=True):
        place = f"{file_name(name)}:{finding.line}" if finding.line else file_name(name)
        say(f"{place}: {finding.message} [{finding.code}]", err=True)
        for text in advice:
            say(f"    on the host: {text}", err=True)


def _as_json(found: Repair, name: str) -> dict[str, Any]:
    import dataclasses

    return {
        "file": name,
        "accepted": found.accepted,
        "changes": [dataclasses.asdict(change) for change in found.changes],
        "removes": [change.removes for change in found.removals],
        "loss": sum(change.loss for change in found.changes),
        "decisions": [dataclasses.asdict(one) for one in found.decisions],
        "kept": [_left(one) for one in found.kept],
        "diff": found.diff_of(path_in_diff(name)),
        "fewest": found.proven,
        "findings": [_left(one) for one in found.findings],
        "remedies": [
            {"code": finding.code, "path": finding.path, "on_host": list(advice)}
            for finding, advice in zip(found.findings, found.remedies, strict=True)
            if advice
        ],
    }


def _left(one: Finding) -> dict[str, Any]:
    return {"code": one.code, "message": one.message, "path": one.path, "line": one.line}


def replace(file: Path, old: bytes, new: bytes) -> Path:
    """Put a new text in the place of a file at once, and keep the old one beside it.

    Both have the owner, the mode and the attributes of the file. An older one that was kept is not
    overwritten: then the next free name is taken. Raises `OSError`; then nothing was changed.
    """
    from domcaps.destination import destination, uninterrupted
    from domcaps.validate.document.parse import MAX_BYTES

    with destination(file) as place:
        if files.read_handle(place.open(), MAX_BYTES + 1, str(file)) != old:
            raise click.ClickException(f"{file} was changed by another process meanwhile")
        with uninterrupted():
            kept = _keep(place, old)
            try:
                place.replace(new)
            except BaseException:
                place.remove_beside(kept.name)
                raise
    return kept


def _keep(place: FileDestination, old: bytes) -> Path:
    number = 0
    while True:
        try:
            return place.create_beside(f"{place.path.name}.orig{number or ''}", old)
        except FileExistsError:
            number += 1
