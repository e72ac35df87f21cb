"""``<timer>``: clocks and timers of the guest's hardware, and what happens to ticks that it misses.

::

    <clock offset='utc'>
      <timer name='rtc' tickpolicy='catchup' track='guest'>
        <catchup threshold='123' slew='120' limit='10000'/>
      </timer>
      <timer name='tsc' frequency='3504000000' mode='native'/>
      <timer name='hpet' present='no'/>
    </clock>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import ARM_VIRT, X86
from domcaps.language.changes.domain import HPET_ACCEPTED, HPET_REFUSED, TIMER_REALTIME
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix
from domcaps.language.observed import device_property, object_property, option, virttype
from domcaps.language.part import Part, field
from domcaps.language.quantities import OrEmpty
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import UNSIGNED64, WRAPPING64, YES_NO, OneOf
from domcaps.language.wording import alternatives

PIT_CATCHUP = device_property("kvm-pit", "lost_tick_policy")
"""KVM's timer can make up for ticks that were missed."""

HPET_OF_MACHINE = option("machine", "hpet")
"""The HPET is switched by a property of the machine, not by an option of its own."""

VIRTUAL_TIMER = object_property("max-arm-cpu", "kvm-no-adjvtime")
"""Whether ARM's virtual timer stops with the guest can be chosen."""

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_ARM_KVM = ARM_VIRT & virttype("kvm")
_X86_TIMERS = frozenset(("tsc", "kvmclock", "hypervclock", "hpet"))
_POLICIES = {
    "rtc": ("delay", "catchup"),
    "pit": ("delay", "discard", "catchup"),
    "armvtimer": ("delay", "discard"),
    "kvmclock": (),
    "hypervclock": (),
}
"""What can be done about missed ticks; for other timers it is ignored."""

_CLOCK = "<clock offset='utc'>{}</clock>"


class Timer(Part):
    """A timer of the guest."""

    path = "clock/timer"

    name = field(
        "@name",
        OneOf(("pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock", "armvtimer")),
        required=True,
    )
    present = field("@present", YES_NO)
    tickpolicy = field("@tickpolicy", OneOf(("delay", "catchup", "merge", "discard")))
    track = field(
        "@track", OneOf(("boot", "guest", "wall", "realtime"), {"realtime": TIMER_REALTIME})
    )
    frequency = field(
        "@frequency",
        UNSIGNED64,
        strict=VALUES_STRICT,
        before=OrEmpty(WRAPPING64),
        expected="a number of hertz, such as '2400000000'",
    )
    mode = field("@mode", OneOf(("auto", "native", "emulate", "paravirt", "smpsafe")))
    threshold = field(
        "catchup/@threshold",
        UNSIGNED64,
        strict=VALUES_STRICT,
        before=OrEmpty(WRAPPING64),
        expected="a number of nanoseconds, such as '123'",
    )
    slew = field(
        "catchup/@slew",
        UNSIGNED64,
        strict=VALUES_STRICT,
        before=OrEmpty(WRAPPING64),
        expected="a rate of catching up, such as '120'",
    )
    limit = field(
        "catchup/@limit",
        UNSIGNED64,
        strict=VALUES_STRICT,
        before=OrEmpty(WRAPPING64),
        expected="a number of nanoseconds, such as '10000'",
    )


@rule(
    "clock-timer-unsupported",
    Timer,
    bad=Sample(_CLOCK.format("<timer name='tsc' present='yes'/>"), arch="s390x"),
    good=_CLOCK.format("<timer name='tsc' present='yes'/>"),
)
def timer_is_there(timer: Timer) -> Problems:
    """The architecture of the guest must support the ``<timer>``; most timers are for x86 only."""
    where = None
    if timer.name in _X86_TIMERS and timer.present == "yes":
        where = X86
    elif timer.name == "armvtimer":
        where = _ARM_KVM
    if timer.name == "hpet" and timer.present == "yes" and _is_mistaken(timer):
        yield problem(
            "this libvirt version refuses present='yes' for the timer 'hpet'", timer, "@present"
        )
    if where is not None and not timer.holds(where):
        why = where.explain(timer.domain.world)
        yield problem(
            f"the timer {timer.name!r} is not supported for {timer.domain.arch} guests; remove it",
            timer,
            "@name",
            reason=why,
        )


def _is_mistaken(timer: Timer) -> bool:
    """Tell whether the dialect is one of those that know only how old QEMU has an HPET."""
    mistaken = libvirt_reads(timer, HPET_REFUSED) and not libvirt_reads(timer, HPET_ACCEPTED)
    return mistaken and timer.holds(HPET_OF_MACHINE)


@rule(
    "clock-timer-armvtimer-invalid",
    Timer,
    bad=Sample(
        _CLOCK.format("<timer name='armvtimer' present='no'/>"), arch="aarch64", virttype="kvm"
    ),
    good=_CLOCK.format("<timer name='rtc'/>"),
)
def virtual_timer_stays(timer: Timer) -> Problems:
    """The timer ``armvtimer`` cannot be disabled, and old QEMU versions cannot configure it."""
    if timer.name != "armvtimer" or not timer.holds(_ARM_KVM):
        return
    if timer.present == "no":
        yield problem(
            "the timer 'armvtimer' cannot be disabled; remove present='no'", timer, "@present"
        )
    world = timer.domain.world
    if world.truth(VIRTUAL_TIMER) is Truth.NO:
        why = VIRTUAL_TIMER.explain(world)
        yield problem(
            "this QEMU cannot configure the timer 'armvtimer'; remove it", timer, reason=why
        )


