"""``<clock>``: what time the guest's clock shows when it starts.

::

    <clock offset='variable' adjustment='-3600' basis='utc'>
      <timer name='rtc' tickpolicy='catchup'/>
    </clock>

Its timers stand in `domain.timer`.
"""

from __future__ import annotations

from domcaps.elements.boards.families import X86
from domcaps.elements.features.hyperv import CLOCK
from domcaps.language.changes.domain import CLOCK_ABSOLUTE
from domcaps.language.fix import Fix, Substitutes
from domcaps.language.observed import virttype
from domcaps.language.part import Part, field
from domcaps.language.preference import Decision, Option, family
from domcaps.language.quantities import OrEmpty
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import Int, OneOf
from domcaps.patterns import late_pattern

_ADJUSTMENT = Int(-(2**63), 2**63 - 1)
_START = Int(0, 253402300799)
"""Seconds from 1970 to the end of the year 9999."""
_BASES = ("utc", "localtime")
_ZONE = late_pattern(r"[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_+-]+\d*)+")
_OTHER_NAMES = ("zone", "tz", "time_zone", "timeZone")
"""What people write for ``timezone``."""


# as libvirt's own tools have it: ticks that were lost are made up for, and nobody reads the HPET
_TICKS = (
    "<timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/>"
    "<timer name='hpet' present='no'/>"
)

PREFERENCE = Decision(
    "clock.offset",
    order=140,
    title="the clock",
    options=(
        Option(
            "localtime",
            "Windows takes the clock for local time, and asks the hypervisor for it",
            guest=family("windows"),
            when=X86 & virttype("kvm") & CLOCK,
            xml="<clock offset='{value}'><timer name='hypervclock' present='yes'/>"
            f"{_TICKS}</clock>",
        ),
        Option(
            "localtime",
            "Windows takes the clock for local time",
            guest=family("windows"),
            xml="<clock offset='{value}'/>",
        ),
        Option(
            "utc",
            "all others take it for universal time, and PCs must not lose ticks",
            when=X86,
            xml=f"<clock offset='{{value}}'>{_TICKS}</clock>",
        ),
        Option("utc", "all others take it for universal time", xml="<clock offset='{value}'/>"),
    ),
)


SUBSTITUTES = Substitutes(
    "clock/@offset",
    # which zone or which time is meant is not known from anything else
    order={"timezone": (), "absolute": (), "variable": (), "*": ("utc",)},
    slips={"gmt": "utc", "z": "utc", "local": "localtime", "host": "localtime"},
)


class _Offset(OneOf):
    """What the clock is set to; a time zone stands in an attribute of its own."""

    def fixes(self, text: str, at: str, unit: str = "") -> tuple[Fix, ...]:
        """Write a time zone where it belongs: ``offset='Europe/Paris'``."""
        if _ZONE.fullmatch(text):
            return (Fix(values=((at, "timezone"), ("@timezone", text))),)
        return super().fixes(text, at, unit)


class Clock(Part):
    """The guest's clock."""

    path = "clock"
    knows = ("@adjustment0",)

    offset = field(
        "@offset", OrEmpty(_Offset(("utc", "localtime", "variable", "timezone", "absolute")))
    )
    adjustment = field("@adjustment")
    basis = field("@basis")
    timezone = field("@timezone")
    start = field("@start")


@rule(
    "clock-adjustment-invalid",
    Clock,
    bad="<clock offset='utc' adjustment='soon'/>",
    good="<clock offset='utc' adjustment='reset'/>",
)
def adjustment_is_seconds(clock: Clock) -> Problems:
    """Attribute ``adjustment`` of ``<clock>`` must be a number of seconds, or ``reset``."""
    text = clock.adjustment
    if not text or text == "reset" or clock.offset not in {None, *_BASES}:
        return
    try:
        _ADJUSTMENT.parse(text)
    except ValueError:
        yield problem(
            "attribute 'adjustment' of <clock> must be a number of seconds, such as "
            "'3600', or 'reset'",
            clock,
            "@adjustment",
        )


@rule(
    "clock-basis-invalid",
    Clock,
    bad="<clock offset='variable' basis='gmt'/>",
    good="<clock offset='variable' basis='localtime'/>",
)
def basis_is_known(clock: Clock) -> Problems:
    """Attribute ``basis`` of ``<clock>`` must be ``utc`` or ``localtime``."""
    if clock.offset == "variable" and clock.basis and clock.basis not in _BASES:
        yield problem(
            "attribute 'basis' of <clock> must be 'utc' or 'localtime'",
            clock,
            "@basis",
            accepted=_BASES,
        )


@rule(
    "clock-timezone-missing",
    Clock,
    bad="<clock offset='timezone'/>",
    good="<clock offset='timezone' timezone='Europe/Paris'/>",
)
def timezone_is_named(clock: Clock) -> Problems:
    """``<clock offset='timezone'>`` needs the attribute ``timezone``, such as
    ``timezone='Europe/Rome'``.
    """
    if clock.offset == "timezone" and not clock.timezone:
        other = next((name for name in _OTHER_NAMES if clock.node.get(name)), "")
        yield problem(
            "<clock offset='timezone'> needs the attribute 'timezone', such as 'Europe/Rome'",
            clock,
            "@offset",
            fix=Fix(renames=((f"@{other}", "timezone"),)) if other else (),
        )


@rule(
    "clock-start-invalid",
    Clock,
    since=CLOCK_ABSOLUTE,
    bad="<clock offset='absolute'/>",
    good="<clock offset='absolute' start='1234567890'/>",
)
def start_is_a_time(clock: Clock) -> Problems:
    """``<clock offset='absolute'>`` needs the attribute ``start``: seconds since 1970-01-01 UTC,
    such as ``1767225600``.
    """
    if clock.offset != "absolute":
        return
    try:
        _START.parse(clock.start or "")
    except ValueError:
        yield problem(
            "<clock offset='absolute'> needs the attribute 'start': seconds since 1970-01-01 UTC, "
            "such as '1767225600'",
            clock,
            "@start" if clock.start else "@offset",
        )


@rule(
    "clock-start-invalid",
    Clock,
    until=CLOCK_ABSOLUTE,
    bad="<clock offset='absolute' start='1234567890'/>",
    good="<clock offset='utc'/>",
)
def time_is_relative(clock: Clock) -> Problems:
    """``<clock offset='absolute'>`` is not supported: the guest's clock follows the host's."""
    if clock.offset == "absolute":
        yield problem(
            "this libvirt version does not support <clock offset='absolute'>", clock, "@offset"
        )
