"""The x86 models as sets of features, ready for arithmetic.

Each feature is one bit of CPUID or of an MSR, and no two share one. A set of features can
therefore stand for the whole of a CPU's data, and is kept as an integer in which bit *n* is the
*n*-th feature of the data file: unions, differences and sizes are then single operations.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from domcaps.cpu.data import cpu_data, known_in
from domcaps.language.change import named
from domcaps.language.changes.processor import HOST_MODEL_DISABLING_COSTS
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.cpu.data import X86Data, X86Feature, X86Model
    from domcaps.language.dialect import Dialect

ARCH_CAPABILITIES = "msr 0x10a"
"""The word (IA32_ARCH_CAPABILITIES) that says to which flaws a processor is immune."""


class Signature(NamedTuple):
    """Family and model of a processor, and a bit for each stepping that is meant."""

    family: int
    model: int
    steppings: int = 0xFFFF


class X86CpuModel(NamedTuple):
    """A model with all that is relative worked out. `removed` are names in the map's order.

    `guest` and `host` tell what kind of definition may be made with it.
    """

    name: str
    vendor: str
    signatures: tuple[Signature, ...]
    guest: bool
    features: int
    removed: tuple[str, ...] = ()
    host: bool = True

    def has_signature(self, family: int, model: int, stepping: int) -> bool:
        """Tell whether a processor is one that this model was made after."""
        return any(
            s.family == family and s.model == model and s.steppings >> stepping & 1
            for s in self.signatures
        )


class X86Map:
    """Everything that one dialect knows of x86 CPUs.

    `models` are in the map's order, `canonical` maps a model's name to its numbered name;
    `immovable` are the features that a migration can't keep. `disabling_costs` tells that features
    to disable count for more than those to require where models are compared.
    """

    def __init__(self, dialect: Dialect) -> None:
        """Select what the dialect knows and work out all that is relative."""
        data = cpu_data().x86
        features = _ordered(data, dialect)
        self.names = tuple(feature.name for feature in features)
        self.bits = {
            feature.name: 1 << place
            for place, feature in enumerate(features)
            if known_in(feature, dialect)
        }
        self._dialect = dialect
        self.disabling_costs = dialect.has(HOST_MODEL_DISABLING_COSTS)
        self._kept = frozenset(
            name for name, change in data.removals.items() if not dialect.has(named(change))
        )
        self.arch_capabilities = self.bits_of(
            feature.name for feature in data.features if feature.word == ARCH_CAPABILITIES
        )
        self.msr_features = self.bits_of(
            feature.name for feature in data.features if feature.word.startswith("msr ")
        )
        self.immovable = self.bits_of(
            feature.name for feature in data.features if not feature.migratable
        )
        self.vendors = tuple(
            (vendor.name, int.from_bytes(vendor.id.encode(), "little"))
            for vendor in data.vendors
            if known_in(vendor, dialect)
        )
        self._places = {name: 1 << place for place, name in enumerate(self.names)}
        everything: dict[str, X86CpuModel] = {}
        for entry in data.models:
            everything[entry.name] = self._model(entry, everything)
        known = [entry for entry in data.models if known_in(entry, dialect)]
        self.models = {entry.name: everything[entry.name] for entry in known}
        self.canonical = {entry.version_of: entry.name for entry in known if entry.version_of}

    def _model(self, entry: X86Model, earlier: dict[str, X86CpuModel]) -> X86CpuModel:
        """Work out one model; those that it is relative to come before it."""
        if entry.version_of:
            same = earlier[entry.version_of]
            return same._replace(name=entry.name, guest=entry.guest, host=entry.host, removed=())
        in_use = bool(entry.retired) and not self._dialect.has(named(entry.retired))
        kept = self._kept.intersection(entry.removed)
        features = earlier[entry.like].features if entry.like else 0
        for name in (*entry.without, *entry.added, *entry.removed):
            features &= ~self._places[name]
        for name in (*entry.with_, *kept):
            features |= self._places[name]
        removed = _removed(entry, earlier, self._kept)
        signatures = tuple(_signature(text) for text in entry.signatures)
        guest, host = entry.guest or in_use, entry.host or in_use
        return X86CpuModel(entry.name, entry.vendor, signatures, guest, features, removed, host)

    def bits_of(self, names: Iterable[str]) -> int:
        """Give the set of the features named; names that the dialect doesn't know are left out."""
        known, found = self.bits, 0
        for name in names:
            found |= known.get(name, 0)
        return found

    def names_of(self, features: int) -> list[str]:
        """Name the features of a set, in the map's order."""
        names, found = self.names, []
        # most sets are small beside the map
        while features:
            lowest = features & -features
            found.append(names[lowest.bit_length() - 1])
            features ^= lowest
        return found

    def vendor_of(self, text: str) -> str:
        """Name the vendor that CPUID's text stands for, "" where it is not known."""
        value = int.from_bytes(text.encode(), "little")
        for name, pattern in self.vendors:
            # libvirt asks for the bits that have to be set, not for equality
            if value & pattern == pattern:
                return name
        return ""


def _ordered(data: X86Data, dialect: Dialect) -> tuple[X86Feature, ...]:
    """Give the features in the order of a dialect's map."""
    words = list(dict.fromkeys(_register(feature) for feature in data.features))
    for moved in data.moved:
        if not dialect.has(named(moved.until)):
            words.remove(moved.register)
            words.insert(words.index(moved.after) + 1, moved.register)
    places = {word: place for place, word in enumerate(words)}
    return tuple(sorted(data.features, key=lambda feature: places[_register(feature)]))


_HALF = 32


def _register(feature: X86Feature) -> str:
    """Name the 32-bit register that has a feature: a word, or a half of an MSR."""
    if not feature.word.startswith("msr "):
        return feature.word
    return f"{feature.word} {'edx' if feature.bit >= _HALF else 'eax'}"


def _removed(
    entry: X86Model, earlier: dict[str, X86CpuModel], kept: frozenset[str]
) -> tuple[str, ...]:
    """Merge the features that a model has lost with those that the model like it has lost."""
    inherited = earlier[entry.like].removed if entry.like else ()
    gone = {*entry.with_, *entry.without, *entry.added}
    return tuple(sorted({*inherited, *entry.removed} - gone - kept))


def _signature(text: str) -> Signature:
    family, model, *steppings = text.split("/")
    if not steppings:
        return Signature(int(family), int(model))
    first, _, last = steppings[0].partition("-")
    every = range(int(first), int(last or first) + 1)
    return Signature(int(family), int(model), sum(1 << stepping for stepping in every))


@cache
def x86_map(dialect: Dialect) -> X86Map:
    """Give the map of a dialect, made once."""
    return X86Map(dialect)
