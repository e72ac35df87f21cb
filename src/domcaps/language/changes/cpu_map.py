"""Releases of the data of CPU models."""

from __future__ import annotations

from domcaps.language.change import estimate

CPU_MAP_11_4 = estimate(
    "11.4",
    "listed by the package of 11.6 in Ubuntu 25.10, not by that of 11.3 in Debian 13",
    "POWER11",
)
CPU_MAP_12_0 = estimate("12.0", "QEMU 10.1, from which they were taken", "CPUs of QEMU 10.1")
CPU_MAP_12_1 = estimate("12.1", "QEMU 10.2, from which they were taken", "CPUs of ARM")
CPU_MAP_12_5 = estimate("12.5", "QEMU 11.0, from which they were taken", "CPUs of QEMU 11.0")
CPU_MAP_12_7 = estimate("12.7", "QEMU 11.1, from which they were taken", "CPUs of QEMU 11.1")
