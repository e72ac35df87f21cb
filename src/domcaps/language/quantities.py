"""Amounts and sets as libvirt writes them: sizes with units, lists of CPUs and nodes, UUIDs.

::

    <memory unit='GiB'>4</memory>
    <vcpu cpuset='0-3,^2'>2</vcpu>

A size is two texts, the number and its unit; `size_of` puts them together. Sets of numbers are
kept as integers in which bit *n* stands for the number *n*.
"""

from __future__ import annotations

import re
import uuid
from fractions import Fraction
from typing import TYPE_CHECKING, Generic, TypeVar

from domcaps.language.fix import Fix
from domcaps.language.immutable import immutable
from domcaps.language.value_types import Int, ValueType, fits
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    from lxml.etree import _Element as Node

    from domcaps.language.change import LibvirtChange
    from domcaps.language.part import Part

T = TypeVar("T")
P = TypeVar("P", bound="Part")

KIB = 1024
MIB = 1024 * 1024

MAX_BYTES = 2**63 - 1
"""The largest amount of memory that libvirt takes."""

_POWERS = "kmgtpe"
# possessive: where blanks and hyphens could be shared out between two repetitions, refusing a long
# text would take time with the square of its length
_UUID = late_pattern(r"\s*+(?:[- ]*+[0-9a-fA-F]{2}){16}\s*+")
# groups of three digits, or none; a comma before other than three digits begins a fraction
_SIZED = late_pattern(
    r"(\d{1,3}(?:[,_' ]\d{3}){1,9}|\d{1,30})(?:(?:\.|,(?!\d{3}(?!\d)))(\d{1,9}))?"
    r"[ -]?([a-zA-Z]{0,5})"
)
_SMALLER = {
    "EiB": "PiB", "PiB": "TiB", "TiB": "GiB", "GiB": "MiB", "MiB": "KiB",
    "EB": "PB", "PB": "TB", "TB": "GB", "GB": "MB", "MB": "KB", "KB": "bytes",
}  # fmt: skip
_ITEM = late_pattern(r"\s*(\^?)(\d{1,10})\s*(?:(-)\s*(\d{1,10})\s*)?")


@immutable
class OrEmpty(ValueType[T | None], Generic[T]):
    """A form whose text may be empty, which says as much as no text at all."""

    kind: ValueType[T]

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Name the form."""
        return self.kind.expected

    @property
    def names(self) -> tuple[str, ...]:
        """List the names, where the form is a choice of names."""
        return tuple(getattr(self.kind, "names", ()))

    @property
    def since(self) -> Mapping[str, LibvirtChange]:
        """Give the changes by which some of the names came."""
        return getattr(self.kind, "since", {})

    def fixes(self, text: str, at: str, unit: str = "") -> tuple[Fix, ...]:
        """Give the edit that writes a text of another form in this one."""
        return self.kind.fixes(text, at, unit)

    def parse(self, text: str) -> T | None:
        """Give None for no text."""
        return self.kind.parse(text) if text else None


DEFAULT_UNIT = "KiB"
"""The unit of a size of memory that names none."""


@immutable
class Unit(ValueType[int]):
    """A unit of sizes: ``KiB`` and ``k`` are 1024 bytes, ``KB`` 1000; the value is its bytes."""

    expected: str = "a unit such as 'KiB', 'MB' or 'bytes'"

    def parse(self, text: str) -> int:
        """Take the unit apart."""
        unit = text.lower()
        if unit in {"b", "byte", "bytes"}:
            return 1
        power = _POWERS.find(unit[:1]) + 1 if unit else 0
        base = {"": 1024, "ib": 1024, "b": 1000}.get(unit[1:])
        if not power or base is None:
            raise ValueError(text)
        return int(base**power)


@immutable
class NumberSet(ValueType[int]):
    """A set of numbers such as ``0-3,^2,8``; the value is a mask of bits.

    `size` is the first number that is too large. With `some` the set must not be empty.
    """

    size: int = 16384
    some: bool = False

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Show the form."""
        return "a list of numbers, such as '0-3' or '0-3,^2' (all but 2)"

    def parse(self, text: str) -> int:
        """Read item after item; later ones may take out what earlier ones put in."""
        mask = 0
        for item in text.removesuffix(",").split(",") if text.strip() else ("",):
            mask = self._apply(mask, item)
        if self.some and not mask:
            raise ValueError(text)
        return mask

    def respelt(self, text: str) -> str:
        """Write ranges such as 0..3 and lists such as 0;1 or ``0 1`` with hyphens and commas."""
        ranges = re.sub(r"\s*(?:\.\.\.?|:|\u2013)\s*", "-", text.strip())
        plain = re.sub(r"\s*[;,]\s*|\s+", ",", ranges)
        plain = re.sub(r"(\d{1,9})-(\d{1,9})", _upwards, plain)
        return plain if plain != text and fits(self, plain) else ""

    def _apply(self, mask: int, item: str) -> int:
        found = _ITEM.fullmatch(item)
        if found is None:
            raise ValueError(item)
        without, first, dash, last = found.groups()
        start = int(first)
        stop = int(last) if dash else start
        if (without and dash) or stop < start or stop >= self.size:
            raise ValueError(item)
        bits = ((1 << (stop - start + 1)) - 1) << start
        return mask & ~bits if without else mask | bits


