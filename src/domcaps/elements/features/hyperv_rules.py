"""What must hold of ``<hyperv>`` in a domain; what QEMU offers is in `features.hyperv`.

::

    <features>
      <hyperv mode='custom'>
        <vpindex state='on'/>
        <synic state='on'/>
        <stimer state='on'>
          <direct state='on'/>
        </stimer>
        <vendor_id state='on' value='KVM Hv'/>
      </hyperv>
    </features>
    <clock>
      <timer name='hypervclock' present='yes'/>
    </clock>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import ARM_VIRT, X86
from domcaps.elements.features.hyperv import FEATURES
from domcaps.language import Choice, Enum
from domcaps.language.changes.features import (
    HYPERV_DEPENDENCIES,
    HYPERV_HOST_MODEL_READ,
    HYPERV_MODE,
    HYPERV_PASSTHROUGH_ALONE,
    HYPERV_SYNIC_ALONE,
)
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.node_path import tag_of
from domcaps.language.part import Part, field
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import ON_OFF, UNSIGNED, Int

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

NAMES = frozenset(choice.name for choice in FEATURES.choices)

MODE = Enum(
    "hypervMode",
    attribute="@mode",
    choices=(
        Choice("custom"),
        Choice("passthrough"),
        Choice("host-model", since=HYPERV_DEPENDENCIES),
    ),
)

WHERE = X86 | ARM_VIRT
"""Machines whose guests may take them for Microsoft's."""

_NEEDS = (("stimer", "synic"), ("tlbflush", "vpindex"), ("ipi", "vpindex"), ("evmcs", "vapic"))
_INSIDE = {"stimer": ("direct",), "tlbflush": ("direct", "extended")}
_LEAST_RETRIES = 4095
_RETRIES = Int(0, UNSIGNED.most, base=0)
_VENDOR_LENGTH = 12

_HV = "<features><hyperv{}>{}</hyperv></features>"
_CLOCK = "<clock offset='utc'><timer name='hypervclock' present='yes'/></clock>"


class Hyperv(Part):
    """The enlightenments of a domain."""

    path = "features/hyperv"

    mode = field("@mode", choice=MODE, default="custom", since=HYPERV_MODE)

    @property
    def switches(self) -> list[Node]:
        """The enlightenments that libvirt reads: none where passthrough means all."""
        passed = self.mode == "passthrough" and libvirt_reads(self, HYPERV_PASSTHROUGH_ALONE)
        unread = self.mode == "host-model" and not libvirt_reads(self, HYPERV_HOST_MODEL_READ)
        return [] if passed or unread else list(self.node.iterchildren("*"))

    def is_on(self, name: str) -> bool:
        """Tell whether an enlightenment is switched on."""
        return any(node.tag == name and node.get("state") == "on" for node in self.switches)


@rule(
    "features-hyperv-unsupported",
    Hyperv,
    bad=Sample(_HV.format("", ""), arch="s390x"),
    good=_HV.format("", "<relaxed state='on'/>"),
)
def hyperv_is_for_pcs(hyperv: Hyperv) -> Problems:
    """``<hyperv>`` requires an x86 guest, or the Arm machine type ``virt``."""
    if not hyperv.holds(WHERE):
        why = WHERE.explain(hyperv.domain.world)
        yield problem(
            "<hyperv> requires an x86 guest, or the Arm machine type 'virt'; remove it",
            hyperv,
            reason=why,
        )


@rule(
    "features-hyperv-host-model-unsupported",
    Hyperv,
    bad=Sample(_HV.format(" mode='host-model'", ""), arch="aarch64"),
    good=_HV.format(" mode='host-model'", ""),
    stage=Stage.START,
)
def host_model_is_x86(hyperv: Hyperv) -> Problems:
    """``<hyperv mode='host-model'>`` requires an x86 guest."""
    if hyperv.mode == "host-model" and hyperv.holds(ARM_VIRT):
        yield problem(
            "<hyperv mode='host-model'> requires an x86 guest; use mode='custom'", hyperv, "@mode"
        )


@rule(
    "features-hyperv-feature-invalid",
    Hyperv,
    bad=_HV.format("", "<relaxed/>"),
    good=_HV.format("", "<relaxed state='on'/>"),
)
def switches_have_states(hyperv: Hyperv) -> Problems:
    """Each element in ``<hyperv>`` must be a Hyper-V enlightenment that libvirt knows, with a valid
    ``state``.
    """
    dialect = hyperv.domain.world.target.dialect
    for node in hyperv.switches:
        if FEATURES.find(str(node.tag), dialect) is None:
            yield problem(
                f"<{tag_of(node)}> is not a known Hyper-V enlightenment",
                node,
                accepted=sorted(NAMES),
            )
        else:
            yield from _state(node)
            yield from _inside(node)


