"""What a change of the table's source is shown to: fails where it is noticed (`mutation.toml`).

The fastest come first: recorded reports, unit tests of rules, recorded domains. The folder of
recorded cases is named by ``DOMCAPS_CONFORMANCE``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "conformance"))

from corpus import capability_cases, domain_cases
from run import judge, judge_domain

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Stop at the first that notices."""
    folder = Path(os.environ["DOMCAPS_CONFORMANCE"])
    if any(map(judge, capability_cases(folder))):
        return 1
    files = [str(path) for path in sorted(ROOT.glob("tests/unit/test_report_*.py"))]
    files += [str(path) for path in sorted(ROOT.glob("tests/unit/test_validate_[!e]*.py"))]
    if pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files]):
        return 1
    domains = [case for case in domain_cases(folder) if not case.exotic]
    return int(any(map(judge_domain, domains)))


if __name__ == "__main__":
    sys.exit(main())
