"""How many virtual CPUs a domain has, which of them are there at first, and how they are grouped.

::

    <vcpu placement='static' cpuset='0-3' current='2'>4</vcpu>
    <vcpus>
      <vcpu id='0' enabled='yes' hotpluggable='no' order='1'/>
      <vcpu id='1' enabled='no' hotpluggable='yes'/>
    </vcpus>
    <cpu>
      <topology sockets='2' dies='1' clusters='1' cores='2' threads='1'/>
    </cpu>
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import VCPU_PLACEMENT
from domcaps.elements.boards.families import PSERIES, Q35, X86, family_of, machine_type
from domcaps.elements.processor.mistaken_count import contradiction, doubted, is_mistaken, mistaken
from domcaps.elements.processor.x2apic import names_model_without_x2apic
from domcaps.language.changes.devices import IOMMU_SPLIT_ADDED
from domcaps.language.changes.processor import CPU_CLUSTERS, EIM_OPTIONAL
from domcaps.language.finding import Severity
from domcaps.language.fix import Fix, Substitutes, set_value
from domcaps.language.node_path import path_of
from domcaps.language.observed import qapi
from domcaps.language.part import Part, field
from domcaps.language.quantities import CPUS
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problem, Problems, Sample, problem, rule
from domcaps.language.value_types import POSITIVE, UNSIGNED, YES_NO, OneOf
from domcaps.language.wording import counted, only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language.domain import Domain

DIES = qapi("query-hotpluggable-cpus/ret/props/die-id")
CLUSTERS = qapi("query-hotpluggable-cpus/ret/props/cluster-id")

_BELIEVED = 2
"""Up to so many times the CPUs of a board, another board may be what the owner wants."""
_MOST_WITHOUT_EIM = 255
"""More CPUs than an interrupt can be addressed to without the IOMMU's help."""


_MANY = (
    "<vcpu>256</vcpu><iommu model='intel'><driver intremap='on' eim='on'/></iommu>"
    "<features><ioapic driver='qemu'/></features><cpu mode='maximum'/>{}"
)

SUBSTITUTES = Substitutes("vcpu", order={"*": ()})
"""No number stands in for another: a finding says which is the most, or leaves it to the owner."""


class Vcpu(Part):
    """The number of virtual CPUs."""

    path = "vcpu"
    knows = ("@cpuset",)

    count = field("", UNSIGNED, expected="a number of vCPUs, such as '4'")
    current = field("@current", UNSIGNED, expected="a number of vCPUs, such as '2'")
    placement = field("@placement", OneOf(("static", "auto")), default=VCPU_PLACEMENT)


class VcpuState(Part):
    """One virtual CPU."""

    path = "vcpus/vcpu"

    id = field("@id", UNSIGNED, required=True, expected="the number of a vCPU, counted from 0")
    enabled = field("@enabled", YES_NO, required=True)
    hotpluggable = field("@hotpluggable", YES_NO)
    order = field("@order", UNSIGNED, expected="the place in the order of plugging, such as '1'")


def _one(topology: Part) -> Iterator[Fix]:
    """Give each figure that is missing as 1: others follow from the number of CPUs."""
    absent = [name for name in ("sockets", "cores", "threads") if topology.node.get(name) is None]
    yield Fix(values=tuple((f"{path_of(topology.node)}/@{name}", "1") for name in absent))


class Topology(Part):
    """How the CPUs are grouped into threads, cores, clusters, dies and sockets."""

    path = "cpu/topology"

    sockets = field(
        "@sockets",
        POSITIVE,
        required=True,
        missing=_one,
        expected="a number of sockets, at least 1, such as '1'",
    )
    dies = field("@dies", POSITIVE, default=1, expected="a number of dies, at least 1, such as '1'")
    clusters = field(
        "@clusters",
        POSITIVE,
        default=1,
        since=CPU_CLUSTERS,
        expected="a number of clusters, at least 1, such as '1'",
    )
    cores = field(
        "@cores",
        POSITIVE,
        required=True,
        missing=_one,
        expected="a number of cores per socket, at least 1, such as '4'",
    )
    threads = field(
        "@threads",
        POSITIVE,
        required=True,
        missing=_one,
        expected="a number of threads per core, at least 1, such as '2'",
    )

    @property
    def cpus(self) -> int:
        """How many CPUs that makes, 0 where a figure is missing."""
        figures = (self.sockets, self.dies, self.clusters, self.cores, self.threads)
        return prod(figure or 0 for figure in figures)


