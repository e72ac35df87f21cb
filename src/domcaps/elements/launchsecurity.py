"""``<launchSecurity>``: guests that the host can't look into.

::

    <launchSecurity type='sev-snp'/>
"""

from domcaps.elements.remedies import hardware
from domcaps.language import AnyChoice, Choice, Drift, Element, Enum, Place
from domcaps.language.observed import (
    EmulatorFact,
    HostFact,
    arch,
    object_property,
    qom_type,
    virttype,
)

SEV_PLATFORM = qom_type("sev-guest", "sev-snp-guest") & EmulatorFact(
    "the platform offers SEV",
    "query-sev-capabilities",
    lambda e: e.sev is not None,
    lambda e: f"cbitpos {e.sev.cbitpos}" if e.sev else "refused",
    "cbitpos",
    hardware("a host with AMD's SEV, switched on in its firmware and in kvm_amd (sev=1)"),
)

S390_PV_QEMU = qom_type("s390-pv-guest") & object_property(
    "none-machine", "confidential-guest-support"
)
S390_PV = (
    arch("s390", "s390x")
    & S390_PV_QEMU
    & HostFact(
        "the host can run protected guests",
        "/sys/firmware/uv, prot_virt in /proc/cmdline",
        lambda host: host.kvm.secure_guest,
        lambda host: "yes" if host.kvm.secure_guest else "not switched on, or not there",
        advice=hardware("an IBM z15 or later whose kernel was started with prot_virt=1"),
    )
)

TDX_QEMU = qom_type("tdx-guest")
TDX = TDX_QEMU & HostFact(
    "the host's KVM can run trust domains",
    "/sys/module/kvm_intel/parameters/tdx",
    lambda host: host.kvm.tdx,
    lambda host: "Y" if host.kvm.tdx else "not Y, or not there",
    advice=hardware("a host with Intel's TDX, switched on in its firmware and kvm_intel (tdx=1)"),
)
TDX_FOR_GUEST = arch("x86_64") & virttype("kvm") & TDX
"""The feature looks at the guest, too; the launch security of that name does not."""

_TDX_ANYWHERE = Drift(
    says="tdx is listed wherever QEMU knows it",
    but="a host whose KVM has no TDX can't start such a guest",
    evidence="libvirt 11.10 and later look at the host as well, and no longer list it",
)

SECTYPE = Enum(
    "sectype",
    attribute="@type",
    choices=(
        Choice("sev", qom_type("sev-guest") & SEV_PLATFORM),
        Choice("sev-snp", qom_type("sev-snp-guest") & SEV_PLATFORM),
        # libvirt looks at QEMU only here, and at the host as well for the feature s390-pv
        Choice("s390-pv", S390_PV_QEMU),
        Choice("tdx", TDX_QEMU, since="11.6", until="11.10", drift=_TDX_ANYWHERE),
        Choice("tdx", TDX, since="11.10"),
    ),
)

ELEMENT = Element(
    "launchSecurity",
    place=Place.FEATURES,
    order=130,
    supported=AnyChoice(SECTYPE),
    content=(SECTYPE,),
)
