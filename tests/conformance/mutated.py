"""Run mutated domains: ``python tests/conformance/mutated.py DIR --corpora CORPORA``.

DIR holds `verdicts.json`, domains with one random change each and what several releases of libvirt
say of each. The QEMU of a verdict and the host's facts are those of the release's own recorded
cases, the folder CORPORA/RELEASE (or `conformance` beside CORPORA, where its cases are of that
release). Prints each verdict that differs, counts by release, and *pairs*: of the cases in which
libvirt's verdicts of two releases differ, those in which the verdicts of domcaps differ as well.
Ends with ``N passed, N failed`` and exits with 0 only where all passed.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parent))

from corpus import DomainCase


@dataclass(frozen=True)
class Mutated(DomainCase):
    """What one release says of one mutated domain."""

    source: Path

    @property
    def xml(self) -> bytes:
        return self.source.read_bytes()


@dataclass(frozen=True)
class Verdict:
    """What is expected, and what domcaps says."""

    name: str
    release: str
    expected: str
    actual: str
    details: str

    @property
    def passed(self) -> bool:
        return self.expected == self.actual


def cases(folder: Path, corpora: Path, only: str | None) -> list[Mutated]:
    """Give every verdict of the folder as a case; of the release `only`, where that is given.

    Raises `FileNotFoundError` where the recorded cases of a release are missing.
    """
    found = []
    corpus: dict[str, Path] = {}
    for entry in msgspec.json.decode((folder / "verdicts.json").read_bytes()):
        for release in sorted(entry.keys() - {"id", "xml", "arch"}):
            if only in {None, release}:
                if release not in corpus:
                    corpus[release] = _corpus(corpora, release)
                found.append(_case(folder, corpus[release], entry, release))
    return found


def _corpus(corpora: Path, release: str) -> Path:
    for folder in (corpora / release, corpora / "conformance", corpora.parent / "conformance"):
        manifest = folder / "domains" / "manifest.json"
        if manifest.is_file():
            recorded = msgspec.json.decode(manifest.read_bytes())["libvirt_version"]
            if ".".join(recorded.split(".")[:2]) == release:
                return folder
    raise FileNotFoundError(f"no recorded cases of libvirt {release} in {corpora}")


def _case(folder: Path, corpus: Path, entry: dict[str, Any], release: str) -> Mutated:
    said = entry[release]
    case = {
        "id": entry["id"],
        "arch": entry["arch"],
        "caps": said["caps"],
        "expect": said["expect"],
        "reject_stage": said["stage"],
        "message": said["message"],
        "abi_update": False,
        "exotic": False,
        "extra": {},
    }
    return Mutated(corpus, case, release, folder / entry["xml"])


def judge(case: Mutated) -> Verdict:
    """Ask domcaps; a case that breaks has no verdict, which is never the expected one."""
    try:
        actual, errors = case.verdict()
    except Exception as error:  # noqa: BLE001 - a case that breaks must not end the others
        actual, errors = "no verdict", (f"{type(error).__name__}: {error}",)
    found = "; ".join(errors[:3]) or "nothing found"
    if case.expected == "reject":
        found += f" ({case.stage}: {case.case['message']})"
    return Verdict(case.name, case.dialect, case.expected, actual, found)


def pairs(verdicts: list[Verdict]) -> tuple[int, int]:
    """Count the pairs of releases whose verdicts differ, and those for which ours do so too."""
    differ = ours = 0
    ordered = sorted(verdicts, key=lambda verdict: verdict.name)
    for _, group in itertools.groupby(ordered, key=lambda verdict: verdict.name):
        for one, other in itertools.combinations(group, 2):
            if one.expected != other.expected:
                differ += 1
                ours += one.actual != other.actual
    return differ, ours


def main() -> int:
    """Run the cases that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--corpora", type=Path, required=True, help="recorded cases by release")
    parser.add_argument("--release", help="only the verdicts of this release")
    parser.add_argument("--jobs", type=int, default=None, help="processes at once")
    options = parser.parse_args()
    try:
        chosen = cases(options.folder, options.corpora, options.release)
    except FileNotFoundError as error:
        parser.error(str(error))
    # those of one host together, as each process reads transcripts for itself
    chosen.sort(key=lambda case: (case.dialect, case.case["caps"]))
    with ProcessPoolExecutor(options.jobs) as pool:
        verdicts = list(pool.map(judge, chosen, chunksize=50))
    report(verdicts)
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def report(verdicts: list[Verdict]) -> None:
    """Print what differs, and the counts."""
    for one in verdicts:
        if not one.passed:
            print(
                f"FAILED {one.release} {one.name}: expected {one.expected}, "
                f"got {one.actual}: {one.details}"
            )
    for release in sorted({verdict.release for verdict in verdicts}, key=_numbers):
        passed = [verdict.passed for verdict in verdicts if verdict.release == release]
        print(f"{release}: {_share(sum(passed), len(passed))}")
    differ, ours = pairs(verdicts)
    if differ:
        print(f"pairs: {_share(ours, differ)}")
    failed = sum(not verdict.passed for verdict in verdicts)
    print(f"{len(verdicts) - failed} passed, {failed} failed")


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in release.split("."))


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}, {100 * part / whole:.2f} %"


if __name__ == "__main__":
    sys.exit(main())
