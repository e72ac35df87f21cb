"""The table of named changes as a document: what is so since which release, and how sure."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from domcaps.language.change import changes
from domcaps.language.distributions import DISTRIBUTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.language.change import LibvirtChange

_HEAD = """\
# Releases of libvirt

`--libvirt` takes a release from 6.10 to 12.8, or the name of a distribution. What such a *dialect*
has is decided by named changes (`src/domcaps/language/changes/`), each of one release. Generated
from that table by `python tools/generate_docs.py`.

Reports and verdicts of 7.0, 9.0, 11.3 and 12.8 are compared with recorded and running ones. Between
them the table decides:

- **certain**: libvirt's list of changes (NEWS), its documentation or its source names the release.
- **estimated**: the change is certain, since the releases around it differ; the release is taken
  from what the evidence says, and may be one or more off.

Without `--libvirt` it is `auto`: the libvirt whose library the host has, with its distribution's
patches, and the newest where it has none. A recording holds what its host had.

## Following a new release

`python tools/new_release.py OLD NEW` compares two installed libvirts (`/usr/share/libvirt`), and
two reports, and lists what the table does not speak of. Tried on 11.3 and 12.8 with the table cut
back to 11.3 (`--cut 11.3`), schemas and maps of CPUs alone led to 37 of the 65 changes that the
table has after 11.3; the others are decided by code that no document shows.
"""


def to_markdown() -> str:
    """Write the document."""
    return "\n".join([_HEAD, *_distributions(), *_changes()]) + "\n"


def _distributions() -> Iterator[str]:
    yield from (
        "## Distributions",
        "",
        "| name | libvirt | added | taken away |",
        "|---|---|---|---|",
    )
    for name, known in DISTRIBUTIONS.items():
        major, minor = known.release
        yield f"| {name} | {major}.{minor} | {_named(known.added)} | {_named(known.removed)} |"
    yield ""


def _named(listed: Iterable[LibvirtChange]) -> str:
    return ", ".join(f"`{change.name}`" for change in listed)


def _changes() -> Iterator[str]:
    everything = sorted(changes().items(), key=lambda item: (item[1][1].release, item[1][0]))
    for _, of_release in groupby(everything, key=lambda item: item[1][1].release):
        rows = list(of_release)
        yield from (f"## {rows[0][1][1].since}", "")
        yield from (
            "| change | area | what is so since then | sure | from |",
            "|---|---|---|---|---|",
        )
        for name, (area, change) in rows:
            sure = "certain" if change.certain else "estimated"
            yield f"| `{name}` | {area} | {change.what} | {sure} | {change.evidence} |"
        yield ""