def max_vcpus(domain: Domain) -> int:
    """Give how many virtual CPUs a domain can have at most."""
    vcpu = domain.first(Vcpu)
    return 1 if vcpu is None or vcpu.count is None else vcpu.count


def initial_vcpus(domain: Domain) -> int:
    """Give how many virtual CPUs are there when the domain starts."""
    states = domain.all(VcpuState)
    if states:
        return len({state.id for state in states if state.enabled == "yes"})
    vcpu = domain.first(Vcpu)
    current = None if vcpu is None else vcpu.current
    return max_vcpus(domain) if current is None else current


@rule("vcpu-count-zero", Vcpu, bad="<vcpu>0</vcpu>", good="<vcpu>1</vcpu>")
def one_at_least(vcpu: Vcpu) -> Problems:
    """``<vcpu>`` must be at least 1."""
    if vcpu.count == 0:
        yield problem("<vcpu> is 0, but must be at least 1", vcpu, fix=set_value("1"))


@rule(
    "vcpu-count-unsupported",
    Vcpu,
    bad="<vcpu>5000</vcpu>",
    good="<vcpu>2</vcpu>",
)
def machine_takes_that_many(vcpu: Vcpu) -> Problems:
    """``<vcpu>`` must not exceed the number of vCPUs that the machine type supports."""
    machine = machine_type(vcpu.domain.world)
    limit, count = machine.cpu_max if machine is not None else 0, vcpu.count or 0
    if machine is None or not 0 < limit < count:
        return
    most = f"the machine type {machine.name!r} supports at most {counted(limit, 'vCPU')}"
    if is_mistaken(vcpu.domain, count):
        yield mistaken(vcpu, most, count, limit)
        return
    yield problem(
        f"{most}; use <vcpu>{limit}</vcpu> or less{_larger_machine(vcpu)}",
        vcpu,
        accepted=(str(limit),),
        fix=(*_larger_machines(vcpu), *_fewer(vcpu, limit)),
    )


def _fewer(vcpu: Vcpu, limit: int) -> Iterator[Fix]:
    """Give the most CPUs that there can be.

    That is without an IOMMU where one would have to be added, and with the processor that the
    domain names: neither is fitted to a number that is wrong anyway.
    """
    fits = _has_eim(vcpu) and not names_model_without_x2apic(vcpu.domain)
    says = _how_more(vcpu)
    if limit > _MOST_WITHOUT_EIM and vcpu.holds(X86) and not fits:
        yield set_value(str(_MOST_WITHOUT_EIM), less=True, says=says)
    yield set_value(str(limit), less=True, says=says)


def _how_more(vcpu: Vcpu) -> str:
    """Say what it takes to have as many vCPUs as the domain asks for."""
    count, names = vcpu.count or 0, _larger_names(vcpu)
    if not names:
        return f"no machine type of this QEMU has {count} vCPUs"
    needs = [f"machine={names[0]!r}"]
    if vcpu.holds(X86) and count > _MOST_WITHOUT_EIM:
        added = ", which libvirt adds" if _is_added(vcpu) else ""
        needs.append(f"an <iommu> with eim='on'{added}")
    return f"{count} vCPUs need {' and '.join(needs)}"


def _has_eim(vcpu: Vcpu) -> bool:
    """Tell whether the domain has an IOMMU with extended interrupts, or will be given one."""
    driver = vcpu.domain.root.find("devices/iommu/driver")
    eim = None if driver is None else driver.get("eim")
    recent = libvirt_reads(vcpu, EIM_OPTIONAL)
    return eim == "on" or (_is_added(vcpu) and (eim is None or recent))


