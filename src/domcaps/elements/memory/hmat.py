"""Caches in front of a cell's memory, and how fast the ways between cells are (ACPI's HMAT).

::

    <numa>
      <cell id='0' cpus='0-3' memory='512000' unit='KiB'>
        <cache level='1' associativity='direct' policy='writeback'>
          <size value='10' unit='KiB'/>
          <line value='8' unit='B'/>
        </cache>
      </cell>
      <interconnects>
        <latency initiator='0' target='0' cache='1' type='access' value='5'/>
        <bandwidth initiator='0' target='0' type='access' value='204800' unit='KiB'/>
      </interconnects>
    </numa>
"""

from __future__ import annotations

from domcaps.elements.memory.numa import Cell, Numa, cpus_of
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.finding import Stage
from domcaps.language.observed import qapi
from domcaps.language.part import Part, field
from domcaps.language.quantities import MOST, NEEDED_SIZE, UNIT, too_large
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import POSITIVE, UNSIGNED, UNSIGNED64, OneOf
from domcaps.language.wording import only

HMAT = qapi("set-numa-node/arg/case=hmat-lb")
"""QEMU can describe ways and caches of memory."""

_MOST_LEVELS = 3


class CellCache(Part):
    """A cache in front of a cell's memory; libvirt reads its units from unused elements."""

    path = "cpu/numa/cell/cache"
    knows = ("size/@unit", "line/@unit")

    level = field("@level", POSITIVE, required=True, expected="a level from 1 to 3, such as '1'")
    associativity = field("@associativity", OneOf(("none", "direct", "full")), required=True)
    policy = field("@policy", OneOf(("none", "writeback", "writethrough")), required=True)
    size = field(
        "size/@value", NEEDED_SIZE, required=True, expected="a size such as '10', with unit='KiB'"
    )
    line = field(
        "line/@value",
        NEEDED_SIZE,
        required=True,
        expected="a line size such as '64', with unit='B'",
    )


class Way(Part):
    """Base class of what is known about the way from one cell to another's memory."""

    initiator = field(
        "@initiator",
        UNSIGNED,
        required=True,
        expected="the id of a NUMA <cell> that has CPUs, such as '0'",
    )
    target = field(
        "@target", UNSIGNED, required=True, expected="the id of a NUMA <cell>, such as '0'"
    )
    cache = field(
        "@cache",
        UNSIGNED,
        strict=VALUES_STRICT,
        before=POSITIVE,
        default=0,
        expected="the level of a <cache> in the cell that 'target' names, such as '1'",
    )
    type = field("@type", OneOf(("access", "read", "write")), required=True)


class Latency(Way):
    """How long an access takes, in nanoseconds."""

    path = "cpu/numa/interconnects/latency"

    value = field(
        "@value", UNSIGNED64, required=True, expected="a number of nanoseconds, such as '5'"
    )


class Bandwidth(Way):
    """How much can be moved in a second."""

    path = "cpu/numa/interconnects/bandwidth"

    value = field(
        "@value",
        NEEDED_SIZE,
        required=True,
        expected="a number of KiB per second (unless 'unit' says otherwise), such as '204800'",
    )
    unit = field("@unit", UNIT)


_CACHE = (
    "<cache level='{}' associativity='direct' policy='writeback'><size value='10' unit='KiB'/>"
    "<line value='8' unit='B'/></cache>"
)
_N = (
    "<vcpu>2</vcpu><cpu><numa><cell id='0' cpus='0-1' memory='32768'>{}</cell>"
    "<cell id='1' memory='32768'/><interconnects>{}</interconnects></numa></cpu>"
)
_WAY = "<latency initiator='{}' target='{}' type='{}' value='5'/>"


@rule(
    "cpu-numa-hmat-unsupported",
    Numa,
    bad=_N.format(_CACHE.format(1), _WAY.format(0, 1, "access")),
    good=_N.format(_CACHE.format(1), _WAY.format(0, 1, "access")),
)
def hmat_is_supported(numa: Numa) -> Problems:
    """``<interconnects>`` and ``<cache>`` of NUMA cells require QEMU 5.0 or later."""
    world = numa.domain.world
    first = numa.find("cell/cache")
    if first is None:
        first = numa.find("interconnects/*")
    if first is not None and world.truth(HMAT) is Truth.NO:
        yield problem(
            "this QEMU does not support <interconnects> and <cache> of NUMA cells; remove them",
            first,
            requires=HMAT,
        )


@rule(
    "cpu-numa-cell-cache-level-out-of-range",
    Cell,
    bad=_N.format(_CACHE.format(4), ""),
    good=_N.format(_CACHE.format(1) + _CACHE.format(2), ""),
)
def caches_have_levels(cell: Cell) -> Problems:
    """A NUMA ``<cell>`` may have one ``<cache>`` of each level from 1 to 3."""
    seen = set()
    for node in cell.find_all("cache"):
        level = CellCache(node, cell.domain).level
        if level is not None and level > _MOST_LEVELS:
            yield problem(
                f"attribute 'level' of <cache> must be from 1 to {_MOST_LEVELS}", node, "@level"
            )
        elif level in seen:
            yield problem(f"the cell has two caches of level {level}; remove one", node, "@level")
        seen.add(level)


_RATE = "<bandwidth initiator='0' target='0' type='access' value='1' unit='GiB'/>"


