"""One fault hides no other: ``python spoilt_targets.py DIR [--count 500] [--seed 1]``.

Each domain of DIR is validated as it is, and once more with an emulator, a machine type and a type
that do not exist: all findings of the first must be among those of the second. Domains are edited
first, so that there is something to find. Ends with ``N passed, N failed``.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import domcaps
from domcaps.shipped import open_shipped
from edits import Editor
from spoilt import lost, spoil


def main() -> int:
    """Spoil as many as the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--host", default="shipped:sid-x86_64")
    options = parser.parse_args()
    name = options.host.removeprefix("shipped:")
    shipped = options.host != name
    host = open_shipped(name) if shipped else domcaps.Host.load(options.host)
    corpus = [path.read_bytes() for path in sorted(options.folder.glob("*.xml"))]
    seeded = random.Random(options.seed)  # noqa: S311 - no secret
    machines = {
        machine.name
        for path in host.emulators.paths()
        for virttype in host.emulators.get(path).virttypes
        for machine in host.emulators.get(path).machines(virttype)
    }
    editor = Editor(corpus, seeded, machines)
    passed = failed = found = 0
    while passed + failed < options.count:
        data = editor.document()
        plain = host.validate(data)
        missing = lost(plain, host.validate(spoil(data, seeded)))
        found += len(plain.findings)
        passed += not missing
        failed += bool(missing)
        for text in missing:
            print(f"lost: {text} ({data[:400].decode(errors='replace')})")
    print(f"{found} findings in {options.count} domains, seed {options.seed}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
