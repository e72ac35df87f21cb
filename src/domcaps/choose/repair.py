"""Mending a domain: the fewest edits after which it is accepted, and of those the least harmful.

Edits are tried in the order of the harm that they do, first one, then two and so on; each is
judged by the validator. Of several findings it is the first that must be mended by some edit, so
only edits near it are tried; what one edit leaves is mended by the next.
"""

from __future__ import annotations

import difflib
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from domcaps.choose.catalogue import something
from domcaps.choose.edits import Edit, Edits
from domcaps.choose.hosts import refusals
from domcaps.choose.text import Text
from domcaps.errors import DomcapsError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.choose.hosts import HostLike
    from domcaps.language.finding import Finding

MOST_EDITS = 12
"""A domain that needs more edits is not mended but written anew."""

_BUDGET = 400
"""How many texts are judged before the best that is known is taken."""

_GLANCES = 4
"""How many texts that one thing is looked for in count as one that is judged."""

_CPU_SECONDS = 0.09
"""After how long several edits that do are no longer searched for, as time of the processor."""

_IN_VAIN = 60
"""How many texts are judged where not even one finding after the other could be mended."""


@dataclass(frozen=True)
class Change:
    """One edit that was made: what, where, and why."""

    what: str
    path: str
    line: int
    reason: str
    code: str


@dataclass(frozen=True)
class Repair:
    """What came of mending a domain. `data` is the text after all `changes`.

    Where `accepted` is false it could not be mended, and `findings` tell what was left; `proven`
    tells that fewer edits near what was found do not do.
    """

    original: bytes
    data: bytes
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    proven: bool = True
    looks: int = 0

    @property
    def accepted(self) -> bool:
        """Whether the text is accepted now."""
        return not self.findings

    @cached_property
    def diff(self) -> str:
        """The changes as a unified diff, "" where there are none."""
        return self.diff_of("domain.xml")

    def diff_of(self, name: str) -> str:
        """Give the changes as a unified diff of a file."""
        old, new = (
            data.decode(errors="surrogateescape").splitlines(keepends=True)
            for data in (self.original, self.data)
        )
        lines = []
        for line in difflib.unified_diff(old, new, name, name):
            lines.append(line)
            if not line.endswith("\n"):
                lines.append("\n\\ No newline at end of file\n")
        return "".join(lines)


