"""Frames of reads: what is computed once and used twice was read by both.

Rules share what parts and placements work out when they are first asked (`language.lazy`). While a
recorder is active such values are kept here together with their reads, so that their user is
charged with these, too.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.language.lazy import keep_with

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.fleet.tracking.reads import Operation

    Asked = tuple[Operation, Node | None, Any]
    """An operation with the element and the argument that it was made with."""

    Step = tuple[Any, ...]
    ReadKey = tuple[Any, ...]
    """A path from the world to what was read: ``("emulator", ("qom_types", …), …)``."""


class ReadFrame:
    """What one computation read: of hosts, of the document, and what it could not decide.

    `document` has the operations that were made on the document, in the order of the first time.
    """

    __slots__ = ("document", "host", "unknown")

    def __init__(self) -> None:
        self.host: dict[ReadKey, Any] = {}
        self.document: dict[Asked, None] = {}
        self.unknown: set[str] = set()

    def add(self, other: ReadFrame) -> None:
        """Take over the reads of a computation whose value was used."""
        self.host.update(other.host)
        self.document.update(other.document)
        self.unknown |= other.unknown


class KeptValue(NamedTuple):
    """A value with the reads that it follows from; `owner` is what its name belongs to."""

    value: Any
    error: BaseException | None
    frame: ReadFrame
    owner: Any


class Recorder:
    """The frames of one look at one document on one host."""

    def __init__(self) -> None:
        self._frames: list[ReadFrame] = [ReadFrame()]
        self._kept: dict[Hashable, KeptValue] = {}

    @property
    def frame(self) -> ReadFrame:
        """The frame of what is computed now."""
        return self._frames[-1]

    def asked(self, operation: Operation, node: Node | None, argument: Any) -> None:
        """Note an operation on the document."""
        self._frames[-1].document[operation, node, argument] = None

    def read(self, key: ReadKey, found: Any) -> None:
        """Note a read of a host."""
        self._frames[-1].host[key] = found

    @contextmanager
    def recording(self) -> Iterator[ReadFrame]:
        """Open a frame of its own; no other frame is charged with it."""
        frame = ReadFrame()
        self._frames.append(frame)
        try:
            with keep_with(self.keep):
                yield frame
        finally:
            self._frames.pop()

    def keep(
        self,
        owner: Any,
        name: Hashable,
        compute: Callable[[], Any],
        among: dict[Hashable, KeptValue] | None = None,
    ) -> Any:
        """Compute a value once for its owner, and charge each user with its reads.

        `among` is where it is kept: by default here, for this look at one document.
        """
        kept = self._kept if among is None else among
        key = id(owner), name
        known = kept.get(key)
        if known is None:
            known = kept[key] = self._computed(owner, compute)
        self._frames[-1].add(known.frame)
        if known.error is not None:
            raise known.error
        return known.value

    def _computed(self, owner: Any, compute: Callable[[], Any]) -> KeptValue:
        frame = ReadFrame()
        self._frames.append(frame)
        try:
            # the owner is held: its number must not be given to another object
            return KeptValue(compute(), None, frame, owner)
        except BaseException as error:  # noqa: BLE001 - raised again for each user
            return KeptValue(None, error, frame, owner)
        finally:
            self._frames.pop()
