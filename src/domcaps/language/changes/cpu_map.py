"""Releases of the data of CPU models."""

from __future__ import annotations

from domcaps.language.change import NEWS, TREES, change, estimate

_MAPS = "the maps of 9.0 and 11.3 differ; by reports of 9.10, 10.5 and 10.7"

CPU_MAP_7_1 = change("7.1", "git 4901314d0d", "the Icelake CPU models have no intel-pt")
CPU_MAP_7_2 = change(
    "7.2",
    "git f321a4822e, 5c17a7ba41, 5ac6ab2fde",
    "the CPU model EPYC-Milan and its features are known",
)
CPU_MAP_7_5 = change("7.5", "git 05306cab74", "the CPU feature avx-vnni is known")
CPU_MAP_8_4 = change(
    "8.4",
    NEWS,
    "the CPU model POWER10 is known; host-model no longer uses cpu64-rhel5 and cpu64-rhel6",
)
CPU_MAP_8_8 = estimate(
    "8.8",
    "the maps of 7.0 and 9.0, and reports of 7.9",
    "CPU features of AMX and SVM, and more ARM models, are known",
)
CPU_MAP_8_10 = estimate("8.10", "SGX was announced for it", "reports include SGX features")
CPU_MAP_9_4 = estimate(
    "9.4", _MAPS, "the CPU model SapphireRapids and newer Intel features are known"
)
CPU_MAP_9_8 = estimate("9.8", _MAPS, "the CPU model EPYC-Genoa and its features are known")
CPU_MAP_9_10 = change("9.10", TREES, "the CPU features vmx-* are known")
CPU_MAP_MPX = estimate("10.1", _MAPS, "CPU models no longer include mpx")
CPU_FEATURES_SORTED = estimate(
    "10.1", _MAPS, "CPU features are reported in the order of their registers"
)
CPU_MAP_10_6 = estimate(
    "10.6", _MAPS, "the CPU model GraniteRapids and the features of RAS and RFDS are known"
)
CPU_MAP_10_10 = change(
    "10.10", NEWS, "versioned CPU models, SierraForest, Denverton and KnightsMill are known"
)
CPU_MAP_11_0 = change("11.0", NEWS, "CPU models with a single version have the name -v1, too")
CPU_MAP_11_2 = change("11.2", NEWS, "the CPU models Ampere-1 and Ampere-1a are known")
CPU_MAP_11_4 = change("11.4", NEWS, "the CPU model POWER11 is known")
CPU_MAP_12_0 = estimate(
    "12.0", "QEMU 10.1, from which they were taken", "the CPU models of QEMU 10.1 are known"
)
CPU_MAP_12_1 = estimate(
    "12.1", "QEMU 10.2, from which they were taken", "more ARM CPU models are known"
)
CPU_MAP_12_5 = estimate(
    "12.5", "QEMU 11.0, from which they were taken", "the CPU models of QEMU 11.0 are known"
)
CPU_MAP_12_7 = estimate(
    "12.7", "QEMU 11.1, from which they were taken", "the CPU models of QEMU 11.1 are known"
)
