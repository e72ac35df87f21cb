"""Plant defects in the table's predicates, and see who notices.

``python tools/mutate_table.py [DIR]``: every predicate of the report is changed in each way that a
slip could change it: negated, made always or never true, one part left out, "and" and "or"
exchanged, "not" forgotten. Each defect is planted in the table itself, so that report and
validator both have it, and shown to three judges, the fastest first:

* the recorded cases of reports in DIR,
* the unit tests of the report's rules, in this process,
* the unit tests of domains, and the recorded domains in DIR, in a process of their own.

Prints what nobody notices, and ends with how many each judge was the first to notice. Fails where a
defect is left that is not explained in ``INVISIBLE``. ``--all`` prints who noticed what.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "conformance"))

from corpus import CapabilityCase, DomainCase, capability_cases, case_world, domain_cases

import domcaps
from domcaps.elements import table
from domcaps.language import ALWAYS, NEVER, Choice, Element, Enum, Predicate, World
from domcaps.language.predicate import AllOf, AnyOf, Not
from domcaps.report.answer import Section, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]

OF_REPORTS = ("tests/unit/test_report_*.py",)
OF_DOMAINS = ("tests/unit/test_validate_[!e]*.py",)
"""Tests that know what the table should say; those of the engine know nothing of it."""

INVISIBLE: dict[str, str] = {
    r"^launchSecurity.sectype=sev(-snp)?: .*\(QEMU has the type 'sev-guest' or": (
        "equal: that one of the two types is there follows from the one that is asked for"
    ),
    r"^s390-pv supported: without \(the guest's architecture": (
        "equal: until 11.6 the element was shown to that architecture only"
    ),
    r"^redirdev.bus=usb: always": "hidden: without USB redirection the element is not supported",
}
"""Defects that can't be noticed: a pattern of their names, and why that is so."""


class Defect(NamedTuple):
    """A predicate of the table, and one that it could be by a slip."""

    name: str
    top: Element
    holder: Element | Enum | Choice
    attribute: str
    slipped: Predicate

    def plant(self) -> Callable[[], None]:
        """Put it into the table; gives what takes it out again."""
        before = getattr(self.holder, self.attribute)
        object.__setattr__(self.holder, self.attribute, self.slipped)
        return lambda: object.__setattr__(self.holder, self.attribute, before)


def slips(predicate: Predicate) -> Iterator[tuple[str, Predicate]]:
    """Give every predicate that differs by one slip."""
    yield "negated", Not(predicate)
    if predicate is not ALWAYS:
        yield "always", ALWAYS
    if predicate is not NEVER:
        yield "never", NEVER
    yield from _inner_slips(predicate)


def _inner_slips(predicate: Predicate) -> Iterator[tuple[str, Predicate]]:
    if isinstance(predicate, Not):
        for name, slipped in _inner_slips(predicate.part):
            yield f"not ({name})", Not(slipped)
    if not isinstance(predicate, AllOf | AnyOf):
        return
    other = AnyOf if isinstance(predicate, AllOf) else AllOf
    yield "and/or exchanged", other(predicate.parts)
    kind = type(predicate)
    for position, part in enumerate(predicate.parts):
        before, after = predicate.parts[:position], predicate.parts[position + 1 :]
        yield f"without ({part.describe()})", kind(before + after)
        yield f"({part.describe()}) negated", kind((*before, Not(part), *after))
        for name, slipped in _inner_slips(part):
            yield f"({part.describe()}) {name}", kind((*before, slipped, *after))


def defects() -> Iterator[Defect]:
    """Give every defect of the table."""
    for element in table():
        yield from _of_element(element, element, element.name)


def _of_element(top: Element, element: Element, path: str) -> Iterator[Defect]:
    since = f" since {element.since}" * bool(element.since)
    for attribute in ("shown", "supported"):
        predicate = getattr(element, attribute)
        for how, slipped in slips(predicate) if predicate is not None else ():
            yield Defect(f"{path}{since} {attribute}: {how}", top, element, attribute, slipped)
    for part in element.content:
        if isinstance(part, Element):
            yield from _of_element(top, part, f"{path}.{part.name}")
        elif isinstance(part, Enum):
            yield from _of_enum(top, part, f"{path}.{part.name}")


def _of_enum(top: Element, enum: Enum, path: str) -> Iterator[Defect]:
    for how, slipped in slips(enum.shown):
        yield Defect(f"{path} shown: {how}", top, enum, "shown", slipped)
    for choice in enum.choices:
        since = f" since {choice.since}" * bool(choice.since)
        until = f" until {choice.until}" * bool(choice.until)
        for how, slipped in slips(choice.when):
            name = f"{path}={choice.name}{since}{until}: {how}"
            yield Defect(name, top, choice, "when", slipped)


def fresh(world: World) -> World:
    """Give the same world without remembered truths."""
    return World(world.target, world.emulator, world.host)


