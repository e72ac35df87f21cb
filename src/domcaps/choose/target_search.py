"""One target of a choice: its variables, its search, and the looks at its domains."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.choose.draft import Draft, draft_of
from domcaps.choose.hosts import refusals
from domcaps.choose.search import Search
from domcaps.choose.variables import Assignment, SearchSpace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domcaps.choose.hosts import HostLike
    from domcaps.choose.nogoods import NogoodStore
    from domcaps.choose.wishes import Wish, Wishes
    from domcaps.language import World
    from domcaps.language.finding import Finding
    from domcaps.language.preference import Guest

_PATHS = re.compile(rb'"/[\w/.-]+"')


class TargetSearch:
    """One target, with what can be decided for it."""

    def __init__(
        self,
        hosts: Sequence[HostLike],
        worlds: Sequence[World],
        machine: str,
        wishes: Wishes,
        guest: Guest,
        libvirt: str,
        store: NogoodStore,
    ) -> None:
        self.hosts = hosts
        self.target = worlds[0].target
        self.machine = machine
        self.name = wishes.name
        self.libvirt = libvirt
        self.space = SearchSpace(worlds, guest, wishes.all)
        self.search = Search(self.look, store)
        self.outcomes = KnownOutcomes()
        self._seen: dict[tuple[bytes, str], list[Finding]] = {}

    def draft(self, assignments: Iterable[Assignment]) -> Draft:
        """Make a domain of assignments."""
        return draft_of(self.name, self.target, self.machine, assignments)

    def look(
        self, assignments: Sequence[Assignment], code: str
    ) -> list[tuple[Finding, str | None]]:
        """Give what any host refuses, with the variables whose assignments are refused.

        With a code only what has that code is looked for.
        """
        draft = self.draft(assignments)
        text = draft.text()
        key = self._nameless(text), code
        found = self._seen.get(key)
        if found is None:
            found = self._seen[key] = refusals(self.hosts, text, self.libvirt, only=code)
        return [(finding, draft.owner(finding.path)) for finding in found]

    def _nameless(self, text: bytes) -> bytes:
        """Give a document without the names of files: those say nothing of what holds."""
        numbers: dict[bytes, int] = {}
        return _PATHS.sub(lambda found: b'"/%d"' % numbers.setdefault(found[0], len(numbers)), text)

    def __str__(self) -> str:
        return f"{self.machine or self.target.machine} by {self.target.virttype}"


class KnownOutcomes:
    """Which wishes can be met together by a target, as far as it was found out."""

    def __init__(self) -> None:
        self._possible: list[frozenset[int]] = []
        self._impossible: list[frozenset[int]] = []

    def known(self, wishes: Sequence[Wish]) -> bool | None:
        """Tell whether some can, None where that is not known."""
        some = frozenset(map(id, wishes))
        if any(one <= some for one in self._impossible):
            return False
        return True if any(some <= one for one in self._possible) else None

    def together(self, wishes: Sequence[Wish]) -> None:
        """Note that all of these can."""
        self._possible.append(frozenset(map(id, wishes)))

    def never(self, wishes: frozenset[int]) -> None:
        """Note that these can't, whatever else is wanted."""
        self._impossible.append(wishes)

    def hopeless(self) -> None:
        """Note that no wish can be met."""
        self.never(frozenset())
