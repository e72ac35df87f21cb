"""What is to be checked, worked out once: the fields and rules of each part."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from domcaps.language.rule import undated
from domcaps.language.struct import Struct
from domcaps.language.value_types import OneOf
from domcaps.patterns import late_pattern
from domcaps.validate.alternatives import path_of_field
from domcaps.validate.catalogue.rules import parts, rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domcaps.language.change import LibvirtChange
    from domcaps.language.dialect import Dialect
    from domcaps.language.part import Field, Part
    from domcaps.language.rule import Rule


FAILS_AT_START = "fails-at-start"
"""How the code of a value ends that libvirt defines, and that is known not to start."""


class FieldCheck:
    """One field of the part at `path`.

    `memoizable` tells that its value may be remembered by the part under the field's name, because
    a rule that reads that name reads this field. `dated` are the values that came with a change of
    libvirt, None where there are none. `sought` is the name of an element inside, or ``@name`` of
    an attribute, without which the field is absent; "" where there is none.
    """

    __slots__ = ("dated", "declared", "memoizable", "path", "sought")

    def __init__(
        self,
        declared: Field[Any],
        path: str,
        *,
        memoizable: bool,
        dated: Mapping[str, LibvirtChange] | None,
        sought: str,
    ) -> None:
        # no annotations in the class: a `Field` there is one that a part declares
        self.declared = declared
        self.path = path
        self.memoizable = memoizable
        self.dated = dated
        self.sought = sought

    @property
    def code(self) -> str:
        """The beginning of the codes of its findings: made when there is one, most are never."""
        return code_of(self.path, self.declared.path)

    @property
    def place(self) -> str:
        """The path of the field in a document, without numbers and conditions."""
        return path_of_field(self.path, self.declared.path)

    def has_value(self, text: str, dialect: Dialect) -> bool:
        """Tell whether a dialect has a value of the right form."""
        came = self.dated.get(text) if self.dated is not None else None
        if came is not None and not dialect.has(came):
            return False
        return self.declared.strict is None or self.declared.fits(text, dialect)


class Checks(Struct, frozen=True, eq=False):
    """What is checked in a part: fields and rules; `values` is what is known beforehand.

    Of the fields, those in `required` is required.
    """

    values: dict[str, Any]
    fields: tuple[FieldCheck, ...]
    required: tuple[FieldCheck, ...]
    rules: tuple[Rule, ...]


class PartChecks(Struct, frozen=True, eq=False):
    """All that is checked in parts of one class; values are the defaults of its fields.

    `whole` tells that such a part holds all others, so that no two are alike.
    """

    kind: type[Part]
    checks: Checks
    whole: bool


@functools.cache
def all_part_checks() -> tuple[PartChecks, ...]:
    """Give the checks of every class of parts."""
    by_part = rules()
    return tuple(_part_checks(kind, by_part) for kind in parts())


@functools.cache
def codes_of_form() -> frozenset[str]:
    """Give the codes of findings that are the same for every target: of the form of a field."""
    checks = [one.checks for one in all_part_checks()]
    invalid = {f"{one.code}-invalid" for found in checks for one in found.fields}
    missing = (one for found in checks for one in found.required if one.declared.choice is None)
    return frozenset(invalid | {f"{one.code}-missing" for one in missing})


@functools.cache
def checks_for_code(code: str) -> tuple[PartChecks, ...]:
    """Give the checks that can find one code."""
    found = []
    for part_checks in all_part_checks():
        # what is known beforehand goes with reading all fields
        checks = Checks(
            {},
            tuple(one for one in part_checks.checks.fields if code.startswith(f"{one.code}-")),
            tuple(one for one in part_checks.checks.required if code == f"{one.code}-missing"),
            tuple(rule for rule in part_checks.checks.rules if rule.code == code),
        )
        if checks.fields or checks.required or checks.rules:
            found.append(PartChecks(part_checks.kind, checks, part_checks.whole))
    return tuple(found)


def _part_checks(kind: type[Part], by_part: dict[type[Part], tuple[Rule, ...]]) -> PartChecks:
    fields = field_checks(kind)
    checks = Checks(
        {
            field_check.declared.name: field_check.declared.default
            for field_check in fields
            if field_check.memoizable
        },
        fields,
        tuple(field_check for field_check in fields if field_check.declared.required),
        tuple(rule for base in kind.__mro__ for rule in by_part.get(base, ())),
    )
    return PartChecks(kind, checks, whole=kind.path in {"", "devices"})


def field_checks(kind: type[Part]) -> tuple[FieldCheck, ...]:
    """Give the fields of a part."""
    known = vars_of(kind)
    return tuple(
        FieldCheck(
            declared,
            kind.path or "",
            memoizable=known.get(declared.name) is declared,
            dated=getattr(declared.kind, "since", None) or None,
            sought=_sought(declared),
        )
        for declared in kind.fields()
    )


def _sought(declared: Field[Any]) -> str:
    """Give the first name of a field's path, "" where it is more than a name."""
    if not declared.steps:
        return f"@{declared.attribute}" if declared.attribute else ""
    first = declared.steps.partition("/")[0]
    return first if _NAME.fullmatch(first) else ""


@functools.cache
def code_of(part: str, field: str) -> str:
    """Write two XML paths as a code: ``devices/disk``, ``target/@bus`` is ``disk-target-bus``.

    Codes are a contract with users, and names in Python are not: only paths count. ``devices`` and
    ``*`` are left out; the value of a condition stays, as in ``memory-dimm-…``.
    """
    words = _words(part.removeprefix("devices/")) or ["domain"]
    return "-".join((*words, *_words(field)))


def _words(path: str) -> list[str]:
    return [_kebab(word) for word in _WORD.findall(path) if word]


def vars_of(kind: type[Part]) -> dict[str, Any]:
    """Give what a class and its bases define, as attribute access would find it."""
    return {name: value for base in reversed(kind.__mro__) for name, value in vars(base).items()}


@functools.lru_cache(maxsize=4096)
def rules_in(part_checks: PartChecks, dialect: Dialect) -> tuple[Rule, ...]:
    """Give the rules of a class that a dialect has: none has to look for that again."""
    has = dialect.has_between
    return tuple(undated(rule) for rule in part_checks.checks.rules if has(rule.since, rule.until))


def values_of(declared: Field[Any]) -> frozenset[str]:
    """Give the values of a field that has only a few, nothing for others."""
    if declared.choice is not None:
        return frozenset(choice.name for choice in declared.choice.choices)
    return frozenset(declared.kind.names) if isinstance(declared.kind, OneOf) else frozenset()


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).replace("_", "-").lower()


_NAME = late_pattern(r"[\w-]+")
# names of elements and attributes, and the value of a condition but not the attribute in it
_WORD = late_pattern(r"(?<!\[@)(?<![\w-])[\w-]+(?![\w-])")