def _is_added(vcpu: Vcpu) -> bool:
    """Tell whether libvirt adds the IOMMU that many vCPUs need."""
    return vcpu.domain.new and libvirt_reads(vcpu, IOMMU_SPLIT_ADDED)


def _larger_machines(vcpu: Vcpu) -> Iterator[Fix]:
    """Give what takes as many CPUs: another name of the same board, or ``q35`` for ``pc``.

    A guest that names a version was made for that one, and keeps it. Nor is the board what is wrong
    where the number is far beyond what it has.
    """
    machine = machine_type(vcpu.domain.world)
    limit = min(machine.cpu_max if machine is not None else 0, _MOST_WITHOUT_EIM)
    if (vcpu.count or 0) > _BELIEVED * max(limit, 1) and not vcpu.holds(Q35):
        return
    _, version = family_of(vcpu.domain.world.target.machine)
    for name in _larger_names(vcpu):
        if family_of(name)[1] == version or not _names_version(vcpu):
            yield Fix(values=(("/domain/os/type/@machine", name),))


def _names_version(vcpu: Vcpu) -> bool:
    kind = vcpu.domain.root.find("os/type[@machine]")
    own, _ = family_of(vcpu.domain.world.target.machine)
    return kind is not None and kind.get("machine") != own


def _larger_names(vcpu: Vcpu) -> list[str]:
    """Name the machine types that take as many CPUs, those of the domain's version first."""
    world = vcpu.domain.world
    own, version = family_of(world.target.machine)
    families = {own, "q35"} if own == "pc" else {own}
    names_version = _names_version(vcpu)
    names = []
    for machine in world.emulator.machines(world.target.virttype):
        family, other = family_of(machine.name)
        if family not in families or machine.cpu_max < (vcpu.count or 0):
            continue
        # a guest that names a version keeps it on the other board
        if names_version and other == version:
            names.append(machine.name)
        if machine.alias:
            names.append(machine.alias)
    return sorted(names, key=lambda name: family_of(name)[1] != version)


@rule(
    "vcpu-current-out-of-range",
    Vcpu,
    bad="<vcpu current='5'>4</vcpu>",
    good="<vcpu current='2'>4</vcpu>",
)
def current_is_part_of_all(vcpu: Vcpu) -> Problems:
    """Attribute ``current`` of ``<vcpu>`` must be from 1 to the number in ``<vcpu>``."""
    if vcpu.domain.all(VcpuState) or vcpu.current is None or vcpu.count is None:
        return
    if not 1 <= vcpu.current <= vcpu.count:
        nearest = str(min(max(vcpu.current, 1), vcpu.count))
        message = (
            f"attribute 'current' of <vcpu> must be from 1 to {vcpu.count}, the number in <vcpu>"
        )
        yield problem(message, vcpu, "@current", fix=set_value(nearest, "@current"))


@rule(
    "vcpu-cpuset-invalid",
    Vcpu,
    bad="<vcpu cpuset='3-1'>4</vcpu>",
    good="<vcpu cpuset='0-3,^2'>4</vcpu>",
)
def cpuset_is_a_set(vcpu: Vcpu) -> Problems:
    """Attribute ``cpuset`` of ``<vcpu>`` must be a list of host CPUs such as ``0-3``, unless
    ``placement='auto'``.
    """
    text = vcpu.node.get("cpuset")
    if text is None or vcpu.placement == "auto":
        return
    try:
        CPUS.parse(text)
    except ValueError:
        yield problem(
            f"attribute 'cpuset' of <vcpu> is {text[:60]!r}, but must be {CPUS.expected}",
            vcpu,
            "@cpuset",
            fix=CPUS.fixes(text, "@cpuset"),
        )


