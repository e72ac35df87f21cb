"""The emulators and accelerators that releases of libvirt take."""

from __future__ import annotations

from domcaps.language.change import NEWS, change

VIRTTYPE_HYPERV = change(
    "11.10", NEWS, "the virtualization type 'hyperv' (QEMU on /dev/mshv) is supported"
)
QEMU_7_2 = change("12.4", NEWS, "the oldest supported QEMU is 7.2")
QEMU_6_2 = change("11.2", NEWS, "the oldest supported QEMU is 6.2")
QEMU_5_2 = change("10.6", NEWS, "the oldest supported QEMU is 5.2")
QEMU_4_2 = change("8.7", NEWS, "the oldest supported QEMU is 4.2")
QEMU_3_1 = change("8.3", NEWS, "the oldest supported QEMU is 3.1")
