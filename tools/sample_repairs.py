"""Draw repaired domains, for a review: ``python tools/sample_repairs.py [--seed N]``.

The domains are written as people have them (``tests/real_domains.py``); the host has no KVM, SPICE
or QXL. Every other one has a slip of the pen besides. The seed is printed, so that a review can be
repeated. Each is shown as ``domcaps fix`` shows it: the diff, why each edit is made, what is taken
away, and what is left; the findings of the domain, warnings too, stand above. A reviewer reads each
one as the administrator of the guest: is anything changed that it was not necessary to change, and
would another change be preferred?
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from domcaps.facts.recording import save
from domcaps.language.finding import Severity
from poor_hosts import poor_host
from real_domains import real_domains
from slip_maker import slips

if TYPE_CHECKING:
    import domcaps
    from domcaps.language.finding import Finding


def samples(draw: random.Random, number: int) -> list[str]:
    """Give so many domains with their findings and what `fix` prints of them."""
    host, domains = poor_host(), real_domains()
    draw.shuffle(domains)
    found = []
    with TemporaryDirectory() as folder:
        recording = Path(folder, "host.json")
        assert host.recording is not None
        save(host.recording, recording)
        for place, domain in enumerate(domains[:number]):
            data, kind = domain.xml, ""
            made = slips(data, draw) if place % 2 else []
            if made:
                slip = draw.choice(made)
                data, kind = slip.data, f" ({slip.kind} at {slip.path})"
            findings = [f"found: {one}" for one in told(host, data)]
            file = Path(folder, f"{domain.name}.xml")
            file.write_bytes(data)
            title = f"== {place + 1}. {domain.name}{kind}"
            found.append("\n".join([title, *findings, printed(file, recording)]))
    return found


def told(host: domcaps.Host, data: bytes) -> list[Finding]:
    """Give the findings of a domain without warnings that only follow from a slip of the pen.

    A misspelt type is read as another type, and what is warned of then is nothing that was written:
    it is gone with the slip, though no edit was made for it.
    """
    done = host.repair(data)
    codes = {change.code for change in done.changes} | {one.code for one in done.kept}
    lines = {change.line for change in done.changes}
    return [
        one
        for one in host.validate(data).findings
        if one.severity is Severity.ERROR or one.code in codes or one.line in lines
    ]


def printed(file: Path, recording: Path) -> str:
    """Give all that ``domcaps fix`` prints of a file to its user."""
    command = [sys.executable, "-m", "domcaps", "fix", file.name, "--host", str(recording)]
    done = subprocess.run(
        command, cwd=file.parent, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.stdout


def main() -> int:
    """Print the samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--count", type=int, default=20)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    draw = random.Random(options.seed)  # noqa: S311 - a sample, no secret
    print("\n\n".join(samples(draw, options.count)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