@rule(
    "vcpu-count-without-eim",
    Vcpu,
    bad=Sample("<vcpu>256</vcpu>", machine="pc"),
    good=Sample("<vcpu>255</vcpu>", machine="pc"),
)
def many_need_an_iommu(vcpu: Vcpu) -> Problems:
    """An x86 guest with more than 255 vCPUs requires a q35 machine type, and an ``<iommu>`` with
    ``eim='on'``.

    In a new definition, libvirt 10.10 and later adds the IOMMU and enables extended interrupts.
    """
    count = vcpu.count or 0
    if count <= _MOST_WITHOUT_EIM or not vcpu.holds(X86) or is_mistaken(vcpu.domain, count):
        return
    if not vcpu.holds(Q35):
        yield _of_other_board(vcpu)
        return
    if _has_eim(vcpu):
        return
    message = f"more than 255 vCPUs (here {count}) require an <iommu> with <driver eim='on'/>"
    doubt = doubted(vcpu, message, count)
    yield doubt or problem(f"{message}; add {_missing(vcpu)}", vcpu, fix=_with_eim(vcpu))


@rule(
    "vcpu-count-doubtful",
    Vcpu,
    bad=Sample(_MANY.format("<cputune><vcpupin vcpu='0' cpuset='0'/></cputune>"), machine="q35"),
    good=Sample(_MANY.format(""), machine="q35"),
    severity=Severity.WARNING,
)
def rest_is_made_for_as_many(vcpu: Vcpu) -> Problems:
    """More than 255 vCPUs should not be a typo. They look like one if ``<cputune>`` pins far fewer,
    or if a domain that libvirt wrote has less than 64 MiB for each.
    """
    count, machine = vcpu.count or 0, machine_type(vcpu.domain.world)
    limit = machine.cpu_max if machine is not None else 0
    if count <= _MOST_WITHOUT_EIM or 0 < limit < count:
        return
    hint = contradiction(vcpu.domain, count)
    if hint is not None:
        yield problem(f"{hint.says}: is {count} the right number of vCPUs?", vcpu)


def _of_other_board(vcpu: Vcpu) -> Problem:
    """Report too many vCPUs for a board without an IOMMU."""
    added = _is_added(vcpu)
    more = Fix() if added else _with_eim(vcpu)
    fixes = (
        *(Fix(values=(*one.values, *more.values), add=more.add) for one in _larger_machines(vcpu)),
        set_value(str(_MOST_WITHOUT_EIM), less=True, says=_how_more(vcpu)),
    )
    then = (
        " (libvirt then adds the <iommu> that they need)"
        if added
        else f", and add {_missing(vcpu)}"
    )
    return problem(
        f"more than 255 vCPUs (here {vcpu.count}) require a q35 machine type; "
        f"use machine='q35'{then}",
        vcpu,
        reason=Q35.explain(vcpu.domain.world),
        fix=fixes,
    )


def _larger_machine(vcpu: Vcpu) -> str:
    """Name a machine type of the same board that supports as many vCPUs, "" without one."""
    names = _larger_names(vcpu)
    return f", or machine={names[0]!r}" if names else ""


_IOMMU = "/domain/devices/iommu"
_DRIVER = "<driver intremap='on' eim='on'/>"
_NEW_IOMMU = f"<iommu model='intel'>{_DRIVER}</iommu>"
_IOAPIC = "<ioapic driver='qemu'/>"
_EIM = (("intremap", "on"), ("eim", "on"))


def _missing(vcpu: Vcpu) -> str:
    """Say what of the IOMMU is to be added, and to what: a domain can have only one."""
    iommu = vcpu.domain.root.find("devices/iommu")
    if iommu is None:
        return f"{_NEW_IOMMU} to <devices> and {_IOAPIC} to <features>"
    if iommu.find("driver") is None:
        return f"{_DRIVER} to the <iommu>"
    return "intremap='on' eim='on' to its <driver>"


def _with_eim(vcpu: Vcpu) -> Fix:
    """Switch extended interrupts on: of the IOMMU that is there, or of a new one."""
    features = f"<features>{_IOAPIC}</features>"
    if vcpu.domain.root.find("devices/iommu") is not None:
        values = tuple((f"{_IOMMU}/driver/@{name}", value) for name, value in _EIM)
        return Fix(values=values, add=features)
    return Fix(add=f"{features}<devices>{_NEW_IOMMU}</devices>")


