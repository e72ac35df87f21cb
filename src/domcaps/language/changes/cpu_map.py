"""Releases of the data of CPU models."""

from __future__ import annotations

from domcaps.language.change import NEWS, TREES, change, estimate

_MAPS = "the maps of 9.0 and 11.3 differ; by reports of 9.10, 10.5 and 10.7"

CPU_MAP_7_1 = change("7.1", "git 4901314d0d", "models of Icelake without intel-pt")
CPU_MAP_7_2 = change("7.2", "git f321a4822e, 5c17a7ba41, 5ac6ab2fde", "EPYC-Milan and its features")
CPU_MAP_7_5 = change("7.5", "git 05306cab74", "avx-vnni")
CPU_MAP_8_4 = change("8.4", NEWS, "POWER10; cpu64-rhel5 and 6 are picked no more")
CPU_MAP_8_8 = estimate("8.8", "the maps of 7.0 and 9.0, and reports of 7.9", "AMX, SVM, ARM models")
CPU_MAP_8_10 = estimate("8.10", "SGX was announced for it", "features of SGX")
CPU_MAP_9_4 = estimate("9.4", _MAPS, "SapphireRapids and features of Intel's since then")
CPU_MAP_9_8 = estimate("9.8", _MAPS, "EPYC-Genoa and its features")
CPU_MAP_9_10 = change("9.10", TREES, "features vmx-*")
CPU_MAP_MPX = estimate("10.1", _MAPS, "models without mpx")
CPU_FEATURES_SORTED = estimate("10.1", _MAPS, "features are ordered by register")
CPU_MAP_10_6 = estimate("10.6", _MAPS, "GraniteRapids, and features of RAS and RFDS")
CPU_MAP_10_10 = change("10.10", NEWS, "models with numbers; SierraForest, Denverton, KnightsMill")
CPU_MAP_11_0 = change("11.0", NEWS, "the names -v1 of models without other versions")
CPU_MAP_11_2 = change("11.2", NEWS, "Ampere-1 and Ampere-1a")
CPU_MAP_11_4 = change("11.4", NEWS, "POWER11")
CPU_MAP_12_0 = estimate("12.0", "QEMU 10.1, from which they were taken", "CPUs of QEMU 10.1")
CPU_MAP_12_1 = estimate("12.1", "QEMU 10.2, from which they were taken", "CPUs of ARM")
CPU_MAP_12_5 = estimate("12.5", "QEMU 11.0, from which they were taken", "CPUs of QEMU 11.0")
CPU_MAP_12_7 = estimate("12.7", "QEMU 11.1, from which they were taken", "CPUs of QEMU 11.1")
