"""Plant defects in the table's predicates, and see who notices them.

``python tools/mutate_table.py [DIR]``: every predicate of the table is changed in each way that a
slip could change it (`planting.py`), those of the report and those that only rules of domains ask.
Each defect is planted in memory, so that report and validator both have it, and shown to those of
these judges that ask the predicate, until one of them finds fault:

* the recorded reports in DIR,
* the unit tests of the report's rules,
* the unit tests of domains,
* the recorded domains in DIR,
* the samples of rules, one that a rule must find fault with and one that it must not.

Prints what nobody notices, and ends with how many each judge was the first to notice. Fails where a
defect is left that is not explained in ``INVISIBLE``. ``--all`` prints who noticed what.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import re
import sys
import time
from collections import Counter
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "conformance"))

from corpus import CapabilityCase, DomainCase, capability_cases, case_world, domain_cases
from mutants import called
from planting import Defect, NamedDefect, defects, defects_of_rules, fresh
from processes import apart
from run import judge, judge_domain

from domcaps.elements import table
from domcaps.language import ALWAYS, World
from domcaps.report.answer import Section, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from domcaps.language import Predicate
    from domcaps.language.rule import Rule
    from domcaps.language.truth import Truth

ROOT = Path(__file__).parents[1]
OF_REPORTS = "tests/unit/test_report_*.py"
OF_DOMAINS = "tests/unit/test_validate_[!e]*.py"
"""Tests that know what the table should say; those of the engine know nothing of it."""
OF_SAMPLES = "tests/unit/test_validate_engine_samples.py"

INVISIBLE: dict[str, str] = {
    r"^launchSecurity.sectype=sev(-snp)?: .*\(QEMU has the type 'sev-guest' or": (
        "equal: that one of the two types is there follows from the one that is asked for"
    ),
    r"^s390-pv supported: without \(the guest's architecture": (
        "equal: until 11.6 the element was shown to that architecture only"
    ),
    r"^redirdev.bus=usb: always": "hidden: without USB redirection the element is not supported",
    r"^iommu:model=virtio: without \(QEMU has the type": (
        "equal: an emulator with that property of the device has the device"
    ),
    r"^osloader.SECURE_MACHINE: without \(the guest's architecture is i686 or": (
        "equal: the other part names one of these architectures only"
    ),
    r"^channel.type=(null|vc|file|pipe|stdio|udp|tcp|spiceport|qemu-vdagent|dbus): ": (
        "never asked: kinds of channels are judged with those of all character devices"
    ),
    r"^hyperv.CLOCK:": "advice: asked where a new domain is chosen, by no report and no verdict",
}
"""Defects that can't be noticed: a pattern of their names, and why that is so."""


class Cases:
    """Recorded reports: what elements come out as, before anything is changed."""

    def __init__(self, cases: list[CapabilityCase]) -> None:
        self.worlds = [case_world(case) for case in cases]
        self.expected: dict[int, list[Section | None]] = {
            id(element): [evaluate(element, fresh(world)) for world in self.worlds]
            for element in table()
        }

    def notice(self, defect: Defect | NamedDefect) -> bool:
        """Tell whether an element comes out differently for some case."""
        tops = table() if defect.top is None else (defect.top,)
        restore = defect.plant()
        try:
            return any(
                evaluate(top, fresh(world)) != before
                for top in tops
                for world, before in zip(self.worlds, self.expected[id(top)], strict=True)
            )
        finally:
            restore()


class UnitTests:
    """Tests that are called one by one, in this process: as often as there are defects."""

    def __init__(self, *patterns: str) -> None:
        self.items: list[pytest.Function] = []
        self.others: list[str] = []
        files = sorted(str(path) for pattern in patterns for path in ROOT.glob(pattern))
        quiet = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", "--assert=plain")
        with contextlib.redirect_stdout(io.StringIO()):
            pytest.main([*quiet, "--collect-only", *files], [self])

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep those that need nothing but their parameters."""
        for item in items:
            if isinstance(item, pytest.Function) and not _fixtures(item):
                self.items.append(item)
            else:
                self.others.append(item.nodeid)

    def fail(self) -> bool:
        """Tell whether some test fails."""
        return not all(map(passes, self.items))


def _fixtures(item: pytest.Function) -> set[str]:
    return set(item.fixturenames) - set(item.callspec.params if hasattr(item, "callspec") else ())


def passes(item: pytest.Function) -> bool:
    """Call a test."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    try:
        item.obj(**parameters)
    except pytest.skip.Exception:
        return True
    except Exception:  # noqa: BLE001 - a test fails in whichever way it likes
        return False
    return True


def is_libvirts(case: CapabilityCase) -> bool:
    """Tell whether a recorded report comes out as libvirt's."""
    return not judge(case)


def is_judged_right(case: DomainCase) -> bool:
    """Tell whether a recorded domain is judged as libvirt judges it, if it can be."""
    return case.exotic or not judge_domain(case)


def unit_tests() -> dict[str, list[pytest.Function]]:
    """Give the tests of the report's rules, and those of domains."""
    of_reports: list[pytest.Function] = []
    of_domains: list[pytest.Function] = []
    for item in UnitTests(OF_REPORTS, OF_DOMAINS).items:
        (of_reports if "/test_report_" in item.nodeid else of_domains).append(item)
    return {"unit tests of reports": of_reports, "unit tests of domains": of_domains}


class Witness(NamedTuple):
    """One test or one recorded case: who it belongs to, its words, and whether it is content."""

    judge: str
    words: str
    content: Callable[[], bool]


