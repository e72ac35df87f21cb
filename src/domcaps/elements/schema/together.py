"""Elements that libvirt's schema wants side by side, though their order is free.

libxml2, which compares for libvirt, reads a group inside a group that may be mixed as one run.
"""

SIDE_BY_SIDE = (
    ("devices/hostdev[@type='pci']", frozenset({"driver", "teaming", "source"})),
)  # fmt: skip
"""Children of the elements at a path between which nothing else may stand."""

RESOURCES = frozenset({
    "memory", "currentMemory", "maxMemory", "memoryBacking", "memtune", "blkiotune", "vcpu",
    "vcpus", "cputune", "numatune", "resource", "iothreads", "iothreadids", "defaultiothread",
})  # fmt: skip
EVENTS = frozenset({"on_reboot", "on_poweroff", "on_crash", "on_lockfailure"})
"""Children of the domain: once one of the resources came, they may not go on after an event."""
