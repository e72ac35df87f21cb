"""One target of a choice: its questions, its search, and the looks at its domains."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from domcaps.choose.draft import Draft, draft_of
from domcaps.choose.proofs import failures
from domcaps.choose.search import Learnt, Search
from domcaps.choose.space import Answer, Space

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domcaps.choose.wishes import Wish, Wishes
    from domcaps.language import World
    from domcaps.language.finding import Finding
    from domcaps.language.preference import Guest
    from domcaps.validate.check import Validation

_PATHS = re.compile(rb'"/[\w/.-]+"')


class HostLike(Protocol):
    """What is asked of a host."""

    origin: str

    def known_world(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        libvirt: str,
    ) -> World:
        """Give a target with its facts."""

    def validate(self, xml: str | bytes, libvirt: str = ..., *, new: bool = ...) -> Validation:
        """Judge a domain."""


class Case:
    """One target, with what can be decided for it."""

    def __init__(
        self,
        hosts: Sequence[HostLike],
        worlds: Sequence[World],
        machine: str,
        wishes: Wishes,
        guest: Guest,
        libvirt: str,
        learnt: Learnt,
    ) -> None:
        self.hosts = hosts
        self.target = worlds[0].target
        self.machine = machine
        self.name = wishes.name
        self.libvirt = libvirt
        self.space = Space(worlds, guest, wishes.all)
        self.search = Search(self.look, learnt)
        self.met = Met()
        self._seen: dict[bytes, list[Finding]] = {}

    def draft(self, answers: Iterable[Answer]) -> Draft:
        """Make a domain of answers."""
        return draft_of(self.name, self.target, self.machine, answers)

    def look(self, answers: Sequence[Answer]) -> list[tuple[Finding, str | None]]:
        """Give what any host refuses, with the questions whose answers are refused."""
        draft = self.draft(answers)
        text = draft.text()
        key = self._nameless(text)
        found = self._seen.get(key)
        if found is None:
            found = [f for host in self.hosts for f in host.validate(text, self.libvirt).errors]
            found += failures(draft.root, self.space.worlds)
            self._seen[key] = found
        return [(finding, draft.owner(finding.path)) for finding in found]

    def _nameless(self, text: bytes) -> bytes:
        """Give a document without the names of files: those say nothing of what holds."""
        numbers: dict[bytes, int] = {}
        return _PATHS.sub(lambda found: b'"/%d"' % numbers.setdefault(found[0], len(numbers)), text)

    def __str__(self) -> str:
        return f"{self.machine or self.target.machine} by {self.target.virttype}"


class Met:
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
