"""Compare domcaps' CPU data with an installed CPU map of libvirt, or bring them up to date.

::

    compare_cpu_map.py /usr/share/libvirt/cpu_map [--dialect 12.8]
    compare_cpu_map.py /usr/share/libvirt/cpu_map --update 12.9

Without ``--update``, what differs is printed, and the exit code is 1 when something does.
``--dialect`` leaves out what that release did not have yet. ``--update`` writes the data file anew
from the map of the release given. What the file had before keeps its ``since``; what is new gets
the change ``CPU_MAP_12_9``, which then has to be added to the table
(``domcaps/language/changes/cpu_map.py``). What the map no longer has is dropped.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from lxml import etree

from domcaps.cpu import data
from domcaps.cpu.data import (
    ArmData,
    ArmModel,
    ArmVendor,
    CpuDataFile,
    Named,
    Ppc64Data,
    Ppc64Model,
    X86Data,
    X86Feature,
    X86Model,
    X86Vendor,
    cpu_data,
)
from domcaps.language.change import named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Release = tuple[int, int]
Sets = dict[str, frozenset[str]]
"""The features of a model by what they are to it: ``""``, ``added`` or ``removed``."""
NOTHING: Sets = dict.fromkeys(("", "added", "removed"), frozenset())


# -- reading libvirt's map -----------------------------------------------------------------------


class MapFolder:
    """A folder with ``index.xml`` and the files that it names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = self._parse("index.xml")

    def _parse(self, name: str) -> Any:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
        return etree.parse(self.folder / name, parser).getroot()

    def entries(self, arch: str, tag: str) -> Iterator[Any]:
        """Give all elements of that name for an architecture, in the order of the index."""
        for include in self.index.iterfind(f"arch[@name='{arch}']//include"):
            yield from self._parse(include.get("filename")).iterfind(tag)


def _names(element: Any, tag: str, **wanted: str) -> list[str]:
    return [
        child.get("name")
        for child in element.iterfind(tag)
        if all(child.get(key) == value for key, value in wanted.items())
    ]


def _vendor(element: Any) -> str:
    return (_names(element, "vendor") or [""])[0]


def _x86_feature(element: Any) -> X86Feature:
    leaves = [child for child in element if child.tag in {"cpuid", "msr"}]
    bits = [found for leaf in leaves for found in _bits(leaf)]
    if len(bits) != 1:
        raise SystemExit(f"feature {element.get('name')} is not one bit: a new form is needed")
    ((word, bit),) = bits
    return X86Feature(
        name=element.get("name"),
        word=word,
        bit=bit,
        migratable=element.get("migratable") != "no",
        qemu=tuple(_names(element, "alias", source="qemu")),
        linux=tuple(_names(element, "alias", source="linux")),
    )


def _bits(leaf: Any) -> Iterator[tuple[str, int]]:
    number = {key: int(value, 0) for key, value in leaf.attrib.items()}
    if leaf.tag == "msr":
        whole = number.get("edx", 0) << 32 | number.get("eax", 0)
        words = {f"msr {number['index']:#x}": whole}
    else:
        place = f"cpuid {number['eax_in']:#x} {number.get('ecx_in', 0):#x}"
        words = {f"{place} {name}": number.get(name, 0) for name in ("eax", "ebx", "ecx", "edx")}
    for word, value in words.items():
        for bit in range(64):
            if value >> bit & 1:
                yield word, bit


def _signature(element: Any) -> str:
    parts = [element.get("family"), element.get("model"), element.get("stepping")]
    return "/".join(part for part in parts if part is not None)


def _x86_model(element: Any) -> tuple[X86Model, Sets]:
    """Read a model; its features come apart, since those of the data are relative."""
    decode, check = element.find("decode"), element.find("check")
    ancestor = element.find("model")
    sets = {kind: frozenset[str]() for kind in ("", "added", "removed")}
    for child in element.iterfind("feature"):
        kind = next((k for k in ("added", "removed") if child.get(k) == "yes"), "")
        sets[kind] |= {child.get("name")}
    model = X86Model(
        name=element.get("name"),
        vendor=_vendor(element),
        signatures=tuple(_signature(child) for child in element.iterfind("signature")),
        host=decode.get("host") == "on",
        guest=decode.get("guest") == "on",
        version_of="" if ancestor is None else ancestor.get("name"),
        partial="" if check is None else check.get("partial", ""),
    )
    if model.version_of and (any(sets.values()) or model.vendor or model.signatures):
        raise SystemExit(f"model {model.name} is more than a numbered name: a new form is needed")
    return model, sets


