"""The table of named changes as a document: what is so since which release, and how sure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.language.change import changes
from domcaps.language.distributions import DISTRIBUTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language.change import LibvirtChange

_HEAD = """\
# Releases of libvirt

This page lists which behaviour of libvirt changed in which release, from 7.1 to 12.8, as
`--libvirt` emulates it. Use it to see why a domain is accepted for one release and refused for
another.

To see only what matters for your domain, let domcaps compare two releases:

```console
$ domcaps diff shipped:sid-x86_64,libvirt=9.0 shipped:sid-x86_64,libvirt=12.8 --domain web.xml
```

`--libvirt` takes a release from 6.10 to 12.8, or the name of a distribution. Without it, domcaps
uses the libvirt that the host has, or the newest known release; a recording has the version of its
host.

## How sure the releases are

- **certain**: libvirt's list of changes (NEWS), its documentation or its source names the release.
- **estimated**: the behaviour differs between two releases that were compared; the true release may
  be earlier or later.

Reports and verdicts for 7.0, 9.0, 11.3 and 12.8 were compared with the running libvirt. A release
that is missing in a table has no known change of that subject.

The virtualization type `hyperv` was compared with libvirt 12.8 and QEMU 11.1 on a host whose
`/dev/mshv` was simulated. No host with Microsoft's hypervisor was tested.
"""
AREAS = {
    "domain": "Domain, clock, power management",
    "boot": "Boot and firmware",
    "processor": "CPU configuration",
    "cpu_map": "CPU models and features",
    "memory": "Memory and NUMA",
    "features": "Hypervisor features and launch security",
    "storage": "Disks and filesystems",
    "network": "Network interfaces",
    "display": "Graphics, video, sound, input",
    "characters": "Serial ports, consoles, channels",
    "hostdevs": "Host devices",
    "controllers": "Controllers",
    "placement": "Addresses of devices",
    "devices": "TPM, RNG, panic and other devices",
    "emulators": "QEMU versions and architectures",
    "schema": "Schema and parsing",
}
"""The modules of `domcaps.language.changes`, in words and in the order of the page."""


def to_markdown() -> str:
    """Write the document."""
    return "\n".join([_HEAD, *_distributions(), *_changes()]).rstrip() + "\n"


def _distributions() -> Iterator[str]:
    yield from ("## Distributions", "", "| name | libvirt | differs in |", "|---|---|---|")
    for name, known in DISTRIBUTIONS.items():
        major, minor = known.release
        differs = [f"also: {_shown(one.what)}" for one in known.added]
        differs += [f"not yet: {_shown(one.what)}" for one in known.removed]
        yield f"| `{name}` | {major}.{minor} | {'; '.join(differs)} |"
    yield ""


def _changes() -> Iterator[str]:
    found: dict[str, list[LibvirtChange]] = {area: [] for area in AREAS}
    for area, change in changes().values():
        found[area].append(change)
    for area, listed in found.items():
        yield from (f"## {AREAS[area]}", "")
        yield from ("| since | behaviour | certainty | source |", "|---|---|---|---|")
        for change in sorted(listed, key=lambda one: one.release, reverse=True):
            sure = "certain" if change.certain else "estimated"
            yield f"| {change.since} | {_shown(change.what)} | {sure} | {change.evidence} |"
        yield ""


def _shown(text: str) -> str:
    """Show elements as code."""
    return re.sub(r"(?:<[^<>]+>)+", lambda found: f"`{found[0]}`", text)
