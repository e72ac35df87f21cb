"""``<cputune>``: how much time on which of the host's CPUs a guest's threads get.

::

    <cputune>
      <vcpupin vcpu='0' cpuset='1-4,^2'/>
      <emulatorpin cpuset='1-3'/>
      <iothreadpin iothread='1' cpuset='5,6'/>
      <shares>2048</shares>
      <period>1000000</period>
      <quota>-1</quota>
      <vcpusched vcpus='0-3' scheduler='fifo' priority='1'/>
      <iothreadsched iothreads='2' scheduler='batch'/>
    </cputune>

Shares of caches and of memory's bandwidth stand in `memory.resctrl`.
"""

from __future__ import annotations

from domcaps.elements.processor.iothreadids import has_iothread, with_iothread
from domcaps.elements.processor.vcpu_count import max_vcpus
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.fix import Fix, set_value
from domcaps.language.immutable import immutable
from domcaps.language.part import Part, field
from domcaps.language.quantities import CPUS, OrEmpty, highest, numbers, repeated
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import (
    POSITIVE,
    SIGNED,
    UNSIGNED,
    UNSIGNED64,
    WRAPPING64,
    Int,
    OneOf,
    ValueType,
    fits,
)
from domcaps.language.wording import only

_MOST_NAMED = 10_000_000
"""A larger limit helps no reader."""


@immutable
class Limit(ValueType[int]):
    """A time in microseconds; what is not more than nothing stands for no limit."""

    least: int
    most: int
    form: ValueType[int]

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Name the range."""
        most = f"from {self.least} to {self.most}" if self.most < _MOST_NAMED else "such as '50000'"
        return f"0, or a number of microseconds {most}"

    def parse(self, text: str) -> int:
        """Read the number and compare it with the range."""
        value = self.form.parse(text)
        if value > 0 and not self.least <= value <= self.most:
            raise ValueError(text)
        return value


_PERIOD = OrEmpty(Limit(1000, 1_000_000, UNSIGNED64))
_QUOTA = OrEmpty(Limit(1000, 17_592_186_044_415, Int(-(2**63), 2**63 - 1)))
_NO_LIMIT = "a number of microseconds, such as '50000', or '-1' for no limit"


class Cputune(Part):
    """Time on the CPUs of the host."""

    path = "cputune"

    shares = field(
        "shares",
        OrEmpty(UNSIGNED64),
        strict=VALUES_STRICT,
        before=OrEmpty(WRAPPING64),
        expected="a whole number, such as '2048'",
    )
    period = field("period", _PERIOD)
    quota = field("quota", _QUOTA, expected=_NO_LIMIT)
    global_period = field("global_period", _PERIOD)
    global_quota = field("global_quota", _QUOTA, expected=_NO_LIMIT)
    emulator_period = field("emulator_period", _PERIOD)
    emulator_quota = field("emulator_quota", _QUOTA, expected=_NO_LIMIT)
    iothread_period = field("iothread_period", _PERIOD)
    iothread_quota = field("iothread_quota", _QUOTA, expected=_NO_LIMIT)


class Vcpupin(Part):
    """The host's CPUs on which a virtual CPU runs."""

    path = "cputune/vcpupin"
    knows = ("@cpuset",)

    vcpu = field("@vcpu", UNSIGNED, required=True, expected="the number of a vCPU, counted from 0")


class Emulatorpin(Part):
    """The host's CPUs on which QEMU's other threads run."""

    path = "cputune/emulatorpin"

    cpuset = field(
        "@cpuset",
        CPUS,
        required=True,
        expected="CPUs of the host, such as '0-3' or '0-3,^2' (all but 2)",
    )


class Iothreadpin(Part):
    """The host's CPUs on which an I/O thread runs."""

    path = "cputune/iothreadpin"

    iothread = field(
        "@iothread",
        POSITIVE,
        required=True,
        expected="the id of an I/O thread of the domain, such as '1'",
    )
    cpuset = field(
        "@cpuset",
        CPUS,
        required=True,
        expected="CPUs of the host, such as '0-3' or '0-3,^2' (all but 2)",
    )


class Scheduled(Part):
    """Base class of what says by which rules of the kernel threads are scheduled."""

    knows = ("@priority",)

    scheduler = field("@scheduler", OneOf(("batch", "idle", "fifo", "rr")), required=True)