def read_map(folder: Path) -> tuple[CpuDataFile, dict[str, Sets]]:
    """Read libvirt's map into the form of our data, but for the features of the x86 models."""
    source = MapFolder(folder)
    models = [_x86_model(element) for element in source.entries("x86", "model")]
    x86 = X86Data(
        vendors=tuple(
            X86Vendor(name=e.get("name"), id=e.get("string"))
            for e in source.entries("x86", "vendor")
        ),
        features=tuple(_x86_feature(element) for element in source.entries("x86", "feature")),
        models=tuple(model for model, _ in models),
    )
    ppc64 = Ppc64Data(
        vendors=tuple(Named(name=e.get("name")) for e in source.entries("ppc64", "vendor")),
        models=tuple(
            Ppc64Model(
                name=e.get("name"),
                vendor=_vendor(e),
                pvr=tuple(
                    f"{int(p.get('value'), 16):#010x}/{int(p.get('mask'), 16):#010x}"
                    for p in e.iterfind("pvr")
                ),
            )
            for e in source.entries("ppc64", "model")
        ),
    )
    arm = ArmData(
        vendors=tuple(
            ArmVendor(name=e.get("name"), id=f"{int(e.get('value'), 16):#x}")
            for e in source.entries("arm", "vendor")
        ),
        features=tuple(Named(name=e.get("name")) for e in source.entries("arm", "feature")),
        models=tuple(
            ArmModel(
                name=e.get("name"),
                vendor=_vendor(e),
                part=f"{int(e.find('pvr').get('value'), 16):#x}",
            )
            for e in source.entries("arm", "model")
        ),
    )
    return CpuDataFile(data.FORMAT, "", x86, ppc64, arm), {m.name: sets for m, sets in models}


# -- features of x86 models: relative in our file, whole in the map --------------------------------


def whole_sets(models: Iterable[X86Model]) -> dict[str, Sets]:
    """Work out the features of models that are given relative to each other."""
    found: dict[str, Sets] = {}
    for model in models:
        base = found[model.like] if model.like else NOTHING
        changed = {*model.with_, *model.without, *model.added, *model.removed}
        plus = {"": model.with_, "added": model.added, "removed": model.removed}
        found[model.name] = {
            kind: (names - changed) | frozenset(plus[kind]) for kind, names in base.items()
        }
    return found


def _relative(model: X86Model, sets: Sets, like: str, base: Sets) -> X86Model:
    """Write a model relative to another one."""
    every = frozenset[str]().union(*sets.values())
    was = frozenset[str]().union(*base.values())
    return msgspec.structs.replace(
        model,
        like=like,
        with_=tuple(sorted(sets[""] - base[""])),
        without=tuple(sorted(was - every)),
        added=tuple(sorted(sets["added"] - base["added"])),
        removed=tuple(sorted(sets["removed"] - base["removed"])),
    )


def shortest(models: Sequence[X86Model], sets: dict[str, Sets]) -> tuple[X86Model, ...]:
    """Write each model relative to that earlier one which leaves the least to say."""
    written: list[X86Model] = []
    for model in models:
        if model.version_of:
            written.append(model)
            continue
        earlier = {"": NOTHING} | {m.name: sets[m.name] for m in written if not m.version_of}
        forms = [_relative(model, sets[model.name], name, base) for name, base in earlier.items()]
        written.append(min(forms, key=lambda form: len(msgspec.json.encode(form))))
    return tuple(written)


# -- comparing -----------------------------------------------------------------------------------


def _differences(what: str, ours: Sequence[Named], theirs: Sequence[Named]) -> Iterator[str]:
    mine, other = ({fact.name: fact for fact in facts} for facts in (ours, theirs))
    for name in other.keys() - mine.keys():
        yield f"{what} {name}: only libvirt has it"
    for name in mine.keys() - other.keys():
        yield f"{what} {name}: only domcaps has it"
    both = [name for name in other if name in mine]
    if both != [name for name in mine if name in other]:
        yield f"{what}: the order differs"
    for name in both:
        for field in type(other[name]).__struct_fields__:
            left, right = getattr(mine[name], field), getattr(other[name], field)
            if field not in {"since", "until", "retired"} and left != right:
                yield f"{what} {name}: {field} is {left!r}, libvirt has {right!r}"


def _bare(model: X86Model) -> X86Model:
    """Take the features away, which are compared by themselves."""
    return msgspec.structs.replace(model, like="", with_=(), without=(), added=(), removed=())


def _set_differences(ours: dict[str, Sets], theirs: dict[str, Sets]) -> Iterator[str]:
    for name in ours.keys() & theirs.keys():
        for kind, features in theirs[name].items():
            label = f"x86 model {name}: {kind + ' ' if kind else ''}feature"
            for feature in sorted(features - ours[name][kind]):
                yield f"{label} {feature}: only libvirt has it"
            for feature in sorted(ours[name][kind] - features):
                yield f"{label} {feature}: only domcaps has it"


_CHANGE = re.compile(r"CPU_MAP_(\d+)_(\d+)")


def _came(name: str) -> Release:
    """Give the release of a change; one that the table has not yet tells it by its name."""
    found = _CHANGE.fullmatch(name)
    return (int(found[1]), int(found[2])) if found else named(name).release


