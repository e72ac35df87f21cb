"""``<gic>``: the interrupt controller of ARM's virt board.

::

    <features>
      <gic version='3'/>
    </features>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import ARM_VIRT
from domcaps.language import AnyChoice, Choice, Drift, Element, Enum, Place, World
from domcaps.language.finding import Stage
from domcaps.language.observed import WorldFact
from domcaps.language.part import Part, field
from domcaps.language.qemu_args import QemuArgs
from domcaps.language.remedy import Effort, Remedy
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import OneOf

if TYPE_CHECKING:
    from domcaps.language.predicate import Predicate


def _offers(world: World) -> str:
    """List the versions with who implements them."""
    known = []
    for gic in world.emulator.gic:
        by = [name for name, has in (("kvm", gic.kernel), ("qemu", gic.emulated)) if has]
        known.append(f"{gic.version} by {' and '.join(by) or 'nothing'}")
    return ", ".join(known) or "none"


def _version(number: int) -> Predicate:
    def offered(world: World) -> bool:
        for gic in world.emulator.gic:
            if gic.version == number:
                return {"kvm": gic.kernel, "qemu": gic.emulated}.get(world.target.virttype, False)
        return False

    def advice(world: World) -> Remedy:
        for gic in world.emulator.gic:
            if gic.version == number and (gic.emulated or gic.kernel):
                return Remedy(Effort.VIRTTYPE, f"--virttype {'qemu' if gic.emulated else 'kvm'}")
        return Remedy(Effort.HARDWARE, f"an ARM host that has version {number}")

    return ARM_VIRT & WorldFact(
        f"QEMU offers version {number} for this virtualization type",
        "query-gic-capabilities",
        offered,
        _offers,
        f"[version={number}]",
        advice,
    )


_NOT_LOOKED_AT = Drift(
    title="GIC versions that QEMU does not support",
    says="the GIC versions that QEMU supports for the virtualization type are listed",
    but="libvirt accepts any version for the machine type virt; QEMU fails to start "
    "with an unsupported one",
    evidence="libvirt builds a command line for aarch64 with <gic version='3'/> and for "
    "type='qemu' with versions that QEMU offers with KVM only",
    listed=False,
    instead="use a listed version, or omit <gic>",
)

_OLD_ARM = Drift(
    title="GIC version 3 on 32-bit ARM",
    says="GIC version 3 is listed for 32-bit ARM if QEMU reports it",
    but="libvirt does not start such a guest with qemu-system-arm: it reports that "
    "'gic-version' is not available",
    evidence="a domain for armv7l with <gic version='3'/> can be defined with 11.3 and "
    "12.8, and is refused when its command line is built",
    instead="use version 2",
)
_ARGS = QemuArgs(machine="gic-version={value}", when=ARM_VIRT)

VERSION = Enum(
    "version",
    attribute="@version",
    choices=(
        Choice("2", _version(2), drifts=(_NOT_LOOKED_AT,), qemu_args=_ARGS),
        Choice(
            "3",
            _version(3),
            qemu_args=_ARGS,
            drifts=(
                _NOT_LOOKED_AT,
                _OLD_ARM,
            ),
        ),
    ),
)

ELEMENT = Element(
    "gic", place=Place.FEATURES, order=10, supported=AnyChoice(VERSION), content=(VERSION,)
)


class Gic(Part):
    """The interrupt controller that a domain asks for.

    libvirt does not look at what QEMU offers: ``version='host'`` may come to mean either.
    """

    path = "features/gic"

    version = field("@version", OneOf(("host", "2", "3")))


@rule(
    "features-gic-unsupported",
    Gic,
    bad="<features><gic/></features>",
    good=Sample("<features><gic version='3'/></features>", arch="aarch64"),
)
def gic_is_arm(gic: Gic) -> Problems:
    """``<gic>`` requires the Arm machine type ``virt``."""
    if not gic.holds(ARM_VIRT):
        why = ARM_VIRT.explain(gic.domain.world)
        yield problem("<gic> requires the Arm machine type 'virt'; remove it", gic, reason=why)


@rule(
    "features-gic-version-unsupported",
    Gic,
    bad=Sample("<features><gic version='3'/></features>", arch="armv7l"),
    good=Sample("<features><gic version='2'/></features>", arch="armv7l"),
    stage=Stage.START,
)
def old_arm_has_version_2(gic: Gic) -> Problems:
    """Attribute ``version`` of ``<gic>`` must be ``2`` for 32-bit Arm guests."""
    old = gic.holds(ARM_VIRT) and gic.domain.world.emulator.arch != "aarch64"
    if old and gic.version in {"3", "host"}:
        yield problem(
            "this emulator supports only <gic version='2'/>", gic, "@version", accepted=("2",)
        )


@rule(
    "features-gic-host-without-kvm",
    Gic,
    bad=Sample("<features><gic version='host'/></features>", arch="aarch64"),
    good=Sample("<features><gic version='3'/></features>", arch="aarch64"),
    stage=Stage.START,
)
def host_version_needs_kvm(gic: Gic) -> Problems:
    """``<gic version='host'/>`` requires KVM."""
    host = gic.version == "host" and gic.domain.virttype == "qemu" and gic.holds(ARM_VIRT)
    # 32-bit guests have another rule
    if host and gic.domain.world.emulator.arch == "aarch64":
        message = "without KVM, <gic version='host'> does not start; use version='3' or version='2'"
        yield problem(message, gic, "@version", accepted=("3", "2"))
