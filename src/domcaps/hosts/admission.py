"""Which emulators a live host executes: those that somebody vouches for (`docs/security.md`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from domcaps.errors import UntrustedProgramError
from domcaps.facts import trust
from domcaps.facts.process import executable_status

if TYPE_CHECKING:
    from domcaps.fresh.machine import LocalMachine
    from domcaps.language.target import Question


class Admission:
    """Decides it for one host; with `for_clients` those who ask vouch for nothing."""

    def __init__(self, machine: LocalMachine, *, for_clients: bool) -> None:
        self._machine = machine
        self._for_clients = for_clients

    @property
    def _is_live(self) -> bool:
        """Whether programs are executed at all: tests put recorded files in the machine's place."""
        return self._machine.build.host_view.files.is_live

    def vouch(self, emulator: str | None) -> str | None:
        """Allow to execute an emulator that the caller names, unless it may be a client's."""
        if emulator is None or self._for_clients or not self._is_live:
            return emulator
        return trust.vouch(emulator)

    def admit(self, question: Question) -> Question:
        """Refuse an untrusted emulator in each call, even if answers of it are cached."""
        if question.emulator is None or not self._is_live:
            return question
        try:
            trust.admit(question.emulator)
        except UntrustedProgramError as error:
            if self._for_clients:
                # a client is not told what there is on this machine, and where links lead
                raise _forbidden(question.emulator) from error
            if not os.path.exists(question.emulator):  # noqa: PTH110 - it is only asked
                executable_status(question.emulator)
            raise
        return msgspec.structs.replace(question, emulator=trust.plain(question.emulator))

    def may_take_long(self, emulator: str | None) -> bool:
        """Tell whether a path is a client's and may lead to where looking at files takes long."""
        return self._for_clients and emulator is not None and not trust.is_usual(emulator)


def _forbidden(emulator: str) -> UntrustedProgramError:
    return UntrustedProgramError(
        "not probed: it is no emulator of this system, or others could change it, and the operator "
        "does not allow it",
        where=emulator,
        remedy="the operator may allow it by --allow-emulator PATTERN",
    )
