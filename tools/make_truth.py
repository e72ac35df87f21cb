"""Write docs/truth.md: ``python tools/make_truth.py FILE…``.

Each FILE is what ``domcaps verify --format json`` printed on some host. The document has all values
for which report and QEMU disagreed, with the explanation, and what was not tested.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.report.drift import drift_entries
from domcaps.report.drift_page import _markup, anchor
from domcaps.verify.as_json import from_json
from domcaps.verify.result import NOT_TRIED, Tried, Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from domcaps.report.drift import DriftEntry

    Label = tuple[tuple[int, ...], str, str, str]
    Entries = Iterable[tuple[str, dict[str, list[Label]], bool]]

DOCUMENT = Path(__file__).parents[1] / "docs" / "truth.md"

INTRODUCTION = """# What QEMU refused

Some values that libvirt reports do not work: QEMU refuses to start with them. This page lists
those that were found with the QEMUs of Debian 12 (7.2), Debian 13 (10.0) and Debian sid (11.1).
Look here if a guest does not start with a reported value.

To test your own QEMU, run [`domcaps verify`](verify.md).

- *Reported* means: `domcaps report` lists the value, as libvirt 12.8 does.
- *Starts* means: QEMU creates the whole machine and stays paused. No guest runs.
- Values are written as in `domcaps explain`: `disk.bus=usb` is `<target bus='usb'>` of a disk.
- A *target* is an architecture, with a machine type and a virtualization type if only these are
  meant. "(QEMU 7.2)": only with that QEMU.
- `…` in a message stands for a name or number that differs from case to case.
- The test host is a virtual machine without a TPM, a graphics card and devices to pass through.
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


def tested(every: Sequence[Label]) -> Iterable[str]:
    """Give the section that names the targets, for each QEMU."""
    yield from ("## Tested targets", "", "Machine types, each with its virtualization types.", "")
    yield from ("| QEMU | architectures and machine types |", "|---|---|")
    machines: dict[tuple[int, ...], dict[str, list[str]]] = {}
    for numbers, arch, machine, virttype in every:
        kinds = machines.setdefault(numbers, {}).setdefault(f"{arch} {machine}", [])
        kinds.append(virttype)
    for numbers, kinds_of in machines.items():
        cells = [f"{name} ({', '.join(kinds)})" for name, kinds in kinds_of.items()]
        yield f"| {_listed([numbers])} | {', '.join(cells)} |"


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


Row = tuple[str, str, str, str]
"""Values, what was said of them, targets, and the difference that explains it (or "")."""


def rows(entries: Entries, every: Sequence[Label], *, listed: bool | None) -> list[Row]:
    """Join all values that have a message, targets and a known difference in common.

    `listed` tells which differences are meant; None, that no value needs an explanation.
    """
    seen: dict[tuple[str, str, str], list[Label]] = {}
    for path, messages, new in entries:
        name = f"`{_NAMES.get(path, path)}`{' (some models)' if '…' in path else ''}"
        name += " (**new**)" if new else ""
        for said, places in messages.items():
            for place in places:
                key = (name, _plain_reason(said), difference(path, said, place, listed=listed))
                seen.setdefault(key, []).append(place)
    joint: dict[tuple[str, str, str], list[str]] = {}
    for (name, said, title), places in seen.items():
        joint.setdefault((said, targets(places, every), title), []).append(name)
    return sorted(
        (joined(sorted(paths)), said, where, title) for (said, where, title), paths in joint.items()
    )


_NAMES = {
    "cpu.custom model …": "cpu.custom",
    "os.firmware=": "os.firmware",
    "vcpu max": "vcpu",
}
"""How values are called on other pages, where that differs."""


def difference(path: str, message: str, place: Label, *, listed: bool | None) -> str:
    """Name the known difference that explains it: its title on the page of differences, or ""."""
    head = _NAMES.get(path, path).partition(": ")[0]
    found = [one for one in drift_entries() if one.path == head and one.listed is listed]
    for fits in (_quoted_in, _named_in, _about):
        chosen = [one.title for one in found if fits(one, message, place)]
        if chosen:
            return chosen[0]
    return found[0].title if len({one.title for one in found}) == 1 else ""