class Cases:
    """The recorded cases: what elements come out as, before anything is changed."""

    def __init__(self, cases: list[CapabilityCase], domains: list[DomainCase]) -> None:
        self.worlds = [case_world(case) for case in cases]
        self.expected: dict[int, list[Section | None]] = {
            id(element): [evaluate(element, fresh(world)) for world in self.worlds]
            for element in table()
        }
        self.domains = [case for case in domains if not case.exotic and case.case["xml"]]

    def notice(self, defect: Defect) -> bool:
        """Tell whether an element comes out differently for some case."""
        expected = self.expected[id(defect.top)]
        restore = defect.plant()
        try:
            return any(
                evaluate(defect.top, fresh(world)) != before
                for world, before in zip(self.worlds, expected, strict=True)
            )
        finally:
            restore()

    def notice_domains(self) -> bool:
        """Tell whether some domain is judged differently than it should be."""
        for case in self.domains:
            try:
                if case.verdict()[0] != case.expected:
                    return True
            except domcaps.DomcapsError:
                return True
        return False


class UnitTests:
    """The tests of the report's rules, called one by one: as often as there are defects."""

    def __init__(self) -> None:
        self.items: list[pytest.Function] = []
        _pytest("--collect-only", *_files(OF_REPORTS), plugins=[self])

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep those that need nothing but their parameters."""
        self.items = [
            item
            for item in items
            if isinstance(item, pytest.Function) and not _fixtures(item) and item.cls is None
        ]

    def fail(self) -> bool:
        """Tell whether some test fails."""
        return not all(map(self._passes, self.items))

    def _passes(self, item: pytest.Function) -> bool:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        try:
            item.obj(**parameters)
        except Exception:  # noqa: BLE001 - a test fails in whichever way it likes
            return False
        return True


def _fixtures(item: pytest.Function) -> set[str]:
    return set(item.fixturenames) - set(item.callspec.params if hasattr(item, "callspec") else ())


def _files(patterns: tuple[str, ...]) -> list[str]:
    return sorted({str(path) for pattern in patterns for path in ROOT.glob(pattern)})


def _pytest(*arguments: str, plugins: list[object] | None = None) -> bool:
    quiet = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    with contextlib.redirect_stdout(io.StringIO()):
        return pytest.main([*quiet, *arguments], plugins) == pytest.ExitCode.OK


_cases: Cases
_defects: list[Defect]


def judge(number: int) -> tuple[int, str]:
    """In a process of its own: show a defect to the tests of domains, then to recorded ones."""
    _defects[number].plant()
    if not _pytest("-x", *_files(OF_DOMAINS)):
        return number, "unit tests of domains"
    return number, "recorded domains" if _cases.notice_domains() else ""


def _explained(name: str) -> str:
    return next((why for form, why in INVISIBLE.items() if re.search(form, name)), "")


def main() -> int:
    """Plant every defect, and count."""
    global _cases, _defects
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="recorded cases")
    parser.add_argument("--all", action="store_true", help="print who noticed what")
    parser.add_argument("--only", default="", help="only defects whose name begins so")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    folder = options.folder
    _cases = Cases(
        capability_cases(folder) if folder else [], domain_cases(folder) if folder else []
    )
    _defects = [defect for defect in defects() if defect.name.startswith(options.only)]
    tests = UnitTests()
    if tests.fail() or _cases.notice_domains():
        print("the judges find fault already before anything is changed", file=sys.stderr)
        return 2
    noticed = {n: "recorded reports" for n, d in enumerate(_defects) if _cases.notice(d)}
    for number, defect in enumerate(_defects):
        if number not in noticed:
            restore = defect.plant()
            if tests.fail():
                noticed[number] = "unit tests of reports"
            restore()
    left = [n for n in range(len(_defects)) if n not in noticed]
    print(f"{len(_defects)} planted, {len(noticed)} noticed in reports", file=sys.stderr)
    with multiprocessing.get_context("fork").Pool(options.jobs, maxtasksperchild=1) as pool:
        noticed |= dict(pool.imap_unordered(judge, left))
    return report(noticed, everything=options.all)


def report(noticed: dict[int, str], *, everything: bool) -> int:
    """Print what nobody noticed."""
    counts: Counter[str] = Counter()
    for number, defect in enumerate(_defects):
        why = "" if noticed[number] else _explained(defect.name)
        counts[noticed[number] or ("can't be noticed" if why else "nobody")] += 1
        if everything or not noticed[number]:
            print(f"{noticed[number] or why or 'UNNOTICED'}: {defect.name}")
    print(
        f"{len(_defects)} planted defects: " + ", ".join(f"{n} {who}" for who, n in counts.items())
    )
    return 1 if counts["nobody"] else 0


if __name__ == "__main__":
    sys.exit(main())