@rule(
    "cpu-numa-cell-cache-without-ways",
    Cell,
    bad=_N.format(_CACHE.format(1), ""),
    good=_N.format(_CACHE.format(1), _WAY.format(0, 0, "access") + _RATE),
    stage=Stage.START,
)
def caches_follow_ways(cell: Cell) -> Problems:
    """A NUMA ``<cell>`` with a ``<cache>`` needs a ``<latency>`` and a ``<bandwidth>``.

    Both with the cell as ``target``: QEMU does not start otherwise.
    """
    cache = cell.find("cache")
    if cache is None:
        return
    for kind in (Latency, Bandwidth):
        if not any(way.target == cell.id for way in cell.domain.all(kind)):
            name = kind.path.rpartition("/")[2]
            yield problem(
                f"QEMU does not start with a <cache> of cell {cell.id} unless <interconnects> has "
                f"a <{name}> with target='{cell.id}'; add it, or remove <cache>",
                cache,
            )
            return


def _ways(numa: Numa) -> list[Way]:
    """Give all ways in the order of the document."""
    kinds: dict[str, type[Way]] = {"latency": Latency, "bandwidth": Bandwidth}
    return [
        kinds[str(node.tag)](node, numa.domain)
        for node in numa.find_all("interconnects/*")
        if node.tag in kinds
    ]


@rule(
    "cpu-numa-interconnect-invalid",
    Numa,
    bad=_N.format("", _WAY.format(1, 0, "access")),
    good=_N.format("", _WAY.format(0, 1, "access")),
)
def ways_lead_somewhere(numa: Numa) -> Problems:
    """Each ``<latency>`` and ``<bandwidth>`` must lead from a NUMA cell with CPUs to an existing
    cell.

    The attribute ``initiator`` names the first cell, ``target`` the second, which may be the
    same. ``cache`` must be the level of a ``<cache>`` in the cell that ``target`` names.
    """
    cells = len(numa.domain.all(Cell))
    cpus = cpus_of(numa.domain)
    for way in _ways(numa):
        ends = (("@initiator", way.initiator), ("@target", way.target))
        wrong = [at for at, number in ends if number is not None and number >= cells]
        for at in wrong:
            number = way.initiator if at == "@initiator" else way.target
            yield problem(
                f"attribute {at[1:]!r} of <{way.node.tag}> is {number}, but the domain has "
                f"{only(cells, 'NUMA cell')}; correct it, or add a <cell>",
                way,
                at,
            )
        if not wrong and not cpus.get(way.initiator or 0):
            yield problem(
                f"the NUMA cell {way.initiator or 0} has no CPUs: 'initiator' of "
                f"<{way.node.tag}> must be a "
                "cell with CPUs",
                way,
                "@initiator",
            )
        if not wrong and way.cache and way.cache not in _levels(numa, way.target or 0):
            yield problem(
                f"the NUMA cell {way.target or 0} has no <cache> of level {way.cache}: "
                "add one, or correct "
                "'cache'",
                way,
                "@cache",
            )


def _levels(numa: Numa, number: int) -> set[int | None]:
    return {
        CellCache(node, numa.domain).level
        for cell in numa.domain.all(Cell)
        if cell.number == number
        for node in cell.find_all("cache")
    }


@rule(
    "cpu-numa-interconnect-duplicate",
    Numa,
    bad=_N.format("", _WAY.format(0, 1, "read") + _WAY.format(0, 1, "read")),
    good=_N.format("", _WAY.format(0, 1, "read") + _WAY.format(0, 1, "write")),
)
def ways_are_told_once(numa: Numa) -> Problems:
    """``<interconnects>`` may describe each connection of two NUMA cells only once, in one
    direction.
    """
    seen = set()
    ends = set()
    for way in _ways(numa):
        told = (way.node.tag, way.initiator, way.target, way.cache, way.type)
        if told in seen:
            yield problem(f"{_spoken(way)} is repeated; remove one", way)
        elif way.initiator != way.target and (way.target, way.initiator) in ends:
            yield problem(
                f"{_spoken(way)}: the opposite direction is described already; remove one", way
            )
        seen.add(told)
        ends.add((way.initiator, way.target))


def _spoken(way: Way) -> str:
    """Write an element with the attributes that tell it from others."""
    ends = f"initiator='{way.initiator}' target='{way.target}'"
    return f"<{way.node.tag} {ends} type={way.type!r}>"


_LARGE = _CACHE.format(1).replace("'10'", "'18446744073709551615'")
_BANDWIDTH = "<bandwidth initiator='0' target='0' type='access' value='{}' unit='MiB'/>"


@rule(
    "cpu-numa-cell-cache-size-too-large",
    CellCache,
    bad=_N.format(_LARGE, ""),
    good=_N.format(_CACHE.format(1), ""),
)
def cache_can_be_counted(cache: CellCache) -> Problems:
    """``<size>`` of a NUMA ``<cache>`` must be below 16 EiB."""
    if too_large(cache.node, "size/@value", "size/unit", limit=MOST):
        yield problem(
            "the cache size must be below 16 EiB; write a smaller number or unit",
            cache,
            "size/@value",
        )


@rule(
    "cpu-numa-interconnects-bandwidth-value-too-large",
    Bandwidth,
    bad=_N.format("", _BANDWIDTH.format(2**64 - 1)),
    good=_N.format("", _BANDWIDTH.format(1)),
)
def bandwidth_can_be_counted(bandwidth: Bandwidth) -> Problems:
    """Attribute ``value`` of ``<bandwidth>`` must be below 16 EiB per second."""
    if too_large(bandwidth.node, "@value", limit=MOST):
        yield problem(
            "the bandwidth must be below 16 EiB per second; write a smaller number or unit",
            bandwidth,
            "@value",
        )
