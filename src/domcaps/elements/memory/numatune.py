"""``<numatune>``: from which of the host's NUMA nodes the guest's memory is taken.

::

    <numatune>
      <memory mode='strict' nodeset='1-4,^3'/>
      <memnode cellid='0' mode='strict' nodeset='1'/>
    </numatune>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import MEMORY_MODE
from domcaps.elements.memory.numa import Cell
from domcaps.elements.processor.vcpu_count import Vcpu
from domcaps.language.changes.memory import NUMATUNE_RESTRICTIVE, NUMATUNE_RESTRICTIVE_ALL
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.part import Part, field
from domcaps.language.quantities import CPUS, number_set, numbers, repeated
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import UNSIGNED, OneOf
from domcaps.language.wording import only

if TYPE_CHECKING:
    from collections.abc import Iterator

MODES = OneOf(
    ("strict", "preferred", "interleave", "restrictive"), {"restrictive": NUMATUNE_RESTRICTIVE}
)


class Numatune(Part):
    """All that is said of it; the first ``<memory>`` is what counts."""

    path = "numatune"

    mode = field("memory/@mode", MODES)
    placement = field("memory/@placement", OneOf(("default", "static", "auto")))
    nodeset = field(
        "memory/@nodeset", CPUS, expected="NUMA nodes of the host, such as '0' or '0-1'"
    )

    @property
    def chosen(self) -> str:
        """How nodes are chosen: ``static``, ``auto``, or "" where nothing is said of it."""
        vcpu = self.domain.first(Vcpu)
        left_to_host = vcpu is not None and vcpu.placement == "auto"
        if not self.has("memory"):
            return "auto" if left_to_host else ""
        if self.placement in {"static", "auto"}:
            return self.placement
        if self.nodeset:
            return "static"
        if self.placement is None and self.mode is None:
            return ""
        return "auto" if left_to_host else "static"


class Memnode(Part):
    """Where the memory of one NUMA cell is taken from."""

    path = "numatune/memnode"

    cellid = field(
        "@cellid",
        UNSIGNED,
        required=True,
        expected="the id of a NUMA <cell> of the guest, such as '0'",
    )
    mode = field("@mode", MODES)
    nodeset = field(
        "@nodeset", CPUS, required=True, expected="NUMA nodes of the host, such as '0' or '0-1'"
    )


_CELL = "<cpu><numa><cell id='0' cpus='0' memory='65536'/></numa></cpu>"
_N = _CELL + "<numatune>{}</numatune>"
_NODE = "<memnode cellid='0' nodeset='0'/>"
_GOOD = _N.format(_NODE)


@rule("numatune-duplicate", Numatune, bad="<numatune/><numatune/>", good=_GOOD)
def there_is_one(numatune: Numatune) -> Problems:
    """A domain may have at most one ``<numatune>``."""
    for each in repeated(numatune, lambda _: True):
        yield problem("the domain has a second <numatune>; remove one", each)


@rule(
    "numatune-nodeset-missing",
    Numatune,
    bad="<numatune><memory mode='strict'/></numatune>",
    good="<numatune><memory mode='strict' nodeset='0'/></numatune>",
)
def static_placement_names_nodes(numatune: Numatune) -> Problems:
    """``<memory>`` in ``<numatune>`` needs the attribute ``nodeset``, unless it has
    ``placement='auto'``.
    """
    if numatune.chosen == "static" and not numatune.nodeset:
        fix = set_value("auto", "@placement")
        yield problem(
            "<memory> needs the attribute 'nodeset', or placement='auto'",
            numatune,
            "memory",
            fix=fix,
        )


@rule(
    "numatune-memnode-placement-conflict",
    Memnode,
    bad=_N.format(f"<memory placement='auto'/>{_NODE}"),
    good=_GOOD,
)
def cells_are_placed_by_hand(memnode: Memnode) -> Problems:
    """``<memnode>`` cannot be combined with ``<memory placement='auto'>``."""
    numatune = memnode.domain.first(Numatune)
    if numatune is not None and numatune.chosen == "auto":
        yield problem(
            "placement='auto' of <memory> cannot be combined with <memnode>; remove one of them",
            memnode,
        )


@rule(
    "numatune-memnode-cellid-without-cell",
    Memnode,
    bad=_N.format("<memnode cellid='1' nodeset='0'/>"),
    good=_GOOD,
)
def cells_are_there(memnode: Memnode) -> Problems:
    """Attribute ``cellid`` of ``<memnode>`` must be the id of a NUMA ``<cell>`` of the guest."""
    count = len(memnode.domain.all(Cell))
    if memnode.cellid is not None and memnode.cellid >= count:
        yield problem(
            f"attribute 'cellid' of <memnode> is {memnode.cellid}, but the guest has "
            f"{only(count, 'NUMA cell')}; correct it, or add a <cell>",
            memnode,
            "@cellid",
        )


@rule("numatune-memnode-duplicate", Memnode, bad=_N.format(_NODE * 2), good=_GOOD)
def cells_are_told_once(memnode: Memnode) -> Problems:
    """Each NUMA cell may have only one ``<memnode>``."""
    for each in repeated(memnode, lambda m: m.cellid):
        yield problem(f"cell {each.cellid} has two <memnode>; remove one", each, "@cellid")


@rule(
    "numatune-memnode-mode-conflict",
    Memnode,
    bad=_N.format("<memory mode='restrictive' nodeset='0'/>" + _NODE),
    good=_GOOD,
    until=NUMATUNE_RESTRICTIVE_ALL,
)
def restriction_is_of_all_cells(memnode: Memnode) -> Problems:
    """With ``<memory mode='restrictive'>``, each ``<memnode>`` must be ``restrictive``, too."""
    numatune = memnode.domain.first(Numatune)
    restricted = numatune is not None and numatune.mode == "restrictive"
    if restricted and memnode.mode != "restrictive":
        yield problem(
            "mode='restrictive' of <memory> requires the same mode here",
            memnode,
            "@mode",
            accepted=["restrictive"],
        )


@rule(
    "numatune-memnode-mode-conflict",
    Memnode,
    bad=_N.format("<memnode cellid='0' mode='restrictive' nodeset='0'/>"),
    good=_GOOD,
    since=NUMATUNE_RESTRICTIVE_ALL,
)
def restrictions_agree(memnode: Memnode) -> Problems:
    """``mode='restrictive'`` must be set for ``<memory>`` and for every ``<memnode>``, or for none
    of them.
    """
    numatune = memnode.domain.first(Numatune)
    modes = {memnode.mode or MEMORY_MODE, (numatune and numatune.mode) or MEMORY_MODE}
    if "restrictive" in modes and len(modes) > 1:
        fix = set_value((numatune and numatune.mode) or MEMORY_MODE, "@mode")
        yield problem(
            "mode='restrictive' must be set for <memory> and for every <memnode>, "
            "or for none of them",
            memnode,
            "@mode",
            fix=fix,
        )


def _gone(part: Part, nodes: int) -> int | None:
    """Give the first node that the host does not have, where it is known which it has."""
    here = {cell.id for cell in part.domain.world.host.record.numa}
    return next((node for node in numbers(nodes) if here and node not in here), None)


def _those_there(part: Part, nodes: int) -> Iterator[Fix]:
    """Take memory from those of the nodes that the host has, else from all of its nodes."""
    here = {cell.id for cell in part.domain.world.host.record.numa}
    left = [node for node in numbers(nodes) if node in here] or sorted(here)
    if left:
        yield set_value(number_set(left), "@nodeset")


@rule(
    "numatune-nodeset-unavailable",
    Numatune,
    bad="<numatune><memory mode='strict' nodeset='9'/></numatune>",
    good="<numatune><memory mode='strict' nodeset='0'/></numatune>",
    stage=Stage.START,
)
def nodes_are_there(numatune: Numatune) -> Problems:
    """Attribute ``nodeset`` of ``<memory>`` in ``<numatune>`` must list only NUMA nodes that the
    host has.
    """
    if numatune.chosen == "static":
        gone = _gone(numatune, numatune.nodeset or 0)
        if gone is not None:
            fix = _those_there(numatune, numatune.nodeset or 0)
            yield problem(f"the host has no NUMA node {gone}", numatune, "memory/@nodeset", fix=fix)


@rule(
    "numatune-memnode-nodeset-unavailable",
    Memnode,
    bad=_GOOD.replace("nodeset='0'", "nodeset='9'"),
    good=_GOOD,
    stage=Stage.START,
)
def nodes_of_cells_are_there(memnode: Memnode) -> Problems:
    """Attribute ``nodeset`` of ``<memnode>`` must list only NUMA nodes that the host has."""
    gone = _gone(memnode, memnode.nodeset or 0)
    if gone is not None:
        fix = _those_there(memnode, memnode.nodeset or 0)
        yield problem(f"the host has no NUMA node {gone}", memnode, "@nodeset", fix=fix)