class _Mender:
    """The search for one domain."""

    def __init__(self, hosts: Sequence[HostLike], libvirt: str, *, new: bool, seconds: float):
        self.hosts = hosts
        self.libvirt = libvirt
        self.new = new
        self.looks = 0
        self.glances = 0
        self.seconds = seconds
        self.begin = time.thread_time()
        self.deadline = float("inf")
        self.most = _BUDGET
        self._known: dict[bytes, tuple[Finding, ...]] = {}
        self.stopped = False

    def findings(self, data: bytes) -> tuple[Finding, ...]:
        """Give what any host refuses."""
        known = self._known.get(data)
        if known is None:
            self.looks += 1
            known = self._known[data] = tuple(
                refusals(self.hosts, data, self.libvirt, new=self.new)
            )
        return known

    def still(self, data: bytes, finding: Finding) -> bool:
        """Tell whether a finding is there: that takes less than a look for everything."""
        known = self._known.get(data)
        if known is None:
            self.glances += 1
            known = tuple(refusals(self.hosts, data, self.libvirt, new=self.new, only=finding.code))
        return _same(finding, known)

    def edits(self, data: bytes, finding: Finding, *, wide: bool = False) -> list[Edit]:
        """Give the edits that may mend a finding."""
        return Edits(Text(data), *self.targets).mending(finding, wide=wide)

    @cached_property
    def targets(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Give the machine types that the first host has, aliases first, and what runs them."""
        try:
            world = self.hosts[0].known_world(None, None, None, None, self.libvirt)
        except DomcapsError:
            return (), ()
        known = world.emulator.machines(world.target.virttype)
        aliases = [m.alias for m in known if m.alias]
        preferred = something("os.machine")
        aliases.sort(key=lambda alias: (alias not in preferred, alias))
        return (*aliases, *(m.name for m in known)), world.emulator.virttypes

    def exhausted(self) -> bool:
        """Tell whether no more time is to be spent."""
        if self.looks + self.glances // _GLANCES >= self.most or time.thread_time() > self.deadline:
            self.stopped = True
        return self.stopped

    def within(self, data: bytes, most: int) -> list[tuple[Edit, Finding, bytes]] | None:
        """Mend a text by at most so many edits, None where that can't be done."""
        findings = self.findings(data)
        if not findings:
            return []
        if most == 0:
            return None
        finding = findings[0]
        left: list[tuple[int, int, Edit, bytes]] = []
        for edit in self.edits(data, finding, wide=most == 1):
            if self.exhausted():
                break
            after, wrong = self._tried(edit, findings)
            if wrong == 0:
                return [(edit, finding, after)]
            if wrong is not None:
                left.append((wrong, edit.harm, edit, after))
        if most > 1:
            for _, _, edit, after in sorted(left, key=lambda one: one[:2]):
                rest = None if self.exhausted() else self.within(after, most - 1)
                if rest is not None:
                    return [(edit, finding, after), *rest]
        return None

    def _tried(self, edit: Edit, findings: Sequence[Finding]) -> tuple[bytes, int | None]:
        """Make an edit; tell how much is wrong then, None where it was made in vain."""
        after = edit.apply()
        if self.still(after, findings[0]):
            return after, len(findings) if edit.is_removal_here else None
        return after, len(self.findings(after))

    def greedily(self, data: bytes) -> list[tuple[Edit, Finding, bytes]] | None:
        """Mend one finding after the other, each by the least harmful edit that does it."""
        made: list[tuple[Edit, Finding, bytes]] = []
        while findings := self.findings(data):
            if len(made) >= MOST_EDITS:
                return None
            found = self._first(data, findings)
            if found is None:
                return None
            made.append((found[0], findings[0], found[1]))
            data = found[1]
        return made

    def _first(self, data: bytes, findings: Sequence[Finding]) -> tuple[Edit, bytes] | None:
        """Give the least harmful edit after which less is wrong, else one that may lead there."""
        way: tuple[Edit, bytes] | None = None
        for edit in self.edits(data, findings[0]):
            after = edit.apply()
            if not self.still(after, findings[0]) and len(self.findings(after)) < len(findings):
                return edit, after
            if way is None and edit.is_removal_here:
                way = edit, after
        return way


def _same(finding: Finding, findings: Sequence[Finding]) -> bool:
    return any(f.code == finding.code and f.path == finding.path for f in findings)


def repair(
    hosts: Sequence[HostLike],
    data: bytes,
    libvirt: str,
    *,
    new: bool = True,
    seconds: float = _CPU_SECONDS,
) -> Repair:
    """Mend a domain for every one of some hosts; one that is accepted is given back as it is.

    Raises `InputError` where the document is no XML, or text that can't be edited in place.
    """
    mender = _Mender(hosts, libvirt, new=new, seconds=seconds)
    findings = mender.findings(data)
    if not findings:
        return Repair(data, data, (), (), looks=mender.looks)
    if findings[0].code.startswith("xml-"):
        raise InputError(findings[0].message, remedy="that is for people to mend")
    made = mender.greedily(data)
    mender.most = mender.looks + (_BUDGET if made is not None else _IN_VAIN)
    proven = made is not None and len(made) == 1
    if not proven:
        most = MOST_EDITS if made is None else len(made) - 1
        better = None
        for number in range(1, most + 1):
            if number > 1:
                mender.deadline = mender.begin + mender.seconds
            better = mender.within(data, number)
            if better is not None or mender.exhausted():
                break
        proven = not mender.stopped
        made = better if better is not None else made
    if made is None:
        return Repair(data, data, (), findings, proven, mender.looks)
    return Repair(data, made[-1][2], tuple(_changes(made)), (), proven, mender.looks)


def _changes(made: Sequence[tuple[Edit, Finding, bytes]]) -> list[Change]:
    return [
        Change(edit.what, edit.path, finding.line, finding.message, finding.code)
        for edit, finding, _ in made
    ]