@immutable
class AnyUuid(ValueType[uuid.UUID]):
    """A UUID as libvirt reads it: hyphens and blanks may stand between any two bytes."""

    expected: str = "a UUID such as '6f4a1f4a-2a2b-4c1e-9b7a-0d7b9a5f3c11'"

    def parse(self, text: str) -> uuid.UUID:
        """Read sixteen bytes."""
        if not _UUID.fullmatch(text):
            raise ValueError(text)
        return uuid.UUID(re.sub("[^0-9a-fA-F]", "", text))

    def respelt(self, text: str) -> str:
        """Leave out what other programs write around a UUID: braces, and ``urn:uuid:``."""
        inner = text.strip().lower().removeprefix("urn:uuid:").strip("{} ")
        return inner if _UUID.fullmatch(inner) else ""


def _upwards(found: re.Match[str]) -> str:
    return "-".join(sorted(found.groups(), key=int))


def _unit_named(text: str) -> str:
    """Write a unit as libvirt prints it: GiB for g and gib, GB for gb; "" for what is none."""
    unit = text.lower()
    if unit in {"b", "byte", "bytes"}:
        return "bytes"
    if unit[:1] not in set(_POWERS) or unit[1:] not in {"", "b", "ib"}:
        return ""
    return unit[0].upper() + ("B" if unit[1:] == "b" else "iB")


def _with_unit(text: str, beside: str = "") -> tuple[int, str] | None:
    """Read a size such as 4GiB or 1.5G: a whole number and its unit, None where it is none.

    `beside` is the unit that stands beside a number without one. Less than a KiB is rounded.
    """
    found = _SIZED.fullmatch(text.strip())
    unit = "" if found is None else _unit_named(found[3]) if found[3] else _unit_named(beside)
    if found is None or not unit:
        return None
    number = Fraction(re.sub(r"[,_' ]", "", found[1]) + f".{found[2] or 0}")
    while number.denominator > 1 and unit in _SMALLER:
        number, unit = number * Unit().parse(unit) / Unit().parse(_SMALLER[unit]), _SMALLER[unit]
    if number.denominator > 1 and unit != "KiB":
        return None
    return round(number), unit


def plain_bytes(text: str) -> str:
    """Write a size such as 10M in bytes, "" where a text is none."""
    found = _with_unit(text)
    return "" if found is None else str(found[0] * Unit().parse(found[1]))


