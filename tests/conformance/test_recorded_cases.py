"""Recorded emulators must give the reports that libvirt gives for them, byte for byte.

The cases are not part of this repository: they are looked for in ``../shared/conformance`` or in
the folder that ``DOMCAPS_CONFORMANCE`` names, and skipped aloud where there are none.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from corpus import capability_cases
from run import judge

FOLDER = Path(
    os.environ.get("DOMCAPS_CONFORMANCE") or Path(__file__).parents[3] / "shared" / "conformance"
)
PRESENT = (FOLDER / "domaincaps" / "manifest.json").is_file()
CASES = capability_cases(FOLDER) if PRESENT else []

if not PRESENT:
    pytest.skip(f"no recorded cases in {FOLDER}", allow_module_level=True)


def test_there_are_cases() -> None:
    assert CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_report_is_libvirts(case: object) -> None:
    assert judge(case) == ""  # type: ignore[arg-type]
