"""``<parallel>``: parallel ports of the guest.

::

    <parallel type='pty'>
      <target port='0'/>
    </parallel>
"""

from __future__ import annotations

from domcaps.elements.boards.families import PSERIES, S390
from domcaps.elements.characters.chardev import CharacterPort
from domcaps.language.require import needs
from domcaps.language.rule import Problems, Sample, problem, rule

HAS_PARALLEL = ~(S390 | PSERIES)


class Parallel(CharacterPort):
    """A parallel port."""

    path = "devices/parallel"


@rule(
    "parallel-unsupported",
    Parallel,
    bad=Sample("<parallel type='pty'/>", arch="s390x"),
    good="<parallel type='pty'/>",
)
def ports_are_of_pcs(parallel: Parallel) -> Problems:
    """``<parallel>`` requires a machine type with parallel ports; s390x and pseries have none."""
    yield from needs(
        parallel, HAS_PARALLEL, "this machine type has no parallel ports; remove <parallel>"
    )


@rule(
    "parallel-spice-unsupported",
    Parallel,
    bad="<graphics type='spice'/><parallel type='spicevmc'/>",
    good="<parallel type='pty'/>",
)
def spicevmc_is_for_channels(parallel: Parallel) -> Problems:
    """``spicevmc`` is only valid for ``<channel>``, not for ``<parallel>``."""
    if parallel.source_type == "spicevmc":
        yield problem(
            "type='spicevmc' is only valid for <channel>; use another type, such as 'pty'",
            parallel,
            "@type",
        )
