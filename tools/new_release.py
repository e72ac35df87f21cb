"""Compare two installed libvirts, and print what differs as candidates for the table of changes.

::

    new_release.py OLD NEW [--reports OLD.xml NEW.xml] [--cut 11.3]

OLD and NEW are folders such as ``/usr/share/libvirt``, with ``cpu_map`` and ``schemas``. Reports
are those of ``virsh domcapabilities`` of the two, for the same QEMU. Each line is one thing that
only one of them has. ``known`` tells that a change of the table (`domcaps.language.changes`) or
the vocabulary speaks of it, ``new`` that somebody has to look. Ends with how many there are.

``--cut`` forgets what the table has of later releases, and counts how many of those changes the
differences lead to: a trial of this tool.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree

sys.path.insert(0, str(Path(__file__).parent))

from compare_cpu_map import read_map

from domcaps.cpu.data import cpu_data
from domcaps.language.change import changes
from domcaps.validate.schema.vocabulary import pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domcaps.validate.schema.vocabulary import Piece

_RNG = "{http://relaxng.org/ns/structure/1.0}"
_SHORTEST = 3
_NEVER = (1 << 16, 0)
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)


def cpus_of(folder: Path) -> set[str]:
    """Name all that a CPU map knows."""
    found = read_map(folder / "cpu_map")[0]
    kinds: tuple[tuple[str, Iterable[Any]], ...] = (
        ("x86 vendor", found.x86.vendors),
        ("x86 feature", found.x86.features),
        ("x86 model", found.x86.models),
        ("ppc64 model", found.ppc64.models),
        ("arm model", found.arm.models),
    )
    return {f"cpu {kind} {entry.name}" for kind, entries in kinds for entry in entries}


def schema_of(folder: Path) -> set[str]:
    """Name elements, attributes and values of the schemas of domains, with what they stand in."""
    found = set()
    for path in sorted((folder / "schemas").glob("domain*.rng")):
        for node in etree.parse(path, _PARSER).getroot().iter(f"{_RNG}*"):
            found |= set(_said(node))
    return found


def _said(node: Any) -> Iterator[str]:
    kind = str(node.tag).removeprefix(_RNG)
    if kind in {"element", "attribute"} and node.get("name"):
        yield f"schema {kind} {_holder(node)}{node.get('name')}"
    elif kind == "value":
        yield f"schema value {_holder(node)}{(node.text or '').strip()}"


def _holder(node: Any) -> str:
    """Name the nearest element or attribute around, or the definition."""
    for above in node.iterancestors():
        if above.get("name") and str(above.tag).removeprefix(_RNG) in {
            "element", "attribute", "define",
        }:  # fmt: skip
            return f"{above.get('name')}/"
    return ""


def report_of(path: Path) -> set[str]:
    """Name elements and values of a report."""
    found = set()
    for node in etree.parse(path, _PARSER).getroot().iter("*"):
        names = [n.get("name") or str(n.tag) for n in (*reversed([*node.iterancestors()]), node)]
        text = (node.text or "").strip() if node.tag == "value" else ""
        found.add(f"report {'/'.join(names[1:])}{'=' * bool(text)}{text}")
    return found


def words_of_changes() -> dict[str, set[str]]:
    """Give the words that speak of each change: its own, names of the vocabulary and of CPUs."""
    words = {name: _words(change.what) for name, (_, change) in changes().items()}
    data = cpu_data()
    dated: list[tuple[str, str]] = [
        (entry.since, entry.name)
        for entries in (data.x86.features, data.x86.models, data.ppc64.models, data.arm.models)
        for entry in entries
    ]
    for piece in _pieces():
        attributes = [(n, a) for n, many in piece.attributes.items() for a in many]
        dated += [(one.since, name) for name, one in attributes]
        dated += [(child.since, name) for name, child in piece.children.items()]
        listed = (w for _, one in attributes for w in one.words.split("|") if "~" in w)
        dated += [(since, word) for word, _, since in (text.partition("~") for text in listed)]
    for since, name in dated:
        if since:
            words[since].add(name.lower())
    return words


def known_words(cut: tuple[int, int]) -> set[str]:
    """Give every word that the table, the vocabulary and the CPU data have up to a release."""
    late = {name for name, (_, change) in changes().items() if change.release > cut}
    by_change = words_of_changes()
    words = {word for name, said in by_change.items() if name not in late for word in said}
    data = cpu_data()
    listed: tuple[Iterable[Any], ...] = (
        data.x86.features, data.x86.models, data.x86.vendors, data.ppc64.models, data.arm.models,
    )  # fmt: skip
    words |= {entry.name.lower() for entries in listed for entry in entries}
    for piece in _pieces():
        texts = (*piece.attributes, *piece.children, *piece.text)
        said = (one.words for many in piece.attributes.values() for one in many)
        words |= {word for text in (*texts, *said) for word in _words(text)}
    return words - {word for name in late for word in by_change[name]}


def _pieces() -> list[Piece]:
    found: dict[int, Piece] = {}
    todo = list(pieces().values())
    while todo:
        piece = todo.pop()
        if id(piece) not in found:
            found[id(piece)] = piece
            todo += [*piece.children.values(), *piece.cases.values()]
    return list(found.values())


def led_to(found: Iterable[str], cut: tuple[int, int]) -> tuple[list[str], list[str]]:
    """Give the changes after a release to which differences lead, and those that they miss."""
    names = {_name(text) for text in found}
    late = {name for name, (_, change) in changes().items() if change.release > cut}
    words = words_of_changes()
    seen = sorted(name for name in late if words[name] & names)
    return seen, sorted(late - set(seen))


def _words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[\w.-]+", text) if len(word) >= _SHORTEST}


def candidates(old: set[str], new: set[str], known: set[str]) -> Iterator[tuple[str, str]]:
    """Give what only one side has, each with whether somebody has to look."""
    for sign, only in (("+", new - old), ("-", old - new)):
        for text in sorted(only):
            yield f"{sign} {text}", "known" if _name(text) in known else "new"


def _name(text: str) -> str:
    return re.split(r"[/= ]", text)[-1].lower()


def _release(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--reports", type=Path, nargs=2, metavar="FILE", action="append")
    parser.add_argument("--cut", type=_release, help="forget what came after this release")
    options = parser.parse_args(arguments)
    known = known_words(options.cut or _NEVER)
    pairs = [(look(options.old), look(options.new)) for look in (cpus_of, schema_of)]
    pairs += [(report_of(old), report_of(new)) for old, new in options.reports or ()]
    found = [one for old, new in pairs for one in candidates(old, new, known)]
    for text, state in found:
        print(f"{state:5} {text}")
    count = Counter(state for _, state in found)
    if options.cut:
        seen, missed = led_to((text for text, _ in found), options.cut)
        print(f"{len(seen)} of {len(seen) + len(missed)} changes found; not {', '.join(missed)}")
    print(f"{len(found)} differences: {count['known']} known, {count['new']} new")
    return 1 if count["new"] else 0


if __name__ == "__main__":
    sys.exit(main())
