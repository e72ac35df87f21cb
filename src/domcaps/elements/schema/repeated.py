"""Elements of which libvirt reads the first, and ignores others of their name.

::

    <memory>1048576</memory>
    <memory>2097152</memory>      (this one counts for nothing)

Elsewhere it reads all of them, or refuses a second one; that is said where the element is.
"""

FIRST_WINS = (
    "name", "uuid", "title", "description", "os/type",
    "os", "memory", "currentMemory", "maxMemory", "vcpu", "cpu", "clock", "cpu/numa",
    "cpu/numa/interconnects", "cpu/numa/cell/distances", "cpu/topology", "cpu/maxphysaddr",
    "launchSecurity", "memoryBacking", "memtune", "pm", "iothreads", "defaultiothread",
    "os/loader", "os/nvram", "os/varstore", "devices/disk/source/cookies",
)  # fmt: skip

MERGED = ("os", "clock", "memoryBacking", "memtune", "pm")
"""Those of which it reads what the first does not have out of the others."""

MERGED_CHILDREN = frozenset({"acpi", "boot", "firmware", "hugepages", "timer"})
"""What it reads in all of these, be it in the first or not."""

MERGED_ATTRIBUTES = frozenset({"type", "smbios"})
"""Those in ``<os>`` of which it reads each attribute where it stands first."""

CONTINUED = {"cpu": "numa", "numa": "interconnects"}
"""Those of which it reads one child in the others as well, and all that stands in that."""

FIRST_CHILDREN_WIN = ("devices/disk/iotune", "throttlegroups/throttlegroup")
"""Elements of whose children each is read once."""

FIRST_WINS_IN_DEVICES = ("address", "alias", "boot", "acpi", "master", "rom")
"""Such elements of every device."""
