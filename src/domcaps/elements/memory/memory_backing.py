"""``<memoryBacking>``: what the guest's memory is made of on the host.

::

    <memoryBacking>
      <hugepages>
        <page size='1' unit='GiB' nodeset='0-3,5'/>
        <page size='2' unit='MiB'/>
      </hugepages>
      <nosharepages/>
      <locked/>
      <source type='memfd'/>
      <access mode='shared'/>
      <allocation mode='immediate' threads='8'/>
      <discard/>
    </memoryBacking>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import machine_type
from domcaps.elements.memory.memory_device import MemoryDevice, size_kib
from domcaps.elements.memory.numa import Cell, cell_count
from domcaps.language import Choice, Element, Enum, Place
from domcaps.language.changes.memory import ALLOCATION_THREADS, MEMORY_BACKING_REPORTED
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix
from domcaps.language.observed import object_property, qom_type
from domcaps.language.part import Part, field
from domcaps.language.qemu_args import LIBVIRTS_OWN, QemuArgs
from domcaps.language.quantities import (
    CPUS,
    KIB,
    MAX_BYTES,
    UNIT,
    OrEmpty,
    highest,
    kib,
    numbers,
    shown_size,
    size_of,
    too_large,
)
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import UNSIGNED, Int, OneOf
from domcaps.language.wording import alternatives, only

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain


def _backing(kind: str) -> QemuArgs:
    kind, _, options = kind.partition(",")
    options = f",{options}" if options else ""
    return QemuArgs(
        f"-m 256M -object memory-backend-{kind},id={{id}}m,size=256M{options}",
        machine="memory-backend={id}m",
    )


SOURCE_TYPE = Enum(
    "sourceType",
    attribute="source/@type",
    choices=(
        # as good as nothing
        Choice("", listed=False, qemu_args=LIBVIRTS_OWN),
        Choice("file", qemu_args=_backing("file,mem-path={dir}/memory")),
        Choice("anonymous", qemu_args=_backing("ram")),
        Choice("memfd", qom_type("memory-backend-memfd"), qemu_args=_backing("memfd")),
    ),
)

ELEMENT = Element(
    "memoryBacking",
    place=Place.TOP,
    order=50,
    since=MEMORY_BACKING_REPORTED,
    content=(SOURCE_TYPE,),
)

HUGE_MEMFD = object_property("memory-backend-memfd", "hugetlb")
PREALLOC_THREADS = object_property("memory-backend-file", "prealloc-threads")

_SYSTEM_PAGES = frozenset({4, 16, 64})
"""Sizes, in KiB, that pages have where no huge ones are asked for."""


class MemoryBacking(Part):
    """All that is said of it."""

    path = "memoryBacking"
    knows = ("nosharepages", "locked", "discard", "hugepages")

    source = field("source/@type", choice=SOURCE_TYPE)
    access = field("access/@mode", OrEmpty(OneOf(("shared", "private"))))
    allocation = field("allocation/@mode", OrEmpty(OneOf(("immediate", "ondemand"))))
    threads = field(
        "allocation/@threads",
        OrEmpty(UNSIGNED),
        since=ALLOCATION_THREADS,
        expected="a number of threads, at least 1, such as '8'",
    )


class Page(Part):
    """Pages of one size, for some of the NUMA cells or for those that no other page is for."""

    path = "memoryBacking/hugepages/page"

    size = field(
        "@size",
        Int(0, 2**64 - 1),
        required=True,
        expected="a page size such as '2' with unit='MiB'",
    )
    unit = field("@unit", UNIT)
    nodeset = field("@nodeset", CPUS, expected="NUMA cells of the guest, such as '0' or '0-3'")

    @property
    def size_kib(self) -> int:
        """The size of each page."""
        return kib(size_of(self.node, "@size", "@unit", limit=MAX_BYTES))

    @property
    def cells(self) -> int | None:
        """The cells that they are for, as a mask; None where they are for all others."""
        if self.nodeset == 1 and not cell_count(self.domain):
            return None
        return self.nodeset


_LARGE = "<page size='{}' unit='GiB'/>"
_M = "<memoryBacking>{}</memoryBacking>"
_HUGE = "<hugepages/>"
_PAGES = "<memoryBacking><hugepages>{}</hugepages></memoryBacking>"
_CELLS = (
    "<vcpu>2</vcpu><cpu><numa><cell id='0' cpus='0' memory='65536'/>"
    "<cell id='1' cpus='1' memory='65536'/></numa></cpu>"
)


@rule(
    "memory-backing-hugepages-page-size-too-large",
    Page,
    bad=_PAGES.format(_LARGE.format(2**63)),
    good=_PAGES.format(_LARGE.format(1)),
)
def pages_are_counted(page: Page) -> Problems:
    """Attribute ``size`` of ``<page>`` must be below 8 EiB."""
    if too_large(page.node, "@size", "@unit", limit=2**63 - KIB):
        yield problem(
            "the page size must be below 8 EiB; write a smaller number or unit", page, "@size"
        )


@rule("memory-backing-hugepages-ondemand", MemoryBacking,
      bad=_M.format(_HUGE + "<allocation mode='ondemand'/>"),
      good=_M.format(_HUGE + "<allocation mode='immediate'/>"))  # fmt: skip
def huge_pages_are_there_at_once(memory: MemoryBacking) -> Problems:
    """``<hugepages>`` cannot be combined with ``<allocation mode='ondemand'>``."""
    if memory.has("hugepages") and memory.allocation == "ondemand":
        yield problem(
            "<hugepages> cannot be combined with <allocation mode='ondemand'>; use "
            "mode='immediate'",
            memory,
            "allocation/@mode",
        )


@rule(
    "memory-backing-hugepages-anonymous",
    MemoryBacking,
    bad=_M.format(_HUGE + "<source type='anonymous'/>"),
    good=_M.format(_HUGE + "<source type='file'/>"),
)
def huge_pages_are_files(memory: MemoryBacking) -> Problems:
    """``<hugepages>`` cannot be combined with ``<source type='anonymous'>``."""
    if memory.has("hugepages") and memory.source == "anonymous":
        yield problem(
            "<hugepages> cannot be combined with <source type='anonymous'>; use "
            "type='memfd' or 'file'",
            memory,
            "source/@type",
        )


@rule(
    "memory-backing-hugepages-memfd-unsupported",
    MemoryBacking,
    bad=_M.format(_HUGE + "<source type='memfd'/>"),
    good=_M.format(_HUGE + "<source type='memfd'/>"),
)
def memfd_needs_huge_pages(memory: MemoryBacking) -> Problems:
    """``<hugepages>`` with ``<source type='memfd'>`` requires a QEMU and a host that support it."""
    world = memory.domain.world
    asked = memory.source == "memfd" and memory.has("hugepages")
    if asked and world.truth(HUGE_MEMFD) is Truth.NO:
        reason = HUGE_MEMFD.explain(world)
        yield problem(
            "huge pages with memfd are not supported here; use <source type='file'/>",
            memory,
            "source/@type",
            reason=reason,
        )


@rule(
    "memory-backing-threads-unsupported",
    MemoryBacking,
    bad=_M.format(_HUGE + "<allocation threads='4'/>"),
    good=_M.format(_HUGE + "<allocation threads='4'/>"),
)
def threads_need_qemu(memory: MemoryBacking) -> Problems:
    """Attribute ``threads`` of ``<allocation>`` requires QEMU 5.0 or later."""
    world = memory.domain.world
    asked = memory.threads and memory.has("hugepages")
    if asked and world.truth(PREALLOC_THREADS) is Truth.NO:
        reason = PREALLOC_THREADS.explain(world)
        yield problem(
            "this QEMU does not support the attribute 'threads' of <allocation>; remove it",
            memory,
            "allocation/@threads",
            reason=reason,
        )


@rule(
    "memory-backing-access-unsupported",
    MemoryBacking,
    bad=_M.format(_HUGE + "<access mode='shared'/>"),
    good=_M.format(_HUGE + "<access mode='shared'/>"),
)
def shared_pages_have_a_cell(memory: MemoryBacking) -> Problems:
    """``<access mode='shared'>`` with huge pages requires a NUMA ``<cell>`` on machine
    types without a memory back end.

    It does not where QEMU reports the default memory back end of the machine type
    (``default-ram-id``).
    """
    machine = machine_type(memory.domain.world)
    if memory.access != "shared" or not memory.has("hugepages") or machine is None:
        return
    pages = memory.domain.all(Page)
    if pages and pages[0].size_kib in _SYSTEM_PAGES:
        return
    # libvirt's reports do not tell the back end
    has_backend = machine.default_ram_id or memory.domain.world.emulator.is_partial
    if not has_backend and not cell_count(memory.domain):
        yield problem(
            "access mode='shared' with huge pages requires a NUMA <cell> for this "
            "machine type; add one",
            memory,
            "access/@mode",
        )


@rule(
    "memory-backing-hugepages-page-size-zero",
    Page,
    bad=_PAGES.format("<page size='0'/>"),
    good=_PAGES.format("<page size='2048'/>"),
)
def pages_have_a_size(page: Page) -> Problems:
    """Attribute ``size`` of ``<page>`` must not be 0."""
    if page.size == 0:
        yield problem(
            "attribute 'size' of <page> must not be 0; write a size such as '2' with unit='MiB'",
            page,
            "@size",
        )


@rule(
    "memory-backing-hugepages-page-nodeset-overlap",
    Page,
    bad=_CELLS + _PAGES.format("<page size='2048' nodeset='0-1'/><page size='4' nodeset='1'/>"),
    good=_CELLS + _PAGES.format("<page size='2048' nodeset='0'/><page size='4'/>"),
)
def cells_have_pages_of_one_size(page: Page) -> Problems:
    """A NUMA cell may be in the ``nodeset`` of only one ``<page>``; only one ``<page>`` may have no
    ``nodeset``.
    """
    pages = page.domain.all(Page)
    if pages[0].node is not page.node:
        return
    taken, others = 0, False
    for each in pages:
        cells = each.cells
        if others if cells is None else taken & cells:
            yield problem(
                _of_two_pages(taken, cells),
                each,
                "@nodeset",
            )
        taken |= cells or 0
        others = others or cells is None


def _of_two_pages(taken: int, cells: int | None) -> str:
    if cells is None:
        return "two <page> elements have no nodeset; keep one, or set 'nodeset'"
    number = numbers(taken & cells)[0]
    return f"NUMA cell {number} is in the nodeset of two <page> elements; remove it from one"


@rule(
    "memory-backing-hugepages-page-nodeset-without-cell",
    Page,
    bad=_CELLS + _PAGES.format("<page size='2048' nodeset='2'/>"),
    good=_CELLS + _PAGES.format("<page size='2048' nodeset='1'/>"),
)
def cells_of_pages_are_there(page: Page) -> Problems:
    """Attribute ``nodeset`` of ``<page>`` must list only NUMA cells that the guest has."""
    cells, count = page.cells, cell_count(page.domain)
    if cells is not None and highest(cells) >= count:
        yield problem(
            f"attribute 'nodeset' of <page> names the NUMA cell {highest(cells)}, "
            "but the guest has "
            f"{only(count, 'NUMA cell')}; correct the number, or add a <cell>",
            page,
            "@nodeset",
        )


@rule(
    "memory-backing-hugepages-page-size-unavailable",
    Page,
    bad=Sample(_PAGES.format("<page size='5' unit='MiB'/>")),
    good=_PAGES.format("<page size='4'/>"),
    stage=Stage.START,
)
def host_has_such_pages(page: Page) -> Problems:
    """Attribute ``size`` of ``<page>`` must be a huge page size that the host has; 'domcaps host'
    lists them.
    """
    if page.node in page.domain.once(_used) and not _offered(page.domain, page.size_kib):
        sizes = page.domain.world.host.record.hugepage_sizes_kib
        accepted = tuple(map(_as_attributes, sizes))
        yield problem(
            f"the host does not support huge pages of {shown_size(page.size_kib * KIB)}"
            + (f"; use {alternatives(accepted)}" if accepted else ""),
            page,
            "@size",
            accepted=accepted,
            fix=_nearest_size(page, sizes),
        )


def _as_attributes(size: int) -> str:
    """Write a size in KiB as attributes: ``size='2' unit='MiB'``."""
    number, unit = shown_size(size * KIB).split(" ")
    return f"size={number!r} unit={unit!r}"


def _nearest_size(page: Page, sizes: Iterable[int]) -> Iterator[Fix]:
    """Take the host's pages whose size is the nearest one."""
    wanted = page.size_kib or 0
    for size in sorted(sizes, key=lambda size: abs(size - wanted))[:1]:
        number, unit = shown_size(size * KIB).split(" ")
        yield Fix(values=(("@size", number), ("@unit", unit)))


