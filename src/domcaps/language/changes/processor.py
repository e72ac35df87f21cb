"""Changes of processors, their number and threads."""

from __future__ import annotations

from domcaps.language.change import DOCUMENT, NEWS, change, estimate

EIM_OPTIONAL = change(
    "12.2", NEWS, "more than 255 vCPUs no longer require eim='on' for every IOMMU"
)
IOTHREAD_WEIGHT = estimate(
    "12.7",
    "seen in 12.8; libvirt-go-xml did not have it at 12.4, and QEMU 11.1 has it",
    "'weight' of <poll> is supported",
)
HOST_MODEL_SORTED = estimate(
    "12.5",
    "11.3 and 12.8 differ",
    "the features of host-model are listed in alphabetical order on s390x",
)
MSRS_TRUSTED = estimate(
    "12.4",
    "came with QEMU 7.2, which has the type max",
    "host-model always has the CPU features that are read from MSRs; before, only with a QEMU that "
    "lists which features its model 'max' lacks",
)
BASELINE_WITHOUT_TOPOLOGY = estimate(
    "12.8", "seen in 12.8, not in 11.3", "baseline CPUs leave out features of the guest's topology"
)
CPU_MAXIMUM = change(
    "7.1", NEWS, "the CPU mode 'maximum' is supported and reported with maximumMigratable"
)
CPU_DEPRECATED = change("7.1", DOCUMENT, "reports mark deprecated CPU models")
HOST_MODEL_DISABLING_COSTS = change(
    "8.4", NEWS, "host-model prefers a CPU model with fewer features to disable"
)
CPU_VENDORS = change("8.9", NEWS, "reports include the vendor of CPU models")
CPU_VENDOR_IBM = estimate(
    "9.1", "9.0 and 9.8 differ", "the vendor of s390x CPU models is reported as IBM"
)
HOST_MODEL_MAXPHYSADDR = change("9.3", NEWS, "host-model includes <maxphysaddr>")
CPU_BLOCKERS = change("10.9", NEWS, "reports list the features that block a CPU model")
CPU_CANONICAL = change("10.10", NEWS, "versioned CPU models are reported with their canonical name")
CPU_MODELS_SORTED = estimate(
    "10.10", "10.7 and 11.3 differ", "CPU models are reported in the order of their names"
)
HVF_ASKED = estimate(
    "10.10", "10.7 and 11.3 differ", "CPU models and machine types are probed with hvf, too"
)
CPU_DEPRECATED_FEATURES = estimate(
    "11.0",
    "10.7 and 11.3 differ",
    "attribute 'deprecated_features' of <cpu> of s390x guests is supported",
)
ADDRESS_BITS_OPTIONAL = change("9.3", NEWS, "the attribute 'bits' of <maxphysaddr> is optional")
CPU_MAXPHYSADDR = change("8.7", NEWS, "<maxphysaddr> of <cpu> is supported")
CPU_CLUSTERS = change("10.1", NEWS, "'clusters' of <topology> is supported")
IOTHREAD_POOLS = change(
    "8.5", NEWS, "thread_pool_min and thread_pool_max of <iothread> are supported"
)
IOTHREAD_POLL = change("9.4", DOCUMENT, "<poll> of <iothread> is supported")
