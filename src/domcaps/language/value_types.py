"""Value types of attributes and elements: each parses text into a value or raises `ValueError`."""

from __future__ import annotations

import re
import uuid
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from domcaps.language.fix import set_value
from domcaps.language.immutable import immutable
from domcaps.language.wording import one_of
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domcaps.language.change import LibvirtChange
    from domcaps.language.fix import Fix

T = TypeVar("T", covariant=True)

# longer numbers are out of every range; Python would need quadratic time to read one
_MAX_DIGITS = 25
# what lies beyond is the limit of an integer type, which helps no reader
_MOST_NAMED = 10_000_000
_DIGITS = frozenset("0123456789abcdefABCDEF")
_NEGATIVE = late_pattern(r"-(?!1$)[0-9]{1,19}")
_GROUPED = late_pattern(r"\d{1,3}(?:[,_' ]\d{3}){1,6}")
_WHOLE = late_pattern(r"\d{1,18}\.0{1,9}")
_HEXADECIMAL = late_pattern(r"[0-9a-fA-F]{1,8}")


_AT_ALL_TIMES: Mapping[str, LibvirtChange] = {}


class ValueType(ABC, Generic[T]):
    """A form of text. `expected` describes it, to complete the sentence "x must be …"."""

    expected: str = ""

    @abstractmethod
    def parse(self, text: str) -> T:
        """Give the value; raises `ValueError` where the text has another form."""

    def respelt(self, text: str) -> str:  # noqa: ARG002
        """Write in this form what a text of another form means without doubt, else give ""."""
        return ""

    def fixes(self, text: str, at: str, unit: str = "") -> tuple[Fix, ...]:  # noqa: ARG002
        """Give the edit that writes a text of another form in this one.

        `at` is the path of the attribute from its element, as ``@name``; "" is the element's text.
        `unit` is the element's attribute of that name, "" without it.
        """
        meant = self.respelt(text)
        return (set_value(meant, at),) if meant else ()


@immutable
class Text(ValueType[str]):
    """Any text, or text of a pattern."""

    pattern: str = ""
    expected: str = "text"

    def parse(self, text: str) -> str:
        """Compare the whole text with the pattern."""
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise ValueError(text)
        return text


@immutable
class OneOf(ValueType[str]):
    """One of a few names; `since` are the changes of libvirt by which some of them came."""

    names: tuple[str, ...]
    since: Mapping[str, LibvirtChange] = _AT_ALL_TIMES

    def __hash__(self) -> int:
        """Hash the names alone: a mapping has no hash."""
        return hash(self.names)

    @property
    def expected(self) -> str:  # type: ignore[override]
        """List the names as alternatives."""
        return one_of(self.names)

    def parse(self, text: str) -> str:
        """Return the text where it is one of the names."""
        if text not in self.names:
            raise ValueError(text)
        return text


@immutable
class Int(ValueType[int]):
    """A whole number in a range; `base` 0 takes ``0x…`` as well as decimal numbers.

    Most numbers that can't be negative have no minus sign either; with `minus_zero` libvirt reads
    ``-0`` all the same.
    """

    least: int | None = None
    most: int | None = None
    base: int = 10
    minus_zero: bool = False

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Name the range, without the limits of an integer type, which help no reader."""
        least = None if self.least is None or self.least < -_MOST_NAMED else self.least
        most = None if self.most is None or self.most > _MOST_NAMED else self.most
        if least is not None and most is not None:
            return f"a whole number from {least} to {most}"
        if most is not None:
            return f"a whole number, at most {most}"
        return f"a whole number, at least {least}" if least else "a whole number"

    def parse(self, text: str) -> int:
        """Read the number and compare it with the range."""
        # as C reads it: white space may stand before a number, not behind it
        digits = text.lstrip()
        if len(digits) > _MAX_DIGITS or not digits.isascii() or digits[-1:] not in _DIGITS:
            raise ValueError(text)
        unsigned = self.least is not None and self.least >= 0 and not self.minus_zero
        if "_" in digits or (unsigned and digits[0] == "-"):
            raise ValueError(text)
        value = _number(digits, self.base)
        if self.least is not None and value < self.least:
            raise ValueError(text)
        if self.most is not None and value > self.most:
            raise ValueError(text)
        return value

    def respelt(self, text: str) -> str:
        """Write 4.0 and 1,024 as whole numbers, and hexadecimal ones as this form has them.

        A minus sign that no number has here is left out, but for -1, which may mean "no limit".
        """
        plain = text.strip()
        if _NEGATIVE.fullmatch(plain) and fits(self, plain[1:]):
            return plain[1:]
        if _GROUPED.fullmatch(plain):
            plain = re.sub(r"\D", "", plain)
        elif _WHOLE.fullmatch(plain):
            plain = plain.partition(".")[0]
        elif self.base == 0 and _HEXADECIMAL.fullmatch(plain):
            plain = f"0x{plain.lower()}"
        elif self.base and plain.startswith("0x") and _HEXADECIMAL.fullmatch(plain[2:]):
            plain = str(int(plain, 16))
        return plain if plain != text and fits(self, plain) else ""


def _number(digits: str, base: int) -> int:
    if base == 0 and digits.lstrip("+-")[:1] == "0" and re.fullmatch(r"[+-]?0[0-7]+", digits):
        return int(digits, 8)  # as C reads it
    return int(digits, base)


@immutable
class Uuid(ValueType[uuid.UUID]):
    """A UUID, with or without hyphens."""

    expected: str = "a UUID"

    def parse(self, text: str) -> uuid.UUID:
        """Read 32 hexadecimal digits."""
        if not re.fullmatch(r"[0-9a-fA-F-]{32,36}", text.strip()):
            raise ValueError(text)
        return uuid.UUID(text.strip())


@immutable
class Mac(ValueType[str]):
    """An Ethernet address."""

    expected: str = "an Ethernet address such as 52:54:00:12:34:56"

    def parse(self, text: str) -> str:
        """Compare with the form."""
        if not re.fullmatch(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}\s*", text):
            raise ValueError(text)
        return text.strip().lower()

    def respelt(self, text: str) -> str:
        """Put colons between the bytes of 52-54-00-12-34-56 or 5254.0012.3456."""
        digits = re.sub(r"[-.: ]", "", text)
        if not re.fullmatch(r"[0-9a-fA-F]{12}", digits):
            return ""
        return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def fits(kind: ValueType[Any], text: str) -> bool:
    """Tell whether a text has a form."""
    try:
        kind.parse(text)
    except ValueError:
        return False
    return True


TEXT = Text()
YES_NO = OneOf(("yes", "no"))
ON_OFF = OneOf(("on", "off"))
UNSIGNED = Int(0, 2**32 - 1)
POSITIVE = Int(1, 2**32 - 1)
UNSIGNED64 = Int(0, 2**64 - 1)
SIGNED = Int(-(2**31), 2**31 - 1)
WRAPPING = Int(1 - 2**32, 2**32 - 1)
"""Numbers as C reads them into an unsigned integer: a negative one becomes a large one."""
WRAPPING64 = Int(1 - 2**64, 2**64 - 1)
UUID = Uuid()
MAC = Mac()
