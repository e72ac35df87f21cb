"""Change the source of the table's predicates as cosmic-ray does, and see who notices.

``python tools/mutate_source.py [DIR]``: each change (`mutants.py`) is made in a process of its own,
while the module is loaded: no file is written. Everything that imports nothing of the table is
loaded before, so that a change costs seconds. It is shown to these judges, until one finds fault:

* loading the table,
* the unit tests of the report's rules, then those of domains,
* the recorded reports in DIR, then the recorded domains.

Prints what nobody notices, and ends with how many each judge was the first to notice. Fails where
a change is left that is not explained in ``INVISIBLE``. ``--results FILE`` keeps who noticed what,
and does not try again what FILE says was noticed.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import json
import re
import signal
import sys
import time
from collections import Counter
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "conformance"))

import corpus
from mutants import Mutant, mutants, spans_of_predicates
from processes import apart

if TYPE_CHECKING:
    from types import CodeType

SECONDS = 300
"""After that long a change is taken to make something run for ever, which somebody would notice."""

INVISIBLE: dict[str, str] = {
    r"^(channel|console): Choice\(\"(xen|none)\", listed=False": "equal: no report shows the enum",
    r"^vcpu: limit = 0 => limit = -1": "equal: less than one is not shown, either way",
    r"^hyperv: lambda world: .*or \"none\"": "text of an explanation: no report and no verdict",
}
"""Changes that can't be noticed: a pattern of module and changed line, and why that is so."""


def load_what_is_below(folder: Path | None) -> None:
    """Load what a change can't touch, and read the recordings; nothing of it imports the table."""
    for name in ("asyncio", "pytest", "hypothesis", "lxml.etree", "msgspec", "fakes"):
        importlib.import_module(name)
    for name in ("domcaps.facts.transcript", "domcaps.facts.host", "domcaps.language.observed"):
        importlib.import_module(name)
    if folder is not None:
        for report in corpus.capability_cases(folder):
            report.read_transcript()
        for domain in corpus.domain_cases(folder):
            domain.read_transcript()
    assert not any(name.startswith("domcaps.elements") for name in sys.modules)


def load_changed(mutant: Mutant) -> None:
    """From now on, have the module loaded with the change."""
    code, before = compile(mutant.changed(), mutant.path, "exec"), SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        return code if loader.path == mutant.path else before(loader, fullname)

    SourceFileLoader.get_code = get_code  # type: ignore[assignment,method-assign]


def who_notices(folder: Path | None) -> str:
    """Give the first judge that finds fault with the table as it is loaded, "" for nobody."""
    try:
        importlib.import_module("domcaps.elements").table()
        importlib.import_module("domcaps.hosts.host")
    except Exception:  # noqa: BLE001 - whatever a module fails with
        return "loading the table"
    judges: Any = importlib.import_module("mutate_table")
    for name, tests in judges.unit_tests().items():
        if not all(map(judges.passes, tests)):
            return str(name)
    if folder is not None:
        if not all(map(judges.is_libvirts, corpus.capability_cases(folder))):
            return "recorded reports"
        if not all(map(judges.is_judged_right, corpus.domain_cases(folder))):
            return "recorded domains"
    return ""


def try_out(mutant: Mutant | None, folder: Path | None) -> str:
    """In a process of its own: make a change, none for None, and give who notices."""
    signal.alarm(SECONDS)
    if mutant is not None:
        load_changed(mutant)
    return who_notices(folder)


def difference(mutant: Mutant) -> tuple[str, str]:
    """Give the lines that change, as they are and as they become."""
    lines = [
        line
        for line in difflib.ndiff(mutant.source.splitlines(), mutant.changed().splitlines())
        if line[0] in "+-"
    ]
    sides = [" ".join(line[2:].strip() for line in lines if line[0] == sign) for sign in "-+"]
    return sides[0], sides[1]


def _explained(line: str) -> str:
    return next((why for form, why in INVISIBLE.items() if re.search(form, line)), "")


def main() -> int:
    """Make every change, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="recorded cases")
    parser.add_argument("--only", default="", help="only modules whose name begins so")
    parser.add_argument("--results", type=Path, help="a file that keeps who noticed what")
    options = parser.parse_args()
    start = time.monotonic()
    load_what_is_below(options.folder)
    spans = apart(spans_of_predicates) or {}
    changes = [m for m in mutants(spans) if Path(m.path).stem.startswith(options.only)]
    if apart(partial(try_out, None, options.folder)) != "":
        print("the judges find fault before anything is changed", file=sys.stderr)
        return 2
    known = read(options.results)
    counts: Counter[str] = Counter()
    for number, mutant in enumerate(changes):
        if number % 25 == 0:
            print(f"{len(changes) - number} left", file=sys.stderr)
        who = known.get(mutant.identity)
        if not who:
            tried = apart(partial(try_out, mutant, options.folder))
            who = "does not end" if tried is None else tried
            keep(options.results, mutant, who)
        counts[who or tell(mutant)] += 1
    by = ", ".join(f"{number} {who}" for who, number in counts.most_common())
    print(f"{len(changes)} changes of the source in {time.monotonic() - start:.0f} s: {by}")
    return 1 if counts["nobody"] else 0


def tell(mutant: Mutant) -> str:
    """Print what nobody noticed; gives as what it counts."""
    before, after = difference(mutant)
    name = Path(mutant.path).stem
    why = _explained(f"{name}: {before} => {after}")
    print(
        f"{why or 'UNNOTICED'}: {name} line {mutant.start[0]}\n  - {before}\n  + {after}",
        flush=True,
    )
    return "can't be noticed" if why else "nobody"


def read(results: Path | None) -> dict[str, str]:
    """Give who noticed which change before."""
    if results is None or not results.exists():
        return {}
    lines = map(json.loads, results.read_text().splitlines())
    return {line["change"]: line["noticed"] for line in lines}


def keep(results: Path | None, mutant: Mutant, who: str) -> None:
    """Write down who noticed a change."""
    if results is not None:
        line = {"change": mutant.identity, "line": mutant.start[0], "noticed": who}
        with results.open("a") as out:
            out.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    sys.exit(main())
