"""Slips of the pen: each makes one mistake in an accepted domain, as a person would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from domcaps.choose.candidates import values_of
from domcaps.language.node_path import path_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element as Node

_SHORTEST = 3
_MANY = "too large a number"
_OLD = {"q35": ("pc-q35-2.4", "pc-q35-2.12"), "i440fx": ("pc-i440fx-1.4", "pc-i440fx-2.0")}
_ARCHES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "i386"}
_COMPANIONS = (
    ("memoryBacking", "devices/filesystem/driver[@type='virtiofs']"),
    ("clock/timer[@name='hypervclock']", "features/hyperv/stimer"),
    ("features/hyperv/vpindex", "features/hyperv/synic"),
    ("features/hyperv/synic", "features/hyperv/stimer"),
)


@dataclass(frozen=True)
class Slip:
    """A domain with one mistake. `path` is where, and where a repair may differ from before."""

    kind: str
    data: bytes
    path: str


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
        yield Slip(kind, etree.tostring(root), path_of(node, name))
        node.set(name, right)


def _buses(root: Node, chance: random.Random) -> Iterator[Slip]:
    for target in root.iterfind("devices/disk/target"):
        if target.get("bus") in {"sata", "ide"}:
            wrong = "ide" if target.get("bus") == "sata" else "nvme"
            for slip in _changed(root, target, "bus", wrong, "wrong bus"):
                yield Slip(slip.kind, slip.data, path_of(target.getparent()))  # type: ignore[arg-type]
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
            yield from _changed(root, kind, "machine", old, "old machine type")
        if arch in _ARCHES:
            yield from _changed(root, kind, "arch", _ARCHES[arch], "another name")


def _numbers(root: Node, chance: random.Random) -> Iterator[Slip]:
    vcpu = root.find("vcpu")
    if vcpu is not None and vcpu.get("current") is None and root.find("cpu/topology") is None:
        right, vcpu.text = vcpu.text, str(chance.randrange(5000, 99999))
        yield Slip(_MANY, etree.tostring(root), "/domain/vcpu")
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
        yield Slip("missing companion", etree.tostring(root), path)
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


def _said(data: bytes) -> set[tuple[str, str, str]]:
    """Give all that a document says, as places and values; elements with a name go by that."""
    found = set()
    for node in etree.fromstring(data).iter("*"):
        found.add((path_of(node), "", (node.text or "").strip()))
        found |= {(path_of(node), str(name), str(value)) for name, value in node.items()}
    return found


def is_back(original: bytes, slip: Slip, repaired: bytes) -> bool:
    """Tell whether a repair differs from the original at most where the slip was made."""
    element, _, attribute = slip.path.partition("/@")
    plain = element.partition("[")[0]
    before, after = _said(original), _said(repaired)
    # the most CPUs that there can be may need something that fewer did not
    needed = after if slip.kind == _MANY else frozenset()
    places = {path for path, _, _ in before}
    for path, name, _ in before ^ after:
        if path not in places and any(path == one for one, _, _ in needed):
            continue
        if attribute and not (path == element and name == attribute):
            return False
        if not attribute and not path.startswith((element, plain)):
            return False
    return True