@rule(
    "vcpus-vcpu-out-of-range",
    VcpuState,
    bad="<vcpu>2</vcpu><vcpus><vcpu id='2' enabled='yes'/></vcpus>",
    good="<vcpu>2</vcpu><vcpus><vcpu id='0' enabled='yes'/></vcpus>",
)
def cpu_is_there(state: VcpuState) -> Problems:
    """Attribute ``id`` of ``<vcpu>`` in ``<vcpus>`` must be less than the number in ``<vcpu>``."""
    most = max_vcpus(state.domain)
    if state.id is not None and state.id >= most:
        yield problem(
            f"attribute 'id' of <vcpu> is {state.id}, but the domain has {only(most, 'vCPU')}; "
            "remove the element, or raise <vcpu>",
            state,
            "@id",
        )


def _states(domain: Domain) -> dict[int, VcpuState]:
    """Give what is said of each CPU; what is said later counts."""
    return {state.id: state for state in domain.all(VcpuState) if state.id is not None}


@rule(
    "vcpus-vcpu-first-invalid",
    Vcpu,
    bad="<vcpu>2</vcpu><vcpus><vcpu id='0' enabled='no'/></vcpus>",
    good="<vcpu>2</vcpu><vcpus><vcpu id='0' enabled='yes'/></vcpus>",
)
def first_is_fixed(vcpu: Vcpu) -> Problems:
    """In ``<vcpus>``, vCPU 0 must have ``enabled='yes'`` and ``hotpluggable='no'``, and the lowest
    ``order``.
    """
    states = _states(vcpu.domain)
    if not states:
        return
    first = states.get(0)
    if first is None or first.enabled == "no":
        enabled = set_value("yes", "@enabled")
        fix = enabled if first is not None else ()
        yield problem("vCPU 0 must be enabled; set enabled='yes'", first or vcpu, fix=fix)
    elif first.hotpluggable == "yes":
        fix = set_value("no", "@hotpluggable")
        yield problem("vCPU 0 must have hotpluggable='no'", first, "@hotpluggable", fix=fix)
    elif (first.order or 0) > 1:
        yield problem("vCPU 0 must have the lowest 'order'", first, "@order")


@rule(
    "vcpus-vcpu-order-incomplete",
    Vcpu,
    bad="<vcpu>2</vcpu><vcpus><vcpu id='0' enabled='yes' order='1'/>"
    "<vcpu id='1' enabled='yes'/></vcpus>",
    good="<vcpu>2</vcpu><vcpus><vcpu id='0' enabled='yes' order='1'/>"
    "<vcpu id='1' enabled='yes' order='2'/></vcpus>",
)
def order_is_complete(vcpu: Vcpu) -> Problems:
    """In ``<vcpus>``, either all enabled vCPUs or none must have an ``order``.

    vCPUs that cannot be unplugged come first, ordered by id.
    """
    states = _states(vcpu.domain)
    if not states:
        return
    ordered = bool(states[0].order) if 0 in states else False
    for number, state in sorted(states.items()):
        if number and state.enabled == "yes" and bool(state.order) != ordered:
            yield problem(
                "only some of the enabled vCPUs have an 'order'; add it to the others, "
                "or remove it",
                state,
            )
        if number and state.hotpluggable == "no":
            yield from _follows(state, states.get(number - 1))


def _follows(state: VcpuState, before: VcpuState | None) -> Problems:
    """Compare a CPU that can't be unplugged with the one before it."""
    if before is not None and before.hotpluggable == "yes":
        yield problem("hot-pluggable vCPUs must come after the others in the order", state)
    elif before is not None and (before.order or 0) > (state.order or 0):
        yield problem("vCPUs that cannot be unplugged must be ordered by id", state, "@order")


