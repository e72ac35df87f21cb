"""Changes of memory and its tuning."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

RESCTRL_OPTIONAL = estimate(
    "12.4",
    "11.3 and 12.8 differ; NEWS announces that energy is measured",
    "a group without a list of CPUs is that of all CPUs, and energy can be measured",
)
MEMORY_BACKING_REPORTED = change("7.6", "git e27e22585a", "reports have memoryBacking")
SLOTS_OF_MODULES = change("9.5", NEWS, "only modules like DIMMs take slots")
NUMATUNE_RESTRICTIVE_ALL = change("9.4", NEWS, "restrictive is for all memory, or for none")
NUMATUNE_RESTRICTIVE = change("7.3", NEWS, "the mode restrictive")
NUMA_CELL_ADDED = change("9.6", NEWS, "a NUMA cell is added where memory is to be plugged in")
MEMORY_NODE_CHECKED = estimate(
    "7.1", "7.0 and 9.0 differ", "the NUMA cell of a memory device is looked for by definition"
)
DYNAMIC_MEMSLOTS_READ = change("10.1", NEWS, "memory devices with slots that come as needed")
BLKIO_PATH_FILLED = estimate("8.0", "7.0 and 9.0 differ", "limits of block devices name a path")
MEMORY_PMEM = change("7.1", "git 173733b7a8", "the memory device virtio-pmem")
MEMORY_VIRTIO = change("7.9", "git f931cb7f21", "the memory device virtio-mem")
MEMORY_ENCLAVES = change("8.10", NEWS, "the memory device sgx-epc")
ALLOCATION_THREADS = change("8.2", NEWS, "memory is allocated by several threads")
