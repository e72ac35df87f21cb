"""Slips of the pen: each makes one mistake in an accepted domain, as a person would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from domcaps.choose.candidates import values_of
from domcaps.elements.boards.families import family_of
from domcaps.elements.processor.mistaken_count import MOST_OF_ANY
from domcaps.language.node_path import path_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element as Node

_SHORTEST = 3
_MANY = "too large a number"
_MISTAKEN = "a number that no machine has"
_OLDER = "old machine type"
_BUS = "wrong bus"
_MISSING = "missing companion"
_FOR_MANY = (
    "/domain/devices/iommu",
    "/domain/features/ioapic",
    "/domain/features/gic",
    "/domain/cpu",
)
"""What the most CPUs of a machine type need, where fewer did not: it may be new, not changed."""
_OLD = {"q35": ("pc-q35-2.4", "pc-q35-2.12"), "i440fx": ("pc-i440fx-1.4", "pc-i440fx-2.0")}
_ARCHES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "i386"}
_COMPANIONS = (
    ("memoryBacking", "devices/filesystem/driver[@type='virtiofs']"),
    ("clock/timer[@name='hypervclock']", "features/hyperv/stimer"),
    ("features/hyperv/vpindex", "features/hyperv/synic"),
    ("features/hyperv/synic", "features/hyperv/stimer"),
)
_ESSENCE = {
    "/domain/memoryBacking": {("mode", "shared")},
    "/domain/clock/timer": {("name", "hypervclock"), ("present", "yes")},
    "/domain/features/hyperv/vpindex": {("state", "on")},
    "/domain/features/hyperv/synic": {("state", "on")},
}
"""What a companion must have to be the one that was missing, by its path without numbers."""

Said = tuple[str, str, str]
"""Something that a document says: the path of an element, an attribute or "", and the value."""


@dataclass(frozen=True)
class Slip:
    """A domain with one mistake: where it was made, and the wrong value that was written there."""

    kind: str
    data: bytes
    path: str
    wrong: str = ""


def _misspelt(word: str, chance: random.Random) -> str:
    """Swap two letters, leave one out or double one."""
    place = chance.randrange(len(word) - 1)
    kind = chance.choice(("swapped", "left out", "doubled"))
    if kind == "swapped":
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind == "left out":
        return word[: place + 1] + word[place + 2 :]
    return word[: place + 1] + word[place:]


def _is_word(text: str) -> bool:
    return len(text) > _SHORTEST and text.replace("-", "").isalpha()


def _values(root: Node, chance: random.Random) -> Iterator[Slip]:
    for node in root.iter("*"):
        for name, value in node.items():
            path = path_of(node, str(name))
            if _is_word(str(value)) and value in values_of(path):
                wrong = _misspelt(str(value), chance)
                yield from _changed(root, node, str(name), wrong, "misspelt value")


def _names(root: Node, chance: random.Random) -> Iterator[Slip]:
    for node in root.iter("*"):
        for name in [str(key) for key, _ in node.items()]:
            if _is_word(name):
                wrong, value = _misspelt(name, chance), str(node.get(name))
                if node.get(wrong) is None:
                    del node.attrib[name]
                    node.set(wrong, value)
                    yield Slip("misspelt attribute", etree.tostring(root), path_of(node))
                    del node.attrib[wrong]
                    node.set(name, value)


def _changed(root: Node, node: Node, name: str, wrong: str, kind: str) -> Iterator[Slip]:
    right = node.get(name)
    if right is not None and right != wrong:
        node.set(name, wrong)
        yield Slip(kind, etree.tostring(root), path_of(node, name), wrong)
        node.set(name, right)


def _buses(root: Node, chance: random.Random) -> Iterator[Slip]:
    for target in root.iterfind("devices/disk/target"):
        if target.get("bus") in {"sata", "ide"}:
            wrong = "ide" if target.get("bus") == "sata" else "nvme"
            for slip in _changed(root, target, "bus", wrong, _BUS):
                disk = target.getparent()
                assert disk is not None
                yield Slip(slip.kind, slip.data, path_of(disk), wrong)
    del chance


def _sources(root: Node, chance: random.Random) -> Iterator[Slip]:
    for disk in root.iterfind("devices/disk"):
        wrong = {"file": "block", "block": "file"}.get(disk.get("type") or "")
        if wrong is not None and disk.find("source") is not None:
            yield from _changed(root, disk, "type", wrong, "wrong type of source")
    del chance


def _machines(root: Node, chance: random.Random) -> Iterator[Slip]:
    for kind in root.iterfind("os/type"):
        machine, arch = kind.get("machine") or "", kind.get("arch") or ""
        family = "q35" if "q35" in machine else "i440fx"
        if "q35" in machine or "i440fx" in machine or machine == "pc":
            old = chance.choice(_OLD[family])
            yield from _changed(root, kind, "machine", old, _OLDER)
        if arch in _ARCHES:
            yield from _changed(root, kind, "arch", _ARCHES[arch], "another name")


def _numbers(root: Node, chance: random.Random) -> Iterator[Slip]:
    vcpu = root.find("vcpu")
    if vcpu is None or vcpu.get("current") is not None or root.find("cpu/topology") is not None:
        return
    right = vcpu.text
    for kind, least, most in ((_MANY, 512, MOST_OF_ANY), (_MISTAKEN, MOST_OF_ANY + 1, 99999)):
        vcpu.text = str(chance.randint(least, most))
        yield Slip(kind, etree.tostring(root), "/domain/vcpu", vcpu.text)
    vcpu.text = right


def _companions(root: Node, chance: random.Random) -> Iterator[Slip]:
    for companion, needs_it in _COMPANIONS:
        node = root.find(companion)
        if node is None or root.find(needs_it) is None:
            continue
        parent = node.getparent()
        assert parent is not None
        place, path = parent.index(node), f"/domain/{companion.partition('[')[0]}"
        parent.remove(node)
        yield Slip(_MISSING, etree.tostring(root), path)
        parent.insert(place, node)
    del chance


KINDS: tuple[Callable[[Node, random.Random], Iterator[Slip]], ...] = (
    _values, _names, _buses, _sources, _machines, _numbers, _companions,
)  # fmt: skip


def slips(data: bytes, chance: random.Random) -> list[Slip]:
    """Give a domain with one mistake of each kind that it has room for."""
    found = []
    for kind in KINDS:
        made = list(kind(etree.fromstring(data), chance))
        if made:
            found.append(chance.choice(made))
    return found


def _said(data: bytes) -> set[Said]:
    """Give all that a document says, as places and values; elements with a name go by that."""
    found: set[Said] = set()
    for node in etree.fromstring(data).iter("*"):
        place = _place(node)
        found.add((place, "", (node.text or "").strip()))
        found |= {(place, str(name), str(value)) for name, value in node.items()}
    return found


def _place(node: Node) -> str:
    """Give the path of an element: with its name, where its parent has several of its kind."""
    path, parent = path_of(node), node.getparent()
    above = "" if parent is None else _place(parent)
    own = path.rpartition("/")[2]
    if "[" in own and node.get("name"):
        own = f"{own.partition('[')[0]}[{node.get('name')}]"
    return f"{above}/{own}"


def is_back(original: bytes, slip: Slip, repaired: bytes) -> bool:
    """Tell whether a repair is the original again, or differs only in a better value.

    What is better depends on the slip (`_BETTER`); of most slips nothing but the original is.
    """
    before, after = _said(original), _said(repaired)
    gone, new = before - after, after - before
    if not gone and not new:
        return True
    is_better = _BETTER.get(slip.kind)
    return is_better is not None and is_better(slip, gone, new)


def _is_newer(slip: Slip, gone: set[Said], new: set[Said]) -> bool:
    """Hold a machine type to the family of the original: the slip named an older one of it."""
    if not _only_at(gone | new, {slip.path}):
        return False
    [(_, _, right)], [(_, _, found)] = gone, new
    family, version = family_of(found)
    return family == family_of(right)[0] and (not version or version >= family_of(slip.wrong)[1])


def _is_other_bus(slip: Slip, gone: set[Said], new: set[Said]) -> bool:
    """Hold a disk to its bus, or SATA in place of IDE, which all but old guests drive as well.

    The name of a disk on SATA may have become one that disks of SATA have.
    """
    target = f"{slip.path}/target"
    if not _only_at(gone | new, {f"{target}/@bus", f"{target}/@dev"}):
        return False
    buses = {value for _, name, value in new if name == "bus"}
    names = {value[:2] for _, name, value in new if name == "dev"}
    return buses <= {"sata"} and names <= {"sd"} and slip.wrong != "sata"


def _is_most(slip: Slip, gone: set[Said], new: set[Said]) -> bool:
    """Hold a number to more than the original, with what so many CPUs need and nothing else."""
    numbers = {one for one in new if one[0] == slip.path}
    places = {path for path, _, _ in new - numbers} - {"/domain/features"}
    if len(gone) != 1 or len(numbers) != 1 or not all(p.startswith(_FOR_MANY) for p in places):
        return False
    [(path, _, right)], [(_, _, found)] = gone, numbers
    return path == slip.path and int(found) > int(right)


def _is_companion(slip: Slip, gone: set[Said], new: set[Said]) -> bool:
    """Hold what is missing to its essence: its details cannot be known."""
    needed = _ESSENCE[slip.path]
    within = all(path.startswith(slip.path) for path, _, _ in gone | new)
    return within and not {one[1:] for one in gone} & needed


def is_left(slip: Slip, repaired: bytes) -> bool:
    """Tell whether a repair leaves a number alone that only its owner can correct."""
    return slip.kind == _MISTAKEN and _said(slip.data) == _said(repaired)


def _only_at(found: set[Said], places: set[str]) -> bool:
    return {f"{path}/@{name}" if name else path for path, name, _ in found} <= places


_BETTER: dict[str, Callable[[Slip, set[Said], set[Said]], bool]] = {
    _OLDER: _is_newer,
    _BUS: _is_other_bus,
    _MANY: _is_most,
    _MISSING: _is_companion,
}
