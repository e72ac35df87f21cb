"""Shares of the host's caches and of its memory's bandwidth for groups of virtual CPUs.

::

    <cputune>
      <cachetune vcpus='0-3'>
        <cache id='0' level='3' type='both' size='3' unit='MiB'/>
        <monitor level='3' vcpus='1'/>
      </cachetune>
      <memorytune vcpus='4-7'>
        <node id='0' bandwidth='60'/>
      </memorytune>
    </cputune>

The kernel's ``resctrl`` has groups that can't overlap; memory and cache of one group go together.
Groups without a CPU that the domain can have are ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.processor.vcpu_count import max_vcpus
from domcaps.language.changes.memory import ENERGYTUNE, RESCTRL_OPTIONAL
from domcaps.language.part import Part, field
from domcaps.language.quantities import MOST, NEEDED_SIZE, UNIT, NumberSet, too_large
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.struct import MutableStruct
from domcaps.language.value_types import UNSIGNED, OneOf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain

_SET = NumberSet()
_KINDS = {"cachetune": "cache", "memorytune": "node", "energytune": ""}
"""Groups, and what of theirs is shared out."""


class CachetuneCache(Part):
    """A share of one cache."""

    path = "cputune/cachetune/cache"

    id = field(
        "@id",
        UNSIGNED,
        required=True,
        expected="the id of a cache of the host, such as '0' ('virsh capabilities' lists them)",
    )
    level = field("@level", UNSIGNED, required=True, expected="a cache level, such as '3'")
    type = field("@type", OneOf(("both", "code", "data")), required=True)
    size = field("@size", NEEDED_SIZE, required=True, expected="a size such as '3' with unit='MiB'")
    unit = field("@unit", UNIT)


class CachetuneMonitor(Part):
    """Watching how much of a cache is used."""

    path = "cputune/cachetune/monitor"
    knows = ("@vcpus",)

    level = field("@level", OneOf(("3",)), required=True)


class MemorytuneNode(Part):
    """A share of one memory controller's bandwidth, in per cent or MB/s."""

    path = "cputune/memorytune/node"

    id = field(
        "@id", UNSIGNED, required=True, expected="the id of a NUMA node of the host, such as '0'"
    )
    bandwidth = field(
        "@bandwidth",
        UNSIGNED,
        required=True,
        expected="a percentage of the memory bandwidth, such as '60'",
    )


class ResourceGroups(Part):
    """All groups of a domain."""

    path = "cputune"
    knows = ("cachetune/@vcpus", "memorytune/@vcpus", "memorytune/monitor/@vcpus")


class Group(MutableStruct):
    """CPUs that have a share together."""

    cpus: int
    shared: bool
    """Whether it has a share, and is not only watched."""
    monitors: list[tuple[str, int]]


_T = "<vcpu>4</vcpu><cputune>{}</cputune>"
_CACHE = "<cache id='0' level='3' type='both' size='3' unit='MiB'/>"
_LARGE = f"<cache id='0' level='3' type='both' size='{2**64 - 1}' unit='MiB'/>"


def _cpus(node: Node, domain: Domain) -> int | None:
    """Give the CPUs of a group, of those that there are; None where the list is wrong."""
    text = node.get("vcpus")
    most = (1 << min(max_vcpus(domain), _SET.size)) - 1
    if text is None:
        return most if domain.world.target.dialect.has(RESCTRL_OPTIONAL) else None
    try:
        return _SET.parse(text) & most
    except ValueError:
        return None


def _groups(part: ResourceGroups) -> Iterator[Node]:
    recent = libvirt_reads(part, ENERGYTUNE)
    for tag in _KINDS:
        if recent or tag != "energytune":
            yield from part.find_all(tag)


@rule(
    "cputune-resctrl-vcpus-invalid",
    ResourceGroups,
    bad=_T.format(f"<cachetune vcpus='a'>{_CACHE}</cachetune>"),
    good=Sample(_T.format(f"<cachetune vcpus='0'>{_CACHE}</cachetune>"), virttype="kvm"),
)
def groups_are_sets(part: ResourceGroups) -> Problems:
    """Attribute ``vcpus`` of ``<cachetune>``, ``<memorytune>`` and ``<monitor>`` must be a list of
    vCPUs, such as ``0-3``.

    Only recent libvirt accepts an absent list, for all vCPUs.
    """
    for node in _groups(part):
        if _cpus(node, part.domain) is None:
            yield problem(
                f"attribute 'vcpus' of <{node.tag}> must be {_SET.expected}", node, "@vcpus"
            )


@rule(
    "cputune-cachetune-cache-size-too-large",
    CachetuneCache,
    bad=_T.format(f"<cachetune vcpus='0'>{_LARGE}</cachetune>"),
    good=Sample(_T.format(f"<cachetune vcpus='0'>{_CACHE}</cachetune>"), virttype="kvm"),
)
def share_can_be_counted(cache: CachetuneCache) -> Problems:
    """Attribute ``size`` of ``<cache>`` in ``<cachetune>`` must be below 16 EiB."""
    if too_large(cache.node, "@size", limit=MOST):
        yield problem(
            "the cache size must be below 16 EiB; write a smaller number or unit", cache, "@size"
        )


