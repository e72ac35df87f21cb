"""Which CPU stands in for a model that can't be used: the nearest usable one, or the host's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.models import custom_models, has_maximum
from domcaps.cpu.x86map import x86_map
from domcaps.elements.advice.guest_system import MACOS, guest_system
from domcaps.elements.processor.cpu import accelerator
from domcaps.facts import arch as archs
from domcaps.facts.emulator import Unanswered
from domcaps.language.fix import Fix, set_value
from domcaps.language.spelling import nearest
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domcaps.cpu.answers import CustomModel
    from domcaps.elements.processor.definition import Cpu

_CPU = "/domain/cpu"
_OF_MODEL = tuple(f"{_CPU}/{at}" for at in ("model", "@match", "vendor"))
_ALIKE = 0.8
FEW = 4
"""So many missing features are named in a message with what to write for each."""
SPARED = 8
"""Up to so many missing features, leaving them out keeps more of a model than another model."""
_MOST = 2
_APPLES = ("Penryn", "Nehalem", "SandyBridge", "Haswell-noTSX", "core2duo")
"""Processors that Apple built in, the one that most of macOS's releases run with first."""


def stand_ins(cpu: Cpu) -> tuple[Fix, ...]:
    """Give what could replace the model: one spelled like it, the nearest by features, a mode."""
    if cpu.domain.world.emulator.is_partial:
        # which one is near depends on facts that libvirt does not tell, the finding does not
        return ()
    if not cpu.model or cpu.mode != "custom":
        return tuple(_modes(cpu))
    # many domains name one model
    names = cpu.domain.world.keep(("stand-ins", cpu.model), lambda: _names_instead(cpu))
    models = tuple(set_value(name, f"{_CPU}/model") for name in names if name != cpu.model)
    return (*_passthrough(cpu), *models, *_modes(cpu))


def _names_instead(cpu: Cpu) -> tuple[str, ...]:
    """Name models by the name and features of the one that a domain names."""
    try:
        known = _known(cpu)
    except Unanswered:
        known = ()
    names = [model.name for model in known]
    alike = close_matches(cpu.model or "", names, n=1, cutoff=_ALIKE)
    swapped = [name for name in names if sorted(name) == sorted(cpu.model or "")]
    spelt = [*nearest(cpu.model or "", names, 1, exact=True), *swapped, *alike][:1]
    usable = [m.name for m in known if m.usable == "yes" and not m.deprecated]
    return tuple(dict.fromkeys((*spelt, *_nearest(cpu, usable))))


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


def usable_model(cpu: Cpu) -> str:
    """Name the usable model that differs least from that of a domain, "" where none is near."""
    if not cpu.model or cpu.mode != "custom":
        return ""
    names = cpu.domain.world.keep(("stand-ins", cpu.model), lambda: _names_instead(cpu))
    return next((name for name in names if name != cpu.model), "")


def _known(cpu: Cpu) -> tuple[CustomModel, ...]:
    """List the models that a domain may name here."""
    world = cpu.domain.world
    dialect = world.target.dialect
    return custom_models(world.emulator, accelerator(world), cpu.domain.arch, dialect)


def _nearest(cpu: Cpu, usable: Sequence[str]) -> list[str]:
    """Give usable models of x86 that differ least in features, none that shares less than most."""
    if cpu.domain.arch not in archs.X86:
        return []
    models = x86_map(cpu.domain.world.target.dialect).models
    wanted = models.get(cpu.model or "")
    if wanted is None:
        return []
    ranked = []
    for name in usable:
        other = models.get(name)
        if other is None or other.vendor != wanted.vendor:
            continue
        differing = (other.features ^ wanted.features).bit_count()
        if differing * 3 < wanted.features.bit_count():
            ranked.append((differing, name))
    return [name for _, name in sorted(ranked)[:_MOST]]


def _passthrough(cpu: Cpu) -> Iterator[Fix]:
    """QEMU's model ``host`` is a mode of libvirt's."""
    if cpu.model in {"host", "max"}:
        mode = "maximum" if cpu.model == "max" else "host-passthrough"
        yield Fix(values=((f"{_CPU}/@mode", mode),), without=_OF_MODEL)


def macos_model(cpu: Cpu) -> str:
    """Name a model of Intel's for a macOS guest that is emulated, "" for other guests.

    QEMU's own model is one of AMD's: a macOS that was not changed for it does not start on those.
    """
    emulated = cpu.domain.virttype == "qemu" and cpu.domain.arch in archs.X86
    if not emulated or guest_system(cpu.domain.root) != MACOS:
        return ""
    try:
        usable = {model.name for model in _known(cpu) if model.usable == "yes"}
    except Unanswered:
        return ""
    return next((name for name in _APPLES if name in usable and name != cpu.model), "")


def for_macos(cpu: Cpu) -> Iterator[Fix]:
    """Give a macOS guest that is emulated a model of Intel's."""
    if name := macos_model(cpu):
        values = ((f"{_CPU}/@mode", "custom"), (f"{_CPU}/model", name))
        yield Fix(values=values, without=(f"{_CPU}/@migratable",))


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
