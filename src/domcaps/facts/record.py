"""The shape of a recording: what emulators answered and what was read of the host, unprocessed.

These structs are the file format (see `domcaps.facts.recording` for reading and writing) and the
hand-over between collectors (a probe, an import) and interpreters (`EmulatorFacts`,
`HostFacts`). They hold raw answers; nothing here draws a conclusion. Those of the host are in
`host_record` and `host_parts`.
"""

from __future__ import annotations

import msgspec

from domcaps.facts.host_parts import (
    FirmwareDescriptor,
    Helper,
    HostCpu,
    Kvm,
    Libvirt,
    NumaCell,
    Presence,
)
from domcaps.facts.host_record import HostRecord
from domcaps.facts.node import Node
from domcaps.facts.question import QmpCommand

__all__ = [
    "FORMAT",
    "Answer",
    "EmulatorRecord",
    "Failure",
    "FirmwareDescriptor",
    "Helper",
    "HostCpu",
    "HostRecord",
    "Kvm",
    "Libvirt",
    "NumaCell",
    "Presence",
    "ProbeSession",
    "Recording",
]

FORMAT = 1
"""Version of the file format. A reader refuses a larger one and says so."""


class Failure(msgspec.Struct, frozen=True):
    """Why a question has no answer.

    `kind` is the QMP error class (``GenericError``, ``DeviceNotFound``, …) when the emulator
    itself refused: that is an answer, and predicates may conclude from it. Otherwise it is
    ``timeout``, ``died`` or ``not-asked``: nothing is known. A session that is ``refused`` is one
    with an accelerator that the emulator was built without.
    """

    kind: str
    text: str

    @property
    def is_answer(self) -> bool:
        """Tell whether the emulator itself said no."""
        return self.kind not in {"timeout", "died", "not-asked"}


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question and what came back: the raw ``return`` value, or why there is none."""

    question: QmpCommand
    reply: msgspec.Raw = msgspec.Raw(b"null")
    failure: Failure | None = None


class ProbeSession(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run of an emulator with one accelerator: ``kvm``, ``hvf``, ``mshv`` or ``tcg``.

    `failure` is set when that run could not be asked at all, with the emulator's last words.
    """

    accelerator: str
    answers: tuple[Answer, ...] = ()
    failure: Failure | None = None


class EmulatorRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that one emulator answered.

    `sessions` holds the accelerated run first, where there is one, then the one with TCG.
    `size` and `mtime_ns` identify the file that was run; `inventory` tells that the properties
    of every device type were asked for.
    """

    path: str
    sessions: tuple[ProbeSession, ...] = ()
    size: int = 0
    mtime_ns: int = 0
    inventory: bool = False


class Recording(msgspec.Struct, frozen=True, omit_defaults=True, weakref=True):
    """A host with its emulators, complete enough that every question runs from it.

    `node` is the host as hardware, None if it was not probed. `redacted` tells that what identifies
    the host was taken out (`domcaps.facts.redact`).
    """

    host: HostRecord
    emulators: tuple[EmulatorRecord, ...] = ()
    node: Node | None = None
    made_by: str = ""
    made_at: str = ""
    comment: str = ""
    redacted: bool = False
