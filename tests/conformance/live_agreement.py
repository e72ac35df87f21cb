"""Does ``accepted`` mean that it starts? ``python live_agreement.py [--count 300] CORPUS``.

Domains of CORPUS as they are, edited as people do, and made from the table are prepared for a bare
host (``tests/startable.py``), defined by the running libvirt and started paused; domcaps is asked
for its verdicts on the same documents. Prints each disagreement, grouped by what libvirt says, and
ends with ``start: N of M agree``. The exit code is 0 only where all do.

Refusals that are circumstances of the machine (a port that is taken, no memory left) are counted,
and not compared, as are those of domains of which domcaps says that it does not know whether their
audio server can be reached. Run it in the Python that has libvirt-python, where that libvirt is.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import sys
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from live_domains import connect, our_host
from lxml import etree

from domain_generator import Generator
from domcaps.facts.named_files import look_at
from edits import Editor
from startable import Unstartable, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

_CIRCUMSTANCES = re.compile(
    r"Address already in use|Cannot allocate memory|cgroup|Permission denied|no network with"
    r"|Operation not permitted|Unable to find an unused port|No space left|Secret not found"
    r"|no connection driver available|cpu perf event|was not associated with the domain"
    r"|timed out|Timed out"
    r"|no secret with|Requested operation is not valid: network"
    r"|preallocating memory failed|cannot set up guest memory|address resolution failed"
    r"|Perhaps you want to install|firewall|dbus|D-Bus|Unable to get index|unable to set AppArmor"
)
_NOT_KNOWN = re.compile(r"the audio server of type \w+ can be reached")
"""What domcaps says that it does not know: a refusal may be due to it."""
_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|[\w./-]*\d[\w./-]*")


class Libvirt:
    """The running libvirt."""

    def __init__(self) -> None:
        import libvirt  # type: ignore[import-not-found, unused-ignore]

        libvirt.registerErrorHandler(lambda *_: None, None)
        self._libvirt = libvirt
        self._connection = connect()
        number = self._connection.getLibVersion()
        self.version = f"{number // 1_000_000}.{number // 1000 % 1000}"

    def verdict(self, xml: str) -> tuple[str, str]:
        """Define and start; give both refusals, "" for consent."""
        try:
            domain = self._connection.defineXML(xml)
        except self._libvirt.libvirtError as error:
            if not self._connection.isAlive():
                self._connection = connect()
            return str(error), ""
        try:
            refusal = self._start(domain)
        finally:
            self._forget(domain)
        return "", refusal

    def _start(self, domain: Any) -> str:
        refusal = ""
        for _ in range(3):
            try:
                domain.createWithFlags(self._libvirt.VIR_DOMAIN_START_PAUSED)
            except self._libvirt.libvirtError as error:
                refusal = str(error)
                if "Address already in use" in refusal:
                    continue
                return refusal
            return ""
        return refusal

    def _forget(self, domain: Any) -> None:
        flags = self._libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
        flags |= getattr(self._libvirt, "VIR_DOMAIN_UNDEFINE_TPM", 0)
        for step in (domain.destroy, lambda: domain.undefineFlags(flags)):
            try:
                step()
            except self._libvirt.libvirtError:
                # not running, or not even there: libvirt died
                if not self._connection.isAlive():
                    self._connection = connect()
                    return


def looking(host: Any) -> Any:
    """Have a recorded host look at the files that domains name: it is this one."""
    known_world = host.known_world

    def with_files(*target: Any, **options: Any) -> Any:
        world = known_world(*target, **options)
        world.look = look_at
        return world

    host.known_world = with_files
    return host


def documents(corpus: list[bytes], host: Any, seed: int) -> Iterator[tuple[str, bytes]]:
    """Give domains of the corpus, edited ones and made ones, in turn."""
    seeded = random.Random(seed)  # noqa: S311 - no secret
    machines = {
        machine.name
        for path in host.emulators.paths()
        for virttype in host.emulators.get(path).virttypes
        for machine in host.emulators.get(path).machines(virttype)
    }
    editor, generator = Editor(corpus, seeded, machines), Generator(seeded, corpus)
    real = list(corpus)
    seeded.shuffle(real)
    for data in itertools.cycle(real):
        root = etree.fromstring(data)
        editor._at_home(root)
        yield "corpus", etree.tostring(root)
        yield "edited", editor.document()
        yield "made", generator.document()


def own(data: bytes, workshop: Workshop, *, as_qemu: bool) -> bytes:
    """Make a domain startable, under a name of its own; raises `Unstartable`."""
    root = etree.fromstring(data)
    if as_qemu:
        root.set("type", "qemu")
    workshop.prepare(root)
    for name in root.findall("name"):
        name.text = f"agreement-{uuid.uuid4().hex[:12]}"
    for known in root.findall("uuid"):
        known.text = str(uuid.uuid4())
    return etree.tostring(root)


class Agreement:
    """Asks both, and counts."""

    def __init__(self, libvirt: Libvirt, host: Any, workshop: Workshop) -> None:
        self.libvirt, self.host, self.workshop = libvirt, host, workshop
        self.seen: Counter[str] = Counter()
        self.groups: dict[str, list[tuple[bytes, str, str]]] = {}

    @property
    def compared(self) -> int:
        """How many starts were compared."""
        return self.seen["agree"] + self.seen["disagree"]

    def look(self, kind: str, data: bytes, *, as_qemu: bool) -> None:
        """Compare one domain."""
        try:
            prepared = own(data, self.workshop, as_qemu=as_qemu)
        except Unstartable:
            self.seen["left out"] += 1
            return
        ours = self.host.validate(prepared, self.libvirt.version)
        if not ours.definable:
            self.seen["not definable"] += 1
            return
        define, start = self.libvirt.verdict(prepared.decode())
        if define:
            self.seen["define refused"] += 1
            self._group(f"DEFINE {_kind(define)}", prepared, define, ours)
        elif start and _CIRCUMSTANCES.search(start):
            self.seen["circumstances"] += 1
        elif start and ours.accepted and any(map(_NOT_KNOWN.search, ours.unknown)):
            self.seen["said to be unknown"] += 1
        elif bool(start) == (not ours.accepted):
            self.seen["agree"] += 1
            self.seen["agree, refused"] += bool(start)
            self.seen[f"agree, {kind}"] += 1
        else:
            self.seen["disagree"] += 1
            codes = " ".join(sorted({f.code for f in ours.errors}))
            self._group(
                f"MISSING {_kind(start)}" if start else f"WRONG {codes}", prepared, start, ours
            )

    def _group(self, kind: str, data: bytes, said: str, ours: Any) -> None:
        told = "; ".join(f"{f.code}: {f.message}" for f in ours.errors[:3])
        told += f" [unknown: {'; '.join(ours.unknown[:3])}]" if ours.unknown else ""
        self.groups.setdefault(kind, []).append((data, said, told))
        print(f"{kind}\n  libvirt: {said[:400] or 'starts'}\n  domcaps: {told[:400]}", flush=True)


def _kind(refusal: str) -> str:
    return _VARIABLE.sub("…", " ".join(refusal.split()))[:160]


def main() -> int:
    """Start as many as the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--count", type=int, default=300, help="how many starts to compare")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--as-qemu", action="store_true", help="have all domains emulated")
    parser.add_argument("--host", type=Path, help="a recording of this host; else it is probed")
    parser.add_argument("--keep", type=Path, help="write disagreements to this folder")
    parser.add_argument("--workshop", type=Path, default=Path("/var/tmp/agreement"))
    options = parser.parse_args()
    corpus = [path.read_bytes() for path in sorted(options.corpus.glob("*.xml"))]
    libvirt, host = Libvirt(), looking(our_host(options.host))
    agreement = Agreement(libvirt, host, Workshop(options.workshop))
    end = time.monotonic() + options.minutes * 60
    print(f"libvirt {libvirt.version}, seed {options.seed}", flush=True)
    for kind, data in documents(corpus, host, options.seed):
        if agreement.compared >= options.count or time.monotonic() > end:
            break
        agreement.look(kind, data, as_qemu=options.as_qemu)
    return _summary(agreement, options.keep)


def _summary(agreement: Agreement, keep: Path | None) -> int:
    for number, (kind, found) in enumerate(
        sorted(agreement.groups.items(), key=lambda item: -len(item[1]))
    ):
        data, said, told = min(found, key=lambda one: len(one[0]))
        print(f"== {len(found)} {kind}")
        print(f"   libvirt: {said[:300] or 'starts'}")
        print(f"   domcaps: {told[:300]}")
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{number:03}.xml").write_bytes(data)
        else:
            print(data.decode())
    print(dict(agreement.seen))
    print(f"start: {agreement.seen['agree']} of {agreement.compared} agree")
    return 1 if agreement.groups else 0


if __name__ == "__main__":
    sys.exit(main())
