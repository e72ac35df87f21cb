"""Changes of features of guests."""

from __future__ import annotations

from domcaps.language.change import DOCUMENT, NEWS, change, estimate

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
S390_PV_KNOWN = change("7.6", "git 248a30c0c0", "s390-pv on s390")
SEV_LIMITS = estimate("8.0", "7.9 and 9.0 differ", "how many guests with SEV there may be")
SGX_REPORTED = estimate("8.10", "7.9 and 9.0 differ; SGX was announced for it", "reports have sgx")
HYPERV_REPORTED = change("9.0", NEWS, "reports have hyperv with its features")
ASYNC_TEARDOWN_KNOWN = estimate("9.6", "documentation of domains", "asynchronous teardown")
LAUNCH_SECURITY_REPORTED = change("10.5", NEWS, "reports have launchSecurity with its types")
PS2_KNOWN = change("10.7", NEWS, "the feature ps2")
HYPERV_BITMAP_AND_XMM = change("10.7", NEWS, "the enlightenments emsr_bitmap and xmm_input")
BACKING_STORE_INPUT = estimate(
    "8.7",
    "7.9 and 9.0 differ; QEMU 4.2, the oldest since then, can always be given images so",
    "backing chains of a definition are always read",
)
KVM_PV_IPI = change("7.10", DOCUMENT, "the feature pv-ipi of KVM")
KVM_DIRTY_RING = change("8.0", DOCUMENT, "the feature dirty-ring of KVM")
TCG_FEATURES = change("8.0", NEWS, "features of emulation by TCG")
RAS_KNOWN = change("10.4", NEWS, "the feature ras")
AIA_KNOWN = estimate("11.1", "10.7 and 11.3 differ; documentation", "the feature aia")
HYPERV_AVIC = change("8.10", NEWS, "the enlightenment avic")
HYPERV_MODE = change("8.0", DOCUMENT, "the mode of enlightenments")
