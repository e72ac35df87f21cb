"""Repairing a domain: of the edits after which it is accepted, those that lose least of it.

Findings are repaired one after the other, each by the edit that loses least (`losses`) and does
what it is for. An edit may bring new findings, as another machine type does: then it counts with
what their repair loses, as far as they can be repaired. What can't be repaired stays, and is
reported.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from domcaps.choose import losses
from domcaps.choose.board import moved_to_board, moved_with_machine
from domcaps.choose.candidates import on_board
from domcaps.choose.change import line_in
from domcaps.choose.consequences import features_lost
from domcaps.choose.edits import Edit, Edits
from domcaps.choose.hosts import Verdict, refusals, targets_of, verdict, world_of
from domcaps.choose.nearest_number import with_nearest_number
from domcaps.choose.pruning import worth_trying
from domcaps.choose.remedies import remedies, worlds_of
from domcaps.choose.repaired import Repair
from domcaps.choose.saved_states import with_saved_states
from domcaps.choose.steps import RepairStep, changes_of
from domcaps.choose.taken import is_of_another_host, taken_from_host
from domcaps.elements.boards.families import family_of
from domcaps.errors import DomainError, InputError
from domcaps.facts.arch import X86
from domcaps.language.node_path import without_positions
from domcaps.validate.catalogue.rules import codes_of_hosts
from domcaps.validate.messages import cause_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domcaps.choose.board import ConversionDraft
    from domcaps.choose.hosts import HostLike
    from domcaps.language import World
    from domcaps.language.finding import Finding

MOST_EDITS = 60
"""After that many edits the remaining findings are reported."""

_BUDGET = 600
"""How many texts are validated before the remaining findings are reported."""

_GLANCES = 4
"""How many texts that one thing is looked for in count as one that is judged."""

EFFORT = 1_500_000
"""How much text is judged, in bytes, before the remaining findings are reported.

A measure of the work, not of time: what is proposed must not depend on how fast the machine is, or
on what else it does. A usual domain takes 20,000 to 60,000.
"""

_STOPPED = "check-stopped"
"""The finding of a document with so many others that not all of them were looked for."""

_MOST_FIRST = 12
"""How many findings are looked at for typos before the first is repaired."""

_OF_OTHER_BOARDS = frozenset({"os-firmware-unavailable", "os-machine-unsupported"})
"""Findings that another machine type may repair, though something on the host would, too."""

_NO_EMULATOR = "os-arch-unsupported"
"""The finding of an architecture that no emulator of the host has."""

_TOO_MANY = frozenset({"vcpu-count-unsupported", "vcpu-count-without-eim"})
"""Findings of more CPUs than the board has."""

_FITTED_TO_MANY = "vcpu-count-x2apic"
"""The finding of a processor that can't be one of so many."""

_MACHINE = "/domain/os/type"
_MACHINE_TYPE = f"{_MACHINE}/@machine"
"""Where the machine type is named."""

_DEEPEST = 3
"""How many edits may follow from one that brings new findings."""


@dataclass(frozen=True)
class _Way:
    """Edits that repair one finding, and all that they brought; `loss` is theirs together."""

    steps: tuple[RepairStep, ...]
    data: bytes
    loss: int


