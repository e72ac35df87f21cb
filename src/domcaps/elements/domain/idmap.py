"""``<idmap>``: which users and groups of the host those of a container are.

libvirt checks it for QEMU domains as well, though they make no use of it.

::

    <idmap>
      <uid start='0' target='1000' count='10'/>
      <gid start='0' target='1000' count='10'/>
    </idmap>
"""

from __future__ import annotations

from domcaps.language.part import Part, field
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import UNSIGNED

_UID = "<uid start='0' target='1000' count='10'/>"
_GID = "<gid start='0' target='1000' count='10'/>"


class Idmap(Part):
    """The mapping of users and groups."""

    path = "idmap"


class _Range(Part):
    start = field(
        "@start", UNSIGNED, required=True, expected="the first ID in the guest, such as '0'"
    )
    target = field(
        "@target",
        UNSIGNED,
        required=True,
        expected="the ID on the host that the first ID of the guest becomes, such as '100000'",
    )
    count = field("@count", UNSIGNED, required=True, expected="a number of IDs, such as '65536'")


class IdmapUid(_Range):
    """A range of users."""

    path = "idmap/uid"


class IdmapGid(_Range):
    """A range of groups."""

    path = "idmap/gid"


@rule(
    "idmap-incomplete",
    Idmap,
    bad=f"<idmap>{_UID}</idmap>",
    good=f"<idmap>{_UID}{_GID}</idmap>",
)
def users_and_groups(idmap: Idmap) -> Problems:
    """``<idmap>`` needs both ``<uid>`` and ``<gid>``."""
    if idmap.has("uid") != idmap.has("gid"):
        there, missing = ("uid", "gid") if idmap.has("uid") else ("gid", "uid")
        yield problem(f"<idmap> has <{there}> but no <{missing}>; add one", idmap, there)


@rule(
    "idmap-root-unmapped",
    Idmap,
    bad=f"<idmap><uid start='1' target='1000' count='10'/>{_GID}</idmap>",
    good=f"<idmap>{_UID}{_GID}</idmap>",
)
def root_is_mapped(idmap: Idmap) -> Problems:
    """One ``<uid>`` and one ``<gid>`` of ``<idmap>`` must have ``start='0'`` (root)."""
    kinds: tuple[type[_Range], ...] = (IdmapUid, IdmapGid)
    for kind in kinds:
        ranges = idmap.domain.all(kind)
        starts = [given.start for given in ranges if given.start is not None]
        if starts and min(starts) != 0:
            yield problem(
                f"no <{ranges[0].node.tag}> has start='0', so root is not mapped; add one",
                ranges[0],
                "@start",
            )
