"""The oldest QEMU that releases of libvirt take."""

from __future__ import annotations

from domcaps.language.change import NEWS, change

QEMU_7_2 = change("12.4", NEWS, "QEMU from 7.2 on")
QEMU_6_2 = change("11.2", NEWS, "QEMU from 6.2 on")
QEMU_5_2 = change("10.6", NEWS, "QEMU from 5.2 on")
QEMU_4_2 = change("8.7", NEWS, "QEMU from 4.2 on")
QEMU_3_1 = change("8.3", NEWS, "QEMU from 3.1 on")