def _for_dialect(ours: CpuDataFile, dialect: Release) -> dict[str, list[Named]]:
    """List our facts by what they are, without those that a dialect does not have."""

    def known(facts: Iterable[Named]) -> list[Named]:
        return [
            fact
            for fact in facts
            if (not fact.since or _came(fact.since) <= dialect)
            and not (fact.until and _came(fact.until) <= dialect)
        ]

    return {
        "x86 vendor": known(ours.x86.vendors),
        "x86 feature": known(ours.x86.features),
        "x86 model": known(map(_bare, ours.x86.models)),
        "ppc64 vendor": known(ours.ppc64.vendors),
        "ppc64 model": known(ours.ppc64.models),
        "arm vendor": known(ours.arm.vendors),
        "arm feature": known(ours.arm.features),
        "arm model": known(ours.arm.models),
    }


def differences(ours: CpuDataFile, folder: Path, dialect: Release) -> list[str]:
    """List everything in which our data and a map folder differ, one line each."""
    theirs, sets = read_map(folder)
    mine, other = _for_dialect(ours, dialect), _for_dialect(theirs, dialect)
    found = [line for what in mine for line in _differences(what, mine[what], other[what])]
    found += _set_differences(whole_sets(ours.x86.models), sets)
    return sorted(found)


# -- writing -------------------------------------------------------------------------------------


def _dated(facts: Iterable[Named], before: Iterable[Named], since: str) -> tuple[Any, ...]:
    known = {fact.name: fact for fact in before}
    return tuple(_with_dates(fact, known.get(fact.name), since) for fact in facts)


def _with_dates(fact: Named, before: Named | None, since: str) -> Named:
    """Date what is new; what was there keeps its dates."""
    if before is None:
        return msgspec.structs.replace(fact, since=since)
    dates = {"since": before.since, "until": before.until}
    if isinstance(before, X86Model):
        dates["retired"] = before.retired
    return msgspec.structs.replace(fact, **dates)


def updated(folder: Path, before: CpuDataFile | None, libvirt: str) -> CpuDataFile:
    """Make the data anew from a map folder; without previous data nothing gets a `since`."""
    change = f"CPU_MAP_{libvirt.replace('.', '_')}"
    fresh, sets = read_map(folder)
    models = shortest(fresh.x86.models, sets)

    def dated(facts: Iterable[Named], where: Callable[[CpuDataFile], Iterable[Named]]) -> Any:
        return _dated(facts, where(before) if before else (), change if before else "")

    return CpuDataFile(
        data.FORMAT,
        libvirt,
        X86Data(
            dated(fresh.x86.vendors, lambda old: old.x86.vendors),
            dated(fresh.x86.features, lambda old: old.x86.features),
            dated(models, lambda old: old.x86.models),
            before.x86.removals if before else {},
            before.x86.moved if before else (),
        ),
        Ppc64Data(
            dated(fresh.ppc64.vendors, lambda old: old.ppc64.vendors),
            dated(fresh.ppc64.models, lambda old: old.ppc64.models),
        ),
        ArmData(
            dated(fresh.arm.vendors, lambda old: old.arm.vendors),
            dated(fresh.arm.features, lambda old: old.arm.features),
            dated(fresh.arm.models, lambda old: old.arm.models),
        ),
    )


def written(value: CpuDataFile) -> bytes:
    """Give the text of the file: one entry a line, so that changes can be read in a diff."""
    lines = [b"{", b'"format": %d,' % value.format, b'"libvirt": "%s",' % value.libvirt.encode()]
    archs = ("x86", "ppc64", "arm")
    for arch in archs:
        lines.append(b'"%s": {' % arch.encode())
        part = getattr(value, arch)
        fields = [name for name in part.__struct_fields__ if getattr(part, name)]
        for field in fields:
            if isinstance(getattr(part, field), dict):
                lines.append(b'"removals": %s,' % msgspec.json.encode(getattr(part, field)))
                continue
            entries = [msgspec.json.encode(entry) for entry in getattr(part, field)]
            lines.append(b'"%s": [' % field.encode())
            lines.append(b",\n".join(entries))
            lines.append(b"]" if field == fields[-1] else b"],")
        lines.append(b"}" if arch == archs[-1] else b"},")
    return b"\n".join([*lines, b"}", b""])


# -- command line --------------------------------------------------------------------------------


def _release(text: str) -> Release:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dialect", type=_release, default=(999, 0), help="compare as of then")
    parser.add_argument("--update", metavar="LIBVIRT", help="write the data of that release")
    parser.add_argument("--from-nothing", action="store_true", help="keep nothing of the old file")
    options = parser.parse_args(arguments)
    if not (options.folder / "index.xml").is_file():
        parser.error(f"{options.folder}: no CPU map, since it has no index.xml")
    if options.update:
        before = None if options.from_nothing else cpu_data()
        data.PATH.write_bytes(written(updated(options.folder, before, options.update)))
        return 0
    found = differences(cpu_data(), options.folder, options.dialect)
    print(*found, f"{len(found)} differences", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
