"""What came out: a verdict for each attempt, and the counts."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

STARTS: Final = "starts"
REFUSED: Final = "refused"
NOT_TRIED: Final = "not tried"

LIE: Final = "lie"
CHANCE: Final = "missed chance"


TriedVerdict = Literal["starts", "refused", "not tried"]


class Tried(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was tried, and what came of it.

    `verdict` is ``starts``, ``refused`` or ``not tried``. `message` is QEMU's own where it refused,
    the reason where nothing could be tried. `added` are the words of its command line that the bare
    machine did not have. `known` tells that the drift list has it.
    """

    path: str
    promised: bool
    verdict: TriedVerdict
    message: str = ""
    added: str = ""
    known: bool = False

    @property
    def disagreement(self) -> Literal["lie", "missed chance", ""]:
        """How report and emulator disagree: ``lie``, ``missed chance`` or ""."""
        if self.promised and self.verdict == REFUSED:
            return LIE
        return CHANCE if not self.promised and self.verdict == STARTS else ""


class Counts(msgspec.Struct, frozen=True):
    """How many were promised and start, were promised and refused, and so on."""

    kept: int
    lies: int
    refused: int
    chances: int
    not_tried: int


class Verification(msgspec.Struct, frozen=True):
    """All that was tried of one target; `seconds` is how long it took.

    `not_kept` tells why the result could not be kept for later reports; "" where it was, or where
    that was not asked for.
    """

    emulator: str
    version: str
    arch: str
    machine: str
    virttype: str
    libvirt: str
    tried: tuple[Tried, ...]
    seconds: float = 0.0
    not_kept: str = ""

    @property
    def counts(self) -> Counts:
        """Count them."""
        found = [(one.promised, one.verdict) for one in self.tried]
        return Counts(
            kept=found.count((True, STARTS)),
            lies=found.count((True, REFUSED)),
            refused=found.count((False, REFUSED)),
            chances=found.count((False, STARTS)),
            not_tried=sum(verdict == NOT_TRIED for _, verdict in found),
        )

    @property
    def lies(self) -> tuple[Tried, ...]:
        """Promises that the emulator does not keep."""
        return tuple(one for one in self.tried if one.disagreement == LIE)

    @property
    def chances(self) -> tuple[Tried, ...]:
        """What it could do without a promise."""
        return tuple(one for one in self.tried if one.disagreement == CHANCE)

    @property
    def unknown_lies(self) -> tuple[Tried, ...]:
        """Lies that the drift list does not have."""
        return tuple(one for one in self.lies if not one.known)