@immutable
class SizeNumber(Int):
    """The number of a size; its unit stands beside it."""

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Show number and unit."""
        return "a whole number, such as '4' with unit='MiB'"

    def fixes(self, text: str, at: str, unit: str = "") -> tuple[Fix, ...]:
        """Write the unit of a size such as 4GiB or 1.5G into the attribute ``unit``.

        The same is made of 1.5 with ``unit='GiB'``. Without a unit libvirt counts KiB, so that
        the unit that a fraction was meant for is known to the owner only.
        """
        meant = super().fixes(text, at)
        found = None if meant else _with_unit(text, unit)
        if found is None:
            return meant
        return (Fix(values=((at, str(found[0])), ("@unit", found[1]))),)


UNIT = OrEmpty(Unit())
NEEDED_SIZE = SizeNumber(0, 2**64 - 1)
"""The number of a size that is required."""
SIZE = OrEmpty(NEEDED_SIZE)
"""The same where the domain need not say it: an empty text says nothing."""
ANY_UUID = OrEmpty(AnyUuid())
CPUS = NumberSet(some=True)
"""CPUs or NUMA nodes, at least one."""


def size_of(
    node: Node, number: str = "", unit: str = "@unit", *, scale: int = KIB, limit: int = 2**64 - 1
) -> int | None:
    """Give a size in bytes; None where there is none, or where a finding says why it is wrong.

    `number` and `unit` are paths below the node; "" is its own text. Without a unit the number is
    multiplied by `scale`. Sizes beyond `limit` give None; see `too_large`.
    """
    figure, factor = _figures(node, number, unit, scale)
    if figure is None or factor is None or figure > limit // factor:
        return None
    return figure * factor


MOST = 2**64 - 1
"""What a size can be in bytes."""


def too_large(
    node: Node, number: str = "", unit: str = "@unit", *, scale: int = KIB, limit: int = MAX_BYTES
) -> bool:
    """Tell whether a size of good form is beyond what libvirt counts."""
    figure, factor = _figures(node, number, unit, scale)
    return figure is not None and factor is not None and bool(figure) and figure > limit // factor


def _figures(node: Node, number: str, unit: str, scale: int) -> tuple[int | None, int | None]:
    try:
        figure = SIZE.parse(_text(node, number))
        factor = UNIT.parse(_text(node, unit))
    except ValueError:
        return None, None
    return figure, factor or scale


def _text(node: Node, path: str) -> str:
    steps, at, attribute = path.rpartition("@") if "@" in path else (path, "", "")
    steps = steps.rstrip("/")
    holder = node.find(steps) if steps else node
    if holder is None:
        return ""
    return (holder.get(attribute) or "") if at else holder.text or ""


def shown_size(size: int) -> str:
    """Write a size in bytes for people: in the largest unit in which it is a whole number."""
    power = next((n for n in range(len(_POWERS), 0, -1) if size and not size % (1 << 10 * n)), 0)
    unit = f"{_POWERS[power - 1].upper()}iB" if power else "bytes"
    return f"{size >> 10 * power} {unit}"


def kib(size: int | None) -> int:
    """Give a size in KiB, rounded up as libvirt does; no size is 0."""
    return -(-size // KIB) if size else 0


def numbers(mask: int) -> list[int]:
    """List the members of a set."""
    return [n for n in range(mask.bit_length()) if mask >> n & 1]


def is_power_of_two(number: int) -> bool:
    """Tell whether a positive number is one, 1 included."""
    return number > 0 and number & (number - 1) == 0


def number_set(members: Iterable[int]) -> str:
    """Write numbers as `NumberSet` reads them: ``0-3,8``; "" where there are none."""
    runs: list[list[int]] = []
    for number in sorted(members):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)


def highest(mask: int) -> int:
    """Give the largest member of a set, -1 where it is empty."""
    return mask.bit_length() - 1


def repeated(part: P, key: Callable[[P], Hashable | None]) -> Iterator[P]:
    """Give those of a part's class whose key another one before them has, None being no key.

    They are given once: to the caller for the first of them.
    """
    parts = part.domain.all(type(part))
    if parts[0].node is not part.node:
        return
    seen = set()
    for each in parts:
        value = key(each)
        if value is not None and value in seen:
            yield each
        seen.add(value)
