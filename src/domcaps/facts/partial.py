"""A host of which only some facts are known: a look at another one is unanswered, not a "no".

Such a host was recorded by asking its libvirt; `HostRecord.unread` names what that does not tell.
"""

from __future__ import annotations

from typing import Any

from domcaps.errors import UnansweredError
from domcaps.facts.emulator import Unanswered
from domcaps.facts.question import QmpCommand


class UnreadFact(Unanswered):
    """A fact of the host is not known, since only its libvirt was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.question = QmpCommand(f"the fact {name!r} of the host")
        self.failure = None
        UnansweredError.__init__(
            self,
            f"the fact {name!r} of the host is not known: only its libvirt was asked",
            remedy="record the host itself: 'domcaps fleet push' there, or 'fleet pull --ssh'",
        )

    def __reduce__(self) -> tuple[type[UnreadFact], tuple[str]]:
        """Be made again from the name, in another process."""
        return UnreadFact, (self.name,)


class PartialRecord:
    """A `HostRecord`, or a part of one, that raises `UnreadFact` for facts that are not known."""

    def __init__(self, record: Any, unread: frozenset[str], prefix: str = "") -> None:
        self._record, self._unread, self._prefix = record, unread, prefix

    def __getattr__(self, name: str) -> Any:
        """Give a fact that is known."""
        if name.startswith("__"):
            raise AttributeError(name)
        path = f"{self._prefix}{name}"
        if path in self._unread:
            raise UnreadFact(path)
        found = getattr(self._record, name)
        inner = f"{path}."
        if any(one.startswith(inner) for one in self._unread):
            return PartialRecord(found, self._unread, inner)
        return found
