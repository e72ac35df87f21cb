"""Draw repaired domains as diffs, for a review: ``python tools/sample_repairs.py [--seed N]``.

The domains are written as people have them (``tests/real_domains.py``); the host has no KVM, SPICE
or QXL. Every other one has a slip of the pen besides. The seed is printed, so that a review can be
repeated. A reviewer reads each diff as the administrator of the guest: is anything changed that it
was not necessary to change, and would another change be preferred?
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from poor_hosts import poor_host
from real_domains import real_domains
from slip_maker import slips


def diffs(draw: random.Random, number: int) -> list[str]:
    """Give so many diffs, each with what is left and what would help on the host."""
    host, domains = poor_host(), real_domains()
    draw.shuffle(domains)
    found = []
    for place, domain in enumerate(domains[:number]):
        data, kind = domain.xml, ""
        made = slips(data, draw) if place % 2 else []
        if made:
            slip = draw.choice(made)
            data, kind = slip.data, f" ({slip.kind} at {slip.path})"
        repaired = host.repair(data)
        lines = [f"== {place + 1}. {domain.name}{kind}", repaired.diff_of(f"{domain.name}.xml")]
        for finding, advice in zip(repaired.findings, repaired.remedies, strict=True):
            lines.append(f"left: {finding}\n  on the host: {'; '.join(advice) or 'nothing known'}")
        found.append("\n".join(lines))
    return found


def main() -> int:
    """Print the diffs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--count", type=int, default=20)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    draw = random.Random(options.seed)  # noqa: S311 - a sample, no secret
    print("\n\n".join(diffs(draw, options.count)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
