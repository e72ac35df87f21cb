"""The drift list: each place of the table where libvirt's report is not the whole truth."""

from __future__ import annotations

import msgspec

from domcaps.elements import choices, wide_drifts


class DriftEntry(msgspec.Struct, frozen=True):
    """One place, what libvirt's report says there, what is true, and how that was seen.

    `since` and `until` tell which releases say so; "" leaves that side open.
    """

    path: str
    says: str
    but: str
    evidence: str
    since: str = ""
    until: str = ""


def drift_entries() -> tuple[DriftEntry, ...]:
    """Give the whole list: what is of many choices at once, then in the order of the table."""
    wide = tuple(
        DriftEntry(one.path, one.drift.says, one.drift.but, one.drift.evidence)
        for one in wide_drifts()
    )
    return wide + tuple(
        DriftEntry(
            path,
            drift.says,
            drift.but,
            drift.evidence,
            choice.since,
            choice.until,
        )
        for path, choice in choices()
        for drift in choice.drifts
    )


def to_markdown(entries: tuple[DriftEntry, ...]) -> str:
    """Write the list as a document."""
    lines = [
        "# Drift",
        "",
        "Where libvirt's report is not the whole truth. The default report prints what libvirt",
        "prints; these are the places where an application should know better. Generated from the",
        "table: `domcaps drift --format markdown`.",
    ]
    for entry in entries:
        lines += ["", f"## `{entry.path}`", "", f"*{_releases(entry)}.*", ""]
        lines += [f"- **Reported:** {entry.says}.", f"- **But:** {entry.but}."]
        lines += [f"- **Evidence:** {entry.evidence}."]
    return "\n".join(lines) + "\n"


def _releases(entry: DriftEntry) -> str:
    if entry.since and entry.until:
        return f"libvirt {entry.since} and later, before {entry.until}"
    if entry.until:
        return f"libvirt before {entry.until}"
    return f"libvirt {entry.since} and later" if entry.since else "Every known libvirt"
