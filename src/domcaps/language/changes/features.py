"""Changes of features of guests."""

from __future__ import annotations

from domcaps.language.change import DOCUMENT, NEWS, change, estimate

HYPERV_DEPENDENCIES = change(
    "11.9",
    NEWS,
    "dependencies of Hyper-V enlightenments are checked; mode='host-model'; 'retries' of "
    "<spinlocks> is optional",
)
HYPERV_SYNIC_ALONE = estimate(
    "12.0",
    "NEWS says that some dependencies were given up, as old machine types do not have them; QEMU's "
    "compatibility list of 3.0 names one",
    "the Hyper-V enlightenment synic does not require vpindex",
)
HYPERV_HOST_MODEL_READ = change(
    "12.1", NEWS, "enlightenments are read beside mode='host-model' of <hyperv>"
)
HYPERV_PASSTHROUGH_ALONE = estimate(
    "11.1", "10.7 and 11.3 differ", "enlightenments beside mode='passthrough' are not read"
)
HYPERV_DEFAULTS = change(
    "11.9", "libvirt-go-xml 029b57b, of the day of that release", "reports include hyperv/defaults"
)
HYPERV_ACCELERATED = estimate(
    "11.10",
    "11.3 and 12.8 differ; came with /dev/mshv",
    "reports omit hyperv if QEMU reports that it has no accelerator",
)
TDX_KNOWN = change(
    "11.6", "virt-manager's pull request 948", "<launchSecurity type='tdx'> is supported"
)
TDX_OF_HOST = change("11.10", NEWS, "reports list tdx only if the host's kernel supports it")
S390_PV_EVERYWHERE = estimate(
    "11.6", "the code was made general when TDX came", "reports list s390-pv for every architecture"
)
FEATURE_VIRTUALIZATION = estimate(
    "12.1",
    "libvirt-go-xml 7607df5, between 12.0 and 12.1",
    "the feature <virtualization> of the ARM machine type virt is supported",
)
S390_PV_KNOWN = change(
    "7.6", "git 248a30c0c0", "<launchSecurity type='s390-pv'> is supported for s390x guests"
)
SEV_LIMITS = estimate(
    "8.0", "7.9 and 9.0 differ", "reports include the maximum number of SEV guests"
)
SGX_REPORTED = estimate(
    "8.10", "7.9 and 9.0 differ; SGX was announced for it", "reports include sgx"
)
HYPERV_REPORTED = change("9.0", NEWS, "reports include hyperv with its features")
ASYNC_TEARDOWN_KNOWN = estimate("9.6", "documentation of domains", "<async-teardown> is supported")
LAUNCH_SECURITY_REPORTED = change("10.5", NEWS, "reports include launchSecurity with its types")
PS2_KNOWN = change("10.7", NEWS, "the feature <ps2> is supported")
HYPERV_BITMAP_AND_XMM = change(
    "10.7", NEWS, "the Hyper-V enlightenments <emsr_bitmap> and <xmm_input> are supported"
)
BACKING_STORE_INPUT = estimate(
    "8.7",
    "7.9 and 9.0 differ",
    "<backingStore> of a definition is always read",
)
KVM_PV_IPI = change("7.10", DOCUMENT, "the KVM feature <pv-ipi> is supported")
KVM_DIRTY_RING = change("8.0", DOCUMENT, "the KVM feature <dirty-ring> is supported")
TCG_FEATURES = change("8.0", NEWS, "<features><tcg> is supported")
RAS_KNOWN = change("10.4", NEWS, "the feature <ras> is supported")
AIA_KNOWN = estimate(
    "11.1", "10.7 and 11.3 differ; documentation", "the feature <aia> of RISC-V is supported"
)
HYPERV_AVIC = change("8.10", NEWS, "the Hyper-V enlightenment <avic> is supported")
HYPERV_MODE = change("8.0", DOCUMENT, "attribute 'mode' of <hyperv> is supported")