@rule(
    "clock-timer-tickpolicy-unsupported",
    Timer,
    bad=_CLOCK.format("<timer name='rtc' tickpolicy='merge'/>"),
    good=_CLOCK.format("<timer name='rtc' tickpolicy='catchup'/>"),
)
def ticks_are_made_up_for(timer: Timer) -> Problems:
    """Attribute ``tickpolicy`` of ``<timer>`` must be a policy that this timer supports, such as
    ``catchup`` for ``rtc``.
    """
    offered = _POLICIES.get(timer.name or "")
    if timer.tickpolicy is None or offered is None:
        return
    world = timer.domain.world
    if timer.tickpolicy not in offered:
        instead = f"use {alternatives([repr(one) for one in offered])}" if offered else "remove it"
        message = (
            f"the timer {timer.name!r} does not support tickpolicy={timer.tickpolicy!r}; {instead}"
        )
        yield problem(message, timer, "@tickpolicy", accepted=offered)
        return
    catches_up = timer.name == "pit" and timer.tickpolicy == "catchup"
    if catches_up and world.truth(PIT_CATCHUP) is Truth.NO:
        why = PIT_CATCHUP.explain(world)
        message = "tickpolicy='catchup' of the timer 'pit' requires KVM"
        yield problem(message, timer, "@tickpolicy", accepted=offered[:2], reason=why)


_CATCHUP = ("threshold", "slew", "limit")


@rule(
    "clock-timer-catchup-unused",
    Timer,
    bad=_CLOCK.format("<timer name='rtc'><catchup slew='120'/></timer>"),
    good=_CLOCK.format("<timer name='rtc' tickpolicy='catchup'><catchup slew='120'/></timer>"),
    fix=Fix(values=(("../@tickpolicy", "catchup"),)),
)
def catching_up_has_figures(timer: Timer) -> Problems:
    """``<catchup>`` of a ``<timer>`` requires ``tickpolicy='catchup'``."""
    given = any((timer.threshold, timer.slew, timer.limit))
    if not libvirt_reads(timer, VALUES_STRICT):
        given = given or any((timer.raw(name) or "").startswith("-") for name in _CATCHUP)
    if timer.tickpolicy != "catchup" and given:
        yield problem(
            "<catchup> requires tickpolicy='catchup' of its <timer>; set that, or remove <catchup>",
            timer,
            "catchup",
        )


@rule(
    "clock-timer-attribute-unsupported",
    Timer,
    bad=_CLOCK.format("<timer name='hpet' frequency='1000'/>"),
    good=_CLOCK.format("<timer name='tsc' frequency='1000000000'/>"),
)
def attributes_belong_to_timers(timer: Timer) -> Problems:
    """Attributes ``frequency`` and ``mode`` require ``<timer name='tsc'>``; ``track`` requires
    ``<timer name='rtc'>``.
    """
    if timer.name != "tsc":
        if timer.frequency:
            yield problem(
                "attribute 'frequency' is only valid for the timer 'tsc', not for "
                f"{timer.name!r}; remove it",
                timer,
                "@frequency",
            )
        if timer.mode is not None:
            yield problem(
                "attribute 'mode' is only valid for the timer 'tsc', not for "
                f"{timer.name!r}; remove it",
                timer,
                "@mode",
            )
    if timer.name != "rtc" and timer.track is not None:
        yield problem(
            "attribute 'track' is only valid for the timer 'rtc', not for "
            f"{timer.name!r}; remove it",
            timer,
            "@track",
        )
    if timer.name == "rtc" and timer.track == "boot":
        yield problem(
            "attribute 'track' of the timer 'rtc' must be 'guest', 'wall' or 'realtime'",
            timer,
            "@track",
        )


@rule(
    "clock-timer-frequency-unavailable",
    Timer,
    bad=_CLOCK.format("<timer name='tsc' frequency='1000000000'/>"),
    good=_CLOCK.format("<timer name='tsc' frequency='2500000000'/>"),
    stage=Stage.START,
)
def frequency_is_the_processors(timer: Timer) -> Problems:
    """If KVM cannot scale the TSC, ``frequency`` of ``<timer name='tsc'>`` must be the frequency of
    the host.

    Libvirt checks the first frequency in the domain. A deviation of 250 parts per million is
    accepted.
    """
    if timer.name != "tsc" or not timer.frequency or _first_chosen(timer) is not timer.node:
        return
    counter = timer.domain.world.host.time_stamp_counter
    if counter is None or counter[1]:
        return
    least, most = counter[0] - _tolerance(counter[0]), counter[0] + _tolerance(counter[0])
    if not least <= timer.frequency <= most:
        what = f"the host's TSC frequency is {counter[0]} Hz, and KVM cannot scale it"
        yield problem(what, timer, "@frequency", accepted=(str(counter[0]),))


def _tolerance(frequency: int) -> int:
    return frequency * 250 // 1_000_000


def _first_chosen(timer: Timer) -> Node | None:
    chosen = (t.node for t in timer.domain.all(Timer) if t.name == "tsc" and t.frequency)
    return next(chosen, None)