@rule(
    "vcpus-vcpu-unreachable",
    VcpuState,
    bad="<vcpu>2</vcpu><vcpus><vcpu id='0' enabled='yes'/>"
    "<vcpu id='1' enabled='no' hotpluggable='no'/></vcpus>",
    good="<vcpu>2</vcpu><vcpus><vcpu id='0' enabled='yes'/>"
    "<vcpu id='1' enabled='no' hotpluggable='yes'/></vcpus>",
)
def absent_can_come(state: VcpuState) -> Problems:
    """A vCPU with ``enabled='no'`` needs ``hotpluggable='yes'``."""
    if state.enabled == "no" and state.hotpluggable == "no":
        yield problem(
            "a vCPU with enabled='no' needs hotpluggable='yes'; set that", state, "@hotpluggable"
        )


@rule(
    "cpu-topology-mismatch",
    Topology,
    bad="<vcpu>4</vcpu><cpu><topology sockets='1' cores='2' threads='1'/></cpu>",
    good="<vcpu>4</vcpu><cpu><topology sockets='1' cores='2' threads='2'/></cpu>",
)
def topology_has_all_cpus(topology: Topology) -> Problems:
    """The product of the numbers in ``<topology>`` must be the number in ``<vcpu>``."""
    cpus, most = topology.cpus, max_vcpus(topology.domain)
    if cpus and cpus != most:
        message = (
            f"the numbers in <topology> multiply to {counted(cpus, 'CPU')}, but "
            f"<vcpu> is {most}; make them equal"
        )
        mistaken = is_mistaken(topology.domain, most)
        whole = set_value(str(cpus), "/domain/vcpu")
        yield problem(message, topology, fix=whole if mistaken else _with_sockets(topology, most))


def _with_sockets(topology: Topology, cpus: int) -> Iterator[Fix]:
    """Give what makes the groups have so many CPUs: other sockets, cores or threads."""
    figures = {name: getattr(topology, name) or 1 for name in ("sockets", "cores", "threads")}
    made = topology.cpus or 1
    for name, figure in figures.items():
        others = made // figure
        if cpus % others == 0:
            yield set_value(str(cpus // others), f"@{name}")
    given = [name for name in ("dies", "clusters", "threads") if topology.node.get(name)]
    if cpus % figures["sockets"] == 0:
        cores = ("@cores", str(cpus // figures["sockets"]))
        yield Fix(values=(cores, *((f"@{name}", "1") for name in given)))
    one = (("@sockets", "1"), ("@cores", str(cpus)), *((f"@{name}", "1") for name in given))
    yield Fix(values=one, less=True)


@rule(
    "cpu-topology-granularity",
    Topology,
    bad=Sample(
        "<vcpu current='3'>8</vcpu><cpu><topology sockets='1' cores='2' threads='4'/></cpu>",
        arch="ppc64",
    ),
    good=Sample(
        "<vcpu current='4'>8</vcpu><cpu><topology sockets='1' cores='2' threads='4'/></cpu>",
        arch="ppc64",
    ),
)
def cores_come_whole(topology: Topology) -> Problems:
    """On pseries, the numbers in ``<vcpu>`` must be multiples of ``threads`` in ``<topology>``."""
    threads = topology.threads or 1
    if topology.holds(PSERIES) and initial_vcpus(topology.domain) % threads:
        vcpu = topology.domain.first(Vcpu)
        message = (
            f"on pseries, the numbers of vCPUs must be multiples of {threads}, the "
            "'threads' in <topology>"
        )
        yield problem(message, vcpu or topology, fix=_whole_cores(topology, threads))


def _whole_cores(topology: Topology, threads: int) -> Iterator[Fix]:
    """Have the guest begin with as many whole cores as hold its CPUs, or with all of them."""
    most = max_vcpus(topology.domain)
    wanted = -(-initial_vcpus(topology.domain) // threads) * threads
    if wanted <= most and not topology.domain.all(VcpuState):
        yield set_value(str(wanted), "/domain/vcpu/@current")
