"""How many accepted domains have a command line: ``python native_lines.py SHARED [--devices]``.

Every domain of the recorded cases that libvirt accepts is written as QEMU's command line. Prints
what can't be written, by kind, and ends with ``N of M written``. With ``--devices`` the devices are
compared with those of the recorded command lines: type, place and properties; names of block
devices, and what QEMU is handed as open files, are not compared. ``--options`` compares the options
of the machine instead: board, processors, memory, NUMA, clock, boot. The exit code is 0 only where
at least the given share (``--least``, 95 by default) is written.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from corpus import domain_cases

from domcaps.errors import DomcapsError
from domcaps.language.command_line import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from corpus import DomainCase

_ALIASES = {"ahci": "ich9-ahci", "lsi": "lsi53c895a", "e1000": "e1000-82540em",
            "virtio-iommu": "virtio-iommu-pci"}  # fmt: skip
_FLAGS = {"on": "true", "off": "false", "True": "true", "False": "false"}
_NOT_COMPARED = {"drive", "memdev", "vhostfd", "chardev", "guest-cid", "hostdevice", "hostbus",
                 "hostaddr", "vendorid", "productid"}  # fmt: skip
_KIND = re.compile(r"\[\d+\]|'[^']*'$")

Device = tuple[str, tuple[tuple[str, str], ...]]


def devices_of(words: Iterable[str]) -> Iterator[Device]:
    """Give the devices of a command line, each with its properties."""
    before = ""
    for word in words:
        if before == "-device":
            yield device_of(word)
        before = word


def device_of(word: str) -> Device:
    """Read a device in either form."""
    if word.startswith("{"):
        told = {name: _value(value) for name, value in json.loads(word).items()}
        kind = told.pop("driver")
    else:
        told = {name: _value(value) for name, value in settings_of(word).items()}
        kind = told.pop("")
    kept = {name: value for name, value in told.items() if name not in _NOT_COMPARED}
    return _ALIASES.get(kind, kind), tuple(sorted(kept.items()))


def _value(value: object) -> str:
    if isinstance(value, list):
        return json.dumps(value)
    text = _FLAGS.get(str(value), str(value))
    try:
        return str(int(text, 0))
    except ValueError:
        return text


def recorded(case: DomainCase) -> list[str]:
    """Give the words that libvirt wrote."""
    path = case.folder / "domains" / str(case.case["args_file"])
    return shlex.split(path.read_text().replace("\\\n", " "))


def differences(ours: Iterable[str], theirs: Iterable[str]) -> Iterator[str]:
    """Say what devices differ, and how."""
    mine, wanted = Counter(devices_of(ours)), Counter(devices_of(theirs))
    extra, missing = list((mine - wanted).elements()), list((wanted - mine).elements())
    for kind, told in missing:
        like = next((one for one in extra if one[0] == kind), None)
        if like is None:
            yield f"missing {kind}"
            continue
        extra.remove(like)
        names = {name for name, _ in set(told) ^ set(like[1])}
        for name in sorted(names):
            yield f"{kind}.{name}: {dict(like[1]).get(name)} for {dict(told).get(name)}"
    for kind, _ in extra:
        yield f"extra {kind}"


_MACHINE = {"machine", "accel", "cpu", "m", "smp", "numa", "rtc", "boot", "global", "overcommit",
            "no-hpet", "no-acpi", "smbios", "uuid", "kernel", "initrd", "append", "dtb", "bios",
            "nodefaults", "no-user-config"}  # fmt: skip
"""Options that say what the machine is."""


_LEFT_OUT = ("memory-backend=", "pflash")
"""Parts that name other options."""


def machine_options(words: Iterable[str]) -> Counter[str]:
    """Give the options of the machine; parts that have names are ordered."""
    found: Counter[str] = Counter()
    before = ""
    for word in (*words, ""):
        name = before.removeprefix("-")
        if before.startswith("-") and name in _MACHINE:
            value = "" if word.startswith("-") else word
            first, *more = re.split(r"(?<!,),(?!,)", value)
            parts = (part for part in more if not part.startswith(_LEFT_OUT))
            # a machine type may be named by its alias
            first = "" if name == "machine" else first
            found[f"{name} {','.join((first, *sorted(parts)))}"] += 1
        before = word
    return found


def option_differences(ours: Iterable[str], theirs: Iterable[str]) -> Iterator[str]:
    """Say which options of the machine differ."""
    mine, wanted = machine_options(ours), machine_options(theirs)
    wanted.pop("overcommit mem-lock=off", None)
    extra, missing = list((mine - wanted).elements()), list((wanted - mine).elements())
    for one in missing:
        name = one.split(" ")[0]
        like = next((other for other in extra if other.split(" ")[0] == name), None)
        if like is not None:
            extra.remove(like)
            yield f"-{name}: {like} for {one}"
        else:
            yield f"-{name} missing: {one}"
    for one in extra:
        yield f"-{one.split(' ')[0]} extra: {one}"


def main() -> int:
    """Write all, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--devices", action="store_true", help="compare the devices")
    parser.add_argument("--options", action="store_true", help="compare the machine's options")
    parser.add_argument("--only", default="", help="cases whose names hold this text")
    parser.add_argument("--least", type=float, default=95.0, help="percentage to reach")
    options = parser.parse_args()
    cases = [c for c in domain_cases(options.folder)
             if c.expected == "accept" and c.case["xml"] and options.only in c.name]  # fmt: skip
    untold: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    same = written = 0
    for case in cases:
        try:
            words = case.host.native(case.xml, case.dialect, judge=False, new=case.new)
        except DomcapsError as error:
            untold[_KIND.sub("", str(error))] += 1
            print(f"{case.name}: {error}")
            continue
        written += 1
        if (options.devices or options.options) and case.case["args_file"]:
            compare = differences if options.devices else option_differences
            found = list(compare(words, recorded(case)))
            same += not found
            kinds.update(re.sub(r": .*", "", one) for one in set(found))
            for one in found:
                print(f"{case.name}: {one}")
    for kind, count in (untold + kinds).most_common():
        print(f"{count:4} {kind}")
    if options.devices or options.options:
        what = "devices" if options.devices else "options"
        print(f"{same} of {written} have libvirt's {what}")
    print(f"{written} of {len(cases)} written")
    return 0 if written * 100 >= options.least * len(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
