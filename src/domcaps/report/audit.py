"""Where the report of a real libvirt differs from the one that is expected of its release.

What differs is a fault of one of both. Beside it stand the promises of libvirt's report that are
known to fail on this target, or that failed when the emulator was tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from domcaps.errors import RequestError
from domcaps.report.document import build
from domcaps.report.drift import drifts_of
from domcaps.report.explain import explain
from domcaps.report.flat import flatten
from domcaps.report.read import read_report
from domcaps.report.xml import to_xml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from domcaps.language import World
    from domcaps.report.document import Document


class AuditDifference(msgspec.Struct, frozen=True):
    """A statement that libvirt and domcaps make differently, "" where one of both does not.

    `because` is why domcaps says so.
    """

    path: str
    libvirt: str
    domcaps: str
    because: str = ""


class BrokenPromise(msgspec.Struct, frozen=True):
    """A statement of libvirt's report that is wrong on this target.

    `but` says what is true, `instead` what to do. With `listed` the report lists what can't be
    used, otherwise it leaves out what can be. `source` is the list of known differences, or the
    trial of the emulator (``domcaps verify``).
    """

    path: str
    but: str
    instead: str
    listed: bool
    source: Literal["drift", "verify"]


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What came of comparing a libvirt's report.

    `compared` is the number of statements. `verified` tells whether results of ``domcaps verify``
    for this target were at hand.
    """

    source: str
    libvirt: str
    path: str
    domain: str
    machine: str
    arch: str
    compared: int
    differences: tuple[AuditDifference, ...]
    promises: tuple[BrokenPromise, ...]
    verified: bool

    @property
    def is_expected(self) -> bool:
        """Whether nothing differs, and nothing failed that is not known."""
        return not self.differences and all(one.source == "drift" for one in self.promises)


def audit(
    theirs: Document,
    world: World,
    source: str,
    failed: Collection[str] | None = None,
    disproved: Collection[tuple[str, bool]] = (),
) -> Audit:
    """Compare libvirt's document with the one for a world.

    `failed` are the paths that ``domcaps verify`` found to be refused, None if it was not run.
    `disproved` are paths for which an entry of the list does not hold here, each with what the
    report says of it then.
    """
    # both are read from their texts in the same way
    ours = read_report(to_xml(build(world)).encode(), "the own report")
    said, expected = flatten(theirs), flatten(ours)
    return Audit(
        source=source,
        libvirt=str(world.target.dialect),
        path=theirs.path,
        domain=theirs.domain,
        machine=theirs.machine,
        arch=theirs.arch,
        compared=len(said.keys() | expected.keys()),
        differences=tuple(_differences(said, expected, world)),
        promises=tuple(dict.fromkeys(_promises(said, world, failed or (), disproved))),
        verified=failed is not None,
    )


def _differences(
    said: Mapping[str, str], expected: Mapping[str, str], world: World
) -> Iterator[AuditDifference]:
    for path in dict.fromkeys((*said, *expected)):
        left, right = said.get(path, ""), expected.get(path, "")
        if left != right:
            yield AuditDifference(path, left, right, _because(path, world))


def _because(path: str, world: World) -> str:
    try:
        found = explain(path, world)
    except RequestError:
        return ""
    return found[0].reason.sentence if len(found) == 1 else ""


def _promises(
    said: Mapping[str, str],
    world: World,
    failed: Collection[str],
    disproved: Collection[tuple[str, bool]],
) -> Iterator[BrokenPromise]:
    known = set()
    for path, drift in drifts_of(world):
        listed = said.get(path, "no") != "no"
        if drift.listed == listed and (path, listed) not in disproved:
            known.add(path)
            yield BrokenPromise(path, drift.but, drift.instead, drift.listed, "drift")
    for path in failed:
        if path in said and path not in known:
            yield BrokenPromise(path, "QEMU refuses it", "", True, "verify")


def to_lines(found: Audit) -> Iterator[tuple[str, str]]:
    """Give lines, each with a style: ``heading``, ``differs``, ``known`` or ``plain``."""
    where = f"{found.path}, {found.arch} {found.machine}, {found.domain}"
    yield "heading", f"{found.source}: libvirt {found.libvirt}, {where}"
    for one in found.differences:
        because = f" ({one.because})" if one.because else ""
        yield "differs", f"  {one.path}: {_compared(one.libvirt, one.domcaps)}{because}"
    for promises in _alike(found.promises):
        first = promises[0]
        kind = "listed" if first.listed else "not listed"
        style = "known" if first.source == "drift" else "differs"
        instead = f"; {first.instead}" if first.instead else ""
        paths = ", ".join(dict.fromkeys(one.path for one in promises))
        yield style, f"  {paths}: {kind}, but {first.but}{instead}"
    yield "plain", f"  {_summary(found)}"


def _compared(said: str, expected: str) -> str:
    if not said:
        return f"missing in libvirt's report; expected: '{expected}'"
    if not expected:
        return f"libvirt's report has '{said}', but this is not expected"
    return f"libvirt's report has '{said}'; expected: '{expected}'"


def _summary(found: Audit) -> str:
    differing = len(found.differences)
    known = sum(one.source == "drift" for one in found.promises)
    refused = len(found.promises) - known
    tried = f"{refused} refused by QEMU" if found.verified else "not tested with 'domcaps verify'"
    differ = "1 differs" if differing == 1 else f"{differing} differ"
    return f"{found.compared} statements compared: {differ}, {known} known to be wrong, {tried}"


def _alike(promises: Iterable[BrokenPromise]) -> Iterable[list[BrokenPromise]]:
    """Put together what is wrong for the same reason."""
    found: dict[tuple[str, str, bool, str], list[BrokenPromise]] = {}
    for one in promises:
        found.setdefault((one.but, one.instead, one.listed, one.source), []).append(one)
    return found.values()
