"""Compare domcaps with a running libvirt: ``python tests/conformance/live.py [options]``.

Every installed emulator, each of its machine types and each virtualization type is asked of
``virsh domcapabilities`` and of domcaps, in the dialect of that libvirt. Ends with ``N passed,
N failed`` and a matching exit code; the differences are written to a file. Run it where the
libvirt is: domcaps must be importable there.
"""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import domcaps
from domcaps.elements import questions
from domcaps.facts.arch import ARCHITECTURES
from domcaps.facts.discovery import installed_emulators
from domcaps.facts.emulator import EmulatorFacts
from domcaps.facts.hostprobe import read_host
from domcaps.facts.probe import probe

# emulators for which libvirt has no name of an architecture: it answers nothing about them
UNKNOWN_TO_LIBVIRT = "of targets that libvirt has no name for"
LIBVIRTS = frozenset(ARCHITECTURES)


@dataclass(frozen=True)
class Combination:
    """One question, put to both."""

    emulator: str
    arch: str
    machine: str
    virttype: str
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = (self.emulator, self.machine, self.virttype, *self.flags)
        return " ".join(words)

    def libvirt(self) -> tuple[str, str]:
        """Give libvirt's document, and its complaint where there is none."""
        command = ["virsh", "domcapabilities", "--emulatorbin", self.emulator]
        command += ["--arch", self.arch, "--machine", self.machine]
        command += ["--virttype", self.virttype, *(f"--{flag}" for flag in self.flags)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        # virsh adds a line feed of its own, or two
        text = done.stdout.rstrip("\n")
        return f"{text}\n" if text else "", done.stderr.strip()

    def domcaps(self, host: domcaps.Host, dialect: str) -> tuple[str, str]:
        """Give our document, and our complaint where there is none."""
        flags = {flag.replace("-", "_"): True for flag in self.flags}
        try:
            caps = host.domain_capabilities(
                self.emulator, self.arch, self.machine, self.virttype, dialect, **flags
            )
        except domcaps.DomcapsError as error:
            return "", str(error)
        return caps.xml, ""


FLAGS = ("disable-deprecated-features", "expand-cpu-features", "supported-cpu-features")


def libvirt_version() -> str:
    """Ask the running libvirt which release it is."""
    try:
        done = subprocess.run(
            ["virsh", "version"], capture_output=True, text=True, timeout=60, check=True
        )
    except FileNotFoundError:
        sys.exit("there is no virsh here: run this where the libvirt is")
    except subprocess.CalledProcessError as error:
        sys.exit(f"no libvirt answers here: {error.stderr.strip()}")
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("Using library"))
    return ".".join(line.split()[-1].split(".")[:2])


def combinations(emulators: list[EmulatorFacts], *, flags: bool) -> list[Combination]:
    """Give every combination that the emulators can be asked for."""
    found = []
    for emulator in emulators:
        for virttype in emulator.virttypes:
            for machine in emulator.machines(virttype):
                base = (emulator.path, emulator.arch, machine.name, virttype)
                found.append(Combination(*base))
            if flags and emulator.machines(virttype):
                name = emulator.machines(virttype)[0].name
                base = (emulator.path, emulator.arch, name, virttype)
                found += [Combination(*base, (flag,)) for flag in known_flags()]
    return found


def knows(combination: Combination) -> bool:
    """Tell whether libvirt has a name for the target that QEMU gives: only then it can answer."""
    return combination.arch in LIBVIRTS and not combination.emulator.endswith("-or1k")


def known_flags() -> list[str]:
    """Give those of our flags that this virsh has."""
    done = subprocess.run(
        ["virsh", "help", "domcapabilities"], capture_output=True, text=True, check=False
    )
    return [flag for flag in FLAGS if f"--{flag}" in done.stdout]


def main() -> int:
    """Compare, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulatorbin", action="append", help="only these emulators")
    parser.add_argument("--output", type=Path, default=Path("live-differences.txt"))
    parser.add_argument("--libvirt", help="the dialect; that of the running libvirt by default")
    options = parser.parse_args()
    dialect = options.libvirt or libvirt_version()
    record = read_host()
    paths = options.emulatorbin or list(installed_emulators())
    results = probe(paths, questions(), kvm=record.kvm.usable)
    for result in results:
        if isinstance(result, domcaps.DomcapsError):
            print(f"not asked: {result}")
    emulators = [r for r in results if not isinstance(r, domcaps.DomcapsError)]
    host = domcaps.Host.from_recording(
        domcaps.Recording(host=record, emulators=tuple(emulators)), origin="live"
    )
    asked = combinations([EmulatorFacts(r) for r in emulators], flags=True)
    differences, refused, passed = [], 0, 0
    for combination in asked:
        expected, complaint = combination.libvirt()
        if not expected and not knows(combination):
            refused += 1
            continue
        actual, ours = combination.domcaps(host, dialect)
        # both refuse, each in its own words, or both give the same document
        if expected == actual and (expected or (complaint and ours)):
            passed += 1
            continue
        differences.append(describe(combination, expected, actual, complaint, ours))
        print(f"FAILED {combination}")
    options.output.write_text("\n".join(differences))
    print(f"libvirt {dialect}, {len(emulators)} emulators, {len(asked)} combinations")
    if refused:
        print(f"{refused} of them {UNKNOWN_TO_LIBVIRT}: not compared")
    print(f"{passed} passed, {len(differences)} failed")
    return 1 if differences else 0


def describe(
    combination: Combination, expected: str, actual: str, complaint: str, ours: str
) -> str:
    """Show what differs."""
    diff = difflib.unified_diff(
        expected.splitlines(), actual.splitlines(), "libvirt", "domcaps", lineterm="", n=1
    )
    notes = [f"libvirt: {complaint}" if complaint else "", f"domcaps: {ours}" if ours else ""]
    return "\n".join([f"== {combination}", *filter(None, notes), *diff, ""])


if __name__ == "__main__":
    sys.exit(main())
