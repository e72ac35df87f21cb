"""Changes of memory and its tuning."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

ENERGYTUNE = change("12.4", NEWS, "<energytune> is supported")
RESCTRL_OPTIONAL = estimate(
    "12.4",
    "11.3 and 12.8 differ; came with <energytune>",
    "<cachetune> and <memorytune> without 'vcpus' apply to all vCPUs",
)
MEMORY_BACKING_REPORTED = change("7.6", "git e27e22585a", "reports include memoryBacking")
NVDIMM_UUID_READ = estimate(
    "7.9",
    "7.0 and 9.0 differ",
    "<uuid> of an NVDIMM is read for all guests, and valid on POWER only",
)
SLOTS_OF_MODULES = change("9.5", NEWS, "only DIMM-like memory devices use memory slots")
NUMATUNE_RESTRICTIVE_ALL = change(
    "9.4",
    NEWS,
    "mode='restrictive' must be set for <memory> and for every <memnode>, or for none of them",
)
NUMATUNE_RESTRICTIVE = change("7.3", NEWS, "<numatune> supports mode='restrictive'")
NUMA_CELL_ADDED = change(
    "9.6", NEWS, "a NUMA cell is added for memory hot-plug if the domain has none"
)
MEMORY_NODE_CHECKED = estimate(
    "7.1",
    "7.0 and 9.0 differ",
    "the NUMA cell of a memory device is checked when the domain is defined",
)
DYNAMIC_MEMSLOTS_READ = change("10.1", NEWS, "dynamicMemslots of virtio-mem is supported")
BLKIO_PATH_FILLED = estimate(
    "8.0", "7.0 and 9.0 differ", "limits of block devices require a <path>"
)
MEMORY_PMEM = change("7.1", "git 173733b7a8", "<memory model='virtio-pmem'> is supported")
MEMORY_VIRTIO = change("7.9", "git f931cb7f21", "<memory model='virtio-mem'> is supported")
MEMORY_ENCLAVES = change("8.10", NEWS, "<memory model='sgx-epc'> is supported")
ALLOCATION_THREADS = change("8.2", NEWS, "attribute 'threads' of <allocation> is supported")
