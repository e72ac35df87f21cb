"""``<memory>`` below ``<devices>``: modules of memory, and devices that are mapped like memory.

::

    <memory model='nvdimm'>
      <source><path>/tmp/nvdimm</path></source>
      <target>
        <size unit='KiB'>524288</size>
        <node>1</node>
        <label><size unit='KiB'>128</size></label>
      </target>
    </memory>

What is true of NVDIMMs alone stands in `memory.nvdimm`, and where modules are put in
`memory.memory_placement`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.device import Device
from domcaps.elements.boards.families import PPC64, X86
from domcaps.elements.features.sgx import SGX_PLATFORM
from domcaps.elements.memory.numa import cell_count
from domcaps.facts import arch as archs
from domcaps.language import Choice, Enum
from domcaps.language.changes.memory import (
    DYNAMIC_MEMSLOTS_READ,
    MEMORY_ENCLAVES,
    MEMORY_NODE_CHECKED,
    MEMORY_PMEM,
    MEMORY_VIRTIO,
)
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device, device_property
from domcaps.language.part import Part, field
from domcaps.language.quantities import (
    CPUS,
    MAX_BYTES,
    SIZE,
    UNIT,
    OrEmpty,
    is_power_of_two,
    kib,
    numbers,
    size_of,
    too_large,
)
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import YES_NO, Int, OneOf
from domcaps.language.wording import only

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

MODEL = Enum(
    "model",
    attribute="@model",
    choices=(
        Choice("dimm", device("pc-dimm")),
        Choice("nvdimm", device("nvdimm")),
        Choice("virtio-pmem", device("virtio-pmem-pci"), since=MEMORY_PMEM),
        Choice("virtio-mem", device("virtio-mem-pci"), since=MEMORY_VIRTIO),
        Choice("sgx-epc", SGX_PLATFORM, since=MEMORY_ENCLAVES),
    ),
)

DYNAMIC_MEMSLOTS = device_property("virtio-mem-pci", "dynamic-memslots")

MODULE = 256 * 1024
"""The step, in KiB, by which memory of POWER is counted."""

_STEP = 2 * 1024
"""The same of other architectures, when a domain is started."""

_BASE = Int(0, 2**64 - 1, base=16)


def size_kib(node: Node, path: str) -> int:
    """Give one of a device's sizes in KiB, 0 where it is not given."""
    return kib(size_of(node, path, f"{path}/@unit", limit=MAX_BYTES))


MODULE_SAMPLE = (
    "<maxMemory slots='4' unit='GiB'>8</maxMemory>"
    "<cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/></numa></cpu>"
    "<memory model='nvdimm'><source><path>/a</path></source>"
    "<target><size unit='MiB'>512</size><node>0</node></target></memory>"
)
"""A domain with a memory module that has all that any model needs."""