class Vcpusched(Scheduled):
    """Rules for virtual CPUs."""

    path = "cputune/vcpusched"

    vcpus = field(
        "@vcpus", CPUS, required=True, expected="vCPUs of the domain, such as '0' or '0-3'"
    )


class Iothreadsched(Scheduled):
    """Rules for I/O threads."""

    path = "cputune/iothreadsched"

    iothreads = field(
        "@iothreads",
        CPUS,
        required=True,
        expected="I/O threads of the domain, such as '1' or '1-4'",
    )


class Emulatorsched(Scheduled):
    """Rules for QEMU's other threads."""

    path = "cputune/emulatorsched"


_TUNE = "<vcpu>4</vcpu><iothreads>2</iothreads><cputune>{}</cputune>"


@rule(
    "cputune-vcpupin-cpuset-invalid",
    Vcpupin,
    bad=_TUNE.format("<vcpupin vcpu='0'/>"),
    good=_TUNE.format("<vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='9'/>"),
)
def pinned_to_a_set(pin: Vcpupin) -> Problems:
    """Attribute ``cpuset`` of ``<vcpupin>`` must be a list of host CPUs, such as ``0-3``.

    Entries for virtual CPUs that the domain cannot have are ignored.
    """
    if pin.vcpu is None or pin.vcpu >= max_vcpus(pin.domain):
        return
    text = pin.node.get("cpuset", "")
    if not fits(CPUS, text):
        message = f"attribute 'cpuset' of <vcpupin> must be {CPUS.expected}"
        yield problem(message, pin, "@cpuset", fix=CPUS.fixes(text, "@cpuset"))


@rule(
    "cputune-vcpupin-duplicate",
    Vcpupin,
    bad=_TUNE.format("<vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='0' cpuset='1'/>"),
    good=_TUNE.format("<vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/>"),
)
def cpu_pinned_once(pin: Vcpupin) -> Problems:
    """Each vCPU may have only one ``<vcpupin>``."""
    most = max_vcpus(pin.domain)
    for again in repeated(pin, lambda p: p.vcpu if p.vcpu is None or p.vcpu < most else None):
        yield problem(f"vCPU {again.vcpu} has two <vcpupin>; remove one", again, "@vcpu")


@rule(
    "cputune-iothreadpin-unknown",
    Iothreadpin,
    bad=_TUNE.format("<iothreadpin iothread='3' cpuset='0'/>"),
    good=_TUNE.format("<iothreadpin iothread='2' cpuset='0'/>"),
)
def pinned_thread_is_there(pin: Iothreadpin) -> Problems:
    """Attribute ``iothread`` of ``<iothreadpin>`` must be the id of an I/O thread that the domain
    defines.
    """
    if pin.iothread and not has_iothread(pin.domain, pin.iothread):
        fix = with_iothread(pin.domain, pin.iothread)
        yield problem(
            f"the domain does not define I/O thread {pin.iothread}; raise <iothreads>, or use the "
            "id of another one",
            pin,
            "@iothread",
            fix=fix,
        )


@rule(
    "cputune-iothreadpin-duplicate",
    Iothreadpin,
    bad=_TUNE.format(
        "<iothreadpin iothread='1' cpuset='0'/><iothreadpin iothread='1' cpuset='1'/>"
    ),
    good=_TUNE.format("<iothreadpin iothread='1' cpuset='0'/>"),
)
def thread_pinned_once(pin: Iothreadpin) -> Problems:
    """Each I/O thread may have only one ``<iothreadpin>``."""
    for again in repeated(pin, lambda p: p.iothread):
        yield problem(
            f"I/O thread {again.iothread} has two <iothreadpin>; remove one", again, "@iothread"
        )


@rule(
    "cputune-emulator-duplicate",
    Cputune,
    bad=_TUNE.format("<emulatorpin cpuset='0'/><emulatorpin cpuset='0'/>"),
    good=_TUNE.format("<emulatorpin cpuset='0'/>"),
)
def one_rule_for_the_rest(cputune: Cputune) -> Problems:
    """``<cputune>`` may contain at most one ``<emulatorpin>`` and one ``<emulatorsched>``."""
    for tag in ("emulatorpin", "emulatorsched"):
        given = cputune.domain.find(f"cputune/{tag}")
        if len(given) > 1 and given[1].getparent() is cputune.node:
            yield problem(f"<{tag}> is repeated; keep one", given[1])


