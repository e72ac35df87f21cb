"""``domcaps try``: does the real QEMU start this domain?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from domcaps import files
from domcaps.cli._common import (
    RangedNumber,
    allow_emulator_option,
    defined_option,
    format_option,
    libvirt_option,
    local_as_option,
    tell_own_libvirt,
)
from domcaps.cli._ending import ending_in_order
from domcaps.cli._notes import qemu_user
from domcaps.cli._terminal import emit_document, say
from domcaps.text import file_name

if TYPE_CHECKING:
    from domcaps.verify.whole.document import TryDocument

_STYLES: dict[str, dict[str, Any]] = {
    "error": {"fg": "red"},
    "warning": {"fg": "yellow"},
    "good": {"bold": True},
    "plain": {},
}


@click.command("try")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@libvirt_option()
@local_as_option
@allow_emulator_option
@defined_option
@click.option(
    "--no-validate", is_flag=True, help="Also start QEMU with a domain that libvirt refuses."
)
@click.option(
    "--deadline",
    metavar="SECONDS",
    type=RangedNumber(0.1),
    default=30.0,
    show_default=True,
    help="Seconds to wait for the machine to start.",
)
@format_option("text", "json")
def command(
    *, file: str, libvirt: str, defined: bool, no_validate: bool, deadline: float, form: str
) -> None:
    """Start the real QEMU, paused, with a whole domain, and print QEMU's messages about it.

    \b
      domcaps try guest.xml
      domcaps try guest.xml --format json
      domcaps try - --libvirt debian12 < guest.xml

    FILE is a domain XML, - is standard input. Everything of the domain is given to QEMU, with the
    devices and addresses that libvirt adds. The machine never runs and is ended at once. Nothing of
    the host is changed: images are opened read-only, ports, networks, host devices, sound and
    missing files are replaced by temporary ones, and each of them is listed. Nothing is left
    behind, also if the command is killed.

    Messages of QEMU are printed with the line of FILE and the element that they belong to.

    Exit code: 0 if QEMU starts, 1 if QEMU or libvirt refuses the domain, 2 on error. The exit code
    is also 1 if domcaps does not know QEMU's argument for a part of the domain, and 2 if there is
    no result, for example because QEMU did not answer in time.
    """  # noqa: D301 - click takes the character, not its name
    from domcaps.validate.document.parse import MAX_BYTES
    from domcaps.verify.result import NOT_TRIED, STARTS
    from domcaps.verify.whole.document import to_lines

    data = files.read_input(file, MAX_BYTES + 1)
    tell_own_libvirt()
    with ending_in_order():
        found = _tried(file, data, libvirt, new=not defined, judge=not no_validate, wait=deadline)
    if form == "json":
        emit_document(found)
    else:
        for style, line in to_lines(found, file_name(file)):
            say(line, **_STYLES[style])
    if found.verdict != STARTS:
        unproven = found.verdict == NOT_TRIED and bool(found.emulator)
        raise click.exceptions.Exit(2 if unproven else 1)


def _tried(
    file: str, data: bytes, libvirt: str, *, new: bool, judge: bool, wait: float
) -> TryDocument:
    """Start a domain, unless it is refused or a part of it can't be written."""
    from domcaps.errors import UntoldError
    from domcaps.hosts.host import Host
    from domcaps.native.write import NativeNote
    from domcaps.verify.result import NOT_TRIED
    from domcaps.verify.whole.document import TryDocument, document_of

    host = Host.local(qemu_user=qemu_user())
    try:
        trial = host.try_domain(data, libvirt, judge=judge, new=new, deadline=wait)
    except UntoldError as error:
        missing = NativeNote(error.where or "", error.line, error.message)
        accepted = True if judge else None
        return TryDocument(file=file, accepted=accepted, verdict=NOT_TRIED, unsupported=missing)
    return document_of(file, trial)
