"""Rejected domains that were recorded: most are repaired. `repairs.py` prints each of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from corpus import domain_cases
from repairs import repair_case

FOLDER = Path(
    os.environ.get("DOMCAPS_CONFORMANCE") or Path(__file__).parents[3] / "shared" / "conformance"
)


@pytest.mark.skipif(not (FOLDER / "domains").is_dir(), reason="no recorded domains")
def test_most_rejected_domains_are_repaired_and_accepted_ones_stay() -> None:
    cases = [case for case in domain_cases(FOLDER) if not case.exotic]
    outcomes = [repair_case(case) for case in cases]
    kinds = [outcome.kind for outcome in outcomes]
    assert kinds.count("CHANGED") == 0
    assert kinds.count("repaired") * 10 >= 9 * (
        kinds.count("repaired") + kinds.count("not repaired")
    )
