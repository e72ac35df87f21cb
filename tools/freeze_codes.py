"""Freeze the codes of findings: ``python tools/freeze_codes.py [--check]``.

Codes are a contract with users. ``tests/golden/codes.txt`` has all of them; a code that is renamed
needs a line in ``former-codes.txt``, which the first word of the line is the former spelling of.
Without ``--check`` the list is written anew, and read in review.
"""

from __future__ import annotations

import sys
from pathlib import Path

from domcaps.validate.catalogue.codes import codes
from domcaps.validate.catalogue.former import former_codes

GOLDEN = Path(__file__).parents[1] / "tests/golden/codes.txt"


def main() -> int:
    """Write the list, or compare; fail where a code is gone that has no successor."""
    frozen = GOLDEN.read_text().split() if GOLDEN.exists() else []
    lost = sorted(set(frozen) - codes().keys() - former_codes().keys())
    if lost:
        print(f"these codes need a line in former-codes.txt: {', '.join(lost)}")
        return 1
    if "--check" not in sys.argv[1:]:
        GOLDEN.write_text("".join(f"{code}\n" for code in codes()))
    elif frozen != list(codes()):
        changed = sorted(set(frozen) ^ codes().keys())
        print(f"not frozen: {', '.join(changed)}; run python tools/freeze_codes.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
