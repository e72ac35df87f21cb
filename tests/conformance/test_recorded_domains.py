"""Recorded domains: nothing that libvirt accepts may be refused, and most of what it refuses is.

The cases are looked for as those of the reports are (see ``test_recorded_cases.py``).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from corpus import DomainCase, domain_cases

from domcaps.validate.memo.traces import ENOUGH
from without_memo import validate_by_skeletons, validate_without_memo

FOLDER = Path(
    os.environ.get("DOMCAPS_CONFORMANCE") or Path(__file__).parents[3] / "shared" / "conformance"
)
PRESENT = (FOLDER / "domains" / "manifest.json").is_file()
CASES = [c for c in domain_cases(FOLDER) if not c.exotic] if PRESENT else []

if not PRESENT:
    pytest.skip(f"no recorded domains in {FOLDER}", allow_module_level=True)

# how many refused ones are known to be accepted still: to be lowered, never raised
STILL_ACCEPTED = 0


def by_verdict(expected: str) -> list[DomainCase]:
    return [case for case in CASES if case.expected == expected]


def test_what_libvirt_accepts_is_accepted() -> None:
    refused = {case.name: case.verdict()[1] for case in by_verdict("accept")}
    assert {name: errors for name, errors in refused.items() if errors} == {}


def test_what_other_domains_settled_changes_no_verdict() -> None:
    for case in CASES:
        plain = validate_without_memo(case.host, case.xml, case.dialect, new=case.new)
        # the first ones are learned from, and the last one goes by what was learned
        for _ in range(ENOUGH + 2):
            learned = validate_by_skeletons(case.host, case.xml, case.dialect, new=case.new)
            assert learned == plain, case.name
        for _ in range(2):
            assert case.host.validate(case.xml, case.dialect, new=case.new) == plain, case.name


def test_what_libvirt_refuses_is_refused() -> None:
    refusals = by_verdict("reject")
    assert refusals
    accepted = [case.name for case in refusals if case.verdict()[0] == "accept"]
    assert len(accepted) <= STILL_ACCEPTED, accepted
