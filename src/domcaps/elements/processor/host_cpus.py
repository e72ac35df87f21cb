"""CPUs of the host that threads of a guest are pinned to: at least one of each set must exist.

The kernel refuses to pin a thread to CPUs that are not there; of other sets it takes those that
are. Which CPUs a host has stands in its NUMA cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.processor.cputune import Emulatorpin, Iothreadpin, Vcpupin
from domcaps.elements.processor.vcpu_count import Vcpu, initial_vcpus
from domcaps.language.finding import Stage
from domcaps.language.quantities import CPUS, highest
from domcaps.language.rule import Problems, problem, rule

if TYPE_CHECKING:
    from domcaps.language.domain import Domain
    from domcaps.language.part import Part

_VCPU = "<vcpu cpuset='{}'>2</vcpu>"
_PIN = "<vcpu>2</vcpu><iothreads>1</iothreads><cputune><{} cpuset='{}'/></cputune>"
_ABSENT = "16000"
_LISTED = 4


def _pinned_to_nothing(part: Part) -> Problems:
    """Report a problem where none of the CPUs of ``cpuset`` is one of the host."""
    there = part.domain.once(_cpus_of_the_host)
    try:
        wanted = CPUS.parse(part.node.get("cpuset", ""))
    except ValueError:
        return
    if there and not wanted & there:
        most = highest(there)
        yield problem(
            f"none of the CPUs {part.node.get('cpuset')} exists on this host, which has "
            f"{there.bit_count()} CPUs, 0 to {most}. Use cpuset='0-{most}'",
            part,
            "@cpuset",
            accepted=[f"0-{most}"],
        )


def _cpus_of_the_host(domain: Domain) -> int:
    """Give the set of the CPUs in the host's NUMA cells."""
    numbers = {number for cell in domain.world.host.record.numa for number in cell.cpus}
    return sum(1 << number for number in numbers)


@rule(
    "vcpu-cpuset-unavailable",
    Vcpu,
    bad=_VCPU.format(_ABSENT),
    good=_VCPU.format("0"),
    stage=Stage.START,
)
def cpus_of_the_guest_are_there(vcpu: Vcpu) -> Problems:
    """Attribute ``cpuset`` of ``<vcpu>`` must name at least one CPU of the host.

    It counts for threads that ``<cputune>`` does not pin.
    """
    domain = vcpu.domain
    all_pinned = len(domain.all(Vcpupin)) >= initial_vcpus(domain) and domain.all(Emulatorpin)
    if vcpu.placement != "auto" and not all_pinned:
        yield from _pinned_to_nothing(vcpu)


@rule(
    "cputune-vcpupin-cpuset-unavailable",
    Vcpupin,
    bad=_PIN.format("vcpupin vcpu='0'", _ABSENT),
    good=_PIN.format("vcpupin vcpu='0'", "0"),
    stage=Stage.START,
)
def cpus_of_a_vcpu_are_there(pin: Vcpupin) -> Problems:
    """Attribute ``cpuset`` of ``<vcpupin>`` must name at least one CPU of the host."""
    if pin.vcpu is not None and pin.vcpu < initial_vcpus(pin.domain):
        yield from _pinned_to_nothing(pin)


@rule(
    "cputune-emulatorpin-cpuset-unavailable",
    Emulatorpin,
    bad=_PIN.format("emulatorpin", _ABSENT),
    good=_PIN.format("emulatorpin", "0"),
    stage=Stage.START,
)
def cpus_of_the_emulator_are_there(pin: Emulatorpin) -> Problems:
    """Attribute ``cpuset`` of ``<emulatorpin>`` must name at least one CPU of the host."""
    yield from _pinned_to_nothing(pin)


@rule(
    "cputune-iothreadpin-cpuset-unavailable",
    Iothreadpin,
    bad=_PIN.format("iothreadpin iothread='1'", _ABSENT),
    good=_PIN.format("iothreadpin iothread='1'", "0"),
    stage=Stage.START,
)
def cpus_of_an_iothread_are_there(pin: Iothreadpin) -> Problems:
    """Attribute ``cpuset`` of ``<iothreadpin>`` must name at least one CPU of the host."""
    yield from _pinned_to_nothing(pin)