def _state(node: Node) -> Problems:
    state = node.get("state")
    if state is None:
        message = f"<{node.tag}> needs the attribute 'state'"
        yield problem(message, node, accepted=ON_OFF.names, fix=set_value("on", "@state"))
    elif state not in ON_OFF.names:
        yield problem(
            f"attribute 'state' of <{node.tag}> must be 'on' or 'off'",
            node,
            "@state",
            accepted=ON_OFF.names,
        )


def _inside(node: Node) -> Problems:
    """Look at what some enlightenments are made of, where they are on."""
    parts = _INSIDE.get(str(node.tag))
    if parts is None or node.get("state") != "on":
        return
    for child in node.iterchildren("*"):
        if child.tag in parts:
            yield from _state(child)
        else:
            yield problem(
                f"<{child.tag}> is not valid in <{node.tag}>; remove it", child, accepted=parts
            )


@rule(
    "features-hyperv-spinlocks-invalid",
    Hyperv,
    bad=_HV.format("", "<spinlocks state='on' retries='100'/>"),
    good=_HV.format("", "<spinlocks state='on' retries='8191'/>"),
)
def spinlocks_retry(hyperv: Hyperv) -> Problems:
    """Attribute ``retries`` of ``<spinlocks>`` must be at least 4095."""
    optional = libvirt_reads(hyperv, HYPERV_DEPENDENCIES)
    for node in hyperv.switches:
        if node.tag != "spinlocks" or node.get("state") != "on":
            continue
        given = node.get("retries")
        if given is None:
            if not optional:
                yield problem("<spinlocks> needs the attribute 'retries'", node)
            continue
        try:
            enough = _RETRIES.parse(given) >= _LEAST_RETRIES
        except ValueError:
            enough = False
        if not enough:
            yield problem(
                f"attribute 'retries' of <spinlocks> must be at least {_LEAST_RETRIES}, "
                "such as '8191'",
                node,
                "@retries",
            )


@rule(
    "features-hyperv-vendor-id-invalid",
    Hyperv,
    bad=_HV.format("", "<vendor_id state='on' value='1234567890123'/>"),
    good=_HV.format("", "<vendor_id state='on' value='KVM Hv'/>"),
)
def vendor_has_a_name(hyperv: Hyperv) -> Problems:
    """Attribute ``value`` of ``<vendor_id>`` must have 1 to 12 characters, without a comma."""
    for node in hyperv.switches:
        if node.tag != "vendor_id" or node.get("state") != "on":
            continue
        value = node.get("value")
        if value is None:
            yield problem("<vendor_id> needs the attribute 'value'", node)
        elif len(value.encode()) > _VENDOR_LENGTH or "," in value:
            yield problem(
                "attribute 'value' of <vendor_id> must be at most 12 characters, without a comma",
                node,
                "@value",
                fix=set_value(value.replace(",", "")[:_VENDOR_LENGTH], "@value"),
            )


@rule(
    "features-hyperv-feature-dependency",
    Hyperv,
    bad=_HV.format("", "<tlbflush state='on'/>"),
    good=_HV.format("", "<vpindex state='on'/><tlbflush state='on'/>"),
    since=HYPERV_DEPENDENCIES,
)
def enlightenments_build_on_each_other(hyperv: Hyperv) -> Problems:
    """A Hyper-V enlightenment requires those that it depends on; for example, ``stimer``
    requires ``synic``.
    """
    needs = [(name, needed) for name, needed in _NEEDS if hyperv.is_on(name)]
    if hyperv.is_on("synic") and not libvirt_reads(hyperv, HYPERV_SYNIC_ALONE):
        needs += [("synic", "vpindex")]
    if any(direct.get("state") == "on" for direct in hyperv.find_all("tlbflush/direct")):
        needs += [("tlbflush", "vapic")] if hyperv.is_on("tlbflush") else []
    for name, needed in needs:
        if not hyperv.is_on(needed):
            wanted = Fix(add=_HV.format("", f"<{needed} state='on'/>"))
            yield problem(f"<{name}> requires <{needed} state='on'/>", hyperv, name, fix=wanted)
    if hyperv.is_on("stimer") and not _has_clock(hyperv.domain.root):
        message = "<stimer> requires <timer name='hypervclock' present='yes'/> in <clock>"
        timer = Fix(add="<clock><timer name='hypervclock' present='yes'/></clock>")
        yield problem(message, hyperv, "stimer", fix=timer)


def _has_clock(root: Node) -> bool:
    return any(
        timer.get("name") == "hypervclock" and timer.get("present") == "yes"
        for timer in root.iterfind("clock/timer")
    )
