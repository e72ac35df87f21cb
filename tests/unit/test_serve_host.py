"""The host in ``<capabilities>`` and in the sum of its CPUs."""

from __future__ import annotations

import msgspec
import pytest
from lxml import etree

from domcaps.api import Host
from domcaps.cpu.data import cpu_data
from domcaps.cpu.processor import processor
from domcaps.cpu.x86map import x86_map
from domcaps.facts.node import Cache, Leaf, Node, NodeCell, NodeCpu
from domcaps.facts.record import HostCpu, HostRecord, NumaCell, Recording
from domcaps.serve.capabilities import capabilities_xml
from domcaps.serve.nodeinfo import NodeInfo, node_info

NEWEST, OLDEST = (12, 8), (11, 3)
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
