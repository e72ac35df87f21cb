"""The catalogue of finding codes: of rules, of declared fields, and of whole documents.

A rule's docstring is its manual page. The codes, titles and samples of fields are generated from
their declarations.
"""

from __future__ import annotations

import functools
import os
import re
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.elements.index import modules_with_code
from domcaps.language.finding import Severity, Stage
from domcaps.language.predicate import ALWAYS
from domcaps.language.rule import Sample
from domcaps.language.value_types import Text
from domcaps.language.wording import MOST_TITLED, alternatives, named, one_of, plain
from domcaps.patterns import late_pattern
from domcaps.similar import close_matches
from domcaps.validate.catalogue.document_codes import DOCUMENT_CODES
from domcaps.validate.catalogue.minimal import domain_without, element_with
from domcaps.validate.catalogue.rules import parts, parts_in, rules, rules_in_modules
from domcaps.validate.checks import FAILS_AT_START, FieldCheck, field_checks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.language.part import Field, Part
    from domcaps.language.rule import Rule
    from domcaps.language.table import Enum

WELL_FORMED = late_pattern(r"[a-z0-9]+(-[a-z0-9]+)+")
"""The form of a code."""


class Code(msgspec.Struct, frozen=True):
    """One kind of finding.

    `element` is where in a domain it is looked for. `bad` triggers it, `good` does not; a code
    about what a host lacks is triggered only on a host that lacks it (`host_decides`).
    """

    name: str
    kind: str
    element: str
    manual: str
    severity: Severity = Severity.ERROR
    stage: Stage = Stage.DEFINE
    bad: Sample | None = None
    good: Sample | None = None
    host_decides: bool = False

    @property
    def title(self) -> str:
        """The first sentence of its manual, without markup."""
        return plain(" ".join(self.manual.split("\n\n")[0].split()))

    def page(self, *, markdown: bool = False) -> str:
        """Give its manual with the samples; as plain text or in Markdown."""
        bad, good = self.bad, self.good
        triggers, does_not = "Reported for", "Not reported for"
        if bad and good and bad.circumstances != good.circumstances:
            triggers += f", {bad.circumstances}"
            does_not += f", {good.circumstances}"
        elif bad == good or self.host_decides:
            triggers += ", where QEMU or the host does not support it"
            does_not += ", where they support it" if bad == good else ""
        blocks = [self.manual.replace("``", "`") if markdown else plain(self.manual)]
        for title, sample in ((triggers, bad), (does_not, good)):
            if sample:
                text = pretty(sample.xml)
                blocks += [f"{title}:", f"```xml\n{text}\n```" if markdown else text]
        return "\n\n".join(blocks)


DOCUMENTATION = "https://domcaps.example.org"
"""The address of the documentation, which has a page for each code.

Nothing is published yet: example.org is reserved and cannot be registered.
"""


def code_url(name: str = "") -> str:
    """Give the address of a code's page, or of the list of codes; "" where none is known.

    `DOMCAPS_DOCS_URL` in the environment is where an organization has put the documentation.
    """
    site = os.environ.get("DOMCAPS_DOCS_URL", DOCUMENTATION).rstrip("/")
    return f"{site}/codes/{f'{name}/' if name else ''}" if site else ""


@functools.cache
def codes() -> dict[str, Code]:
    """Give every code, in the order of the alphabet; `ValueError` where one is used twice."""
    return unique(_all())


@functools.cache
def code_named(name: str) -> Code | None:
    """Give one code, None where there is none; the rest of the table is not loaded for it."""
    modules = modules_with_code(name)
    of_parts = (code for part in parts_in(modules) for code in codes_of_part(part))
    stated = [rule for rule in rules_in_modules(modules) if rule.code == name]
    found = [code for code in of_parts if code.name == name]
    return next(iter([*found, *_of_rules(stated)]), None) or codes().get(name)


def codes_of_part(part: type[Part]) -> Iterator[Code]:
    """Give the codes of the fields of a part."""
    for planned in field_checks(part):
        yield from _of_field(part, planned)


def unique(listed: Iterable[Code]) -> dict[str, Code]:
    """Give codes by their names, sorted; raises `ValueError` where two have one name."""
    found: dict[str, Code] = {}
    for code in listed:
        if found.setdefault(code.name, code) is not code:
            raise ValueError(f"two findings have the code {code.name!r}: {code.element}")
    return dict(sorted(found.items()))


def near_codes(name: str) -> str:
    """Give the existing codes nearest to a misspelt one, joined by "or"; "" where none is near."""
    return " or ".join(close_matches(name, codes(), n=3))