@rule(
    "scheduler-priority-invalid",
    Scheduled,
    bad=_TUNE.format("<emulatorsched scheduler='rr'/>"),
    good=_TUNE.format("<emulatorsched scheduler='rr' priority='1'/>"),
)
def real_time_has_a_priority(scheduled: Scheduled) -> Problems:
    """The schedulers ``fifo`` and ``rr`` need the attribute ``priority``, a whole number."""
    if scheduled.scheduler not in {"fifo", "rr"}:
        return
    try:
        SIGNED.parse(scheduled.node.get("priority", ""))
    except ValueError:
        message = (
            f"the scheduler {scheduled.scheduler!r} needs the attribute 'priority', "
            "a whole number such as '1'"
        )
        yield problem(message, scheduled, "@priority")


@rule(
    "cputune-vcpusched-unknown",
    Vcpusched,
    bad=_TUNE.format("<vcpusched vcpus='4' scheduler='batch'/>"),
    good=_TUNE.format("<vcpusched vcpus='0-3' scheduler='batch'/>"),
)
def scheduled_cpu_is_there(scheduled: Vcpusched) -> Problems:
    """Attribute ``vcpus`` of ``<vcpusched>`` must list only vCPUs below the number in
    ``<vcpu>``.
    """
    most = max_vcpus(scheduled.domain)
    if scheduled.vcpus and scheduled.vcpus.bit_length() > most:
        yield problem(
            "attribute 'vcpus' of <vcpusched> names vCPU "
            f"{highest(scheduled.vcpus)}, but the domain "
            f"has {only(most, 'vCPU')}; remove it, or raise <vcpu>",
            scheduled,
            "@vcpus",
        )


@rule(
    "cputune-iothreadsched-unknown",
    Iothreadsched,
    bad=_TUNE.format("<iothreadsched iothreads='3' scheduler='batch'/>"),
    good=_TUNE.format("<iothreadsched iothreads='1-2' scheduler='batch'/>"),
)
def scheduled_thread_is_there(scheduled: Iothreadsched) -> Problems:
    """Attribute ``iothreads`` of ``<iothreadsched>`` must list only I/O threads that the domain
    defines.
    """
    for number in numbers(scheduled.iothreads or 0):
        if not has_iothread(scheduled.domain, number):
            fix = with_iothread(scheduled.domain, number)
            yield problem(
                f"the domain does not define I/O thread {number}; raise <iothreads>, or use the "
                "id of another one",
                scheduled,
                "@iothreads",
                fix=fix,
            )
            return


@rule(
    "cputune-vcpusched-overlap",
    Vcpusched,
    bad=_TUNE.format(
        "<vcpusched vcpus='0-1' scheduler='batch'/><vcpusched vcpus='1' scheduler='idle'/>"
    ),
    good=_TUNE.format(
        "<vcpusched vcpus='0' scheduler='batch'/><vcpusched vcpus='1' scheduler='idle'/>"
    ),
)
def cpu_scheduled_once(scheduled: Vcpusched) -> Problems:
    """Each vCPU may be in only one ``<vcpusched>``."""
    before = 0
    rules = scheduled.domain.all(Vcpusched)
    for each in rules if rules[0].node is scheduled.node else ():
        if before & (each.vcpus or 0):
            rest = numbers((each.vcpus or 0) & ~before)
            fix = set_value(",".join(map(str, rest)), "@vcpus") if rest else Fix(without=("",))
            yield problem(
                "a vCPU is in two <vcpusched>; remove it from one", each, "@vcpus", fix=fix
            )
        before |= each.vcpus or 0


@rule(
    "cputune-iothreadsched-overlap",
    Iothreadsched,
    bad=_TUNE.format(
        "<iothreadsched iothreads='1-2' scheduler='batch'/>"
        "<iothreadsched iothreads='1' scheduler='idle'/>"
    ),
    good=_TUNE.format("<iothreadsched iothreads='1' scheduler='batch'/>"),
)
def thread_scheduled_once(scheduled: Iothreadsched) -> Problems:
    """Each I/O thread may be in only one ``<iothreadsched>``."""
    before = 0
    rules = scheduled.domain.all(Iothreadsched)
    for each in rules if rules[0].node is scheduled.node else ():
        if before & (each.iothreads or 0):
            yield problem(
                "an I/O thread of this <iothreadsched> is in another one, too; remove it from one",
                each,
                "@iothreads",
            )
        before |= each.iothreads or 0