class MemoryDevice(Device):
    """One module or device."""

    path = "devices/memory"
    knows = ("source/path", "target/current")

    model = field("@model", choice=MODEL, required=True)
    access = field("@access", OneOf(("shared", "private")))
    discard = field("@discard", YES_NO)
    node_number = field(
        "target/node",
        OrEmpty(Int(0, 2**31 - 1, minus_zero=True)),
        expected="the id of a NUMA <cell> of the guest, such as '0'",
    )
    size = field(
        "target/size",
        Int(0, 2**64 - 1),
        required=True,
        expected="a size such as '1' with unit='GiB'",
    )
    unit = field("target/size/@unit", UNIT)

    @cached_property
    def size_kib(self) -> int:
        """Its size; in a new definition for POWER it is a multiple of 256 MiB."""
        size = size_kib(self.node, "target/size")
        if not self.domain.new or not self.holds(PPC64):
            return size
        if self.model != "nvdimm":
            return -(-size // MODULE) * MODULE
        label = size_kib(self.node, "target/label/size")
        return max(size - label, MODULE) // MODULE * MODULE + label

    @property
    def started_kib(self) -> int:
        """Its size as QEMU gets it: a multiple of 2 MiB, on POWER of 256 MiB."""
        step = MODULE if self.holds(PPC64) else _STEP
        if self.model == "nvdimm" and self.holds(PPC64):
            return self.size_kib
        return -(-self.size_kib // step) * step

    @property
    def is_module(self) -> bool:
        """Whether it takes a slot for modules."""
        return self.model in {"dimm", "nvdimm"}


class Dimm(Part):
    """A module of memory that comes from the host's memory."""

    path = "devices/memory[@model='dimm']"

    page_size = field("source/pagesize", SIZE)
    page_unit = field("source/pagesize/@unit", UNIT, of="source/pagesize")
    host_nodes = field(
        "source/nodemask",
        OrEmpty(CPUS),
        expected="NUMA nodes of the host, such as '0-3' or '0-3,^2' (all but 2)",
    )


class VirtioPmem(Part):
    """A file that is mapped like memory."""

    path = "devices/memory[@model='virtio-pmem']"

    base = field("target/address/@base", _BASE, expected="an address such as '0x100000000'")


class VirtioMem(Part):
    """Memory whose size changes while the guest runs."""

    path = "devices/memory[@model='virtio-mem']"

    page_size = field("source/pagesize", SIZE)
    page_unit = field("source/pagesize/@unit", UNIT, of="source/pagesize")
    host_nodes = field(
        "source/nodemask",
        OrEmpty(CPUS),
        expected="NUMA nodes of the host, such as '0-3' or '0-3,^2' (all but 2)",
    )
    block_size = field("target/block", SIZE)
    block_unit = field("target/block/@unit", UNIT)
    requested_size = field("target/requested", SIZE)
    requested_unit = field("target/requested/@unit", UNIT)
    dynamic_memslots = field("target/@dynamicMemslots", YES_NO, since=DYNAMIC_MEMSLOTS_READ)
    base = field("target/address/@base", _BASE, expected="an address such as '0x100000000'")


class SgxEpc(Part):
    """Memory of Intel's enclaves."""

    path = "devices/memory[@model='sgx-epc']"

    host_nodes = field(
        "source/nodemask",
        OrEmpty(CPUS),
        expected="NUMA nodes of the host, such as '0-3' or '0-3,^2' (all but 2)",
    )


_D = (
    "<maxMemory slots='2' unit='GiB'>8</maxMemory>"
    "<cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/></numa></cpu><devices>{}</devices>"
)
_SIZE = "<size unit='MiB'>512</size>"
_NODE = "<node>0</node>"


def memory_sample(
    model: str,
    target: str = _SIZE + _NODE,
    source: str = "",
    attributes: str = "",
    address: str = "",
) -> str:
    """Give a domain with such a device."""
    return _D.format(
        f"<memory model='{model}' {attributes}>{source}<target>{target}</target>{address}</memory>"
    )


_PATH = "<source><path>/tmp/memory</path></source>"
_DIMM = memory_sample("dimm")
_NVDIMM = memory_sample("nvdimm", source=_PATH)
_PMEM = memory_sample("virtio-pmem", _SIZE, _PATH)
_BLOCK = "<block unit='KiB'>{}</block><requested unit='MiB'>{}</requested>"
_VIRTIO_MEM = memory_sample("virtio-mem", _SIZE + _NODE + _BLOCK.format(2048, 256))


@rule(
    "memory-target-node-without-cell",
    MemoryDevice,
    bad=memory_sample("dimm", _SIZE + "<node>1</node>"),
    good=_DIMM,
    defined=MEMORY_NODE_CHECKED,
)
def node_is_a_cell(memory: MemoryDevice) -> Problems:
    """``<node>`` of a ``<memory>`` device must be the id of a NUMA ``<cell>`` of the guest."""
    if memory.node_number is None:
        return
    cells = cell_count(memory.domain)
    if memory.node_number >= cells:
        can_have = memory.domain.arch not in archs.S390
        what = "correct it, or add a <cell>" if can_have else "remove <node>"
        yield problem(
            f"<node> in <target> is {memory.node_number}, but the guest has "
            f"{only(cells, 'NUMA cell')}; {what}",
            memory,
            "target/node",
            fix=() if can_have else Fix(without=("",)),
        )


@rule(
    "memory-size-too-large",
    MemoryDevice,
    bad=memory_sample("dimm", "<size unit='EiB'>8</size>" + _NODE),
    good=_DIMM,
)
def sizes_can_be_counted(memory: MemoryDevice) -> Problems:
    """``<size>`` of a memory device must be below 8 EiB."""
    paths = ["target/size"]
    if memory.model == "virtio-mem":
        paths += ["target/block", "target/requested"]
    if memory.model == "nvdimm":
        paths += ["target/label/size", "source/alignsize"]
    if memory.model in {"dimm", "virtio-mem"}:
        paths.append("source/pagesize")
    for path in paths:
        if memory.has(path) and too_large(memory.node, path, f"{path}/@unit"):
            yield problem(
                "the memory size must be below 8 EiB; write a smaller number or unit", memory, path
            )


@rule(
    "memory-discard-unsupported",
    MemoryDevice,
    bad=memory_sample("nvdimm", source=_PATH, attributes="discard='yes'"),
    good=_NVDIMM,
)
def kept_memory_is_not_discarded(memory: MemoryDevice) -> Problems:
    """Attribute ``discard`` of ``<memory>`` is not valid for the models ``nvdimm`` and
    ``virtio-pmem``.
    """
    if memory.discard == "yes" and memory.model in {"nvdimm", "virtio-pmem"}:
        yield problem(
            f"'discard' is not valid for <memory model={memory.model!r}>; remove it",
            memory,
            "@discard",
        )


@rule("memory-path-missing", MemoryDevice, bad=memory_sample("nvdimm"), good=_NVDIMM)
def kept_memory_is_in_a_file(memory: MemoryDevice) -> Problems:
    """``<memory>`` of model ``nvdimm`` or ``virtio-pmem`` needs ``<source><path>``."""
    if memory.model in {"nvdimm", "virtio-pmem"} and not memory.node.findtext("source/path"):
        yield problem(
            f"<memory model={memory.model!r}> needs a <path> in <source>, such as "
            "<path>/dev/pmem0</path>",
            memory,
            "source",
        )


@rule(
    "memory-access-unsupported",
    MemoryDevice,
    bad=memory_sample("virtio-pmem", _SIZE, _PATH, "access='private'"),
    good=_PMEM,
)
def pmem_is_shared(memory: MemoryDevice) -> Problems:
    """``<memory model='virtio-pmem'>`` requires ``access='shared'``."""
    if memory.model == "virtio-pmem" and memory.access == "private":
        yield problem(
            "<memory model='virtio-pmem'> requires access='shared'; set that", memory, "@access"
        )


@rule(
    "memory-target-node-unsupported",
    MemoryDevice,
    bad=memory_sample("virtio-pmem", _SIZE + _NODE, _PATH),
    good=_PMEM,
)
def pmem_has_no_node(memory: MemoryDevice) -> Problems:
    """``<memory model='virtio-pmem'>`` cannot have a ``<node>``."""
    if memory.model == "virtio-pmem" and memory.node_number is not None:
        yield problem(
            "<memory model='virtio-pmem'> cannot have a <node>; remove it", memory, "target/node"
        )


@rule(
    "memory-virtio-mem-block-invalid",
    VirtioMem,
    bad=memory_sample("virtio-mem", _SIZE + _NODE + _BLOCK.format(3072, 0)),
    good=_VIRTIO_MEM,
)
def blocks_are_powers(memory: VirtioMem) -> Problems:
    """``<block>`` of virtio-mem must be a power of two, and at least as large as a transparent huge
    page.
    """
    block = size_kib(memory.node, "target/block")
    least = memory.domain.world.host.record.transparent_hugepage_kib or 2048
    if not is_power_of_two(block or 0):
        yield problem(
            "<block> must be a power of two, such as '2048' (KiB)", memory, "target/block"
        )
    elif block < least:
        yield problem(f"<block> must be at least {least} KiB", memory, "target/block")


@rule(
    "memory-virtio-mem-requested-invalid",
    VirtioMem,
    bad=memory_sample("virtio-mem", _SIZE + _NODE + _BLOCK.format(2048, 1024)),
    good=_VIRTIO_MEM,
)
def blocks_are_requested(memory: VirtioMem) -> Problems:
    """``<requested>`` of virtio-mem must be a multiple of ``<block>``, and at most ``<size>``."""
    requested = size_kib(memory.node, "target/requested")
    block = size_kib(memory.node, "target/block")
    if requested > size_kib(memory.node, "target/size"):
        most = size_kib(memory.node, "target/size")
        fix = _requesting(most - most % (block or 1))
        message = "<requested> must not be larger than <size>; write a smaller size"
        yield problem(message, memory, "target/requested", fix=fix)
    elif block and requested % block:
        fix = _requesting(requested - requested % block)
        message = "<requested> must be a multiple of <block>"
        yield problem(message, memory, "target/requested", fix=fix)


def _requesting(kibibytes: int) -> Fix:
    return Fix(values=(("", str(kibibytes)), ("@unit", "KiB")))


@rule(
    "memory-virtio-mem-dynamic-memslots-unsupported",
    VirtioMem,
    bad=_VIRTIO_MEM.replace("<target>", "<target dynamicMemslots='yes'>"),
    good=_VIRTIO_MEM,
    since=DYNAMIC_MEMSLOTS_READ,
)
def dynamic_memslots_need_qemu(memory: VirtioMem) -> Problems:
    """Attribute ``dynamicMemslots`` of ``<target>`` requires a QEMU that supports it."""
    world = memory.domain.world
    if memory.dynamic_memslots == "yes" and world.truth(DYNAMIC_MEMSLOTS) is Truth.NO:
        reason = DYNAMIC_MEMSLOTS.explain(world)
        yield problem(
            "this QEMU does not support dynamicMemslots; remove it",
            memory,
            "target/@dynamicMemslots",
            reason=reason,
        )


@rule(
    "memory-sgx-epc-section-too-small",
    SgxEpc,
    bad=memory_sample("sgx-epc", _SIZE),
    good=memory_sample("sgx-epc", "<size unit='KiB'>512</size>"),
)
def sections_are_large_enough(memory: SgxEpc) -> Problems:
    """``<size>`` of SGX memory must fit into the SGX memory of the host's NUMA nodes."""
    sgx = memory.domain.world.emulator.sgx
    if sgx is None:
        return
    sections, wanted = sgx.sections, size_kib(memory.node, "target/size") * 1024
    if not sections:
        yield problem("the host does not report SGX memory by NUMA node", memory)
        return
    for node in numbers(memory.host_nodes) if memory.host_nodes else (0,):
        if node < len(sections) and wanted > sections[node].size:
            message = (
                f"NUMA node {node} of the host has less SGX memory than this; write a smaller "
                "<size>"
            )
            yield problem(message, memory)


def _missing_nodes(part: Dimm | VirtioMem | SgxEpc) -> Problems:
    here = {cell.id for cell in part.domain.world.host.record.numa}
    gone = [node for node in numbers(part.host_nodes or 0) if node not in here]
    if here and gone:
        message = (
            f"the host has no NUMA node {gone[0]}; use one of {', '.join(map(str, sorted(here)))}"
        )
        yield problem(message, part, "source/nodemask")


_GONE = "<source><nodemask>9</nodemask></source>"
_HERE = "<source><nodemask>0</nodemask></source>"


@rule(
    "memory-dimm-nodemask-unavailable",
    Dimm,
    bad=memory_sample("dimm", source=_GONE),
    good=memory_sample("dimm", source=_HERE),
    stage=Stage.START,
)
def nodes_of_modules_are_there(memory: Dimm) -> Problems:
    """``<nodemask>`` of a ``<memory>`` device must list only NUMA nodes that the host has."""
    yield from _missing_nodes(memory)


@rule(
    "memory-virtio-mem-nodemask-unavailable",
    VirtioMem,
    bad=_VIRTIO_MEM.replace("<target>", f"{_GONE}<target>"),
    good=_VIRTIO_MEM.replace("<target>", f"{_HERE}<target>"),
    stage=Stage.START,
)
def nodes_of_virtio_mem_are_there(memory: VirtioMem) -> Problems:
    """``<nodemask>`` of virtio-mem must list only NUMA nodes that the host has."""
    yield from _missing_nodes(memory)


@rule(
    "memory-sgx-epc-nodemask-unavailable",
    SgxEpc,
    bad=memory_sample("sgx-epc", _SIZE, _GONE),
    good=_DIMM,
    stage=Stage.START,
)
def nodes_of_enclaves_are_there(memory: SgxEpc) -> Problems:
    """``<nodemask>`` of SGX memory must list only NUMA nodes that the host has."""
    yield from _missing_nodes(memory)


@rule(
    "memory-without-acpi",
    MemoryDevice,
    bad=Sample(_DIMM, machine="q35"),
    good=Sample(_DIMM + "<features><acpi/></features>", machine="q35"),
    stage=Stage.START,
    fix=Fix(add="<features><acpi/></features>"),
)
def modules_need_acpi(memory: MemoryDevice) -> Problems:
    """A ``dimm`` or ``nvdimm`` in an x86 guest requires ``<acpi/>`` in ``<features>``."""
    if memory.model not in {"dimm", "nvdimm"} or not memory.holds(X86):
        return
    if memory.domain.root.find("features/acpi") is None:
        yield problem(
            f"<memory model={memory.model!r}> requires ACPI; add <acpi/> to <features>", memory
        )
