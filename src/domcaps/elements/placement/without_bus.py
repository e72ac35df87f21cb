"""Boards that nothing can be plugged into: what libvirt's report says of them."""

from domcaps.elements.placement.installed import WITH_BUS
from domcaps.language.table import Drift, WideDrift

WITHOUT_BUS = WideDrift(
    "machine",
    ~WITH_BUS,
    Drift(
        says="devices are listed if QEMU has them, for every machine type",
        but="machine types without PCI or channel I/O, such as isapc, microvm and most of "
        "ARM, do not support them: libvirt refuses the definition",
        evidence="libvirt 12.8 lists the rng model virtio for mori-bmc of aarch64 and refuses a "
        "definition with one, as there are no PCI buses",
        title="Devices on machine types without PCI",
        instead="use a machine type with PCI, such as q35 or virt",
        targets="machine types without PCI and channel I/O",
    ),
)
