"""``<throttlegroups>``: limits that disks share, several of which can apply to one disk.

::

    <throttlegroups>
      <throttlegroup>
        <group_name>slow</group_name>
        <total_bytes_sec>10000000</total_bytes_sec>
      </throttlegroup>
    </throttlegroups>
    …
    <disk type='file'>
      <throttlefilters><throttlefilter group='slow'/></throttlefilters>
    </disk>
"""

from __future__ import annotations

from domcaps.elements.storage.disk import Disk
from domcaps.elements.storage.disk_iotune import LIMITS, contradictions, limit, malformed
from domcaps.language.changes.storage import THROTTLE_GROUPS
from domcaps.language.finding import Stage
from domcaps.language.part import Part
from domcaps.language.rule import Problems, problem, rule


class ThrottleGroup(Part):
    """A group of limits."""

    path = "throttlegroups/throttlegroup"
    since = THROTTLE_GROUPS

    @property
    def name(self) -> str:
        """The name of the group."""
        return self.node.findtext("group_name") or ""


_GROUP = (
    "<throttlegroups><throttlegroup><group_name>{}</group_name>"
    "<total_bytes_sec>{}</total_bytes_sec>{}</throttlegroup></throttlegroups>"
)
_DISK = (
    "<disk type='file' device='{}'><source file='/a'/><target dev='{}'/><throttlefilters>"
    "<throttlefilter {}/></throttlefilters>{}</disk>"
)
_FILTER = "group='slow'"
_GOOD_GROUP = _GROUP.format("slow", 1000, "")
_GOOD = _GOOD_GROUP + _DISK.format("disk", "vda", _FILTER, "")


@rule(
    "throttlegroups-throttlegroup-invalid",
    ThrottleGroup,
    bad=_GROUP.format("slow", "fast", ""),
    good=_GOOD_GROUP,
)
def limits_are_numbers(group: ThrottleGroup) -> Problems:
    """Limits in ``<throttlegroup>`` must be whole numbers, without spaces."""
    yield from malformed(group.node)


@rule(
    "throttlegroups-throttlegroup-name-missing",
    ThrottleGroup,
    bad=_GROUP.format("", 1, ""),
    good=_GOOD_GROUP,
)
def groups_have_names(group: ThrottleGroup) -> Problems:
    """``<throttlegroup>`` needs a ``<group_name>``."""
    if not group.name:
        yield problem("<throttlegroup> needs a <group_name>", group, "group_name")


@rule(
    "throttlegroups-throttlegroup-duplicate",
    ThrottleGroup,
    bad=_GOOD_GROUP.replace("</throttlegroups>", "") + _GOOD_GROUP.replace("<throttlegroups>", ""),
    good=_GOOD_GROUP,
)
def names_are_unique(group: ThrottleGroup) -> Problems:
    """Each ``<throttlegroup>`` needs a different ``<group_name>``."""
    first = group.domain.firsts(ThrottleGroup, "name").get(group.name, group)
    if group.name and first.node is not group.node:
        yield problem(
            f"another <throttlegroup> has the name {group.name!r}; choose another name",
            group,
            "group_name",
        )


@rule(
    "throttlegroups-throttlegroup-conflict",
    ThrottleGroup,
    bad=_GROUP.format("slow", 1000, "<read_bytes_sec>500</read_bytes_sec>"),
    good=_GOOD_GROUP,
)
def total_or_separate(group: ThrottleGroup) -> Problems:
    """``<throttlegroup>`` must not mix ``total_…`` limits with ``read_…`` or ``write_…`` ones."""
    yield from contradictions(group, group.node)


@rule(
    "disk-throttlefilter-unknown",
    Disk,
    bad=_GOOD_GROUP + _DISK.format("disk", "vda", "group='fast'", ""),
    good=_GOOD,
    since=THROTTLE_GROUPS,
)
def groups_exist(disk: Disk) -> Problems:
    """Attribute ``group`` of ``<throttlefilter>`` must be the name of a ``<throttlegroup>``, and a
    disk may name each group only once.
    """
    filters = disk.find_all("throttlefilters/throttlefilter")
    if not filters:
        return
    known = [group.name for group in disk.domain.all(ThrottleGroup)]
    seen: set[str] = set()
    for node in filters:
        name = node.get("group") or ""
        if name not in known:
            yield problem(
                f"the domain does not define the throttle group {name!r}",
                node,
                "@group",
                accepted=known,
            )
        elif name in seen:
            yield problem(f"the throttle group {name!r} is given twice; remove one", node, "@group")
        seen.add(name)


@rule(
    "disk-throttlefilter-conflict",
    Disk,
    bad=_GOOD_GROUP
    + _DISK.format("disk", "vda", _FILTER, "<iotune><total_bytes_sec>5</total_bytes_sec></iotune>"),
    good=_GOOD,
    since=THROTTLE_GROUPS,
)
def groups_suit_the_disk(disk: Disk) -> Problems:
    """``<throttlefilters>`` cannot be combined with ``<iotune>``, or with a CD-ROM drive."""
    if disk.find("throttlefilters/throttlefilter") is None:
        return
    tune = disk.find("iotune")
    named = tune is not None and bool(tune.findtext("group_name"))
    if named or any(limit(tune, name) for name in LIMITS):
        yield problem(
            "<throttlefilters> and <iotune> cannot be used together; remove one of them",
            disk,
            "throttlefilters",
        )
    if disk.device == "cdrom":
        yield problem(
            "a CD-ROM drive cannot have <throttlefilters>; remove them", disk, "throttlefilters"
        )


@rule(
    "disk-throttlefilter-unsupported",
    Disk,
    bad=_GOOD_GROUP + _DISK.format("disk", "sda' bus='sd", _FILTER, ""),
    good=_GOOD,
    stage=Stage.START,
)
def groups_need_a_block_node(disk: Disk) -> Problems:
    """``<throttlefilters>`` are not supported for SD cards."""
    if not disk.on.throttled and disk.find("throttlefilters/throttlefilter") is not None:
        yield problem(
            "an SD card cannot have <throttlefilters>; remove them", disk, "throttlefilters"
        )