def _quoted_in(one: DriftEntry, message: str, _place: Label) -> bool:
    return any(words in message for words in re.findall(r'"([^"]+)"', one.evidence))


def _named_in(one: DriftEntry, message: str, _place: Label) -> bool:
    return any(len(word) > len("AAVMF_CODE") and word in one.evidence
               for word in re.findall(r"[\w.-]+", message))  # fmt: skip


def _about(one: DriftEntry, _message: str, place: Label) -> bool:
    names = {place[1], _board(place), *(["KVM"] if place[3] == "kvm" else [])}
    return bool(names & set(re.findall(r"[\w-]+", one.where)))


def _linked(title: str) -> str:
    return f"[{_markup(title)}](drift.md#{anchor(title)})" if title else ""


_CASES = (
    (re.compile(r"^-\w+ [^ ]+: "), ""),
    (re.compile(r" Perhaps you want to install .*"), ""),
    (re.compile(r"(?<= to )0x[0-9a-f]+"), "…"),
    (re.compile(r"(?<=for device )'[^']+'"), "'…'"),
    (re.compile(r"^'[^']+'(?= is not a valid device)"), "'…'"),
    (re.compile(r"'[\w.-]+-machine(?=\.)"), "'…"),
    (re.compile(r"[\w/.]+\.c:\d+: "), ""),
    (re.compile(r"\d{6,}(?= bytes)"), "…"),
    (re.compile(r"cfi\.\w+ device '[^']+'"), "device"),
)
"""What differs in a message from case to case."""


def _plain_reason(message: str) -> str:
    """Give what decided: without warnings, and without the names of one run."""
    for old, new in _REASONS.items():
        if message.startswith(old):
            return new
    parts = [part for part in message.split(" / ") if not part.startswith("warning:")]
    failed = [part for part in parts if "Assertion" not in part] or parts
    said = failed[-1] if failed else ""
    for pattern, instead in _CASES:
        said = pattern.sub(instead, said)
    said = said.replace("`", "'").replace("|", "\\|")
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
    versions_left = {one[0] for one in left}
    if left == {one for one in known if one[0] in versions_left}:
        return f"all (QEMU {_listed(sorted(versions_left))})"
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
    for board in sorted({_board(one) for one in mine}):
        members = {one for one in mine if _board(one) == board}
        every = {one for one in known if one[1] == arch and _board(one) == board}
        if members == {one for one in every if one[0] in {member[0] for member in members}}:
            yield f"{arch} {board}", members
            continue
        for kind in sorted({one[3] for one in members}):
            yield f"{arch} {board} with type {kind}", {one for one in members if one[3] == kind}


def _board(where: Label) -> str:
    return where[2].removesuffix("-" + ".".join(map(str, where[0])))


def document(found: Sequence[Verification]) -> str:
    every = [label(one) for one in found]
    lines = sections(
        groups(found, lambda one: one.lies),
        groups(found, lambda one: one.chances),
        groups(found, lambda one: [t for t in one.tried if t.verdict == NOT_TRIED]),
        every,
    )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def sections(
    refused: Entries, started: Entries, not_tried: Entries, every: Sequence[Label]
) -> Iterable[str]:
    """Give the page: what was refused, what starts all the same, what was not tested."""
    yield INTRODUCTION.rstrip()
    yield from ("", "## Reported, but refused", "")
    yield "The last column leads to the explanation, with what to do."
    yield from ("", "| value | targets | QEMU's message, or the reason | explanation |")
    yield "|---|---|---|---|"
    for values, said, where, title in rows(refused, every, listed=True):
        yield f"| {values} | {where} | {said or 'differs from model to model'} | {_linked(title)} |"
    yield from ("", "## Not reported, but QEMU starts", "")
    yield from ("| value | targets | explanation |", "|---|---|---|")
    for values, _said, where, title in rows(started, every, listed=False):
        yield f"| {values} | {where} | {_linked(title)} |"
    yield from ("", "## Not tested", "")
    yield "The test host lacks something that the test needs, or there is nothing to test:"
    yield "`default`, for example, means that the attribute is omitted."
    yield from ("", "| value | targets | reason |", "|---|---|---|")
    for values, said, where, _ in rows(not_tried, every, listed=None):
        yield f"| {values} | {where} | {said} |"
    yield from ("", *tested(every))


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
