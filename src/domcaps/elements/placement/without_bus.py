"""Boards that nothing can be plugged into: what libvirt's report says of them."""

from domcaps.elements.placement.installed import WITH_BUS
from domcaps.language.table import Drift, WideDrift

WITHOUT_BUS = WideDrift(
    "machine",
    ~WITH_BUS,
    Drift(
        says="devices are listed by what QEMU has, whichever the board",
        but="a board without PCI or channel I/O, such as isapc, microvm or most of ARM's, has no "
        "place for them: the definition is refused",
        evidence="libvirt 12.8 lists the rng model virtio for mori-bmc of aarch64 and refuses a "
        "definition with one, as there are no PCI buses",
    ),
)
