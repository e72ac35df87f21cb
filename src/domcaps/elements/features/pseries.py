"""Features of IBM's POWER servers, the machine types ``pseries``.

::

    <features>
      <hpt resizing='enabled'>
        <maxpagesize unit='GiB'>1</maxpagesize>
      </hpt>
      <htm state='off'/>
      <cfpc value='fixed'/>
    </features>
"""

from __future__ import annotations

from domcaps.elements.boards.families import PSERIES
from domcaps.language.finding import Stage
from domcaps.language.fix import set_value
from domcaps.language.part import Part, field
from domcaps.language.quantities import SIZE, UNIT, is_power_of_two, size_of
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import ON_OFF, OneOf

_MITIGATION = OneOf(("broken", "workaround", "fixed"))


class PseriesFeature(Part):
    """Base class of the features of POWER servers."""

    @property
    def is_used(self) -> bool:
        """Whether the definition says something about it."""
        return True


class _Switch(PseriesFeature):
    state = field("@state", ON_OFF, required=True)


class _Mitigation(PseriesFeature):
    value = field("@value", _MITIGATION)

    @property
    def is_used(self) -> bool:
        """Whether a value is given."""
        return self.node.get("value") is not None


class Hpt(PseriesFeature):
    """The hash table of pages."""

    path = "features/hpt"
    resizing = field("@resizing", OneOf(("enabled", "disabled", "required")))
    maxpagesize = field("maxpagesize", SIZE)
    maxpagesize_unit = field("maxpagesize/@unit", UNIT, of="maxpagesize")

    @property
    def is_used(self) -> bool:
        """Whether resizing or a size is given."""
        size = size_of(self.node, "maxpagesize", "maxpagesize/@unit")
        return self.resizing is not None or bool(size)


class Htm(_Switch):
    """Transactional memory."""

    path = "features/htm"


class NestedHv(_Switch):
    """Guests in the guest."""

    path = "features/nested-hv"


class CcfAssist(_Switch):
    """Help with flushing the count cache."""

    path = "features/ccf-assist"


class Cfpc(_Mitigation):
    """The cache is flushed when privileges change."""

    path = "features/cfpc"


class Sbbc(_Mitigation):
    """Barriers against speculation past bounds checks."""

    path = "features/sbbc"


class Ibs(_Mitigation):
    """Serialization of indirect branches."""

    path = "features/ibs"
    value = field("@value", OneOf(("broken", "workaround", "fixed-ibs", "fixed-ccd", "fixed-na")))


@rule(
    "pseries-feature-unsupported",
    PseriesFeature,
    bad="<features><htm state='on'/></features>",
    good=Sample("<features><htm state='on'/></features>", arch="ppc64"),
)
def servers_only(feature: PseriesFeature) -> Problems:
    """Features of POWER, such as ``<htm>`` and ``<hpt>``, require a pseries machine type."""
    if feature.is_used and not feature.holds(PSERIES):
        why = PSERIES.explain(feature.domain.world)
        name = feature.node.tag
        yield problem(f"<{name}> requires a pseries machine type; remove it", feature, reason=why)


@rule(
    "features-htm-fails-at-start",
    Htm,
    bad=Sample("<features><htm state='on'/></features>", arch="ppc64"),
    good=Sample("<features><htm state='off'/></features>", arch="ppc64"),
    stage=Stage.START,
)
def memory_is_not_transactional(htm: Htm) -> Problems:
    """``<htm state='on'/>`` requires KVM: QEMU does not emulate transactional memory."""
    if htm.state == "on" and htm.domain.virttype == "qemu" and htm.holds(PSERIES):
        message = "without KVM, there is no transactional memory; use state='off'"
        yield problem(message, htm, "@state", accepted=("off",), fix=set_value("off", "@state"))


_PAGES = "<features><hpt><maxpagesize unit='KiB'>{}</maxpagesize></hpt></features>"


@rule(
    "features-hpt-maxpagesize-fails-at-start",
    Hpt,
    bad=Sample(_PAGES.format(96), arch="ppc64"),
    good=Sample(_PAGES.format(64), arch="ppc64"),
    stage=Stage.START,
)
def pages_are_powers_of_two(hpt: Hpt) -> Problems:
    """``<maxpagesize>`` of ``<hpt>`` must be a power of two."""
    size = size_of(hpt.node, "maxpagesize", "maxpagesize/@unit") or 0
    if size and not is_power_of_two(size):
        yield problem("<maxpagesize> must be a power of two, such as 64 KiB", hpt, "maxpagesize")
