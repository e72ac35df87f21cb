"""Changes of processors, their number and threads."""

from __future__ import annotations

from domcaps.language.change import DOCUMENT, NEWS, change, estimate

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
CPU_MAXIMUM = change("7.1", NEWS, "the mode maximum, with maximumMigratable")
CPU_DEPRECATED = change("7.1", DOCUMENT, "reports tell which models are deprecated")
HOST_MODEL_DISABLING_COSTS = change(
    "8.4", NEWS, "of models for host-model, features to disable cost more than those to require"
)
CPU_VENDORS = change("8.9", NEWS, "reports tell the vendors of models")
CPU_VENDOR_IBM = estimate(
    "9.1", "9.0 and 9.8 differ", "the vendor of the models of s390x is IBM, not unknown"
)
HOST_MODEL_MAXPHYSADDR = change("9.3", NEWS, "host-model tells the width of addresses")
CPU_BLOCKERS = change("10.9", NEWS, "reports tell which features block a model")
CPU_CANONICAL = change("10.10", NEWS, "models with numbers, and the canonical name of each")
CPU_MODELS_SORTED = estimate("10.10", "10.7 and 11.3 differ", "models are sorted by name")
HVF_ASKED = estimate(
    "10.10", "10.7 and 11.3 differ", "QEMU is asked for CPUs and machine types with hvf, too"
)
CPU_DEPRECATED_FEATURES = estimate(
    "11.0", "10.7 and 11.3 differ", "deprecated features of mainframes are switched"
)
ADDRESS_BITS_OPTIONAL = change("9.3", NEWS, "the width of addresses can be left to QEMU")
CPU_MAXPHYSADDR = change("8.7", NEWS, "the width of addresses can be given")
CPU_CLUSTERS = change("10.1", NEWS, "clusters of CPUs")
IOTHREAD_POOLS = change("8.5", NEWS, "the size of an I/O thread's pool")
IOTHREAD_POLL = change("9.4", DOCUMENT, "how long an I/O thread polls")
