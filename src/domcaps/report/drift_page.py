"""The drift list as a document: each difference once, with the values that it is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.report.drift import DriftEntry

_HEAD = """\
# Where libvirt's report is wrong

Some values in libvirt's `<domainCapabilities>` do not work, and some that work are missing. This
page lists the known differences, with what to do. Read it if a guest does not start with a value
that the report lists, or if you write a program that uses the report.

- `domcaps report` prints what libvirt prints, so that both can be compared.
- `domcaps report --truth` leaves out the values that failed on this host in
  [`domcaps verify`](verify.md).
- `domcaps validate` reports a domain that uses such a value. If it has a code for the difference,
  the code is named below.
"""
_LISTED = """\
## Listed, but does not work

A guest with such a value is refused, or does not start. Where no release of libvirt is named, all
releases are meant.
"""
_UNLISTED = """\
## Not listed, or the list says nothing

Nothing fails if you use the listed values only.
"""
_FOOT = """\
## How these differences were found

*Proof* is a run of `domcaps verify`, QEMU's message, or what libvirt did. The results of `domcaps
verify` for Debian's QEMUs are in [What QEMU refused](truth.md). `domcaps drift --format json`
prints this list for programs, with all values."""

_EVERY = "all"


class DriftGroup(NamedTuple):
    """Entries with one title. They differ in their paths and releases only."""

    title: str
    entries: tuple[DriftEntry, ...]

    @property
    def releases(self) -> str:
        """Tell which releases of libvirt it is about, from the first to the last."""
        since, until = {one.since for one in self.entries}, {one.until for one in self.entries}
        first = "" if "" in since else min(since, key=_number)
        last = "" if "" in until else max(until, key=_number)
        if first and last:
            return f"{first} and later, before {last}"
        if last:
            return f"before {last}"
        return f"{first} and later" if first else _EVERY

    @property
    def values(self) -> dict[str, list[str]]:
        """Give the values by what they are values of: an enum, or an element."""
        found: dict[str, list[str]] = {}
        for one in self.entries:
            # "hostdev.iommufd=no", but also "cpu.host-model" and "vmcoreinfo"
            path, _, value = one.path.rpartition("=")
            listed = found.setdefault(path or one.path, [])
            if path and value not in listed:
                listed.append(value)
        return found


def differences(entries: Iterable[DriftEntry]) -> list[DriftGroup]:
    """Join the entries with one title, in their order."""
    found: dict[str, list[DriftEntry]] = {}
    for one in entries:
        found.setdefault(one.title, []).append(one)
    return [DriftGroup(title, tuple(group)) for title, group in found.items()]


def to_markdown(entries: Iterable[DriftEntry]) -> str:
    """Write the list as a document."""
    every = differences(entries)
    listed = [one for one in every if one.entries[0].listed]
    others = [one for one in every if not one.entries[0].listed]
    lines = [_HEAD, *_by_value(every), "", _LISTED]
    lines += [line for one in listed for line in _section(one)]
    lines += [_UNLISTED]
    lines += [line for one in others for line in _section(one)]
    return "\n".join([*lines, _FOOT]) + "\n"


def _by_value(every: list[DriftGroup]) -> Iterator[str]:
    yield from ("## By value", "", "| value | difference | libvirt |", "|---|---|---|")
    rows = [(path, values, one) for one in every for path, values in one.values.items()]
    for path, values, one in sorted(rows, key=lambda row: (row[0] == "machine", row[0])):
        link = f"[{_markup(one.title)}](#{anchor(one.title)})"
        yield f"| {_named(path, values)} | {link} | {one.releases} |"


def _section(one: DriftGroup) -> Iterator[str]:
    first = one.entries[0]
    named = [_named(path, values) for path, values in one.values.items()]
    codes = list(dict.fromkeys(entry.code for entry in one.entries if entry.code))
    yield from (f"### {_markup(one.title)}", "")
    yield f"- **Values:** {'; '.join(named)}."
    if one.releases != _EVERY:
        yield f"- **Libvirt:** {one.releases}."
    if first.where:
        yield f"- **Where:** {_markup(first.where)}."
    yield f"- **Reported:** {_markup(first.says)}."
    yield f"- **In fact:** {_markup(first.but)}."
    yield f"- **What to do:** {_markup(first.instead)}."
    if codes:
        yield f"- **Code:** {_code(codes)}."
    evidence = re.sub(r"^(?:domcaps )?verify ", "`domcaps verify` ", _markup(first.evidence))
    yield from (f"- **Proof:** {evidence}.", "")


_SHOWN = 10
"""So many values are listed; more are most of what there is, and a few stand for them."""


def _named(path: str, values: list[str]) -> str:
    # what is so of a machine type is so of all devices on it
    if path == "machine":
        return "all devices"
    if len(values) > _SHOWN:
        return f"`{path}` (all {len(values)} values, such as {_code(values[:3])})"
    return f"`{path}` {_code(values)}".rstrip()


def anchor(title: str) -> str:
    """Give the anchor that the website makes of a heading."""
    words = re.sub(r"[^\w\s-]", "", title).strip().lower()
    return re.sub(r"[-\s]+", "-", words)


def _markup(text: str) -> str:
    """Show elements and patterns in a text as code."""
    text = re.sub(r"<[^<>]+>", lambda found: f"`{found[0]}`", text)
    return re.sub(r"(?<![\w`*])[\w\[\]*-]*\*[\w\[\]*-]*", lambda found: f"`{found[0]}`", text)


def _code(values: list[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _number(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))
