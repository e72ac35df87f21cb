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

`--libvirt` takes a release from 6.10 to 12.8, or the name of a distribution. domcaps knows in which
release each behaviour of libvirt changed; this page lists those changes. It is generated from
`src/domcaps/language/changes/` by `python tools/generate_docs.py`.

Reports and verdicts for 7.0, 9.0, 11.3 and 12.8 were compared with the running libvirt. For
releases between them the column *certainty* says how the release of a change is known:

- **certain**: libvirt's list of changes (NEWS), its documentation or its source names the release.
- **estimated**: the behaviour changed between two releases that were compared; the release may be
  one or more off.

Without `--libvirt` it is `auto`: the libvirt whose library the host has, with its distribution's
patches, else the newest known release. A recording contains the version that its host had.

## Following a new release

`python tools/new_release.py OLD NEW` compares two installed libvirts (`/usr/share/libvirt`) and
two reports, and lists the differences that this page does not have. As a test, the table was cut
back to 11.3 (`--cut 11.3`) and 11.3 was compared with 12.8: schemas and CPU maps alone led to 37
of the 65 changes after 11.3. The others are in libvirt's code only.
"""


def to_markdown() -> str:
    """Write the document."""
    return "\n".join([_HEAD, *_distributions(), *_changes()]) + "\n"


def _distributions() -> Iterator[str]:
    yield from (
        "## Distributions",
        "",
        "| name | libvirt | backported changes | removed changes |",
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
            "| change | area | behaviour since this version | certainty | source |",
            "|---|---|---|---|---|",
        )
        for name, (area, change) in rows:
            sure = "certain" if change.certain else "estimated"
            yield f"| `{name}` | {area} | {change.what} | {sure} | {change.evidence} |"
        yield ""
