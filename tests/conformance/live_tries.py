"""Does `domcaps try` say what libvirt's start says? ``python live_tries.py [--count 300] CORPUS``.

Takes the domains of ``live_agreement.py`` (of CORPUS, edited, made from the table), has the running
libvirt start each paused, and `LiveHost.try_domain` as well. Prints each disagreement with the
words of both, and ends with ``try: N of M agree``; not compared are domains that `validate`
refuses for want of a file or device, as libvirt does: a trial replaces these. The exit code is 0
only where at least ``--least`` percent agree. It counts what is left behind in the folder for
temporary files, and processes that a trial started and that did not end. Run it in the Python that
has libvirt-python, where that libvirt is.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from live_agreement import _CIRCUMSTANCES, _NOT_KNOWN, Libvirt, documents, own

import domcaps
from marked_processes import marking, survivors
from startable import Unstartable, Workshop

if TYPE_CHECKING:
    from domcaps.verify.whole.trial import DomainTrial


def tried(host: domcaps.LiveHost, data: bytes, libvirt: str) -> tuple[DomainTrial | None, str]:
    """Give the trial of a domain, or why there is none."""
    try:
        return host.try_domain(data, libvirt), ""
    except domcaps.DomcapsError as error:
        return None, f"{type(error).__name__}: {error}"


def words_of(trial: DomainTrial) -> str:
    """Say what a trial says."""
    if trial.verdict == "starts":
        return "starts"
    if trial.errors:
        return "QEMU: " + "; ".join(f"{one.path}: {one.text}" for one in trial.errors)
    if trial.validation is not None and trial.validation.errors:
        found = trial.validation.errors[0]
        return f"validate: {found.code}: {found.message}"
    return trial.reason


class Tries:
    """Asks both, and counts."""

    def __init__(self, libvirt: Libvirt, host: domcaps.LiveHost, workshop: Workshop) -> None:
        self.libvirt, self.host, self.workshop = libvirt, host, workshop
        self.seen: Counter[str] = Counter()

    @property
    def compared(self) -> int:
        """How many starts were compared."""
        return self.seen["agree"] + self.seen["disagree"]

    def look(self, kind: str, data: bytes, *, as_qemu: bool) -> bytes | None:
        """Compare one domain; gives it where both disagree."""
        try:
            prepared = own(data, self.workshop, as_qemu=as_qemu)
        except Unstartable:
            self.seen["left out"] += 1
            return None
        try:
            ours = self.host.validate(prepared, self.libvirt.version)
        except domcaps.DomcapsError as error:
            self.seen[f"not here: {type(error).__name__}"] += 1
            return None
        if not ours.definable:
            # libvirt would refuse to define it, or even crash
            self.seen["not definable"] += 1
            return None
        define, start = self.libvirt.verdict(prepared.decode())
        if define or (start and _CIRCUMSTANCES.search(start)):
            self.seen["not defined" if define else "circumstances"] += 1
            return None
        trial, why = tried(self.host, prepared, self.libvirt.version)
        if trial is None:
            self.seen[f"no command line: {why[:90]}"] += 1
            return None
        if (trial.verdict == "starts") == (not start):
            self.seen["agree"] += 1
            self.seen[f"agree, {kind}, {'refused' if start else 'started'}"] += 1
            return None
        if start and trial.accepted and not ours.accepted:
            # validate refuses it as libvirt does: for want of a file, which a trial replaces
            self.seen["explained: a missing file is replaced"] += 1
            return None
        if start and any(map(_NOT_KNOWN.search, ours.unknown)):
            self.seen["explained: an audio server that may not be there is replaced"] += 1
            return None
        self.seen["disagree"] += 1
        print(
            f"{kind}\n  libvirt: {start[:400] or 'starts'}\n  try: {words_of(trial)[:400]}",
            flush=True,
        )
        return prepared


def left_behind(mark: str) -> list[str]:
    """Name the files and processes that a trial left; processes of others have no mark."""
    processes = (f"process: {command}" for command in survivors(mark))
    return [*map(str, Path(tempfile.gettempdir()).iterdir()), *processes]


def have_own_folder() -> None:
    """Have temporary files in a folder that no other process uses."""
    os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="tries-")


def main() -> int:
    """Start as many as the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--count", type=int, default=300, help="how many starts to compare")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--as-qemu", action="store_true", help="have all domains emulated")
    parser.add_argument("--least", type=float, default=98.0, help="percentage to reach")
    parser.add_argument("--keep", type=Path, help="write disagreements to this folder")
    parser.add_argument("--workshop", type=Path, default=Path("/var/tmp/agreement"))
    options = parser.parse_args()
    corpus = [path.read_bytes() for path in sorted(options.corpus.glob("*.xml"))]
    mark = f"tries-{uuid.uuid4().hex}"
    os.environ |= marking(mark)
    libvirt, host = Libvirt(), domcaps.Host.local()
    tries = Tries(libvirt, host, Workshop(options.workshop))
    have_own_folder()
    end = time.monotonic() + options.minutes * 60
    print(f"libvirt {libvirt.version}, seed {options.seed}", flush=True)
    for number, (kind, data) in enumerate(documents(corpus, host, options.seed)):
        if tries.compared >= options.count or time.monotonic() > end:
            break
        differs = tries.look(kind, data, as_qemu=options.as_qemu)
        if differs is not None and options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{number:04}.xml").write_bytes(differs)
        elif differs is not None:
            print(differs.decode())
    left = left_behind(mark)
    print(*(f"left behind: {one}" for one in left), sep="\n", end="\n" if left else "")
    for name, count in sorted(tries.seen.items()):
        print(f"{count:6} {name}")
    print(f"try: {tries.seen['agree']} of {tries.compared} agree")
    enough = tries.seen["agree"] * 100 >= options.least * max(tries.compared, 1)
    return 0 if enough and not left else 1


if __name__ == "__main__":
    sys.exit(main())
