"""Changes of processors, their number and threads."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

EIM_OPTIONAL = change("12.2", NEWS, "not every IOMMU for more than 255 CPUs needs eim")
IOTHREAD_WEIGHT = estimate("12.0", "11.3 and 12.8 differ", "the weight of an I/O thread's polling")
HOST_MODEL_SORTED = estimate(
    "12.5", "11.3 and 12.8 differ", "features of host-model on s390x are sorted"
)
MSRS_TRUSTED = estimate(
    "12.4",
    "came with QEMU 7.2, which has the type max",
    "features of MSRs are taken from every QEMU",
)
BASELINE_WITHOUT_TOPOLOGY = estimate(
    "12.8", "seen in 12.8, not in 11.3", "baselines leave out features of a guest's topology"
)