def witnesses(folder: Path | None) -> list[Witness]:
    """Give those that a defect is shown to where they ask the predicate, the fastest first."""
    reports = capability_cases(folder) if folder else []
    domains = [case for case in domain_cases(folder) if not case.exotic] if folder else []
    for case in reports:
        case.read_transcript()
    for domain in domains:
        domain.read_transcript()
    return [
        *(Witness("recorded reports", c.name, partial(is_libvirts, c)) for c in reports),
        *_tests("unit tests of reports", OF_REPORTS),
        *_tests("unit tests of domains", OF_DOMAINS),
        *(
            Witness("recorded domains", c.xml.decode(), partial(is_judged_right, c))
            for c in domains
        ),
    ]


class Samples:
    """The samples of rules, for what is left: many, and each tried on many emulators."""

    def __init__(self) -> None:
        items = UnitTests(OF_SAMPLES).items
        self.by_rule = [
            (item.callspec.params["rule"], Witness("samples of rules", "", partial(passes, item)))
            for item in items
            if hasattr(item, "callspec") and "rule" in item.callspec.params
        ]

    def of(self, defect: Defect | NamedDefect) -> list[Witness]:
        """Give those of rules that name a predicate, themselves or in what they call."""
        root = re.split(r"[:\[]", defect.name)[0].rpartition(".")[2]
        return [witness for rule, witness in self.by_rule if root in _names(rule)]


@cache
def _names(rule: Rule) -> frozenset[str]:
    functions = called({inspect.unwrap(rule.check)})
    return frozenset(name for function in functions for name in function.__code__.co_names)


def _tests(name: str, pattern: str) -> Iterator[Witness]:
    for item in UnitTests(pattern).items:
        parameters = str(item.callspec.params) if hasattr(item, "callspec") else ""
        yield Witness(name, item.name + parameters, partial(passes, item))


def asked(of: list[Witness]) -> list[frozenset[int] | None]:
    """Give which predicates each witness asks; None for one that finds fault already."""
    before = World.truth
    seen: set[int] = set()

    def truth(world: World, predicate: Predicate) -> Truth:
        seen.add(id(predicate))
        return before(world, predicate)

    World.truth = truth  # type: ignore[assignment,method-assign]
    # nothing that an earlier witness asked is known to a later one
    World.again = fresh  # type: ignore[assignment,method-assign]
    found: list[frozenset[int] | None] = []
    for witness in of:
        seen.clear()
        content = witness.content()
        found.append(frozenset(seen) if content else None)
    return found


def first_to_notice(defect: Defect | NamedDefect, shown_to: list[Witness]) -> str:
    """Plant a defect for good, and give who is the first to find fault, "" for nobody."""
    defect.plant()
    return next((witness.judge for witness in shown_to if not witness.content()), "")


def _likely_first(defect: Defect | NamedDefect, shown_to: list[Witness]) -> list[Witness]:
    """Put those first that speak of what a defect is about."""
    word = defect.word
    return sorted(shown_to, key=lambda witness: not word or word not in witness.words)


def _may_tell(defect: Defect | NamedDefect, asked: frozenset[int]) -> bool:
    """Tell whether one who asks these may notice; nobody needs to ask what is always true."""
    return id(defect.sound) in asked or defect.sound is ALWAYS


def _explained(name: str) -> str:
    return next((why for form, why in INVISIBLE.items() if re.search(form, name)), "")


def main() -> int:
    """Plant every defect, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="recorded cases")
    parser.add_argument("--all", action="store_true", help="print who noticed what")
    parser.add_argument("--only", default="", help="only defects whose name begins so")
    options = parser.parse_args()
    start = time.monotonic()
    planted = [d for d in (*defects(), *defects_of_rules()) if d.name.startswith(options.only)]
    cases = Cases(capability_cases(options.folder) if options.folder else [])
    noticed = [
        "recorded reports" if isinstance(d, Defect) and d.top and cases.notice(d) else ""
        for d in planted
    ]
    everybody = witnesses(options.folder)
    asks = apart(partial(asked, everybody)) or []
    broken = [witness for witness, ids in zip(everybody, asks, strict=True) if ids is None]
    if broken:
        print("find fault before anything is changed:", *broken, sep="\n", file=sys.stderr)
        return 2
    samples = Samples()
    for number, defect in enumerate(planted):
        if number % 100 == 0:
            print(f"{len(planted) - number} left", file=sys.stderr)
        if noticed[number]:
            continue
        judged = "recorded reports" if defect.top else ""
        to = [
            witness
            for witness, ids in zip(everybody, asks, strict=True)
            if witness.judge != judged and _may_tell(defect, ids or frozenset())
        ]
        to = [*_likely_first(defect, to), *samples.of(defect)]
        noticed[number] = apart(partial(first_to_notice, defect, to)) or ""
    return report(planted, noticed, time.monotonic() - start, everything=options.all)


def report(
    planted: Sequence[Defect | NamedDefect],
    noticed: list[str],
    seconds: float,
    *,
    everything: bool,
) -> int:
    """Print what nobody noticed."""
    counts: Counter[str] = Counter()
    for defect, judged in zip(planted, noticed, strict=True):
        who = judged or _explained(defect.name)
        counts[judged or ("can't be noticed" if who else "nobody")] += 1
        if everything or not judged:
            print(f"{who or 'UNNOTICED'}: {defect.name}")
    by = ", ".join(f"{number} {who}" for who, number in counts.most_common())
    print(f"{len(planted)} planted defects in {seconds:.0f} s: {by}")
    return 1 if counts["nobody"] else 0


if __name__ == "__main__":
    sys.exit(main())