class _Search:
    """The search for one domain."""

    def __init__(
        self,
        hosts: Sequence[HostLike],
        libvirt: str,
        *,
        new: bool,
        effort: int,
        allow_removal: bool,
    ) -> None:
        self.hosts = hosts
        self.libvirt = libvirt
        self.new = new
        self.allow_removal = allow_removal
        self.looks = 0
        self.glances = 0
        self.effort = effort
        self.judged = 0
        self._known: dict[bytes, Verdict] = {}
        self._last: tuple[bytes, tuple[World, ...]] = b"", ()
        self.stopped = False

    def findings(self, data: bytes) -> tuple[Finding, ...]:
        """Give what any host refuses."""
        return self._verdict(data).errors

    def _verdict(self, data: bytes) -> Verdict:
        known = self._known.get(data)
        if known is None:
            self.looks += 1
            self.judged += len(data)
            known = self._known[data] = verdict(self.hosts, data, self.libvirt, new=self.new)
        return known

    def kept(self, data: bytes, after: bytes) -> tuple[Finding, ...]:
        """Give the warnings of a text that are still there after its edits."""
        known = set(map(_kind, self._verdict(data).warnings))
        left = {one.path for one in self.findings(after)}
        found = (one for one in self._verdict(after).warnings if _kind(one) in known)
        return tuple(one for one in found if one.path not in left)

    def misspelt_machine(self, data: bytes) -> list[Finding]:
        """Give the attributes of the machine type that may be misspelt."""
        return [one for one in self._verdict(data).misspelt if one.path.startswith(_MACHINE)]

    def still(self, data: bytes, finding: Finding, before: bytes = b"") -> bool:
        """Tell whether a finding is there: that takes less than a look for everything.

        `before` is the text in which it was found: where an element went, the next one has its
        place, and what counts is whether one finding less of the code is left.
        """
        left = self._of_code(data, finding.code)
        if _key(finding) not in map(_key, left):
            return False
        return not before or len(left) >= len(self._of_code(before, finding.code))

    def _of_code(self, data: bytes, code: str) -> list[Finding]:
        known = self._known.get(data)
        if known is not None:
            return [one for one in known.errors if one.code == code]
        self.glances += 1
        self.judged += len(data) // _GLANCES
        return refusals(self.hosts, data, self.libvirt, new=self.new, only=code)

    def with_features_lost(self, made: list[RepairStep]) -> list[RepairStep]:
        """Note with the steps that decide it which features the guest's processor loses."""
        texts = [*(step.before for step in made[:1]), *(step.after for step in made)]
        for place, told in features_lost(texts, self._worlds).items():
            made[place] = replace(made[place], lost=told)
        return made

    def with_later_loss(self, made: list[RepairStep]) -> list[RepairStep]:
        """Note with a deprecated machine type that it goes one day, and what would stay."""
        return [
            step
            if step.edit.path != _MACHINE_TYPE or step.edit.loss < losses.FIX
            else replace(step, lost=(*step.lost, *self._of_deprecated(step)))
            for step in made
        ]

    def _of_deprecated(self, step: RepairStep) -> Iterator[str]:
        value, (names, _) = step.edit.value, self.targets(step.before)
        if value and value not in names:
            lasting = on_board(value, family_of(value)[0], names)
            alias = next((name for name in lasting if not family_of(name)[1]), "")
            instead = f" (machine={alias!r} stays, but differs more)" if alias else ""
            yield f"a later QEMU will not have {value!r}{instead}"

    def with_remedies(self, made: list[RepairStep]) -> list[RepairStep]:
        """Note with each step what on the host would make it unnecessary."""
        return [
            step
            if step.edit.loss < losses.FIX
            else replace(
                step, on_host=remedies(self._worlds(step.before), step.before, step.finding)
            )
            for step in made
        ]

    def edits(self, data: bytes, finding: Finding, *, wide: bool) -> list[Edit]:
        """Give the edits that may repair a finding, the least loss first."""
        return self.edits_of(data).repairing(finding, wide=wide)

    def edits_of(self, data: bytes) -> Edits:
        """Give what makes edits of a text."""
        return Edits(
            data,
            *self.targets(data),
            self._verdict(data).misspelt,
            allow_removal=self.allow_removal,
            worlds=self._worlds(data),
        )

    def targets(self, data: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Give the machine types that the first host has, aliases first, and what runs them."""
        return targets_of(self.hosts[0], data, self.libvirt)

    def exhausted(self) -> bool:
        """Tell whether no other edits are to be tried."""
        if self.looks + self.glances // _GLANCES >= _BUDGET or self.judged > self.effort:
            self.stopped = True
        return self.stopped

    def everything(self, data: bytes) -> tuple[list[RepairStep], bytes]:
        """Repair one finding after the other, and skip those that nothing repairs."""
        made: list[RepairStep] = []
        hopeless: set[tuple[str, str]] = set()
        later: set[tuple[str, str]] = set()
        seen = {data}
        while len(made) < MOST_EDITS:
            left = self._left(data, hopeless)
            # once the effort is spent no edit is tried: looking for some would take as long again
            # for each of a thousand findings
            if not left or self.exhausted():
                break
            now = [finding for finding in left if _key(finding) not in later]
            first = self._first(data, now or left)
            way = self.way(data, first, depth=0)
            if way is None or way.data in seen:
                hopeless.add(_key(first))
            elif len(now) > 1 and way.loss >= losses.SETTING:
                # what helps others may help here, too, and take nothing away
                later.add(_key(first))
            else:
                made += way.steps
                data = way.data
                seen.add(data)
                # what was hopeless at a device may not be after an edit of it
                edited = {_device(step.edit.path) for step in way.steps}
                hopeless = {key for key in hopeless if _device(key[1]) not in edited}
        return made, data

    def respelt(self, data: bytes) -> tuple[list[RepairStep], bytes]:
        """Correct names that libvirt passes over: a ``<disc>`` is a disk that the guest lacks.

        A correction that brings findings counts with their repair, and is not made where these
        can't be repaired, or only by taking something away.
        """
        made: list[RepairStep] = []
        tried: set[tuple[str, str]] = set()
        while wrong := next((f for f in self._respellable(data) if _key(f) not in tried), None):
            tried.add(_key(wrong))
            way = self._respelling(data, wrong)
            if way is not None:
                made += way.steps
                data = way.data
        return made, data

    def with_machine_respelt(self, data: bytes) -> tuple[list[RepairStep], bytes]:
        """Correct a misspelt attribute of the machine type, before devices are fitted to a board.

        It is made if the text has no more findings afterwards; these are repaired later.
        """
        for wrong in self.misspelt_machine(data):
            for step in self._respellings(data, wrong):
                if len(self.findings(step.after)) <= len(self.findings(data)):
                    return [step], step.after
        return [], data

    def _respellings(self, data: bytes, wrong: Finding) -> Iterator[RepairStep]:
        """Give the corrections of what libvirt passes over, each with the text after it."""
        found = Edits(data, *self.targets(data), allow_removal=self.allow_removal)
        for edit in found.respelling(wrong):
            try:
                after = edit.apply()
            except (LookupError, InputError):
                continue
            yield RepairStep(edit, wrong, data, after)

    def _respellable(self, data: bytes) -> tuple[Finding, ...]:
        return () if self.exhausted() else self._verdict(data).misspelt[:_MOST_FIRST]

    def _respelling(self, data: bytes, wrong: Finding) -> _Way | None:
        for step in self._respellings(data, wrong):
            way = _Way((step,), step.after, step.edit.loss)
            whole = self._with_what_follows(way, self.findings(data), 0)
            if whole is not None and not any(_takes_away(step.edit) for step in whole.steps):
                return whole
        return None

    def _left(self, data: bytes, hopeless: set[tuple[str, str]]) -> list[Finding]:
        """Give the findings that may be repaired."""
        if any(code == _NO_EMULATOR for code, _ in hopeless):
            # the rest was judged for another architecture: nothing is known of it
            return []
        return [finding for finding in self.findings(data) if _key(finding) not in hopeless]

    def _first(self, data: bytes, left: Sequence[Finding]) -> Finding:
        """Give a typo before others: what seems to be missing may be misspelt.

        What a finding itself asks for comes next: it may be all that others need.
        """
        for finding in left:
            if finding.code == _NO_EMULATOR:
                return finding
        codes = {finding.code for finding in left}
        if codes & _TOO_MANY and len(codes) > 1:
            # no processor is fitted to a number of CPUs that the board does not have
            left = [one for one in left if one.code != _FITTED_TO_MANY]
        # the rest may be judged otherwise once the target is known
        best, least = left[0], losses.FIX if _hides(left[0]) else losses.NUMBER
        for finding in left[:_MOST_FIRST] if len(left) > 1 else ():
            near = self.edits(data, finding, wide=False)[:1]
            if near and near[0].loss < least and self.still_without(near[0], finding):
                best, least = finding, near[0].loss
            if least <= losses.SLIP + 1:
                break
        return best

    def still_without(self, edit: Edit, finding: Finding) -> bool:
        """Tell whether an edit does what it is for."""
        try:
            return not self.still(edit.apply(), finding)
        except (LookupError, InputError):
            return False

    def way(self, data: bytes, finding: Finding, depth: int) -> _Way | None:
        """Give the way that loses least, first among the edits near the finding.

        Where the host lacks a file or a device, the domain is as it should be.
        """
        if finding.code in codes_of_hosts():
            return None
        best = self._best(data, finding, depth, wide=False)
        for_others = _is_number_of_owner(finding) or self._is_for_host(data, finding)
        if best is None and not depth and not for_others:
            return self._best(data, finding, depth, wide=True)
        return best

    def _is_for_host(self, data: bytes, finding: Finding) -> bool:
        """Tell whether it is the host that is to be repaired, and the domain is as it should be."""
        if finding.code in _OF_OTHER_BOARDS:
            return False
        return bool(remedies(self._worlds(data), data, finding))

    def _worlds(self, data: bytes) -> tuple[World, ...]:
        """Give the targets of a text; those of the last one are kept, for its further findings."""
        if self._last[0] != data:
            self._last = data, worlds_of(self.hosts, data, self.libvirt)
        return self._last[1]

    def _best(self, data: bytes, finding: Finding, depth: int, *, wide: bool) -> _Way | None:
        best: _Way | None = None
        edits = self.edits(data, finding, wide=wide)
        if wide:
            edits = worth_trying(edits, data, lambda after: self.still(after, finding, data))
        for edit in edits:
            if (best is not None and edit.loss >= best.loss) or self.exhausted():
                break
            way = self._tried(data, finding, edit, depth)
            if way is not None and (best is None or way.loss < best.loss):
                best = way
        return best

    def _tried(self, data: bytes, finding: Finding, edit: Edit, depth: int) -> _Way | None:
        """Make an edit, and repair what it brings; None where it does not do what it is for."""
        try:
            made = edit.apply()
            moved = self._moved(data, made)
            after = made if moved is None else moved.data
            if after == data or self.still(after, finding, data):
                return None
        except (LookupError, InputError):
            return None
        nearer = with_nearest_number(edit, lambda one: self.still_without(one, finding))
        if nearer is not edit:
            edit, after = nearer, nearer.apply()
        changes = () if moved is None else tuple(moved.changes)
        step = RepairStep(
            edit, finding, data, after, changes,
            self._also(data, after, finding), settles=self._settled(data, after, finding),
        )  # fmt: skip
        way = _Way((step,), after, edit.loss + len(changes))
        return self._with_what_follows(way, self.findings(data), depth)

    def _also(self, before: bytes, after: bytes, finding: Finding) -> str:
        """Name the other findings at the place of one that the same edit repairs."""
        left = set(map(_key, self.findings(after)))
        return "".join(
            f", and because {cause_of(one.message)} ({one.code})"
            for one in self.findings(before)
            if one.path == finding.path and one.code != finding.code and _key(one) not in left
        )

    def _settled(self, before: bytes, after: bytes, finding: Finding) -> tuple[Finding, ...]:
        """Give the findings elsewhere that go with the edit for one: a typo leads to others.

        What was judged for another target is not settled by the right one, but never was there.
        """
        if _hides(finding):
            return ()
        left = Counter(map(_kind, self.findings(after)))
        gone = Counter(map(_kind, self.findings(before))) - left
        others = (one for one in self.findings(before) if one.path != finding.path)
        return tuple(one for one in others if gone[_kind(one)])

    def _moved(self, before: bytes, after: bytes) -> ConversionDraft | None:
        """Move the devices where an edit moved the machine to another board."""
        world = world_of(self.hosts[0], before, self.libvirt)
        machine = "" if world is None or world.target.arch not in X86 else world.target.machine
        return moved_with_machine(before, after, machine) if machine else None

    def _with_what_follows(self, way: _Way, before: Sequence[Finding], depth: int) -> _Way | None:
        """Repair the findings that an edit brought."""
        known = Counter(_kind(finding) for finding in before)
        while new := _brought(self.findings(way.data), known):
            if len(way.steps) > _DEEPEST or self.exhausted():
                return None
            rest = self.way(way.data, new[0], depth + 1) if depth < _DEEPEST else None
            if rest is None:
                # what was hidden before is repaired in its turn
                return way if _hides(way.steps[0].finding) else None
            if _is_put_back(way.steps[-1], rest.steps[0]):
                return None
            way = _Way((*way.steps, *rest.steps), rest.data, way.loss + rest.loss)
        return way


def _is_number_of_owner(finding: Finding) -> bool:
    """Tell whether a number of CPUs is a mistake: no other board is to have as many."""
    return finding.code in {*_TOO_MANY, _FITTED_TO_MANY} and not finding.fixes


_HIDING = ("os-arch", "os-machine", "domain-type", "emulator-", "xml-")


def _hides(finding: Finding) -> bool:
    """Tell whether a finding is of the target, so that the rest was judged for another one."""
    return finding.code.startswith(_HIDING)


def _key(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.path


def _device(path: str) -> str:
    """Give the path of the device, or of the child of ``<domain>``, that a path belongs to."""
    steps = path.partition("/@")[0].split("/")
    return "/".join(steps[: 4 if steps[2:3] == ["devices"] else 3])


def _kind(finding: Finding) -> tuple[str, str]:
    """Give what stays the same of a finding when elements before it come or go."""
    return finding.code, without_positions(finding.path)


def _brought(findings: Sequence[Finding], known: Counter[tuple[str, str]]) -> list[Finding]:
    """Give the findings that are there more often than before."""
    left = Counter(known)
    new = []
    for finding in findings:
        if left[_kind(finding)] > 0:
            left[_kind(finding)] -= 1
        else:
            new.append(finding)
    return new


def repair(
    hosts: Sequence[HostLike],
    data: bytes,
    libvirt: str,
    *,
    new: bool = True,
    effort: int = EFFORT,
    allow_removal: bool = False,
) -> Repair:
    """Repair a domain for every one of some hosts.

    Names that libvirt passes over are corrected where they look like known ones; apart from that a
    domain that is accepted is given back as it is.

    With `allow_removal` disks, network interfaces, host devices, file systems, TPMs and UEFI may be
    taken away where nothing else helps. `effort` limits the search: so many bytes of text are
    judged.
    Raises `DomainError` where the document is not XML, `InputError` where its text can't be edited.
    """
    search = _Search(hosts, libvirt, new=new, effort=effort, allow_removal=allow_removal)
    findings = search.findings(data)
    if not findings:
        renamed, after = search.respelt(data)
        changes = tuple(changes_of(data, renamed))
        return Repair(data, after, changes, (), not search.stopped, search.looks)
    for finding in findings:
        if finding.code.startswith("xml-") or finding.code == _STOPPED:
            raise DomainError(finding.message, remedy="correct that by hand first")
    named, begin = search.with_machine_respelt(data)
    moved = None if search.misspelt_machine(begin) else moved_to_board(hosts, begin, libvirt)
    if moved is not None and len(search.findings(moved.data)) >= len(search.findings(begin)):
        moved = None
    if moved is not None:
        begin = moved.data
    made, after = search.everything(begin) if search.findings(begin) else ([], begin)
    made = search.with_later_loss(search.with_features_lost(made))
    made = search.with_remedies(made)
    renamed, after = search.respelt(after)
    left, kept = (
        tuple(msgspec.structs.replace(one, line=line_in(data, after, one.line)) for one in some)
        for some in (search.findings(after), search.kept(data, after) if after != data else ())
    )
    worlds = worlds_of(hosts, after, libvirt) if left else ()
    advice = tuple(remedies(worlds, after, finding) for finding in left)
    changes = (
        *changes_of(data, named),
        *(moved.changes if moved is not None else ()),
        *changes_of(data, [*made, *renamed]),
    )
    changes = with_saved_states(changes, data, after)
    taken = taken_from_host(data) if is_of_another_host(changes) else ()
    return Repair(data, after, changes, left, not search.stopped, search.looks, advice, taken, kept)


def _takes_away(edit: Edit) -> bool:
    """Tell whether the domain gets less than it asks for."""
    return bool(edit.removes) or edit.loss >= losses.LESS


def _is_put_back(step: RepairStep, follows: RepairStep) -> bool:
    """Tell whether what a step removed is missing then: that is another value in disguise."""
    return bool(step.edit.removes) and follows.finding.path == step.edit.path
