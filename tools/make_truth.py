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

    Label = tuple[tuple[int, ...], str, str, str]
    Entries = Iterable[tuple[str, dict[str, list[Label]], bool]]

DOCUMENT = Path(__file__).parents[1] / "docs" / "truth.md"

INTRODUCTION = """# What QEMU refused

This page shows, for the QEMUs of Debian 12 (7.2), Debian 13 (10.0) and Debian sid (11.1), which
values of libvirt's report QEMU does not start with, and which it starts with although they are
not reported. Use it if a guest does not start with a reported value, or before you rely on a
report. [Where libvirt's report is wrong](drift.md) explains the differences and says what to do;
[`domcaps verify`](verify.md) makes the same test on your host.

*Reported* means that `domcaps report` prints the value as libvirt 12.8 would. *Starts* means that
QEMU answers after it created the whole machine; the machine is paused, and no guest runs. The
test host is a virtual machine itself.
"""

_REASONS = {
    "a matter of libvirt alone": "nothing to test: this value adds no QEMU argument",
    "it is a matter of guests that run": "nothing to test: it concerns running guests only",
    "QEMU takes no notice of it without KVM": "QEMU ignores it without KVM",
    "it needs a device of the host that can be given away": (
        "the test host has no device to pass through"
    ),
    "it needs a SCSI disk of the host that can be given away": (
        "the test host has no SCSI disk to pass through"
    ),
    "it requires a host device that can": "the test host has no device to pass through",
    "it requires a SCSI disk of the host": "the test host has no SCSI disk to pass through",
    "nothing to test: it adds": "nothing to test: this value adds no QEMU argument",
    "QEMU ignores it": "QEMU ignores it without KVM",
    "the host has no TPM that can be": "the test host has no TPM",
    "the host has no TPM that could be handed over": "the test host has no TPM",
    "the host has no graphics card to draw with": "the test host has no graphics card",
    "the host has no terminals": "the test host has no terminals (/dev/pts, /dev/ptmx)",
    "libvirt wants swtpm": (
        "the test host lacks one of the programs `swtpm`, `swtpm_setup` and `swtpm_ioctl`"
    ),
    "virtiofsd does not run here": "`virtiofsd` does not run on the test host",
}
"""Reasons as older runs worded them, by how they begin."""


def label(one: Verification) -> Label:
    numbers = tuple(int(part) for part in one.version.split(".")[:2])
    return numbers, one.arch, one.machine, one.virttype


def counts(found: Sequence[Verification]) -> Iterable[str]:
    yield "## Numbers"
    yield ""
    yield "New are failures that are not on the list of known differences."
    yield ""
    yield (
        "| QEMU | guest | machine | type | reported, starts | reported, **refused** "
        "| of these new | not reported, refused | not reported, **starts** | not tried | seconds |"
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
) -> Entries:
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
    title: str,
    text: str,
    entries: Entries,
    every: Sequence[Label],
    message: str = "QEMU's message, or the reason",
) -> Iterable[str]:
    """Give one section: a table row for all values that have a message and targets in common."""
    seen: dict[tuple[str, str], list[Label]] = {}
    for path, messages, new in entries:
        name = f"`{path}`{' (**new**)' if new else ''}"
        for said, places in messages.items():
            seen.setdefault((name, _plain_reason(said)), []).extend(places)
    rows: dict[tuple[str, str], list[str]] = {}
    for (name, said), places in seen.items():
        rows.setdefault((said, targets(places, every)), []).append(name)
    has_messages = any(said for said, _ in rows)
    yield from ("", f"## {title}", "", text, "")
    yield f"| value | {message} | targets |" if has_messages else "| value | targets |"
    yield "|---|---|---|" if has_messages else "|---|---|"
    for (said, where), paths in rows.items():
        cells = (joined(paths), said, where) if has_messages else (joined(paths), where)
        yield f"| {' | '.join(cells)} |"


def _plain_reason(message: str) -> str:
    for old, new in _REASONS.items():
        if message.startswith(old):
            return new
    said = message.replace("`", "'").replace("|", "\\|")
    return f"`{said}`" if said else ""


def joined(paths: Sequence[str]) -> str:
    """List paths; of those that begin alike the beginning stands once."""
    groups: dict[str, list[str]] = {}
    for path in dict.fromkeys(paths):
        head, equals, value = path.strip("`").partition("=")
        plain = equals and path.endswith("`")
        groups.setdefault(f"{head}=" if plain else path, []).append(value if plain else path)
    return "<br>".join(
        f"`{head}{'`, `'.join(values)}`" if head.endswith("=") else head
        for head, values in groups.items()
    )


def targets(places: Sequence[Label], every: Sequence[Label]) -> str:
    """Name targets in few words: by architecture where all of it are meant, without versions."""
    left, known = set(places), set(every)
    if left == known:
        return "all"
    for kind in ("qemu", "kvm"):
        if left == {one for one in known if one[3] == kind}:
            return f"all with type {kind}"
    by_versions: dict[tuple[tuple[int, ...], ...], list[str]] = {}
    for arch in dict.fromkeys(one[1] for one in every):
        for name, members in _parts_of(arch, left, known):
            versions = tuple(sorted({one[0] for one in members}))
            there = {one[0] for one in known if one[1] == arch}
            by_versions.setdefault(() if set(versions) == there else versions, []).append(name)
    return "; ".join(
        ", ".join(names) + (f" (QEMU {_listed(versions)})" if versions else "")
        for versions, names in by_versions.items()
    )


def _listed(versions: Iterable[tuple[int, ...]]) -> str:
    return ", ".join(".".join(map(str, version)) for version in versions)


def _parts_of(arch: str, left: set[Label], known: set[Label]) -> Iterable[tuple[str, set[Label]]]:
    """Give the architecture as a whole, or its machine and virtualization types one by one."""
    mine = {one for one in left if one[1] == arch}
    versions = {one[0] for one in mine}
    if not mine:
        return
    if mine == {one for one in known if one[1] == arch and one[0] in versions}:
        yield arch, mine
        return
    for kind in ("qemu", "kvm"):
        if mine == {one for one in known if one[1:4:2] == (arch, kind) and one[0] in versions}:
            yield f"{arch} with type {kind}", mine
            return
    for board, kind in sorted({(_board(one), one[3]) for one in mine}):
        members = {one for one in mine if (_board(one), one[3]) == (board, kind)}
        yield f"{arch} {board} {kind}", members


def _board(where: Label) -> str:
    return where[2].removesuffix("-" + ".".join(map(str, where[0])))


def document(found: Sequence[Verification]) -> str:
    every = [label(one) for one in found]
    lines = [INTRODUCTION.strip()]
    lines += sections(
        groups(found, lambda one: one.lies),
        groups(found, lambda one: one.chances),
        groups(found, lambda one: [t for t in one.tried if t.verdict == NOT_TRIED]),
        every,
    )
    lines += ["", *counts(found)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def sections(
    refused: Entries, started: Entries, not_tried: Entries, every: Sequence[Label]
) -> Iterable[str]:
    """Give the sections that list values."""
    text = "With QEMU's message, or the reason why libvirt cannot start a guest with the value."
    yield from listed("Reported, but refused", text, refused, every)
    yield from listed("Not reported, but started", "QEMU starts with these values.", started, every)
    yield from listed(
        "Not tried",
        "The test host lacks something, or there is nothing to test.",
        not_tried,
        every,
        "reason",
    )


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
