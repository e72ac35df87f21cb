"""What must hold of ``<launchSecurity>`` in a domain; the types are in `launchsecurity`.

::

    <launchSecurity type='sev-snp' authorKey='yes' vcek='no'>
      <cbitpos>51</cbitpos>
      <reducedPhysBits>1</reducedPhysBits>
      <policy>0x00030000</policy>
      <hostData>…32 bytes in base64…</hostData>
    </launchSecurity>
"""

from __future__ import annotations

from domcaps.elements.features.launch_security import S390_PV_HOST, S390_PV_QEMU, SECTYPE
from domcaps.language.attributes import Attributes
from domcaps.language.observed import qapi
from domcaps.language.part import Part, field
from domcaps.language.quantities import OrEmpty
from domcaps.language.require import needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import UNSIGNED, YES_NO, Int, fits
from domcaps.language.wording import counted

KERNEL_HASHES = qapi("object-add/arg/case=sev-guest/kernel-hashes")
"""QEMU can have the platform vouch for a kernel that it starts directly."""

_SWITCHES = {
    "sev": Attributes({"kernelHashes": YES_NO}),
    "sev-snp": Attributes({"kernelHashes": YES_NO, "authorKey": YES_NO, "vcek": YES_NO}),
}
# policies are hexadecimal, with or without 0x
_POLICIES = {
    "sev": Int(0, 2**32 - 1, base=16),
    "sev-snp": Int(0, 2**64 - 1, base=16),
    "tdx": OrEmpty(Int(0, 2**64 - 1, base=16)),
}
_FIGURES = OrEmpty(UNSIGNED)
_BYTES = {
    "sev-snp": {"guestVisibleWorkarounds": 16, "idBlock": 96, "idAuth": 4096, "hostData": 32},
}
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")

_SEV = "<launchSecurity type='sev'{}>{}</launchSecurity>"
_GOOD = "<on_poweroff>destroy</on_poweroff>"


class LaunchSecurity(Part):
    """How the guest is kept from the eyes of the host."""

    path = "launchSecurity"

    type = field("@type", choice=SECTYPE, required=True)


@rule(
    "launch-security-attribute-invalid",
    LaunchSecurity,
    bad=_SEV.format(" kernelHashes='maybe'", "<policy>3</policy>"),
    good=_GOOD,
)
def switches_are_yes_or_no(security: LaunchSecurity) -> Problems:
    """Attributes such as ``kernelHashes`` of an AMD ``<launchSecurity>`` must be ``yes`` or ``no``;
    other types have none.
    """
    switches = _SWITCHES.get(security.type or "")
    if switches is not None:
        yield from switches.problems(security.node)


@rule(
    "launch-security-policy-invalid",
    LaunchSecurity,
    bad=_SEV.format("", "<policy>strict</policy>"),
    good=_GOOD,
)
def policy_is_hexadecimal(security: LaunchSecurity) -> Problems:
    """``<policy>`` must be a hexadecimal number such as ``0x30000``; the types ``sev`` and
    ``sev-snp`` require it.
    """
    kind = _POLICIES.get(security.type or "")
    if kind is None:
        return
    node = security.find("policy")
    text = "" if node is None else node.text or ""
    if not fits(kind, text):
        what = "must be a hexadecimal number, such as 0x30000" if text else "is required"
        yield problem(f"<policy> {what}", security, "policy")


@rule(
    "launch-security-figure-invalid",
    LaunchSecurity,
    bad=_SEV.format("", "<policy>3</policy><cbitpos>high</cbitpos>"),
    good=_GOOD,
)
def figures_are_numbers(security: LaunchSecurity) -> Problems:
    """``<cbitpos>`` and ``<reducedPhysBits>`` must be whole numbers; the default is the host's
    value.
    """
    if security.type not in {"sev", "sev-snp"}:
        return
    for name in ("cbitpos", "reducedPhysBits"):
        node = security.find(name)
        if node is not None and not fits(_FIGURES, node.text or ""):
            yield problem(
                f"<{name}> must be a whole number, such as '1'; remove it to use the host's value",
                security,
                name,
            )


@rule(
    "launch-security-length-wrong",
    LaunchSecurity,
    bad="<launchSecurity type='sev-snp'><policy>0x30000</policy><hostData>AAAA</hostData>"
    "</launchSecurity>",
    good=_GOOD,
)
def data_have_their_length(security: LaunchSecurity) -> Problems:
    """Base64 data in ``<launchSecurity type='sev-snp'>`` must have the length of its field.

    These are 16 bytes for ``<guestVisibleWorkarounds>``, 96 for ``<idBlock>``, 4096 for
    ``<idAuth>`` and 32 for ``<hostData>``.
    """
    for name, length in _BYTES.get(security.type or "", {}).items():
        node = security.find(name)
        text = "" if node is None else node.text or ""
        found = _decoded_length(text)
        if text and found not in {0, length}:
            yield problem(
                f"<{name}> has {counted(found, 'byte')} of data, but must have {length}",
                security,
                name,
            )


def _decoded_length(text: str) -> int:
    """Count the bytes that base64 stands for; what is no base64 is ignored."""
    digits = bytes(byte for byte in text.encode() if byte in _BASE64)
    groups = len(digits) // 4
    ends = (digits[4 * number + 2 : 4 * number + 4] for number in range(groups))
    return sum(3 - end.count(b"=") for end in ends)


@rule(
    "launch-security-kernel-hashes-unsupported",
    LaunchSecurity,
    bad=Sample(_SEV.format(" kernelHashes='yes'", "<policy>3</policy>"), arch="sparc"),
    good=_GOOD,
)
def hashes_are_there(security: LaunchSecurity) -> Problems:
    """Attribute ``kernelHashes`` of ``<launchSecurity>`` requires QEMU 6.2 or later."""
    if security.type == "sev" and security.node.get("kernelHashes"):
        yield from needs(
            security,
            KERNEL_HASHES,
            "this QEMU does not support kernelHashes; remove it",
            "@kernelHashes",
        )


@rule(
    "launch-security-host-unable",
    LaunchSecurity,
    bad=Sample("<launchSecurity type='s390-pv'/>", arch="s390x", lacking=("kvm.secure_guest",)),
    good=_GOOD,
)
def host_protects(security: LaunchSecurity) -> Problems:
    """``<launchSecurity type='s390-pv'>`` requires a host whose kernel was started with
    prot_virt=1.
    """
    if security.type == "s390-pv" and security.holds(S390_PV_QEMU):
        yield from needs(
            security, S390_PV_HOST, "this host does not support protected guests", "@type"
        )
