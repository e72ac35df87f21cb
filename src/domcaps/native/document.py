"""The command of a domain as a document: for people and for programs."""

from __future__ import annotations

import msgspec

from domcaps.language.finding import Finding
from domcaps.native.write import NativeNeed, NativeNote


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
