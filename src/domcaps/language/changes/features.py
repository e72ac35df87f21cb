"""Changes of features of guests."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

HYPERV_DEPENDENCIES = change(
    "11.9", NEWS, "enlightenments need each other; host-model; spinlocks without retries"
)
HYPERV_DEFAULTS = estimate(
    "11.9", "source; they are what host-model fills in", "reports have hyperv/defaults"
)
HYPERV_ACCELERATED = estimate(
    "11.10",
    "11.3 and 12.8 differ; came with /dev/mshv",
    "no hyperv is reported for a QEMU that tells that it has no accelerator",
)
TDX_KNOWN = change("11.6", "virt-manager's pull request 948", "trust domains of Intel (TDX)")
TDX_OF_HOST = change("11.10", NEWS, "TDX only where the host's kernel offers it")
S390_PV_EVERYWHERE = estimate(
    "11.6", "the code was made general when TDX came", "s390-pv on every architecture"
)
FEATURE_VIRTUALIZATION = estimate(
    "12.0", "11.3 and 12.8 differ", "the feature virtualization of ARM's virt"
)
