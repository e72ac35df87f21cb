"""Make the recordings that come with the package: ``python tools/make_recordings.py SUITE [DIR]``.

Run it on a machine with the emulators of a Debian suite; SUITE is the first part of each file's
name (debian12, debian13, sid). One file is written for each architecture, of the host's facts only
what an emulator's answers need: whether KVM was used, and with what limits.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import domcaps
from domcaps.elements import questions
from domcaps.facts.discovery import installed_emulators
from domcaps.facts.emulator import EmulatorFacts
from domcaps.facts.hostprobe import read_host
from domcaps.facts.probe import probe
from domcaps.facts.record import HostCpu, HostRecord
from domcaps.facts.recording import save

ARCHITECTURES = (
    "x86_64", "aarch64", "armv7l", "ppc64", "s390x", "riscv64", "loongarch64",
)  # fmt: skip
SUITES = ("debian12", "debian13", "sid")
FOLDER = Path(domcaps.__file__).parent / "recordings"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("suite", choices=SUITES, help="the first part of each file's name")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    options = parser.parse_args()
    suite, folder = options.suite, options.folder
    folder.mkdir(parents=True, exist_ok=True)
    host = read_host()
    plain = HostRecord(
        arch=host.arch,
        cpu=HostCpu(vendor=host.cpu.vendor, phys_addr_bits=host.cpu.phys_addr_bits),
        kvm=host.kvm,
    )
    paths = [p for p in installed_emulators() if p.rpartition("/")[2].startswith("qemu-system-")]
    for result in probe(paths, questions(), kvm=host.kvm.usable):
        if isinstance(result, domcaps.DomcapsError):
            print(result, file=sys.stderr)
            continue
        facts = EmulatorFacts(result)
        if facts.arch not in ARCHITECTURES:
            continue
        target = folder / f"{suite}-{facts.arch}.domcaps"
        recording = domcaps.Recording(
            host=plain,
            emulators=(result,),
            made_by=f"domcaps {domcaps.__version__}",
            comment=f"QEMU {'.'.join(map(str, facts.version))} of Debian ({suite})",
        )
        save(recording, target)
        print(f"{target}: {target.stat().st_size / 1000:.0f} KB, {', '.join(facts.virttypes)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
