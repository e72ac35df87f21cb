"""The command of a domain as a document: for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.errors import UntoldError
from domcaps.language.finding import Finding
from domcaps.native.write import NativeNeed, NativeNote

if TYPE_CHECKING:
    from domcaps.hosts.host import Host


class NativeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a domain: a command, or why there is none.

    `accepted` is None where the domain was not validated. `findings` are the errors of a domain
    that libvirt refuses, `unsupported` names the part for which no argument is known. `notes` say
    what libvirt does beside QEMU, `needs` what has to be there when the command is run.
    """

    file: str
    accepted: bool | None
    emulator: str = ""
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    notes: tuple[NativeNote, ...] = ()
    needs: tuple[NativeNeed, ...] = ()
    findings: tuple[Finding, ...] = ()
    unsupported: NativeNote | None = None


def native_document(
    host: Host, data: bytes, file: str, libvirt: str, *, new: bool = True, judge: bool = True
) -> NativeDocument:
    """Write a domain as a command, unless it is refused or a part of it can't be written."""
    errors: tuple[Finding, ...] = ()
    if judge:
        errors = tuple(host.validate(data, libvirt, new=new).errors)
    accepted = None if not judge else not errors
    if errors:
        return NativeDocument(file=file, accepted=False, findings=errors)
    try:
        command = host.native(data, libvirt, judge=False, new=new)
    except UntoldError as error:
        missing = NativeNote(error.where or "", error.line, error.message)
        return NativeDocument(file=file, accepted=accepted, unsupported=missing)
    return NativeDocument(
        file=file,
        accepted=accepted,
        emulator=command[0],
        arguments=tuple(command[1:]),
        environment=dict(command.environment),
        notes=command.notes,
        needs=command.needs,
    )
