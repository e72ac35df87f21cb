"""Elements of which libvirt reads the first, and ignores others of their name.

::

    <memory>1048576</memory>
    <memory>2097152</memory>      (this one counts for nothing)

Elsewhere it reads all of them, or refuses a second one; that is said where the element is.
"""

READ_ONCE = (
    "os", "memory", "currentMemory", "maxMemory", "vcpu", "cpu", "clock", "cpu/numa",
    "cpu/numa/interconnects", "cpu/numa/cell/distances", "cpu/topology", "cpu/maxphysaddr",
    "launchSecurity", "memoryBacking", "memtune", "pm", "iothreads", "defaultiothread",
    "os/loader", "os/nvram", "os/varstore", "devices/disk/source/cookies",
)  # fmt: skip

READ_TOGETHER = ("os", "clock", "memoryBacking", "memtune", "pm")
"""Those of which it reads what the first does not have out of the others."""

READ_IN_ALL = frozenset({"acpi", "boot", "firmware", "hugepages", "timer"})
"""What it reads in all of these, be it in the first or not."""

READ_BY_ATTRIBUTE = frozenset({"type", "smbios"})
"""Those in ``<os>`` of which it reads each attribute where it stands first."""

READ_ON = {"cpu": "numa", "numa": "interconnects"}
"""Those of which it reads one child in the others as well, and all that stands in that."""

READ_ONCE_WITHIN = ("devices/disk/iotune", "throttlegroups/throttlegroup")
"""Elements of whose children each is read once."""

READ_ONCE_OF_DEVICES = ("address", "alias", "boot", "acpi", "master", "rom")
"""Such elements of every device."""
