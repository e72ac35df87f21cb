"""Which CPU stands in for one that is not supported: the usable model that loses least, or a mode.

A model of which the host lacks a few features, which are left out, may keep more of what was asked
for than an older one that is complete. What counts how much is in `domcaps.cpu.model_loss`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.compare import Wanted, mismatch
from domcaps.cpu.model_loss import SPARED, USUAL, Yardstick
from domcaps.cpu.models import custom_models, has_maximum
from domcaps.cpu.x86map import x86_map
from domcaps.elements.advice.guest_system import MACOS, guest_system
from domcaps.elements.advice.processor_needs import processor_needs
from domcaps.elements.boards.defaults import CPU_POLICY
from domcaps.elements.processor.cpu import accelerator, features_of_host
from domcaps.elements.processor.definition import check_of
from domcaps.facts import arch as archs
from domcaps.facts.emulator import Unanswered
from domcaps.language.dialect import known_dialects
from domcaps.language.fix import Fix
from domcaps.language.spelling import nearest
from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domcaps.cpu.answers import CustomModel
    from domcaps.cpu.x86map import X86CpuModel, X86Map
    from domcaps.elements.processor.definition import Cpu

_CPU = "/domain/cpu"
_OF_MODEL = tuple(f"{_CPU}/{at}" for at in ("model", "@match", "vendor"))
_ALIKE = 0.8
FEW = 4
"""So many missing features are named in a message with what to write for each."""
_MOST = 2
_FAR = 3
"""A model that loses more than this part of what was asked for is another processor."""
_NUMBERED = late_pattern(r"-v\d+")
_APPLES = frozenset({
    "core2duo", "Penryn", "Nehalem", "Westmere", "SandyBridge", "IvyBridge", "Haswell-noTSX",
    "Broadwell-noTSX", "Skylake-Client-noTSX-IBRS",
})  # fmt: skip
"""Models of the processors that Apple built in."""


class StandIn(NamedTuple):
    """A model that can stand in for another, and its features that the host lacks."""

    model: str
    spared: tuple[str, ...] = ()

    def says(self) -> str:
        """Write the elements, for a message."""
        without = "".join(map(optional, self.spared))
        return f"<model>{self.model}</model>{without}"


def stand_ins(cpu: Cpu) -> tuple[Fix, ...]:
    """Give what could replace the model: one spelled like it, the nearest by features, a mode."""
    if cpu.domain.world.emulator.is_partial:
        # which one is near depends on facts that libvirt does not tell, the finding does not
        return ()
    if not cpu.model or cpu.mode != "custom":
        return tuple(_modes(cpu))
    models = tuple(_written(cpu, one) for one in _instead(cpu))
    return (*_passthrough(cpu), *models, *_modes(cpu))


def left_out(missing: Sequence[str]) -> str:
    """Say which elements leave missing features out, "" where another model keeps more."""
    if len(missing) <= FEW:
        return "".join(map(optional, missing))
    return "<feature policy='optional'> for each of them" if len(missing) <= SPARED else ""


def usable_model(cpu: Cpu) -> StandIn | None:
    """Give the model that loses least of that of a domain, None where none is near."""
    if not cpu.model or cpu.mode != "custom":
        return None
    return next(iter(_instead(cpu)), None)


def _instead(cpu: Cpu) -> list[StandIn]:
    """Give the models spelt like that of a domain, then those that lose least of it."""
    return [*(StandIn(name) for name in _spelt(cpu)), *_losing_least(cpu)]


def _spelt(cpu: Cpu) -> tuple[str, ...]:
    """Name a model that is spelt nearly like that of a domain, where this one is none."""

    def compute() -> tuple[str, ...]:
        wanted = cpu.model or ""
        names = [model.name for model in _known(cpu)]
        alike = close_matches(wanted, names, n=1, cutoff=_ALIKE)
        swapped = [name for name in names if sorted(name) == sorted(wanted)]
        spelt = [*nearest(wanted, names, 1, exact=True), *swapped, *alike][:1]
        return tuple(name for name in spelt if name != wanted)

    # many domains name one model
    return cpu.domain.world.keep(("spelt models", cpu.model), compute)


def _losing_least(cpu: Cpu) -> tuple[StandIn, ...]:
    """Give the models of x86 that lose least of that of a domain, none that loses most of it."""
    if cpu.domain.arch not in archs.X86:
        return ()
    needs = processor_needs(cpu.domain.root).features

    def compute() -> tuple[StandIn, ...]:
        wanted = _model_of(cpu)
        if wanted is None:
            return ()
        known = x86_map(cpu.domain.world.target.dialect)
        yardstick = Yardstick(known, needs)
        most = yardstick.worth(wanted.features) // _FAR
        found = _ranked(cpu, yardstick, wanted.features, most)
        of_vendor = (one for one in found if known.models[one.model].vendor == wanted.vendor)
        return tuple(one for one in of_vendor if one.model != cpu.model)[:_MOST]

    key = ("stand-ins", cpu.model, check_of(cpu), *needs)
    return cpu.domain.world.keep(key, compute)


def _model_of(cpu: Cpu) -> X86CpuModel | None:
    """Give what a domain's model consists of, also where only a later libvirt knows it."""
    known = x86_map(cpu.domain.world.target.dialect)
    found = known.models.get(cpu.model or "")
    if found is not None:
        return found
    latest = x86_map(known_dialects()[-1])
    later = latest.models.get(cpu.model or "")
    if later is None:
        return None
    return later._replace(features=known.bits_of(latest.names_of(later.features)))


