"""Put domains made at random to a running libvirt and to domcaps: ``python live_generated.py``.

::

    PYTHONPATH=src:tests:/usr/lib/python3/dist-packages \\
        python tests/conformance/live_generated.py --count 5000 --seed 1 [--host FILE] [CORPUS]

The last folder of that path is where the system keeps libvirt-python.

Domains are made from the table (see ``tests/domain_generator.py``), from samples of its rules and
from the XML files of CORPUS. Each is defined and undefined again, as it is and with libvirt's
schema (``virsh define --validate``), and domcaps is asked for its verdicts in the dialect of that
libvirt. Disagreements are grouped by what libvirt says, or by our codes where it accepts, and shown
with the smallest domain in which they remain. The exit code is 0 only where there are none.

A domain with a number that makes libvirt ask for gigabytes ends it: run it with a limit
(``ulimit -v``), and where it is started again by itself.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import random
import re
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from live_domains import connect, dialect_of, our_host, undefine
from lxml import etree

from domain_generator import Generator
from edits import Editor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element as Node

NAME = "domcaps-generated"
MOST_SHRINKING = 150
"""How often libvirt is asked again to make one example smaller."""

# what is wrong with this machine, or with what it holds, and not with the domain
_CIRCUMSTANCES = re.compile(
    r"No such file|Failed to (open|create|connect)|Cannot (open|access)|Unable to (open|access)"
    r"|not found|cannot (access|open)|Operation not (permitted|supported)|Permission denied"
)


@dataclass(frozen=True)
class Verdict:
    """What libvirt says; "" is its consent."""

    define: str
    schema: str
    native: str


@dataclass
class Group:
    """Disagreements of one kind."""

    count: int = 0
    example: bytes = b""
    said: str = ""
    ours: str = ""


@dataclass
class Tally:
    """What came of it all."""

    seen: Counter[str] = field(default_factory=Counter)
    groups: dict[str, Group] = field(default_factory=dict)

    def add(self, kind: str, data: bytes, said: str, ours: str) -> None:
        """Count a disagreement; the shortest domain is kept."""
        group = self.groups.setdefault(kind, Group())
        group.count += 1
        if not group.example or len(data) < len(group.example):
            group.example, group.said, group.ours = data, said, ours


class Libvirt:
    """The running libvirt."""

    def __init__(self, *, native: bool, schema: bool = True) -> None:
        import libvirt  # type: ignore[import-not-found, unused-ignore]

        libvirt.registerErrorHandler(lambda *_: None, None)
        self._libvirt = libvirt
        self._native = native
        self.with_schema = schema
        self._connection = connect()
        number = self._connection.getLibVersion()
        self.version = f"{number // 1_000_000}.{number // 1000 % 1000}"

    def ask(self, xml: str) -> Verdict | None:
        """Ask for all verdicts; None where it died of the question."""
        refusal = self._define(xml, 0)
        schema = refusal
        if self.with_schema and not refusal:
            schema = self._define(xml, self._libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
        native = self._start(xml) if self._native and not refusal else ""
        if not self._connection.isAlive():
            self._connection = connect()
            return None
        return Verdict(refusal, schema, native)

    def _define(self, xml: str, flags: int) -> str:
        try:
            domain = self._connection.defineXMLFlags(xml, flags)
        except self._libvirt.libvirtError as error:
            return str(error)
        undefine(domain)
        return ""

    def _start(self, xml: str) -> str:
        try:
            self._connection.domainXMLToNative("qemu-argv", xml)
        except self._libvirt.libvirtError as error:
            return str(error)
        return ""


@dataclass(frozen=True)
class Disagreement:
    """Where two verdicts differ: which, and what both said."""

    kind: str
    said: str
    ours: str


class Comparison:
    """Asks both, compares."""

    def __init__(self, libvirt: Libvirt, host: Any) -> None:
        self.libvirt = libvirt
        self.host = host
        self.dialect = dialect_of(host, libvirt.version)

    def look(self, data: bytes) -> tuple[Verdict | None, list[Disagreement]]:
        """Give libvirt's verdict, None where it died, and all disagreements."""
        verdict = self.libvirt.ask(data.decode())
        if verdict is None:
            return None, []
        return verdict, list(self._differences(data, verdict))

    def _differences(self, data: bytes, verdict: Verdict) -> Iterator[Disagreement]:
        result = self.host.validate(data, self.dialect)
        errors = result.errors
        define = [f for f in errors if f.stage.value == "define"]
        yield from _difference("define", verdict.define, define)
        if not verdict.define and not define and self.libvirt.with_schema:
            strict = self.host.validate(data, self.dialect, schema=True).errors
            schema = [f for f in strict if f.stage.value == "define"]
            yield from _difference("schema", verdict.schema, schema)
        starts = not verdict.define and not define and self.libvirt._native
        if starts and not _CIRCUMSTANCES.search(verdict.native):
            yield from _difference("start", verdict.native, list(errors))


def _difference(stage: str, refusal: str, findings: list[Any]) -> Iterator[Disagreement]:
    if bool(refusal) == bool(findings):
        return
    ours = "; ".join(f"{f.code} line {f.line}: {f.message}" for f in findings[:3]) or "accepts"
    if refusal:
        said = " ".join(refusal.split())
        kind = re.sub(r"'[^']*'|\"[^\"]*\"|[\w./-]*\d[\w./-]*", "…", said)[:160]
        yield Disagreement(f"{stage} MISSING: {kind}", said, ours)
    else:
        codes = " ".join(sorted({f.code for f in findings}))
        yield Disagreement(f"{stage} WRONG: {codes}", "accepts", ours)


