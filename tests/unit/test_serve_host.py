"""The host in ``<capabilities>`` and in the sum of its CPUs."""

from __future__ import annotations

import re

import msgspec
import pytest
from lxml import etree

from domcaps.cpu.data import cpu_data
from domcaps.cpu.processor import processor
from domcaps.cpu.x86map import x86_map
from domcaps.facts.node import (
    Allocation,
    Cache,
    Leaf,
    Link,
    MemoryBandwidthControl,
    Node,
    NodeCell,
    NodeCpu,
    Resctrl,
    ResourceMonitor,
    SideCache,
)
from domcaps.facts.record import HostCpu, HostRecord, NumaCell, Recording
from domcaps.hosts.host import Host
from domcaps.language.dialect import Dialect
from domcaps.serve.node_info import NodeInfo, node_info
from domcaps.serve.xml.capabilities import capabilities_xml

NEWEST, OLDEST = Dialect(12, 8), Dialect(11, 3)
INTEL = HostCpu(vendor="GenuineIntel", signature=(6, 44, 2), microcode=9, phys_addr_bits=46)


def leaves(*names: str) -> tuple[Leaf, ...]:
    """Give what CPUID answers on a processor with some features."""
    found: dict[tuple[int, int], Leaf] = {}
    for feature in cpu_data().x86.features:
        if feature.name in names and feature.word.startswith("cpuid"):
            _, leaf, subleaf, register = feature.word.split()
            key = int(leaf, 16), int(subleaf, 16)
            old = found.get(key, Leaf(*key))
            bits = getattr(old, register) | 1 << feature.bit
            found[key] = msgspec.structs.replace(old, **{register: bits})
    return tuple(found.values())


def model_features(name: str) -> list[str]:
    known = x86_map(NEWEST)
    return known.names_of(known.models[name].features)


