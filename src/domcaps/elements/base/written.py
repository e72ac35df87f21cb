"""How libvirt writes a domain: the order of its elements, and those that say nothing alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

TOP = (
    "name", "uuid", "hwuuid", "genid", "title", "description", "metadata", "maxMemory", "memory",
    "currentMemory", "blkiotune", "memtune", "memoryBacking", "vcpu", "vcpus", "iothreads",
    "iothreadids", "defaultiothread", "cputune", "numatune", "resource", "iommufd", "keywrap",
    "sysinfo", "bootloader", "os", "idmap", "throttlegroups", "features", "cpu", "clock",
    "on_poweroff", "on_reboot", "on_crash", "on_lockfailure", "pm", "perf", "devices", "seclabel",
    "launchSecurity",
)  # fmt: skip
"""Children of ``<domain>``."""

DEVICES = (
    "emulator", "disk", "controller", "lease", "filesystem", "interface", "smartcard", "serial",
    "parallel", "console", "channel", "input", "tpm", "graphics", "sound", "audio", "video",
    "hostdev", "redirdev", "redirfilter", "hub", "watchdog", "memballoon", "rng", "nvram", "panic",
    "shmem", "memory", "iommu", "vsock", "crypto", "pstore",
)  # fmt: skip
"""Children of ``<devices>``."""

_LAST = ("alias", "address")
"""With these libvirt ends every device."""

_CHILDREN = {
    "domain": TOP,
    "devices": DEVICES,
    "os": ("type", "firmware", "loader", "nvram", "varstore", "kernel", "initrd", "cmdline", "dtb",
           "boot", "bootmenu", "bios", "smbios"),
    "memoryBacking": ("hugepages", "nosharepages", "locked", "source", "access", "allocation",
                      "discard"),
    "cpu": ("model", "vendor", "topology", "cache", "maxphysaddr", "feature", "numa"),
    "disk": ("driver", "auth", "source", "backingStore", "mirror", "target", "iotune", "readonly",
             "shareable", "transient", "serial", "wwn", "vendor", "product", "encryption", "boot"),
    "interface": ("mac", "source", "virtualport", "backend", "ip", "script", "target", "guest",
                  "model", "driver", "boot", "rom", "acpi"),
    "filesystem": ("driver", "binary", "source", "target", "readonly"),
    "features": ("pae", "acpi", "apic", "hap", "viridian", "privnet", "hyperv", "kvm", "xen",
                 "pvspinlock", "pmu", "vmport", "gic", "smm", "ioapic", "hpt", "vmcoreinfo"),
}  # fmt: skip


NOTHING_ALONE = frozenset(
    {"features", "numatune", "cputune", "memtune", "blkiotune", "hyperv", "kvm", "xen", "iotune",
     "bios", "system", "baseBoard", "chassis", "distances", "backend", "driver", "address", "zpci",
     "target", "nvram", "tune", "reconnect", "memoryBacking", "perf", "resource", "keywrap",
     "firmware", "cache", "mac"}
)  # fmt: skip
"""Elements that say nothing without attributes and children."""


def predecessor(parent: Node, tag: str) -> Node | None:
    """Give the child after which a new one is to stand; None where that is before all others.

    The last of the same name, else the last of those that libvirt writes earlier. What no order is
    known of comes last, before an alias and an address.
    """
    children = list(parent)
    same = [child for child in children if child.tag == tag]
    if same:
        return same[-1]
    order = (*_CHILDREN.get(str(parent.tag), ()), "", *_LAST)
    rank = order.index(tag) if tag in order else order.index("")

    def rank_of(child: Node) -> int:
        return order.index(str(child.tag)) if child.tag in order else order.index("")

    before = [child for child in children if rank_of(child) <= rank]
    return before[-1] if before else None