def own(data: bytes) -> bytes:
    """Give a domain a UUID and a name that nobody has, unless these are what is wrong with it."""
    root = etree.fromstring(data)
    for name in root.findall("name"):
        if re.fullmatch(r"[\w .-]{1,100}", name.text or "") and (name.text or "").strip():
            name.text = f"{NAME}-{uuid.uuid4()}"
    for known in root.findall("uuid"):
        if re.fullmatch(r"[0-9a-f-]{36}", (known.text or "").strip()):
            known.text = str(uuid.uuid4())
    return etree.tostring(root)


def shrink(data: bytes, stays: Callable[[bytes], bool]) -> bytes:
    """Take elements and attributes away as long as something stays."""
    root = etree.fromstring(data)
    left = MOST_SHRINKING
    smaller = True
    while smaller and left > 0:
        smaller = False
        for number in reversed(range(1, len(list(root.iter())))):
            for changed in _less(root, number):
                left -= 1
                if left > 0 and stays(etree.tostring(changed)):
                    root, smaller = changed, True
                    break
    etree.indent(root)
    return etree.tostring(root)


def _less(root: Node, number: int) -> Iterator[Node]:
    """Give it without an element, else without one of its attributes."""
    without = copy.deepcopy(root)
    nodes = list(without.iter())
    if number >= len(nodes):
        return
    node = nodes[number]
    parent = node.getparent()
    assert parent is not None
    if node.tag not in {"name", "os", "type"}:
        names = node.keys()
        parent.remove(node)
        yield without
        for name in names if len(names) > 1 else []:
            without = copy.deepcopy(root)
            del list(without.iter())[number].attrib[name]
            yield without


def run(options: argparse.Namespace) -> Tally:
    """Make and ask."""
    corpus = (
        [p.read_bytes() for p in sorted(options.corpus.glob("*.xml"))] if options.corpus else []
    )
    libvirt = Libvirt(native=options.native, schema=options.schema)
    comparison = Comparison(libvirt, our_host(options.host))
    tally = Tally()
    print(f"libvirt {comparison.libvirt.version}, seed {options.seed}", flush=True)
    made = _documents(options, corpus, comparison.host)
    for document in itertools.islice(made, options.count):
        data = own(document)
        if options.as_qemu:
            data = data.replace(b'type="kvm"', b'type="qemu"', 1)
        verdict, differences = comparison.look(data)
        if verdict is None:
            tally.seen["died"] += 1
            continue
        tally.seen["asked"] += 1
        tally.seen["accepted"] += not verdict.define
        tally.seen["accepted by the schema"] += not verdict.schema
        tally.seen["accepted at start"] += not (verdict.define or verdict.native)
        for difference in differences:
            tally.seen[difference.kind.split()[0]] += 1
            tally.add(difference.kind, data, difference.said, difference.ours)
    if options.shrink:
        for kind, group in tally.groups.items():
            _shrink(comparison, kind, group)
    return tally


def _documents(options: argparse.Namespace, corpus: list[bytes], host: Any) -> Iterator[bytes]:
    seeded = random.Random(options.seed)  # noqa: S311 - no secret
    if options.edits:
        emulators = [host.emulators.get(path) for path in host.emulators.paths()]
        machines = {
            machine.name
            for emulator in emulators
            for virttype in emulator.virttypes
            for machine in emulator.machines(virttype)
        }
        return iter(Editor(corpus, seeded, machines).document, None)
    generator = Generator(seeded, corpus)
    return generator.sweep() if options.sweep else iter(generator.document, None)


def _shrink(comparison: Comparison, kind: str, group: Group) -> None:
    def stays(data: bytes) -> bool:
        return any(found.kind == kind for found in comparison.look(data)[1])

    group.example = shrink(group.example, stays)
    for found in comparison.look(group.example)[1]:
        if found.kind == kind:
            group.said, group.ours = found.said, found.ours


def show(tally: Tally, *, native: bool, with_schema: bool) -> int:
    """Print everything; give the number of disagreements that count."""
    order = ("define", "start", "schema")
    by_weight = sorted(
        tally.groups.items(), key=lambda item: (order.index(item[0].split()[0]), -item[1].count)
    )
    for kind, group in by_weight:
        print(
            f"== {group.count} {kind}\n   libvirt: {group.said[:300]}\n"
            f"   domcaps: {group.ours[:300]}"
        )
        print("\n".join(f"      {line}" for line in group.example.decode().splitlines()[:60]))
    seen = tally.seen
    asked = seen["asked"]
    print(f"{asked} domains, {seen['accepted']} accepted; libvirt died of {seen['died']}")
    print(f"define: {asked - seen['define']} of {asked} agree")
    if native:
        print(f"start: {seen['start']} to look at by hand")
    if with_schema:
        print(f"define --validate: {asked - seen['define'] - seen['schema']} of {asked} agree")
    return seen["define"]


def main() -> int:
    """Ask, compare, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, nargs="?", help="a folder of domains")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument(
        "--sweep", action="store_true", help="give every field every kind of value, one at a time"
    )
    parser.add_argument(
        "--edits", action="store_true", help="take domains of CORPUS with a few small edits, only"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--host", type=Path, help="a recording of this host; asked live otherwise")
    parser.add_argument("--as-qemu", action="store_true", help="turn type='kvm' into 'qemu'")
    parser.add_argument("--native", action="store_true", help="look at starting as well")
    parser.add_argument("--no-schema", dest="schema", action="store_false")
    parser.add_argument("--no-shrink", dest="shrink", action="store_false")
    options = parser.parse_args()
    begin = time.monotonic()
    wrong = show(run(options), native=options.native, with_schema=options.schema)
    print(f"{time.monotonic() - begin:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
