"""Does the first finding name what libvirt complains about?

Of recorded cases, with libvirt's messages in files::

    first_findings.py recorded DIR

Of a running libvirt, where the three steps need not be in one place::

    first_findings.py make /srv/cases.json --host HOST [--count 900] [--seed 1] DIR…
    python3 first_findings.py ask /srv/cases.json       # where libvirt is: adds what it says
    first_findings.py compare /srv/cases.json HOST RELEASE

Documents are real-like domains (``tests/real_domains.py``), the XML files of each DIR, the same
edited as people do (``tests/edits.py``), and domains made from the table. Of those that libvirt
refuses to define, the first finding is compared by ``tests/libvirt_messages.py``. Prints what it
names instead, and ends with ``N of M first findings (P %) name libvirt's own fault``. The exit code
is 0 only from 97 % on.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ENOUGH = 0.97
ENDED = "libvirt ended"


def documents(host: str, folders: list[Path], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Give documents with their kinds."""
    import domcaps
    from domain_generator import Generator
    from edits import Editor
    from real_domains import real_domains

    recorded = domcaps.Host.load(host)
    emulators = [recorded.emulators.get(path) for path in recorded.emulators.paths()]
    machines = {m.name for e in emulators for v in e.virttypes for m in e.machines(v)}
    found = [file.read_bytes() for folder in folders for file in sorted(folder.glob("**/*.xml"))]
    real = [domain.xml for domain in real_domains()]
    yield from (("real-like", xml) for xml in real)
    yield from (("given", xml) for xml in found)
    seeded = random.Random(seed)  # noqa: S311 - no secret
    real_editor, editor = Editor(real, seeded, machines), Editor(found or real, seeded, machines)
    generator = Generator(seeded, found)
    for _ in range(count // 3):
        yield "real-like, edited", real_editor.document()
        yield "edited", editor.document()
        yield "made", generator.document()


def ask(file: Path) -> None:
    """Add what libvirt says; what makes it end is noted, and the rest can be asked again."""
    import libvirt  # type: ignore[import-not-found, unused-ignore]

    libvirt.registerErrorHandler(lambda *_: None, None)
    connection = libvirt.open("qemu:///system")
    cases = json.loads(file.read_text())
    for case in cases:
        if "said" in case:
            continue
        name = f"<name>first-{uuid.uuid4().hex[:8]}</name>"
        text = re.sub(r"<name>[^<]*</name>", name, case["xml"], count=1)
        if (known := re.search(r"<uuid>([^<]+)</uuid>", text)) is not None:
            # the firmware's tables may have to repeat it
            text = text.replace(known[1], str(uuid.uuid4()))
        case["said"] = ""
        try:
            domain = connection.defineXML(text)
            domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
        except libvirt.libvirtError as error:
            case["said"] = str(error) if connection.isAlive() else ENDED
        if case["said"] == ENDED:
            file.write_text(json.dumps(cases))
            raise SystemExit("libvirt ended; start it, and ask again for the rest")
    file.write_text(json.dumps(cases))


class Comparison:
    """Counts first findings."""

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self.wrong: dict[tuple[str, str], list[str]] = {}

    def look(self, kind: str, said: str, errors: list[Any]) -> None:
        """Compare the errors of one domain with what libvirt said."""
        from libvirt_messages import is_known, names

        self.seen[kind] += 1
        if errors and names(errors[0], said):
            self.right[kind] += 1
            return
        first = errors[0].code if errors else "none"
        later = next((one.code for one in errors if names(one, said)), "")
        instead = later or ("not found" if is_known(said) else "no such message in the table")
        self.wrong.setdefault((first, instead), []).append(" ".join(said.split()))

    def summary(self) -> int:
        """Print all, and tell how it went."""
        for (first, instead), said in sorted(self.wrong.items(), key=lambda item: -len(item[1])):
            print(f"{len(said)} first {first}, right {instead}: {said[0][:160]}")
        for kind, number in self.seen.items():
            print(f"{kind}: {self.right[kind]} of {number}")
        good, total = self.right.total(), self.seen.total()
        share = good / total if total else 1.0
        print(f"{good} of {total} first findings ({share:.1%}) name libvirt's own fault")
        return 0 if share >= ENOUGH else 1


def compare(file: Path, host: str, libvirt: str) -> int:
    """Compare what libvirt refused to define."""
    import domcaps

    asked, comparison = domcaps.Host.load(host), Comparison()
    for case in json.loads(file.read_text()):
        if case["said"] and case["said"] != ENDED:
            found = asked.validate(case["xml"].encode(), libvirt).errors
            defined = [one for one in found if one.stage.value == "define"]
            comparison.look(case["kind"], case["said"], defined)
    return comparison.summary()


def recorded(folder: Path) -> int:
    """Compare recorded cases that libvirt refuses to define."""
    from corpus import domain_cases

    comparison = Comparison()
    for case in domain_cases(folder):
        if case.stage == "parse" and not case.exotic and case.case["err_file"]:
            said = (folder / "domains" / case.case["err_file"]).read_text()
            found = case.host.validate(case.xml, case.dialect, new=case.new).errors
            defined = [one for one in found if one.stage.value == "define"]
            comparison.look("recorded", said, defined)
    return comparison.summary()


def main() -> int:
    """Do one step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("recorded", "make", "ask", "compare"))
    parser.add_argument("path", type=Path)
    parser.add_argument("more", nargs="*")
    parser.add_argument("--host")
    parser.add_argument("--count", type=int, default=900)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_intermixed_args()
    if options.step == "recorded":
        return recorded(options.path)
    if options.step == "compare":
        return compare(options.path, *options.more)
    if options.step == "ask":
        ask(options.path)
        return 0
    folders = [Path(folder) for folder in options.more]
    made = documents(options.host, folders, options.count, options.seed)
    cases = [{"kind": kind, "xml": data.decode(errors="replace")} for kind, data in made]
    options.path.write_text(json.dumps(cases))
    print(f"{len(cases)} documents")
    return 0


if __name__ == "__main__":
    sys.exit(main())
