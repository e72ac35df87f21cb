"""Sweep one kind of change over every element: ``python sweep_forms.py STEP KIND FILE``.

Libvirt and domcaps need not be in one place, so there are three steps::

    sweep_forms.py make numbers /srv/cases.json         # documents, of the samples of all codes
    python3 sweep_forms.py ask numbers /srv/cases.json  # where libvirt is: adds its verdicts
    sweep_forms.py compare numbers /srv/cases.json HOST [RELEASE]

KIND is ``numbers`` (each number in other forms), ``copies`` (a second, broken copy of each
element), ``empty`` (each attribute as '') or ``order`` (each child moved to the front or the end).
Verdicts are those of define, without and with the schema. Ends with ``N agree, N differ``.
"""

from __future__ import annotations

import copy
import json
import re
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMS = ("+{}", " {}", "{} ", "-{}", "-0", "0x{}", "0{}", "{}.0", "99999999999999999999", "")
_NUMBER = re.compile(r"[0-9]+")
_MOST = 6000
ENDED = "libvirt ended"


def _samples() -> Iterator[str]:
    from domcaps.validate.catalogue.codes import codes
    from domcaps.validate.catalogue.samples import domain_of

    for code in codes().values():
        good = code.good
        if good is not None and good.arch == "x86_64" and good.virttype == "qemu":
            yield domain_of(good)


def _changed(kind: str, text: str) -> Iterator[tuple[str, str]]:
    from lxml import etree

    try:
        root = etree.fromstring(text)
    except etree.XMLSyntaxError:
        return
    for number, node in enumerate(root.iter()):
        for label, change in _changes(kind, node):
            other = copy.deepcopy(root)
            change(list(other.iter())[number])
            yield label, etree.tostring(other, encoding="unicode")


def _changes(kind: str, node: Any) -> Iterator[tuple[str, Any]]:
    path = "/".join([*(str(up.tag) for up in reversed(list(node.iterancestors()))), str(node.tag)])
    if kind == "numbers":
        yield from _numbers(path, node)
    elif kind == "empty":
        for name in list(node.attrib):
            yield f"{path}/@{name}", lambda n, a=name: n.set(a, "")
    elif node.getparent() is not None and kind == "copies":
        yield path, _add_broken_copy
    elif node.getparent() is not None and len(node.getparent()) > 1:
        yield f"{path} first", lambda n: n.getparent().insert(0, n)
        yield f"{path} last", lambda n: n.getparent().append(n)


def _numbers(path: str, node: Any) -> Iterator[tuple[str, Any]]:
    for form in FORMS:
        for name, value in node.items():
            if _NUMBER.fullmatch(value):
                text = form.format(value)
                yield f"{path}/@{name}={form}", lambda n, a=name, t=text: n.set(a, t)
        if _NUMBER.fullmatch(node.text or ""):
            text = form.format(node.text)
            yield f"{path}={form}", lambda n, t=text: setattr(n, "text", t)


def _add_broken_copy(node: Any) -> None:
    other = copy.deepcopy(node)
    for name in list(other.attrib):
        other.set(name, "foo")
    if (other.text or "").strip():
        other.text = "foo"
    node.addnext(other)


def make(kind: str, file: Path) -> None:
    """Write the documents, each kind of change at each place once."""
    seen: set[str] = set()
    found = []
    for sample in _samples():
        for label, text in _changed(kind, sample):
            if label not in seen:
                seen.add(label)
                found.append({"label": label, "before": sample, "xml": text})
    file.write_text(json.dumps(found[:_MOST]))
    print(f"{len(found[:_MOST])} documents")


def ask(file: Path) -> None:
    """Add what libvirt says; what makes it end is noted, and the rest can be asked again."""
    import libvirt  # type: ignore[import-not-found]

    libvirt.registerErrorHandler(lambda *_: None, None)
    connection = libvirt.open("qemu:///system")
    cases = json.loads(file.read_text())

    def verdict(text: str, flags: int) -> str:
        name = f"<name>sweep-{uuid.uuid4().hex[:8]}</name>"
        # an empty name is what is asked about
        text = re.sub(r"<name>[^<]+</name>", name, text, count=1)
        try:
            domain = connection.defineXMLFlags(text, flags)
        except libvirt.libvirtError as error:
            return str(error) if connection.isAlive() else ENDED
        domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
        return ""

    for case in cases:
        if "said" in case:
            continue
        case["right"] = not verdict(case["before"], 0)
        case["said"] = [verdict(case["xml"], flags) for flags in (0, 1)]
        if ENDED in case["said"]:
            file.write_text(json.dumps(cases))
            raise SystemExit("libvirt ended; start it, and ask again for the rest")
    file.write_text(json.dumps(cases))


def compare(file: Path, host: str, libvirt: str) -> int:
    """Compare with domcaps; documents whose sample libvirt refuses are left out."""
    import domcaps

    asked = domcaps.Host.load(host)
    agree = differ = 0
    for case in json.loads(file.read_text()):
        if not case.get("right"):
            continue
        for schema, said in zip((False, True), case["said"], strict=True):
            found = asked.validate(case["xml"], libvirt, schema=schema)
            errors = [f for f in found.errors if f.stage.value == "define"]
            broken = [text for text in found.unknown if "internal error" in text]
            for text in broken:
                print(f"{case['label']}: {text}")
            if bool(said) == bool(errors) and not broken:
                agree += 1
                continue
            differ += 1
            ours = "; ".join(f"{f.code}: {f.message}" for f in errors) or "accepts"
            mode = "schema " if schema else ""
            print(f"{mode}{case['label']}: libvirt {said or 'accepts'} | domcaps {ours}")
    print(f"{agree} agree, {differ} differ")
    return 1 if differ else 0


def main() -> int:
    """Do one step."""
    step, kind, file, *more = sys.argv[1:]
    if step == "make":
        make(kind, Path(file))
    elif step == "ask":
        ask(Path(file))
    else:
        host, libvirt = (*more, "12.8")[:2]
        return compare(Path(file), host, libvirt)
    return 0


if __name__ == "__main__":
    sys.exit(main())