def _all() -> Iterator[Code]:
    for general in DOCUMENT_CODES:
        yield Code(
            general.code,
            "schema" if general.schema else "document",
            "domain",
            general.manual,
            general.severity,
            bad=Sample(general.bad) if general.bad else None,
            good=Sample(general.good),
        )
    for part in parts():
        yield from codes_of_part(part)
    yield from _of_rules(rule for of_part in rules().values() for rule in of_part)


def _of_rules(listed: Iterable[Rule]) -> Iterator[Code]:
    """Give the codes of rules; of those that changed the newest, which tells of the others."""
    by_code: dict[str, list[Rule]] = {}
    for rule in listed:
        by_code.setdefault(rule.code, []).append(rule)
    for same in by_code.values():
        *older, newest = sorted(same, key=lambda rule: rule.until.release if rule.until else _NEVER)
        code = _of_rule(newest)
        manuals = [code.manual, *(_dated(rule) for rule in reversed(older))]
        yield msgspec.structs.replace(code, manual="\n\n".join(manuals))


_NEVER = (1 << 16, 0)
"""Later than any release."""


def _dated(rule: Rule) -> str:
    until = f"Before libvirt {rule.until.since}: " if rule.until else ""
    return until + _dedented(rule.manual)


def _dedented(manual: str) -> str:
    """Give a docstring without the indentation of its function."""
    first, _, rest = manual.partition("\n")
    return f"{first.lstrip()}\n{textwrap.dedent(rest)}".strip("\n")


def _of_rule(rule: Rule) -> Code:
    return Code(
        rule.code,
        "rule",
        f"devices/… ({rule.part.__name__})"
        if rule.part.path is None
        else rule.part.path or "domain",
        _dedented(rule.manual),
        rule.severity,
        rule.stage,
        rule.bad,
        rule.good,
    )


def _place(part: type[Part]) -> str:
    if part.path is None:
        return f"devices/… ({part.__name__})"
    return part.path or "domain"


def _of_field(part: type[Part], planned: FieldCheck) -> Iterator[Code]:
    declared = planned.declared
    where = f"{part.path}/{declared.path}".strip("/")
    good = _sample(part, declared, _right(declared))
    if declared.required:
        names = tuple(getattr(declared.kind, "names", ()))
        if declared.choice is not None:
            names = tuple(choice.name for choice in declared.choice.choices)
        listed = one_of(tuple(dict.fromkeys(names)), MOST_TITLED) if names else declared.expected
        what = declared.said or listed
        manual = f"{_named(part, declared)} is required: {what}."
        yield _field_code(f"{planned.code}-missing", where, manual, _sample(part, declared), good)
    if declared.at_start is not None:
        yield from _of_start(part, planned, declared.at_start, good)
    if declared.choice is not None:
        yield from _of_choice(part, planned, declared.choice, good)
    elif not (isinstance(declared.kind, Text) and not declared.kind.pattern):
        manual = _form(_named(part, declared), declared)
        bad = _sample(part, declared, _wrong(declared))
        yield _field_code(f"{planned.code}-invalid", where, manual, bad, good)


def _of_choice(part: type[Part], planned: FieldCheck, enum: Enum, good: Sample) -> Iterator[Code]:
    declared = planned.declared
    where = f"{part.path}/{declared.path}".strip("/")
    manual = _one_of(_named(part, declared), tuple(choice.name for choice in enum.choices))
    bad = _sample(part, declared, _UNKNOWN_VALUE)
    yield _field_code(f"{planned.code}-unknown", where, manual, bad, good)
    needing = [choice for choice in enum.choices if choice.when is not ALWAYS]
    if not needing:
        return
    needs = "\n".join(f"* {choice.name}: {choice.when.describe()}" for choice in needing)
    manual = (
        f"{_named(part, declared)} must be a value that QEMU, the machine type and the host "
        f"support.\n\nWhat each value requires:\n\n{needs}"
    )
    bad = _sample(part, declared, needing[-1].name)
    code = _field_code(f"{planned.code}-unsupported", where, manual, bad, good)
    yield msgspec.structs.replace(code, host_decides=True)


