"""Write docs/truth.md: ``python tools/make_truth.py FILE…``.

Each FILE is what ``domcaps verify --format json`` printed on some host. The document has the four
counts for each emulator, machine and virtualization type, and all that disagreed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.verify.as_json import from_json
from domcaps.verify.result import NOT_TRIED, Tried, Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DOCUMENT = Path(__file__).parents[1] / "docs" / "truth.md"

INTRODUCTION = """# Truth

What `domcaps verify` found: every choice that libvirt 12.8's report can list, and the models,
limits and images that it names, tried with the real emulator. Made by
`python tools/make_truth.py FILE…` out of what `domcaps verify --format json` printed for Debian 12
(QEMU 7.2), Debian 13 (10.0) and Debian unstable (11.1), on a host that is a virtual machine itself.

A machine *starts* when QEMU answers after all of it was made; it is paused, and no guest runs. What
is promised is what `domcaps report` prints. *Not tried* is what needs something that the host did
not have, or that adds no QEMU argument. Each lie is on the [drift list](drift.md), or is marked
here as new.
"""

Label = tuple[tuple[int, ...], str, str, str]


def label(one: Verification) -> Label:
    numbers = tuple(int(part) for part in one.version.split(".")[:2])
    return numbers, one.arch, one.machine, one.virttype


def spoken(where: Label) -> str:
    version, arch, machine, virttype = where
    return f"{'.'.join(map(str, version))} {arch} {machine} {virttype}"


def counts(found: Sequence[Verification]) -> Iterable[str]:
    yield "## Counts"
    yield ""
    yield (
        "| QEMU | guest | machine | type | promised, starts | promised, refused: **lies** "
        "| of these new | not promised, refused | not promised, **starts** | not tried | seconds |"
    )
    yield "|---|---|---|---|---:|---:|---:|---:|---:|---:|---:|"
    for one in found:
        version, arch, machine, virttype = label(one)
        c = one.counts
        cells = (
            ".".join(map(str, version)), arch, machine, virttype, c.kept, c.lies,
            len(one.unknown_lies), c.refused, c.chances, c.not_tried, f"{one.seconds:.0f}",
        )  # fmt: skip
        yield f"| {' | '.join(map(str, cells))} |"


def groups(
    found: Sequence[Verification], pick: Callable[[Verification], Iterable[Tried]]
) -> Iterable[tuple[str, dict[str, list[Label]], bool]]:
    """Give each path with QEMU's messages, and where each was seen."""
    gathered: dict[str, dict[str, list[Label]]] = {}
    new: set[str] = set()
    for one in found:
        for tried in pick(one):
            # hundreds of models are refused in the same words
            path = tried.path.rpartition(" ")[0] + " …" if " model " in tried.path else tried.path
            message = tried.message if " model " not in tried.path else ""
            # what programs print beside that has the time of day in it
            head, mark, _ = message.partition(" does not run here")
            message = head + mark
            gathered.setdefault(path, {}).setdefault(message, []).append(label(one))
            if not tried.known and tried.disagreement:
                new.add(path)
    for path, messages in gathered.items():
        yield path, messages, path in new


def listed(
    title: str, text: str, entries: Iterable[tuple[str, dict[str, list[Label]], bool]]
) -> Iterable[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield text
    yield ""
    for path, messages, new in entries:
        yield f"- `{path}`{' (**new**)' if new else ''}"
        for message, places in messages.items():
            where = "; ".join(dict.fromkeys(map(spoken, places)))
            said = f"`{message.replace('`', chr(39))}`: " if message else ""
            yield f"  - {said}{where}"


def document(found: Sequence[Verification]) -> str:
    lines = [INTRODUCTION.strip(), ""]
    lines += counts(found)
    lines += listed(
        "Lies",
        "Promised, and refused; with QEMU's own words, or the reason why libvirt can't start it.",
        groups(found, lambda one: one.lies),
    )
    lines += listed(
        "Missed chances",
        "Not promised, and QEMU starts.",
        groups(found, lambda one: one.chances),
    )
    lines += listed(
        "Not tried",
        "With the reason.",
        groups(found, lambda one: [t for t in one.tried if t.verdict == NOT_TRIED]),
    )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def main(files: Sequence[str]) -> int:
    if not files:
        print(__doc__)
        return 2
    try:
        found = [one for file in files for one in from_json(Path(file).read_bytes())]
    except (OSError, ValueError) as error:
        print(f"what 'domcaps verify --format json' printed can't be read: {error}")
        return 2
    found.sort(key=label)
    DOCUMENT.write_text(document(found))
    new = sum(len(one.unknown_lies) for one in found)
    print(f"{len(found)} targets, {sum(one.counts.lies for one in found)} lies, {new} of them new")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
