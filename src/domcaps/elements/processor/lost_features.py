"""Which features of its processor a guest loses, as far as its programs or its system notice it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu import host_model
from domcaps.cpu.compare import of_processor
from domcaps.cpu.model_loss import PROGRAMS
from domcaps.cpu.models import blockers_by_model
from domcaps.cpu.x86map import x86_map
from domcaps.elements.advice.processor_needs import processor_needs
from domcaps.elements.boards.defaults import CPU_MODE, CPU_POLICY
from domcaps.elements.processor.cpu import accelerator
from domcaps.facts.arch import X86
from domcaps.facts.emulator import Unanswered
from domcaps.language.wording import listed
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from lxml.etree import _Element as Node

    from domcaps.cpu.x86map import X86Map
    from domcaps.language import World

_OF_HOST = frozenset({"host-passthrough", "host-model"})
_SAID_ELSEWHERE = ("vmx", "svm", "invtsc")
"""Features of which `domcaps.elements.advice.lost` says what follows without them."""
_ON, _OFF = frozenset({"require", "force"}), frozenset({"disable", "forbid"})
_OPTIONAL = frozenset({"optional"})


class LostFeatures(NamedTuple):
    """Features that a guest loses: those that its system needs, and others; and which system."""

    needed: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    system: str = ""

    def says(self, names: Container[str]) -> Iterator[str]:
        """Say what the loss of some of the features is."""
        needed, others = ([n for n in some if n in names] for some in (self.needed, self.others))
        if needed:
            yield f"a CPU without {listed(needed)}, which {self.system} needs"
        if others:
            yield f"a CPU without {listed(others)}"


def lost_features(before: Node, after: Node, world: World) -> LostFeatures:
    """Give the features that the CPU of a domain asks for, and that of another one does not have.

    `world` is the target of the domain `after`. Where it is not known which features were asked
    for, as with ``host-passthrough`` of a processor that was not read, only those are named that
    the guest's system needs.
    """
    if world.target.arch not in X86 or after.find("cpu") is None:
        return LostFeatures()
    known, needs = x86_map(world.target.dialect), processor_needs(after)
    try:
        wanted, has = _wanted(before, world, known), _given(after, world, known)
    except Unanswered:
        return LostFeatures()
    if has is None:
        return LostFeatures()
    needed = known.bits_of(needs.features)
    missing = (needed if wanted is None else wanted & (known.bits_of(PROGRAMS) | needed)) & ~has
    missing |= _left_out(before, after, known) & ~has & ~known.bits_of(_SAID_ELSEWHERE)
    missing |= _required_in_vain(after, world, known) & ~known.bits_of(_SAID_ELSEWHERE)
    lost, rest = _names(known, missing & needed), _names(known, missing & ~needed)
    return LostFeatures(lost, rest, needs.system)


def _required_in_vain(root: Node, world: World, known: X86Map) -> int:
    """Give what a domain requires by name and QEMU starts the guest without: it is not emulated."""
    cpu, offered = root.find("cpu"), _offered(world, known)
    if cpu is None or offered is None or accelerator(world) != "tcg":
        return 0
    return _named(cpu, known, _ON) & ~offered


def _left_out(before: Node, after: Node, known: X86Map) -> int:
    """Give the features that only the second domain says it can do without."""
    one, other = before.find("cpu"), after.find("cpu")
    earlier = 0 if one is None else _named(one, known, _OPTIONAL)
    return 0 if other is None else _named(other, known, _OPTIONAL) & ~earlier


def _names(known: X86Map, features: int) -> tuple[str, ...]:
    """Name features, those of programs first."""
    of_programs = known.bits_of(PROGRAMS)
    return (*known.names_of(features & of_programs), *known.names_of(features & ~of_programs))


def _wanted(root: Node, world: World, known: X86Map) -> int | None:
    """Give the features that a domain asks for, None where that is not known."""
    cpu = root.find("cpu")
    if cpu is None or cpu.get("mode") == "maximum":
        return None
    if cpu.get("mode", CPU_MODE) in _OF_HOST:
        record = world.host
        if record.arch not in X86 or not (record.cpu.flags or record.cpuid.leaves):
            return None
        has = of_processor(record.cpuid, record.cpu, known).present
    else:
        model = known.models.get((cpu.findtext("model") or "").strip())
        if model is None:
            return None
        has = model.features
    return (has | _named(cpu, known, _ON)) & ~_named(cpu, known, _OFF)


def _given(root: Node, world: World, known: X86Map) -> int | None:
    """Give the features that a guest gets, None where that is not known."""
    cpu = root.find("cpu")
    if cpu is None or cpu.get("mode") == "host-passthrough":
        return None
    offered = _offered(world, known)
    if cpu.get("mode", CPU_MODE) != "custom":
        has = offered
    else:
        name = (cpu.findtext("model") or "").strip()
        model = known.models.get(name)
        if model is None:
            return None
        blockers = blockers_by_model(world.emulator, accelerator(world)).get(name, ())
        has = model.features & ~known.bits_of(blockers)
    if has is None:
        return None
    has |= _named(cpu, known, _ON) | (_named(cpu, known, _OPTIONAL) & (offered or 0))
    return has & ~_named(cpu, known, _OFF)


def _offered(world: World, known: X86Map) -> int | None:
    """Give all features that QEMU can give a guest, None where that is not known."""
    record, dialect = world.host.record, world.target.dialect

    def compute() -> int | None:
        full = host_model(world.emulator, accelerator(world), record, dialect, expand=True)
        if full is None:
            return None
        return known.bits_of(one.name for one in full.features if one.policy == "require")

    return world.keep("features that QEMU offers", compute)


def _named(cpu: Node, known: X86Map, policies: frozenset[str]) -> int:
    return known.bits_of(
        one.get("name", "")
        for one in cpu.iterfind("feature")
        if one.get("policy", CPU_POLICY) in policies
    )