@rule(
    "cputune-resctrl-unsupported",
    ResourceGroups,
    bad=_T.format(f"<cachetune vcpus='0'>{_CACHE}</cachetune>"),
    good=Sample(_T.format(f"<cachetune vcpus='0'>{_CACHE}</cachetune>"), virttype="kvm"),
)
def groups_need_kvm(part: ResourceGroups) -> Problems:
    """``<cachetune>`` and ``<memorytune>`` require KVM."""
    if part.domain.virttype == "kvm":
        return
    for node in _groups(part):
        if _cpus(node, part.domain) and len(node):
            message = f"<{node.tag}> requires <domain type='kvm'>; use that, or remove <{node.tag}>"
            yield problem(message, node)


@rule(
    "cputune-resctrl-overlap",
    ResourceGroups,
    bad=_T.format(
        f"<cachetune vcpus='0-1'>{_CACHE}</cachetune><cachetune vcpus='1'>{_CACHE}</cachetune>"
    ),
    good=Sample(
        _T.format(f"<cachetune vcpus='0'>{_CACHE}</cachetune>"
                  f"<cachetune vcpus='1'>{_CACHE}</cachetune>"),
        virttype="kvm",
    ),
)  # fmt: skip
def groups_are_apart(part: ResourceGroups) -> Problems:
    """Two ``<cachetune>`` or ``<memorytune>`` elements must have the same ``vcpus``, or none in
    common.
    """
    known: list[Group] = []
    for node in _groups(part):
        cpus = _cpus(node, part.domain)
        if not cpus:
            continue
        same = next((group for group in known if group.cpus == cpus), None)
        if same is not None and node.tag == "cachetune":
            yield problem("two <cachetune> have the same vCPUs; merge them", node, "@vcpus")
        elif same is None and any(group.cpus & cpus for group in known):
            yield problem(
                "attribute 'vcpus' overlaps with that of another group; use exactly the "
                "same vCPUs, or others",
                node,
                "@vcpus",
            )
        group = same or Group(cpus, shared=False, monitors=[])
        group.shared |= bool(_KINDS[str(node.tag)]) and node.find(_KINDS[str(node.tag)]) is not None
        yield from _watch(part, node, group)
        if same is None and len(node):
            known.append(group)


def _watch(part: ResourceGroups, node: Node, group: Group) -> Problems:
    """Look at the monitors of a group: parts of it that do not overlap."""
    for monitor in node.iterfind("monitor"):
        cpus = _cpus(monitor, part.domain)
        if cpus is None:
            yield problem(
                f"attribute 'vcpus' of <monitor> must be {_SET.expected}", monitor, "@vcpus"
            )
        elif not cpus or cpus & ~group.cpus:
            yield problem("the vCPUs of a <monitor> must be vCPUs of its group", monitor, "@vcpus")
        elif (str(node.tag), cpus) in group.monitors:
            yield problem("these vCPUs have a <monitor> already; remove one", monitor, "@vcpus")
        else:
            if _collides(cpus, group):
                yield problem(
                    "attribute 'vcpus' overlaps with that of another <monitor>; remove the "
                    "vCPUs from one",
                    monitor,
                    "@vcpus",
                )
            group.monitors.append((str(node.tag), cpus))


def _collides(cpus: int, group: Group) -> bool:
    others = [other for _, other in group.monitors if other != cpus and other & cpus]
    if not group.shared:
        return bool(others)
    # the monitor of the whole group is the group itself
    return cpus != group.cpus and any(other != group.cpus for other in others)


@rule(
    "cputune-resctrl-share-duplicate",
    ResourceGroups,
    bad=Sample(_T.format(f"<cachetune vcpus='0'>{_CACHE}{_CACHE}</cachetune>"), virttype="kvm"),
    good=Sample(_T.format(f"<cachetune vcpus='0'>{_CACHE}</cachetune>"), virttype="kvm"),
)
def one_share_of_each(part: ResourceGroups) -> Problems:
    """A ``<cachetune>`` may have only one ``<cache>`` of each id and type, a ``<memorytune>`` only
    one ``<node>`` of each id.
    """
    for node in part.find_all("cachetune"):
        yield from _repeated_caches(node)
    for node in part.find_all("memorytune"):
        seen = set()
        for share in node.iterfind("node"):
            if share.get("id") in seen:
                yield problem(f"<node id='{share.get('id')}'> is repeated; keep one", share, "@id")
            seen.add(share.get("id"))


def _repeated_caches(node: Node) -> Problems:
    seen: dict[tuple[str | None, str | None], set[str]] = {}
    for share in node.iterfind("cache"):
        kinds = seen.setdefault((share.get("level"), share.get("id")), set())
        kind = share.get("type", "")
        if kind in kinds or (kinds and "both" in {kind, *kinds}):
            yield problem(
                "this <cachetune> has two <cache> of the same id and type; keep one", share, "@type"
            )
        kinds.add(kind)
