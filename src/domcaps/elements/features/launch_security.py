"""``<launchSecurity>``: guests that the host can't look into.

::

    <launchSecurity type='sev' kernelHashes='yes'>
      <policy>0x0003</policy>
    </launchSecurity>

What must hold of one in a domain is in `features.launch_security_rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.remedies import hardware
from domcaps.elements.boards.families import S390
from domcaps.language import AnyChoice, Choice, Drift, Element, Enum, Place
from domcaps.language.changes.features import LAUNCH_SECURITY_REPORTED, TDX_KNOWN, TDX_OF_HOST
from domcaps.language.observed import (
    EmulatorFact,
    HostFact,
    arch,
    object_property,
    qom_type,
    virttype,
)
from domcaps.language.qemu_args import QemuArgs

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.language.world import World

SEV_PLATFORM = qom_type("sev-guest", "sev-snp-guest") & EmulatorFact(
    "the platform offers SEV",
    "query-sev-capabilities",
    lambda e: e.sev is not None,
    lambda e: f"cbitpos {e.sev.cbitpos}" if e.sev else "refused",
    "cbitpos",
    hardware("use a host with AMD SEV, enabled in its firmware and in kvm_amd (sev=1)"),
)

S390_PV_QEMU = qom_type("s390-pv-guest") & object_property(
    "none-machine", "confidential-guest-support"
)
S390_PV_HOST = HostFact(
    "the host can run protected guests",
    "/sys/firmware/uv, prot_virt in /proc/cmdline",
    lambda host: host.kvm.secure_guest,
    lambda host: "yes" if host.kvm.secure_guest else "not switched on, or not there",
    advice=hardware("use an IBM z15 or later whose kernel was started with prot_virt=1"),
)
S390_PV = S390 & S390_PV_QEMU & S390_PV_HOST

TDX_QEMU = qom_type("tdx-guest")
TDX = TDX_QEMU & HostFact(
    "the host's KVM can run trust domains",
    "/sys/module/kvm_intel/parameters/tdx",
    lambda host: host.kvm.tdx,
    lambda host: "Y" if host.kvm.tdx else "not Y, or not there",
    advice=hardware("use a host with Intel TDX, enabled in its firmware and in kvm_intel (tdx=1)"),
)
TDX_FOR_GUEST = arch("x86_64") & virttype("kvm") & TDX
"""The feature looks at the guest, too; the launch security of that name does not."""

_TDX_ANYWHERE = Drift(
    title="TDX on hosts without TDX",
    says="tdx is listed if QEMU has it",
    but="on a host whose KVM has no TDX, such a guest fails to start",
    evidence="libvirt 11.10 and later look at the host as well, and no longer list it",
    where=~TDX,
    certain=True,
    instead="see what the host lacks: 'domcaps explain launchSecurity.sectype=tdx'",
    targets="hosts whose KVM cannot run TDX guests",
)

_PV_ANYWHERE = Drift(
    title="Protected guests on a mainframe that cannot run them",
    says="s390-pv is listed if QEMU has it",
    but="on a host that cannot run protected guests, libvirt refuses the definition",
    evidence="libvirt looks at the host for the feature s390-pv, and again where it checks a "
    "definition, but not where it lists the types of launch security",
    instead="start the host's kernel with prot_virt=1, if the machine supports it",
)
_POLICY = "<launchSecurity type='{}'><policy>0x{}</policy></launchSecurity>"
_GUARD = "confidential-guest-support={id}s"
PROTECTED = QemuArgs("-object s390-pv-guest,id={id}s", machine=_GUARD)
"""QEMU arguments to run a protected guest of a mainframe."""
TRUSTED = QemuArgs("-object tdx-guest,id={id}s", machine=f"{_GUARD},kernel_irqchip=split")
"""QEMU arguments to run a trust domain."""


def encrypted(kind: str) -> Callable[[World], tuple[QemuArgs, ...]]:
    """Tell QEMU arguments to run an encrypted guest, with what the platform says of itself."""

    def args(world: World) -> tuple[QemuArgs, ...]:
        sev = world.emulator.sev
        # figures that the platform does not tell are as good as any: it refuses before they count
        bits, reduced = (sev.cbitpos, sev.reduced_phys_bits) if sev else (51, 1)
        figures = f"cbitpos={bits},reduced-phys-bits={reduced}"
        return (QemuArgs(f"-object {kind},id={{id}}s,{figures}", machine=_GUARD),)

    return args


SECTYPE = Enum(
    "sectype",
    attribute="@type",
    choices=(
        Choice(
            "sev",
            qom_type("sev-guest") & SEV_PLATFORM,
            sample=_POLICY.format("sev", "3"),
            qemu_args=encrypted("sev-guest"),
        ),
        Choice(
            "sev-snp",
            qom_type("sev-snp-guest") & SEV_PLATFORM,
            sample=_POLICY.format("sev-snp", "30000"),
            qemu_args=encrypted("sev-snp-guest"),
        ),
        # libvirt looks at QEMU only here, and at the host as well for the feature s390-pv
        Choice("s390-pv", S390_PV_QEMU, drifts=(_PV_ANYWHERE,), qemu_args=PROTECTED),
        Choice(
            "tdx",
            TDX_QEMU,
            since=TDX_KNOWN,
            until=TDX_OF_HOST,
            at_start=(_TDX_ANYWHERE,),
            qemu_args=TRUSTED,
        ),
        Choice("tdx", TDX, since=TDX_OF_HOST, qemu_args=TRUSTED),
    ),
    sample="<launchSecurity type='{value}'/>",
)

ELEMENT = Element(
    "launchSecurity",
    place=Place.FEATURES,
    order=130,
    since=LAUNCH_SECURITY_REPORTED,
    supported=AnyChoice(SECTYPE),
    content=(SECTYPE,),
)