WESTMERE = Node(
    uuid="fac36522-2dfa-4b23-9d71-03ff2d734237",
    memory_kib=8192,
    mhz=2000,
    cpuid=leaves(*model_features("Westmere"), "avx", "osxsave"),
    tsc_hz=2_000_000_000,
    cells=(
        NodeCell(
            0, 8192, ((4, 2048), (2048, 0)), ((0, 10),),
            tuple(NodeCpu(n, core=n // 2, siblings=(n // 2 * 2, n // 2 * 2 + 1)) for n in range(4)),
        ),
    ),
    caches=(Cache(0, 3, "Unified", 32768, (0, 1, 2, 3)), Cache(1, 2, "Data", 1000, (0, 2))),
)  # fmt: skip


def described(record: HostRecord, node: Node | None) -> etree._Element:
    host = Host.from_recording(Recording(record, node=node), origin="test")
    (found,) = etree.fromstring(capabilities_xml(host, NEWEST).encode()).iterfind("host")
    return found


def test_a_processor_is_a_model_and_what_it_has_besides() -> None:
    found = processor(WESTMERE, "x86_64", INTEL, NEWEST)
    assert found is not None
    # of two names of one model it is the newer one, as nothing else tells them apart
    assert found.model in {"Westmere", "Westmere-v1"}
    assert found.vendor == "Intel"
    assert {feature.name for feature in found.features} == {"avx", "osxsave"}


def test_a_model_that_a_processor_lacks_something_of_is_not_its() -> None:
    node = Node(cpuid=leaves(*(set(model_features("Westmere")) - {"aes"})))
    found = processor(node, "x86_64", INTEL, NEWEST)
    assert found is not None
    lacking = set(model_features(found.model)) - set(model_features("Westmere")) - {"aes"}
    assert not lacking
    assert "aes" not in {feature.name for feature in found.features}


def test_arch_capabilities_are_features_too() -> None:
    bit = next(f.bit for f in cpu_data().x86.features if f.name == "rdctl-no")
    found = processor(
        msgspec.structs.replace(WESTMERE, arch_capabilities=1 << bit), "x86_64", INTEL, OLDEST
    )
    assert found is not None
    assert "rdctl-no" in {feature.name for feature in found.features}


@pytest.mark.parametrize(
    ("node", "arch", "cpu", "model"),
    [
        (None, "x86_64", INTEL, None),
        (Node(), "x86_64", INTEL, None),
        (None, "ppc64le", HostCpu(model="POWER9", vendor="IBM"), "POWER9"),
        (None, "ppc64le", HostCpu(model="POWER0", vendor="IBM"), None),
        (None, "aarch64", HostCpu(model="cortex-a57"), None),
    ],
)
def test_what_is_not_known_has_no_name(
    node: Node | None, arch: str, cpu: HostCpu, model: str | None
) -> None:
    found = processor(node, arch, cpu, NEWEST)
    assert (found.model if found else None) == model


def test_the_host_is_described_as_libvirt_does() -> None:
    found = described(HostRecord("x86_64", privileged=True, cpu=INTEL), WESTMERE)
    order = ["uuid", "cpu", "power_management", "iommu", "migration_features", "topology", "cache",
             "secmodel", "secmodel"]  # fmt: skip
    assert [node.tag for node in found] == order
    cpu = [node.tag for node in found.iterfind("cpu/*") if node.tag != "feature"]
    assert cpu == ["arch", "model", "vendor", "microcode", "signature", "counter", "topology",
                   "maxphysaddr", "pages", "pages"]  # fmt: skip
    assert found.xpath("string(cpu/counter/@frequency)") == "2000000000"
    cpus = found.findall("topology/cells/cell/cpus/cpu")
    assert [node.get("siblings") for node in cpus] == ["0-1", "0-1", "2-3", "2-3"]
    banks = [dict(node.attrib) for node in found.iterfind("cache/bank")]
    assert [(b["size"], b["unit"], b["type"], b["cpus"]) for b in banks] == [
        ("32", "MiB", "both", "0-3"),
        ("1000", "KiB", "data", "0,2"),
    ]


def test_without_a_look_at_its_hardware_a_host_is_described_by_its_facts() -> None:
    record = HostRecord("x86_64", cpu=INTEL, numa=(NumaCell(0, 4096, (0, 1)),))
    found = described(record, None)
    assert found.find("uuid") is None
    assert found.find("cpu/model") is None
    assert found.findtext("topology/cells/cell/memory") == "4096"
    assert found.find("migration_features/live") is not None


@pytest.mark.parametrize(
    ("cells", "info"),
    [
        # two cells of two sockets
        ([[(0, 0, (0,)), (0, 1, (1,))], [(1, 0, (2,)), (1, 1, (3,))]], (4, 2, 1, 2, 1)),
        ([[(0, 0, (0, 1)), (0, 0, (0, 1))]], (2, 1, 1, 1, 2)),
        # cells that are not alike do not multiply: libvirt calls every CPU a core then
        ([[(0, 0, (0,)), (0, 1, (1,))], [(1, 0, (2,))]], (3, 1, 1, 3, 1)),
    ],
)
def test_cpus_are_counted_by_cell_socket_and_core(
    cells: list[list[tuple[int, int, tuple[int, ...]]]], info: tuple[int, ...]
) -> None:
    node = Node(
        memory_kib=7,
        cells=tuple(
            NodeCell(
                number,
                cpus=tuple(
                    NodeCpu(siblings[0], socket=socket, core=core, siblings=siblings)
                    for socket, core, siblings in cpus
                ),
            )
            for number, cpus in enumerate(cells)
        ),
    )
    cpus, nodes, sockets, cores, threads = info
    found = node_info(HostRecord("x86_64"), node)
    assert found == NodeInfo(7, cpus, 0, nodes, sockets, cores, threads)


def written(node: etree._Element | None) -> str:
    assert node is not None
    text = etree.tostring(node, encoding="unicode", with_tail=False).replace('"', "'")
    return re.sub(r">\s+<", "><", text)


CACHES = (Cache(0, 2, "Unified", 1024, (0,)), Cache(0, 3, "Unified", 15360, (0, 1, 2)))


def test_caches_and_bandwidth_are_shared_out() -> None:
    resctrl = Resctrl(
        (Allocation(3, "", 20, 2, 4),),
        MemoryBandwidthControl(10, 20, 8),
        ResourceMonitor(("llc_occupancy", "mbm_total_bytes", "mbm_local_bytes"), 176, 270336),
    )
    found = described(HostRecord(arch="x86_64"), Node(caches=CACHES, resctrl=resctrl))
    assert written(found.find("cache")) == (
        "<cache><bank id='0' level='2' type='both' size='1' unit='MiB' cpus='0'/>"
        "<bank id='0' level='3' type='both' size='15' unit='MiB' cpus='0-2'>"
        "<control granularity='768' min='1536' unit='KiB' type='both' maxAllocs='4'/></bank>"
        "<monitor level='3' reuseThreshold='270336' maxMonitors='176'>"
        "<feature name='llc_occupancy'/></monitor></cache>"
    )
    assert written(found.find("memory_bandwidth")) == (
        "<memory_bandwidth><node id='0' cpus='0-2'>"
        "<control granularity='10' min='20' maxAllocs='8'/></node>"
        "<monitor maxMonitors='176'><feature name='mbm_total_bytes'/>"
        "<feature name='mbm_local_bytes'/></monitor></memory_bandwidth>"
    )


@pytest.mark.parametrize(
    ("bits", "least", "sizes"),
    [
        # one part is the least there is
        (15, 1, {"granularity": "1", "unit": "MiB"}),
        (15, 2, {"granularity": "1", "min": "2", "unit": "MiB"}),
        # of two units the smaller one
        (10, 2, {"granularity": "1536", "min": "3072", "unit": "KiB"}),
        (11, 2, {"granularity": "1429876", "min": "2859752", "unit": "B"}),
        (15, 1024, {"granularity": "1", "min": "1024", "unit": "MiB"}),
    ],
)
def test_parts_of_a_cache_have_one_unit(bits: int, least: int, sizes: dict[str, str]) -> None:
    resctrl = Resctrl((Allocation(3, "data", bits, least, 4),))
    found = described(HostRecord(arch="x86_64"), Node(caches=CACHES, resctrl=resctrl))
    control = found.find("cache/bank/control")
    assert control is not None
    assert dict(control.items()) == {**sizes, "type": "data", "maxAllocs": "4"}
    assert found.find("memory_bandwidth") is None


def test_cells_tell_how_far_memory_is() -> None:
    cell = NodeCell(0, 4096, side_caches=(SideCache(1, 10240, 64, 0, 1), SideCache(2, 5)))
    node = Node(cells=(cell,), links=(Link(1, 0, 5, 6, 7, 8), Link(0, 0, 1, 2, 3, 4)))
    found = described(HostRecord(arch="x86_64"), node)
    assert [written(one) for one in found.iterfind("topology/cells/cell/cache")] == [
        (
            "<cache level='1' associativity='direct' policy='writethrough'>"
            "<size value='10240' unit='KiB'/><line value='64' unit='B'/></cache>"
        ),
        "<cache level='2' associativity='none' policy='none'><size value='5' unit='KiB'/></cache>",
    ]
    ways = found.find("topology/interconnects")
    assert ways is not None
    assert [(way.tag, *map(str, way.values())) for way in ways] == [
        ("latency", "0", "0", "read", "3"),
        ("latency", "0", "0", "write", "4"),
        ("latency", "1", "0", "read", "7"),
        ("latency", "1", "0", "write", "8"),
        ("bandwidth", "0", "0", "read", "1", "KiB"),
        ("bandwidth", "0", "0", "write", "2", "KiB"),
        ("bandwidth", "1", "0", "read", "5", "KiB"),
        ("bandwidth", "1", "0", "write", "6", "KiB"),
    ]


def test_a_host_of_which_no_cells_are_known_is_one_cell() -> None:
    cpu = HostCpu(sockets=2, cores=2, threads=2)
    found = described(HostRecord(arch="x86_64", cpu=cpu), Node(memory_kib=4096))
    (cell,) = found.iterfind("topology/cells/cell")
    assert cell.findtext("memory") == "4096"
    cpus = [tuple(map(str, one.values())) for one in cell.iterfind("cpus/cpu")]
    assert len(cpus) == 8
    assert cpus[1] == ("1", "0", "0", "0", "0", "0-1")
    assert cpus[6] == ("6", "1", "0", "0", "1", "6-7")
    # what was counted wrong does not become a document without end
    cpu = HostCpu(sockets=1, cores=10**12, threads=1)
    found = described(HostRecord(arch="x86_64", cpu=cpu), None)
    assert len(found.findall("topology/cells/cell/cpus/cpu")) == 8192


def test_sleep_and_iommu_are_told() -> None:
    found = described(HostRecord(arch="x86_64"), Node(suspends=("mem", "hybrid"), iommu=True))
    assert [one.tag for one in found.iterfind("power_management/*")] == [
        "suspend_mem", "suspend_hybrid",
    ]  # fmt: skip
    assert written(found.find("iommu")) == "<iommu support='yes'/>"
    found = described(HostRecord(arch="x86_64"), None)
    assert written(found.find("power_management")) == "<power_management/>"
    assert written(found.find("iommu")) == "<iommu support='no'/>"