def _ranked(cpu: Cpu, yardstick: Yardstick, wanted: int, most: int) -> list[StandIn]:
    """Give the models that lose at most so much, least first.

    Where two lose alike, the one of which less is left out is first, then the one that adds less
    of what was not asked for.
    """
    known = x86_map(cpu.domain.world.target.dialect)
    ranked = []
    for model in _known(cpu):
        if model.deprecated or model.usable == "unknown" or _is_repeated(model, cpu.model or ""):
            continue
        has, spared = known.models.get(model.name), _lacked(cpu, model)
        if has is None or len(spared) > SPARED or any(one not in known.bits for one in spared):
            continue
        kept = has.features & ~known.bits_of(spared)
        lost = yardstick.lost(wanted, kept)
        if lost <= most:
            added = yardstick.added(wanted, kept)
            ranked.append((lost, len(spared), added, model.name, spared))
    return [StandIn(name, spared) for *_, name, spared in sorted(ranked)]


def _lacked(cpu: Cpu, model: CustomModel) -> tuple[str, ...]:
    """Name the features of a model that QEMU lacks, or that libvirt misses where it compares."""
    world, missing = cpu.domain.world, model.blockers
    if check_of(cpu) == "partial":
        known = x86_map(world.target.dialect)
        found = mismatch(features_of_host(world), known, Wanted(model.name))
        missing += () if found is None else found.features
    return tuple(sorted(set(missing)))


def _is_repeated(model: CustomModel, wanted: str) -> bool:
    """Tell whether a name has a number of which people know nothing; some domains have such."""
    return _NUMBERED.search(model.name) is not None and not _NUMBERED.search(wanted)


def _written(cpu: Cpu, one: StandIn, mode: str = "") -> Fix:
    """Write a model, and for each feature that the host lacks that it may be left out."""
    told = {feature.get("name"): feature.get("policy") for feature in cpu.node.iterfind("feature")}
    wanted = {"require", "force", None, CPU_POLICY}
    spared = [name for name in one.spared if name not in told or told[name] in wanted]
    modes = ((f"{_CPU}/@mode", mode),) if mode else ()
    values = (*modes, (f"{_CPU}/model", one.model))
    add = f"<cpu>{''.join(map(optional, spared))}</cpu>" if spared else ""
    return Fix(values=values, add=add, without=(f"{_CPU}/@migratable",) if mode else ())


def optional_features(cpu: Cpu, missing: Sequence[str]) -> Iterator[Fix]:
    """Let features be left out that the domain requires by name, where no others are missing."""
    places = {f.get("name"): n for n, f in enumerate(cpu.node.iterfind("feature"), 1)}
    if missing and set(missing) <= set(places):
        number = len(places)
        at = [f"{_CPU}/feature" + (f"[{places[name]}]" if number > 1 else "") for name in missing]
        yield Fix(values=tuple((f"{path}/@policy", "optional") for path in at))


def spared_features(cpu: Cpu, missing: Sequence[str]) -> Iterator[Fix]:
    """Let the few features of the model be left out that the host lacks and the domain does not
    name: on a host that has them the guest gets them.
    """
    named = {feature.get("name") for feature in cpu.node.iterfind("feature")}
    if cpu.mode == "custom" and 0 < len(missing) <= SPARED and not named & set(missing):
        yield Fix(add=f"<cpu>{''.join(map(optional, missing))}</cpu>")


def optional(name: str) -> str:
    """Write the element that gives a guest a feature where the host has it."""
    return f"<feature policy='optional' name='{name}'/>"


def _known(cpu: Cpu) -> tuple[CustomModel, ...]:
    """List the models that a domain may name here, none where QEMU was not asked."""
    world = cpu.domain.world
    dialect = world.target.dialect
    try:
        return custom_models(world.emulator, accelerator(world), cpu.domain.arch, dialect)
    except Unanswered:
        return ()


def _passthrough(cpu: Cpu) -> Iterator[Fix]:
    """QEMU's model ``host`` is a mode of libvirt's."""
    if cpu.model in {"host", "max"}:
        mode = "maximum" if cpu.model == "max" else "host-passthrough"
        yield Fix(values=((f"{_CPU}/@mode", mode),), without=_OF_MODEL)


def macos_model(cpu: Cpu) -> StandIn | None:
    """Give a model of Intel's for a macOS guest that is emulated, None for other guests.

    QEMU's own model is one of AMD's: a macOS that was not changed for it does not start on those.
    """
    emulated = cpu.domain.virttype == "qemu" and cpu.domain.arch in archs.X86
    if not emulated or guest_system(cpu.domain.root) != MACOS:
        return None
    known = x86_map(cpu.domain.world.target.dialect)
    yardstick = Yardstick(known, processor_needs(cpu.domain.root).features)
    model = _model_of(cpu) if cpu.mode == "custom" else None
    wanted = model.features if model is not None else _usual(known)
    ranked = _ranked(cpu, yardstick, wanted, yardstick.worth(wanted))
    apples = (one for one in ranked if one.model in _APPLES and one.model != cpu.model)
    return next(apples, None)


def _usual(known: X86Map) -> int:
    """Give what a processor of today has: a mode does not say which features are wanted."""
    return known.bits_of(USUAL)


def for_macos(cpu: Cpu) -> Iterator[Fix]:
    """Give a macOS guest that is emulated a model of Intel's."""
    found = macos_model(cpu)
    if found is not None:
        yield _written(cpu, found, "custom")


def _modes(cpu: Cpu) -> Iterator[Fix]:
    """Whatever the host has, or all that QEMU emulates."""
    if apples := tuple(for_macos(cpu)):
        yield from apples
        return
    world = cpu.domain.world
    modes = ["host-model"]
    if has_maximum(world.emulator):
        modes.insert(0 if cpu.domain.virttype == "qemu" else 1, "maximum")
    for mode in modes:
        yield Fix(values=((f"{_CPU}/@mode", mode),), without=_OF_MODEL)
