"""Features of hypervisors besides Hyper-V: KVM's own, Xen's, and what containers may do.

::

    <features>
      <kvm>
        <hidden state='on'/>
        <dirty-ring state='on' size='4096'/>
      </kvm>
    </features>

libvirt reads all of them whatever the domain's type, and refuses names that it does not know.
"""

from __future__ import annotations

from domcaps.language.changes.features import KVM_DIRTY_RING, KVM_PV_IPI
from domcaps.language.node_path import tag_of
from domcaps.language.part import Part, field
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import ON_OFF, Int, OneOf

KVM = frozenset(("hidden", "hint-dedicated", "poll-control", "pv-ipi", "dirty-ring"))
XEN = frozenset(("e820_host", "passthrough"))
# fmt: off
CAPABILITIES = frozenset((
    "audit_control", "audit_write", "block_suspend", "chown", "dac_override", "dac_read_search",
    "fowner", "fsetid", "ipc_lock", "ipc_owner", "kill", "lease", "linux_immutable", "mac_admin",
    "mac_override", "mknod", "net_admin", "net_bind_service", "net_broadcast", "net_raw",
    "setgid", "setfcap", "setpcap", "setuid", "sys_admin", "sys_boot", "sys_chroot",
    "sys_module", "sys_nice", "sys_pacct", "sys_ptrace", "sys_rawio", "sys_resource", "sys_time",
    "sys_tty_config", "syslog", "wake_alarm",
))
# fmt: on

_RING = Int(1024, 65536, base=0)
_F = "<features>{}</features>"


class KvmFeatures(Part):
    """Features that KVM offers to guests."""

    path = "features/kvm"


class XenFeatures(Part):
    """Features that Xen offers to guests."""

    path = "features/xen"


class CapabilitiesFeature(Part):
    """What a container may do, by the kernel's names."""

    path = "features/capabilities"

    policy = field("@policy", OneOf(("default", "allow", "deny")))


@rule(
    "features-kvm-feature-invalid",
    KvmFeatures,
    bad=_F.format("<kvm><hidden/></kvm>"),
    good=_F.format("<kvm><hidden state='on'/></kvm>"),
)
def kvm_features(features: KvmFeatures) -> Problems:
    """Each element in ``<kvm>`` must be a KVM feature that libvirt knows, with a valid
    ``state``.
    """
    late = (("pv-ipi", KVM_PV_IPI), ("dirty-ring", KVM_DIRTY_RING))
    unread = {name for name, change in late if not libvirt_reads(features, change)}
    yield from _switches(features, KVM - unread, required=True)


@rule(
    "features-kvm-dirty-ring-invalid",
    KvmFeatures,
    bad=_F.format("<kvm><dirty-ring state='on' size='1000'/></kvm>"),
    good=_F.format("<kvm><dirty-ring state='on' size='4096'/></kvm>"),
)
def ring_has_a_size(features: KvmFeatures) -> Problems:
    """Attribute ``size`` of ``<dirty-ring>`` must be a power of two from 1024 to 65536."""
    for node in features.find_all("dirty-ring"):
        if node.get("state") != "on":
            continue
        try:
            size = _RING.parse(node.get("size", ""))
        except ValueError:
            size = -1
        if size.bit_count() != 1 or size < 0:
            yield problem(
                "attribute 'size' of <dirty-ring> must be a power of two from 1024 to 65536",
                node,
                "@size",
            )


@rule(
    "features-xen-feature-invalid",
    XenFeatures,
    bad=_F.format("<xen><passthrough state='on' mode='no_pt'/></xen>"),
    good=_F.format("<xen><passthrough state='on' mode='sync_pt'/></xen>"),
)
def xen_features(features: XenFeatures) -> Problems:
    """Each element in ``<xen>`` must be a Xen feature that libvirt knows, with a valid
    ``state``.
    """
    yield from _switches(features, XEN, required=True)
    for node in features.find_all("passthrough"):
        mode = node.get("mode", "sync_pt")
        if node.get("state") == "on" and mode not in {"sync_pt", "share_pt"}:
            yield problem(
                "attribute 'mode' of <passthrough> must be 'sync_pt' or 'share_pt'", node, "@mode"
            )


@rule(
    "features-capabilities-feature-invalid",
    CapabilitiesFeature,
    bad=_F.format("<capabilities><fly state='on'/></capabilities>"),
    good=_F.format("<capabilities><mknod/></capabilities>"),
)
def capabilities_of_containers(features: CapabilitiesFeature) -> Problems:
    """Each element in ``<capabilities>`` must be a Linux capability that libvirt knows; ``state``
    is optional.
    """
    yield from _switches(features, CAPABILITIES, required=False)


def _switches(features: Part, names: frozenset[str], *, required: bool) -> Problems:
    for node in features.node.iterchildren("*"):
        state = node.get("state")
        if node.tag not in names:
            yield problem(
                f"<{tag_of(node)}> is not a feature that libvirt knows in <{features.node.tag}>",
                node,
                accepted=sorted(names),
            )
        elif state is None and required:
            yield problem(
                f"<{node.tag}> needs the attribute 'state': 'on' or 'off'",
                node,
                accepted=ON_OFF.names,
            )
        elif state is not None and state not in ON_OFF.names:
            yield problem(
                f"attribute 'state' of <{node.tag}> must be 'on' or 'off'",
                node,
                "@state",
                accepted=ON_OFF.names,
            )
