"""A host as hardware: what is read of a pretended one, and of this one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domcaps.cpu.data import cpu_data
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.node import (
    Allocation,
    Link,
    MemoryBandwidthControl,
    Node,
    NodeCpu,
    Resctrl,
    ResourceMonitor,
    SideCache,
)
from domcaps.facts.nodeprobe import LEAVES, read_node
from domcaps.facts.record import HostRecord, Recording
from domcaps.facts.recording import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Mapping

CPU = "sys/devices/system/cpu"
NODE = "sys/devices/system/node"
TWO_CELLS = {
    "proc/cpuinfo": "processor : 0\ncpu MHz\t\t: 2596.122\n\nprocessor : 1\ncpu MHz : 800.0\n",
    "proc/meminfo": "MemTotal:       8192 kB\nMemFree:        1 kB\n",
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    f"{CPU}/online": "0-3\n",
    f"{NODE}/node0/meminfo": "Node 0 MemTotal:  4096 kB\n",
    f"{NODE}/node0/cpulist": "0-1\n",
    f"{NODE}/node0/distance": "10 21\n",
    f"{NODE}/node0/hugepages/hugepages-2048kB/nr_hugepages": "1\n",
    f"{NODE}/node1/meminfo": "Node 1 MemTotal:  4096 kB\n",
    f"{NODE}/node1/cpulist": "2-4\n",
    f"{NODE}/node1/distance": "21 10\n",
    **{
        f"{CPU}/cpu{cpu}/topology/{name}": value
        for cpu, (socket, core) in enumerate([(0, 0), (0, 0), (1, 0), (1, 1)])
        for name, value in (
            ("physical_package_id", f"{socket}\n"),
            ("core_id", f"{core}\n"),
            ("die_id", "-1\n"),
            ("thread_siblings_list", "0-1\n" if cpu < 2 else f"{cpu}\n"),
        )
    },
    **{
        f"{CPU}/cpu{cpu}/cache/{index}/{name}": value
        for cpu in range(2)
        for index, level, size, kind in (
            ("index0", "1", "32K", "Data"),
            ("index2", "2", "1024K", "Unified"),
            ("index3", "3", "32768K", "Unified"),
        )
        for name, value in (
            ("id", "0"), ("level", level), ("size", size), ("type", kind),
            ("shared_cpu_list", "0-1"),
        )
    },
}  # fmt: skip


def host(root: Path, files: Mapping[str, str]) -> HostFiles:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return HostFiles(root, uname=("x86_64", "6.1", "#1"))


def test_cells_have_memory_pages_distances_and_cpus_online(tmp_path: Path) -> None:
    first, second = read_node(host(tmp_path, TWO_CELLS)).cells
    assert (first.id, first.memory_kib) == (0, 4096)
    assert first.pages == ((4, 512), (2048, 1))
    assert first.distances == ((0, 10), (1, 21))
    assert first.cpus == tuple(NodeCpu(n, siblings=(0, 1)) for n in (0, 1))
    # one CPU is not online
    assert [cpu.id for cpu in second.cpus] == [2, 3]
    assert second.cpus[1] == NodeCpu(3, socket=1, core=1, siblings=(3,))


def test_caches_are_listed_once_without_those_of_the_first_level(tmp_path: Path) -> None:
    caches = read_node(host(tmp_path, TWO_CELLS)).caches
    assert [(cache.level, cache.size_kib, cache.cpus) for cache in caches] == [
        (2, 1024, (0, 1)),
        (3, 32768, (0, 1)),
    ]


def test_memory_and_frequency(tmp_path: Path) -> None:
    found = read_node(host(tmp_path, TWO_CELLS))
    assert (found.memory_kib, found.mhz) == (8192, 2596)


def test_an_empty_host_has_nothing_and_is_no_error(tmp_path: Path) -> None:
    found = read_node(host(tmp_path, {}))
    assert found == Node(uid=found.uid, gid=found.gid, iommu=False)


SWAP = "Filename Type Size Used Priority\n/dev/vda2 partition 4096 0 -2\n"
BUSY = "MemTotal: 8192 kB\nActive(anon):  4090 kB\n"
CALM = "MemTotal: 8192 kB\nActive(anon):  1024 kB\n"


@pytest.mark.parametrize(
    ("states", "ways", "swaps", "memory", "found"),
    [
        ("freeze mem disk", "[platform] shutdown suspend", SWAP, CALM, ("mem", "disk", "hybrid")),
        ("freeze mem disk", "[platform] shutdown", SWAP, CALM, ("mem", "disk")),
        # what is in memory has to fit
        ("freeze mem disk", "[platform]", SWAP, BUSY, ("mem",)),
        ("disk", "[disabled]", SWAP, CALM, ()),
        ("freeze", "", "", CALM, ("mem",)),
        ("", "", "", "", ()),
    ],
)
def test_a_host_sleeps_as_its_kernel_can(
    tmp_path: Path, states: str, ways: str, swaps: str, memory: str, found: tuple[str, ...]
) -> None:
    files = {
        "sys/power/state": states, "sys/power/disk": ways, "proc/swaps": swaps,
        "proc/meminfo": memory,
    }  # fmt: skip
    # nobody puts it to sleep without a login manager
    assert read_node(host(tmp_path / "a", files)).suspends == ()
    files["run/systemd/seats/seat0"] = ""
    assert read_node(host(tmp_path / "b", files)).suspends == found


INFO = "sys/fs/resctrl/info"
SHARED = {
    f"{INFO}/L3CODE/cbm_mask": "fffff\n",
    f"{INFO}/L3CODE/min_cbm_bits": "1\n",
    f"{INFO}/L3CODE/num_closids": "8\n",
    f"{INFO}/L2/cbm_mask": "rubbish\n",
    f"{INFO}/MB/bandwidth_gran": "10\n",
    f"{INFO}/MB/min_bandwidth": "20\n",
    f"{INFO}/MB/num_closids": "4\n",
    f"{INFO}/L3_MON/num_rmids": "176\n",
    f"{INFO}/L3_MON/mon_features": "llc_occupancy\nmbm_total_bytes\n",
    f"{INFO}/L3_MON/max_threshold_occupancy": "270336\n",
    "sys/kernel/iommu_groups/0/type": "DMA\n",
}


def test_what_can_be_shared_out_and_watched_is_read(tmp_path: Path) -> None:
    found = read_node(host(tmp_path, SHARED))
    assert found.resctrl == Resctrl(
        (Allocation(3, "code", 20, 1, 8),),
        MemoryBandwidthControl(10, 20, 4),
        ResourceMonitor(("llc_occupancy", "mbm_total_bytes"), 176, 270336),
    )
    assert found.iommu is True


def test_caches_beside_memory_and_ways_to_it_are_read(tmp_path: Path) -> None:
    beside, ways = f"{NODE}/node1/memory_side_cache/index1", f"{NODE}/node1/access1/initiators"
    files = TWO_CELLS | {
        f"{beside}/size": "10485760\n", f"{beside}/line_size": "64\n",
        f"{beside}/indexing": "0\n", f"{beside}/write_policy": "1\n",
        f"{ways}/read_bandwidth": "100\n", f"{ways}/write_bandwidth": "90\n",
        f"{ways}/read_latency": "7\n", f"{ways}/write_latency": "8\n",
        f"{ways}/node0/online": "1\n",
    }  # fmt: skip
    found = read_node(host(tmp_path, files))
    assert found.cells[0].side_caches == ()
    assert found.cells[1].side_caches == (SideCache(1, 10240, 64, 0, 1),)
    assert found.links == (Link(0, 1, 102400, 92160, 7, 8),)
    # and all of it comes back out of a file
    recording = Recording(HostRecord(arch="x86_64"), node=found)
    assert loads(dumps(recording), "test").node == found


@pytest.mark.parametrize(
    ("told", "uuid"),
    [
        ("fac36522-2dfa-4b23-9d71-03ff2d734237\n", "fac36522-2dfa-4b23-9d71-03ff2d734237"),
        ("FAC36522-2DFA-4B23-9D71-03FF2D734237\n", "fac36522-2dfa-4b23-9d71-03ff2d734237"),
        # what firmware tells where nobody gave it a number
        ("00000000-0000-0000-0000-000000000000\n", ""),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff\n", ""),
        ("Not Settable\n", ""),
    ],
)
def test_the_firmware_may_tell_the_uuid(tmp_path: Path, told: str, uuid: str) -> None:
    files = {"sys/class/dmi/id/product_uuid": told}
    assert read_node(host(tmp_path, files)).uuid == uuid


def test_without_one_it_is_the_installations_own_and_stays(tmp_path: Path) -> None:
    one = read_node(host(tmp_path / "a", TWO_CELLS)).uuid
    assert one
    assert one == read_node(host(tmp_path / "b", TWO_CELLS)).uuid
    # and does not give the machine's number away
    assert one.replace("-", "") != TWO_CELLS["etc/machine-id"].strip()


def test_every_leaf_that_has_a_feature_is_asked_for() -> None:
    words = {f.word for f in cpu_data().x86.features if f.word.startswith("cpuid")}
    leaves = {tuple(int(n, 16) for n in re.findall(r"0x[0-9a-f]+", word)) for word in words}
    assert leaves <= set(LEAVES)


def test_this_host_can_be_read() -> None:
    found = read_node()
    assert found.memory_kib > 0
    if Path("/sys/devices/system/node/node0").exists():
        assert found.cells


def test_a_recording_keeps_it(tmp_path: Path) -> None:
    node = read_node(host(tmp_path, TWO_CELLS))
    kept = loads(dumps(Recording(HostRecord("x86_64"), node=node)), "test")
    assert kept.node == node
    assert loads(dumps(Recording(HostRecord("x86_64"))), "test").node is None
