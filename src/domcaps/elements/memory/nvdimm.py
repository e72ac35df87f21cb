"""``<memory model='nvdimm'>``: modules whose memory outlives the guest, because it is in a file.

::

    <memory model='nvdimm'>
      <source><path>/tmp/nvdimm</path><alignsize unit='KiB'>2048</alignsize><pmem/></source>
      <target>
        <size unit='KiB'>524288</size>
        <node>1</node>
        <label><size unit='KiB'>128</size></label>
        <readonly/>
      </target>
    </memory>
"""

from __future__ import annotations

from domcaps.elements.boards.families import PPC64
from domcaps.elements.memory.memory_device import MODULE, memory_sample, size_kib
from domcaps.language.changes.memory import NVDIMM_UUID_READ
from domcaps.language.finding import Stage
from domcaps.language.observed import device_property, object_property
from domcaps.language.part import Part, field
from domcaps.language.quantities import ANY_UUID, SIZE, UNIT
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

UNARMED = device_property("nvdimm", "unarmed")
PMEM = object_property("memory-backend-file", "pmem")

_SMALLEST_LABEL = 128


class Nvdimm(Part):
    """A module whose memory outlives the guest."""

    path = "devices/memory[@model='nvdimm']"
    knows = ("source/path", "source/pmem", "target/readonly")

    uuid = field("uuid", ANY_UUID, strict=NVDIMM_UUID_READ)
    align_size = field("source/alignsize", SIZE)
    align_unit = field("source/alignsize/@unit", UNIT, of="source/alignsize")
    label_size = field("target/label/size", SIZE)
    label_unit = field("target/label/size/@unit", UNIT, of="target/label/size")

    @property
    def size(self) -> int:
        """How large it is in all, in KiB."""
        return size_kib(self.node, "target/size")

    @property
    def label(self) -> int:
        """How large its label is, in KiB."""
        return size_kib(self.node, "target/label/size")


_SIZE = "<size unit='MiB'>512</size><node>0</node>"
_PATH = "<source><path>/tmp/memory</path></source>"
_NVDIMM = memory_sample("nvdimm", source=_PATH)


@rule(
    "memory-nvdimm-label-size-too-small",
    Nvdimm,
    bad=memory_sample("nvdimm", _SIZE + "<label><size>64</size></label>", _PATH),
    good=memory_sample("nvdimm", _SIZE + "<label><size>128</size></label>", _PATH),
)
def label_is_part_of_it(nvdimm: Nvdimm) -> Problems:
    """``<label>`` of an NVDIMM must be at least 128 KiB and smaller than the NVDIMM."""
    label = nvdimm.label
    if 0 < label < _SMALLEST_LABEL:
        yield problem(
            f"<label> must be at least {_SMALLEST_LABEL} KiB", nvdimm, "target/label/size"
        )
    elif label >= nvdimm.size:
        yield problem("<label> must be smaller than the NVDIMM", nvdimm, "target/label/size")


_POWER_LABEL = "<size unit='MiB'>513</size><node>0</node><label><size>1024</size></label>"


@rule(
    "memory-nvdimm-label-missing",
    Nvdimm,
    bad=Sample(memory_sample("nvdimm", source=_PATH), arch="ppc64"),
    good=Sample(memory_sample("nvdimm", _POWER_LABEL, _PATH), arch="ppc64"),
)
def power_needs_a_label(nvdimm: Nvdimm) -> Problems:
    """An NVDIMM of a pseries guest needs a ``<label>``."""
    if nvdimm.holds(PPC64) and not nvdimm.label:
        message = (
            "an NVDIMM of a pseries guest needs a <label>; add "
            "<label><size unit='KiB'>128</size></label> to <target>"
        )
        yield problem(message, nvdimm, "target")


@rule(
    "memory-nvdimm-uuid-unsupported",
    Nvdimm,
    bad=memory_sample("nvdimm", source=f"<uuid>49545eb3-75e1-2d0a-acdd-f0294406c99e</uuid>{_PATH}"),
    good=_NVDIMM,
    since=NVDIMM_UUID_READ,
)
def only_power_has_uuids(nvdimm: Nvdimm) -> Problems:
    """``<uuid>`` of an NVDIMM is only valid for pseries guests."""
    if nvdimm.node.findtext("uuid") and not nvdimm.holds(PPC64):
        yield problem("<uuid> is only valid for pseries guests; remove it", nvdimm, "uuid")


@rule(
    "memory-nvdimm-size-too-small",
    Nvdimm,
    bad=Sample(
        memory_sample(
            "nvdimm", "<size unit='MiB'>256</size><label><size>1024</size></label>", _PATH
        ),
        arch="ppc64",
    ),
    good=Sample(memory_sample("nvdimm", _POWER_LABEL, _PATH), arch="ppc64"),
)
def power_counts_in_large_steps(nvdimm: Nvdimm) -> Problems:
    """An NVDIMM of a pseries guest must have at least 256 MiB besides its label."""
    if nvdimm.domain.new and nvdimm.holds(PPC64):
        label = nvdimm.label
        if label < nvdimm.size < MODULE + label:
            yield problem(
                "<size> of an NVDIMM must be at least 256 MiB plus its <label>; write a "
                "larger size",
                nvdimm,
                "target/size",
            )


@rule(
    "memory-nvdimm-readonly-unsupported",
    Nvdimm,
    bad=Sample(memory_sample("nvdimm", _SIZE + "<readonly/>", _PATH), arch="s390x"),
    good=memory_sample("nvdimm", _SIZE + "<readonly/>", _PATH),
)
def readonly_needs_qemu(nvdimm: Nvdimm) -> Problems:
    """``<readonly>`` of an NVDIMM requires a QEMU with the property ``unarmed``."""
    world = nvdimm.domain.world
    if nvdimm.has("target/readonly") and world.truth(UNARMED) is Truth.NO:
        reason = UNARMED.explain(world)
        yield problem(
            "this QEMU does not support read-only NVDIMMs; remove <readonly>",
            nvdimm,
            "target/readonly",
            reason=reason,
        )


@rule(
    "memory-nvdimm-pmem-unsupported",
    Nvdimm,
    bad=_NVDIMM.replace("</path>", "</path><pmem/>"),
    good=_NVDIMM,
    stage=Stage.START,
)
def pmem_needs_qemu(nvdimm: Nvdimm) -> Problems:
    """``<pmem>`` of an NVDIMM requires a QEMU built with libpmem."""
    world = nvdimm.domain.world
    if nvdimm.has("source/pmem") and world.truth(PMEM) is Truth.NO:
        reason = PMEM.explain(world)
        yield problem(
            "this QEMU was built without libpmem; remove <pmem>",
            nvdimm,
            "source/pmem",
            reason=reason,
        )