def _of_start(part: type[Part], planned: FieldCheck, enum: Enum, good: Sample) -> Iterator[Code]:
    """Give the code of values that libvirt defines, and that are known not to start somewhere."""
    failing = [
        (choice.name, drift.but)
        for choice in enum.choices
        for drift in choice.at_start
        if drift.certain
    ]
    if not failing:
        return
    where = f"{part.path}/{planned.declared.path}".strip("/")
    manual = _fails_at_start(_named(part, planned.declared), failing)
    bad = _sample(part, planned.declared, failing[0][0])
    code = _field_code(f"{planned.code}-{FAILS_AT_START}", where, manual, bad, good)
    yield msgspec.structs.replace(code, stage=Stage.START, host_decides=True)


def _fails_at_start(place: str, failing: list[tuple[str, str]]) -> str:
    """Say which values fail to start, with the commonest reason as an example, and list them."""
    values = alternatives([repr(name) for name in dict.fromkeys(name for name, _but in failing)])
    (commonest, _count), *_others = Counter(but for _name, but in failing).most_common()
    example = commonest.partition(": ")[0]
    reasons = "\n".join(dict.fromkeys(f"* {name}: {but}" for name, but in failing))
    return (
        f"{place} must not be {values} where QEMU fails to start with it; for example, "
        f"{example}.\n\n"
        f"libvirt accepts these values in a definition, but the domain does not start:\n\n{reasons}"
    )


def _field_code(name: str, where: str, manual: str, bad: Sample, good: Sample) -> Code:
    return Code(name, "field", where, manual, bad=bad, good=good)


def _named(part: type[Part], declared: Any) -> str:
    text = named(part.path or "", declared.path)
    return text[0].upper() + text[1:]


def _form(place: str, declared: Field[Any]) -> str:
    names = tuple(getattr(declared.kind, "names", ()))
    return _one_of(place, names) if names else f"{place} must be {declared.expected}."


def _one_of(place: str, values: tuple[str, ...]) -> str:
    """Say which values are valid; a long list stands below the title."""
    values = tuple(dict.fromkeys(values))
    title = f"{place} must be {one_of(values, MOST_TITLED)}."
    if len(values) <= MOST_TITLED:
        return title
    every = ", ".join(v for v in values if v)
    return f"{title}\n\nValid values: {every}."


_UNKNOWN_VALUE = "no-such-value"
_RIGHT = (
    "1", "0", "yes", "on", "/path", "52:54:00:12:34:56", "0x1", "name", "1-2", "a", "default",
    "6f4a1f4a-2a2b-4c1e-9b7a-0d7b9a5f3c11", "127.0.0.1", "1.0", "5", "sda", "fd00::1", "1G", "2",
    "4", "16", "64", "512", "1024", "4096", "0x100", "0x0000", "100", "1.1", "0-1", "vda",
    "2020-01-01", "abc.def", "ua-name", "eth0", "1:1", "0001:00:00.0", "0xffff",
)  # fmt: skip
_WRONG = (_UNKNOWN_VALUE, "?", "-1", "", "x" * 300, "99999999999999999999", " ", "\u00e9", "a b")


def _right(declared: Any) -> str:
    """Give a text that a field takes."""
    if declared.choice is not None:
        return str(declared.choice.choices[0].name) if declared.choice.choices else ""
    named = getattr(declared.kind, "names", ())
    return next((text for text in (*named, *_RIGHT) if takes(declared, text)), "")


def _wrong(declared: Any) -> str:
    """Give a text that a field does not take."""
    return next((text for text in _WRONG if not takes(declared, text)), _UNKNOWN_VALUE)


def takes(declared: Any, text: str) -> bool:
    """Tell whether a text has a field's form."""
    try:
        declared.kind.parse(text)
    except ValueError:
        return False
    return True


def _sample(part: type[Part], declared: Any, value: str | None = None) -> Sample:
    """Give a domain's element in which a field has that value, or is not there."""
    path = f"{part.path}/{declared.path}".lstrip("/")
    whole = domain_without(path) if value is None else None
    if whole is not None:
        return Sample(whole)
    others = {
        other.declared.path: _right(other.declared)
        for other in field_checks(part)
        if other.declared.required and other.declared is not declared
    }
    if declared.of:
        others[declared.of.strip(".")] = "1"
    if value is not None:
        others[declared.path] = value
    return Sample(element_with(part.path or "", others))


def pretty(xml: str) -> str:
    """Put the elements of a sample on lines of their own."""
    from lxml import etree

    try:
        root = etree.fromstring(f"<samples>{re.sub(r'<[?].*?[?]>', '', xml)}</samples>")
    except etree.XMLSyntaxError:
        return xml
    etree.indent(root)
    lines = etree.tostring(root, encoding="unicode").splitlines()
    return "\n".join(line.removeprefix("  ") for line in lines[1:-1]) or xml