_MOST_CELLS = 1 << 16
"""More than the numbers of cells that a set of cells can hold."""


def _used(domain: Domain) -> frozenset[Node]:
    """Give the elements of those pages that some memory of the guest is made of."""
    return frozenset(page.node for page in _found_used(domain))


def _found_used(domain: Domain) -> Iterator[Page]:
    pages = domain.all(Page)
    named = 0
    for page in pages:
        named |= page.cells or 0
    cells = 0
    for cell in domain.all(Cell):
        # as a mask; a page can't name a cell of a larger number
        cells |= 1 << cell.number if cell.number < _MOST_CELLS else 0
    for page in pages:
        if page.cells is None:
            # what no other page is for: some cell, or the memory as a whole
            if not cells or cells & ~named:
                yield page
        elif page.cells & cells:
            yield page


def _offered(domain: Domain, size: int) -> bool:
    sizes = domain.world.host.record.hugepage_sizes_kib
    if not size or size in _SYSTEM_PAGES:
        return True
    return size in sizes if sizes else not size & (size - 1)


_MODULE = (
    "<maxMemory slots='1'>4194304</maxMemory><memory>1048576</memory>"
    "<cpu><numa><cell id='0' cpus='0' memory='524288'/></numa></cpu>"
    "<memory model='dimm'><source><pagesize unit='KiB'>{}</pagesize></source>"
    "<target><size unit='KiB'>524288</size><node>0</node></target></memory>"
)


@rule(
    "memory-page-size-unavailable",
    MemoryDevice,
    bad=_MODULE.format(4096),
    good=_MODULE.format(2048),
    stage=Stage.START,
)
def host_has_pages_for_devices(memory: MemoryDevice) -> Problems:
    """``<pagesize>`` of a ``<memory>`` device must be a page size that the host has."""
    if memory.model in {"dimm", "virtio-mem"}:
        size = size_kib(memory.node, "source/pagesize")
        if not _offered(memory.domain, size):
            yield problem(
                f"the host does not support huge pages of {shown_size(size * KIB)}; 'domcaps host' "
                "lists the sizes that it has",
                memory,
                "source/pagesize",
            )
