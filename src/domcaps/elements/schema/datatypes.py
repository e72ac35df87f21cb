"""Forms of text that libvirt's schema insists on, by the names that ``vocabulary.txt`` uses.

They count only where a domain is compared with the schema: libvirt itself reads many of these
values less strictly. A form is declared once, here, and named wherever an attribute or text has it.
"""

from __future__ import annotations

import datetime
import functools
from typing import TYPE_CHECKING, Any

from domcaps.language.immutable import immutable
from domcaps.language.value_types import Text, ValueType
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

# a longer number has a value that no form allows
_LONGEST = 40
# white space as XML knows it
_SPACE = " \t\n\r"


@immutable
class Number(ValueType[int]):
    """A decimal number in a range, of digits alone unless `signs` says otherwise.

    With `loose`, white space may stand around it.
    """

    least: int | None
    most: int | None
    expected: str
    signs: str = ""
    loose: bool = False

    def parse(self, text: str) -> int:
        """Read the digits and compare them with the range."""
        digits = text.strip(_SPACE) if self.loose else text
        if len(digits) > _LONGEST or not digits.isascii():
            raise ValueError(text)
        plain = digits[1:] if digits[:1] and digits[0] in self.signs else digits
        if not plain.isdigit():
            raise ValueError(text)
        value = int(digits)
        if self.least is not None and value < self.least:
            raise ValueError(text)
        if self.most is not None and value > self.most:
            raise ValueError(text)
        return value


@immutable
class Words(ValueType[str]):
    """One of a few words; white space may stand around it."""

    names: tuple[str, ...]

    @property
    def expected(self) -> str:  # type: ignore[override]
        """List them."""
        return ", ".join(self.names)

    def parse(self, text: str) -> str:
        """Look it up."""
        if text not in self.names and text.strip(_SPACE) not in self.names:
            raise ValueError(text)
        return text


@immutable
class Moment(ValueType[str]):
    """A day and time, as XML's schemas write it; white space may stand around it."""

    expected: str = "a time such as 2030-01-31T23:59:59"

    def parse(self, text: str) -> str:
        """Look at its form, and whether the month has so many days."""
        found = _MOMENT.fullmatch(text.strip(_SPACE))
        if found is None:
            raise ValueError(text)
        # the calendar repeats itself, and does not end in the year 9999
        year = int(found["year"][-4:]) % 400 + 400
        try:
            datetime.date(year, int(found["month"]), int(found["day"]))
        except ValueError:
            raise ValueError(text) from None
        return text


_MOMENT = late_pattern(
    r"-?(?P<year>[0-9]{4,})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"T(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]|24:00:00)(\.[0-9]+)?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
)


@immutable
class Blank(ValueType[str]):
    """No text, or white space alone."""

    expected: str = "nothing"

    def parse(self, text: str) -> str:
        """Look for anything else."""
        if text.strip(_SPACE):
            raise ValueError(text)
        return text


@immutable
class Either(ValueType[str]):
    """Text that has one of several forms."""

    forms: tuple[ValueType[Any], ...]

    @property
    def expected(self) -> str:  # type: ignore[override]
        """List them."""
        return " or ".join(form.expected for form in self.forms)

    def parse(self, text: str) -> str:
        """Try one after the other."""
        for form in self.forms:
            try:
                form.parse(text)
            except ValueError:
                continue
            return text
        raise ValueError(text)


@immutable
class But(ValueType[str]):
    """Text of a form, but for a few words."""

    form: ValueType[str]
    words: frozenset[str]

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Say what it is, and what not."""
        return f"{self.form.expected} other than {' and '.join(sorted(self.words))}"

    def parse(self, text: str) -> str:
        """Look the text up before its form is looked at."""
        if text in self.words:
            raise ValueError(text)
        return self.form.parse(text)


def _digits(most: int, expected: str, least: int = 0) -> Number:
    return Number(least, most, expected)


def _integer(least: int | None, most: int | None, expected: str) -> Number:
    return Number(least, most, expected, signs="+-", loose=True)


def _hexadecimal(digits: str, expected: str, prefix: str = "(0x)?") -> Text:
    return Text(f"{prefix}[0-9a-fA-F]{{{digits}}}", expected)


_OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_DOTTED = rf"({_OCTET}\.){{3}}{_OCTET}"
_GROUP = "[0-9A-Fa-f]{1,4}"
# an address in which "::" stands for groups, after so many of them, before at most so many
_SHORTENED = "|".join(
    f"({_GROUP}:){{{before}}}:({_GROUP}:){{0,{6 - before}}}{_GROUP}" for before in range(2, 6)
)
_IPV6 = "|".join(
    (
        f"({_GROUP}:){{7}}{_GROUP}",
        f"({_GROUP}:){{6}}:{_GROUP}",
        _SHORTENED,
        f"({_GROUP}:){{6}}{_DOTTED}",
        f"({_GROUP}:){{0,5}}:{_DOTTED}",
        f"::({_GROUP}:){{0,5}}{_DOTTED}",
        f"{_GROUP}::({_GROUP}:){{0,5}}{_GROUP}",
        f"::({_GROUP}:){{0,6}}{_GROUP}",
        f"({_GROUP}:){{1,7}}:",
        "::",
    )
)
_UNIT = "[bB]([yY][tT][eE][sS]?)?|[kKmMgGtTpPeE]([iI]?[bB])?"
_SET = r"(\d+(-\d+)?|\^\d+)"
_NAME_START = "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff"
_SUBCHANNEL_SET = Text(r"0x([0-9a-eA-E][0-9a-fA-F]?|[fF][0-9a-eA-E]?)", "a number up to 0xfe")

_FORMATS = ("raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop")
_CHAINED = ("luks", "cow", "qcow", "qcow2", "qed", "vmdk")
_PROCESSORS = """
    aarch64 alpha armv6l armv7l cris i686 ia64 lm32 loongarch64 m68k microblaze microblazeel mips
    mipsel mips64 mips64el openrisc parisc parisc64 ppc ppc64 ppc64le ppcemb riscv32 riscv64 s390
    s390x sh4 sh4eb sparc sparc64 unicore32 x86_64 xtensa xtensaeb
"""

_UINT8 = _integer(0, 255, "a number from 0 to 255")
_IPV4 = Text(_DOTTED, "an IPv4 address")
_UUID = Text("[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "a UUID")

FORMS: Mapping[str, ValueType[Any]] = {
    # any
    "ANY": Text(),
    "EMPTY": Blank(),
    "CHARACTERS": Text(r"[^\n\r]+", "text in one line"),
    "LINE": Text(r"[^\n]+", "text in one line"),
    # numbers
    "UNSIGNED": _digits(2**32 - 1, "a whole number up to 4294967295, in digits"),
    "ULONG": _digits(2**64 - 1, "a whole number up to 18446744073709551615, in digits"),
    "POSITIVE": _digits(10**_LONGEST, "a whole number from 1, in digits", 1),
    "USHORT_DIGITS": _digits(2**16 - 1, "a whole number up to 65535, in digits"),
    "COUNT": _digits(2**16 - 1, "a whole number from 1 up to 65535, in digits", 1),
    "USHORT": _integer(0, 2**16 - 1, "a whole number up to 65535"),
    "UINT": _integer(0, 2**32 - 1, "a whole number up to 4294967295"),
    "UINT64": _integer(0, 2**64 - 1, "a whole number up to 18446744073709551615"),
    "FROM_1": _integer(1, None, "a whole number from 1"),
    "INTEGER": _integer(None, None, "a whole number"),
    "INT": _integer(-(2**31), 2**31 - 1, "a whole number of 32 bits"),
    "LONG": _integer(-(2**63), 2**63 - 1, "a whole number of 64 bits"),
    "DELAY": _integer(-1, 2**15 - 1, "a whole number from -1 to 32767"),
    "PORT": _integer(-1, 2**16 - 1, "a port from 0 to 65535, or -1"),
    "PREFIX": _integer(0, 128, "a number of bits up to 128"),
    "VLAN": _integer(0, 4095, "a number up to 4095"),
    "DISTANCE": _integer(10, 255, "a distance from 10 to 255"),
    "WEIGHT": _digits(1000, "a weight from 100 to 1000", 100),
    "PERIOD": _digits(1_000_000, "a number of microseconds from 1000 to 1000000", 1000),
    "QUOTA": Number(-1, 2**44 - 1, "a number from -1 to 17592186044415", signs="-"),
    "SPEED": _digits(2**54, "a number from 1 to 18014398509481984", 1),
    "BURST": _digits(2**32 - 1, "a number from 1 to 4294967295", 1),
    "UINT8": Either((_hexadecimal("1,2", "0x and two digits", "0x"), _UINT8)),
    "UINT16": Either(
        (_hexadecimal("1,4", "four hexadecimal digits"), _integer(0, 2**16 - 1, "up to 65535"))
    ),
    "UINT24": Either(
        (
            _hexadecimal("1,6", "0x and six digits", "0x"),
            _integer(0, 2**24 - 1, "a number up to 16777215"),
        )
    ),
    "UINT32": Either(
        (_hexadecimal("1,8", "eight hexadecimal digits"), _integer(0, 2**32 - 1, "a number"))
    ),
    "HEX": Text("(0x)?[0-9a-f]+", "a hexadecimal number in small letters"),
    "REGISTER": _hexadecimal("1,8", "eight hexadecimal digits"),
    "TWO_DIGITS": Text("[0-9]{1,2}", "one or two digits"),
    "FIVE_DIGITS": Text("[0-9]{1,5}", "up to five digits"),
    "TEN_DIGITS": Text("[0-9]{1,10}", "up to ten digits"),
    "TWENTY_DIGITS": Text("[0-9]{1,20}", "up to twenty digits"),
    "SHIFT": Text("[-+]?[0-9]+", "a number of seconds"),
    "UNIT": Text(_UNIT, "a unit such as KiB, MB or bytes"),
    "CPUSET": Text(rf"{_SET}(,{_SET})*".replace(r"\d", "[0-9]"), "a set such as 0-3,^2,8"),
    "PERMISSIONS": Text("0[0-7]{3}|[0-7]{1,3}", "permissions of three octal digits"),
    "DATE_TIME": Moment(),
    # names
    "WORD": Text(r"[a-zA-Z0-9_+-]+", "a name of letters, digits, '_', '+' and '-'"),
    "IDENTIFIER": Text(r"[a-zA-Z0-9_.-]+", "a name of letters, digits, '_', '-' and '.'"),
    "MODEL": Text(r"[a-zA-Z0-9_-]+", "a name of letters, digits, '_' and '-'"),
    "PLAIN": Text(r"[^/\n]+", "a name without a slash"),
    "NO_SLASH": Text(r"[^/]*", "a name without a slash"),
    "VOLUME": But(Text(r"[^/]+", "a name without a slash"), frozenset({".", ".."})),
    "DEVICE": Text(r"[a-zA-Z0-9_.\-\\:/]+", "a device's name"),
    "BRIDGE": Text(r"[a-zA-Z0-9_.\-\\:/ ]*", "a bridge's name"),
    "VARIABLE": Text("[a-zA-Z_]+[a-zA-Z0-9_]*", "a variable's name"),
    "PARAMETER": Text("[a-zA-Z0-9_]+", "a name of letters, digits and '_'"),
    "PARAMETER_VALUE": Text("[a-zA-Z0-9_.:]+", "a value of letters, digits, '_', '.' and ':'"),
    "XML_NAME": Text(rf"\s*[{_NAME_START}][\w.\u00b7-]*\s*", "a name without spaces or slashes"),
    "PROFILE": Text("[A-Za-z0-9.:-]+", "a name of letters, digits, '.', '-' and ':'"),
    "PROFILE_ID": Text("(?s).{0,39}", "text of at most 39 characters"),
    "VENDOR": Text("[^,]{12}", "twelve characters, none of them a comma"),
    "SHORT_VENDOR": Text("[^,]{0,12}", "up to twelve characters, none of them a comma"),
    "SERIAL": Text("[A-Za-z0-9_.+ -]+", "letters, digits, '_', '.', '+', '-' and spaces"),
    "PRINTABLE": Text("[ -~]{1,128}", "up to 128 printable characters"),
    "PRINTABLE_8": Text("[ -~]{0,8}", "up to 8 printable characters"),
    "PRINTABLE_40": Text("[ -~]{0,40}", "up to 40 printable characters"),
    "LOADPARM": Text(r"[a-zA-Z0-9.\s]{1,8}", "up to eight letters, digits, dots and spaces"),
    "ZONE": Text("[a-zA-Z0-9_.+/-]+", "the name of a time zone"),
    "COOKIE_NAME": Text(r"[!#$%&'*+.0-9A-Z^_`a-z|~-]+", "the name of a cookie"),
    "COOKIE": Text(r'"?[!#$%&\'*+()\-./0-9:>=<?@A-Z^_`\[\]a-z|~]+"?', "the value of a cookie"),
    "ARCHITECTURE": Words(tuple(_PROCESSORS.split())),
    "FORMAT": Words((*_FORMATS, *_CHAINED)),
    # files
    "PATH": Text(r"(/|[a-zA-Z]:\\)[^\n\r]+", "an absolute path"),
    "FOLDER": Text(r"/[^\n\r]*", "an absolute path"),
    "VMWARE": Text(r"\[[^\]]+\] [^\n\r]+", "a path such as '[datastore] folder/file'"),
    "DISK_TARGET": Text(
        "(ioemu:)?(fd|hd|sd|vd|xvd|ubd)[a-zA-Z0-9_]+", "a disk's name such as vda, sda or hda"
    ),
    "NVME_TARGET": Text("nvme[0-9]+n[0-9]+(p[0-9]+)?", "a name such as nvme0n1"),
    # networks
    "HOST": Text("[a-zA-Z0-9.-]+", "a host's name"),
    "IPV4": _IPV4,
    "IP": Either((_IPV4, Text(_IPV6, "an IPv6 address"))),
    "MAC": Text(
        "[0-9a-fA-F][02468aAcCeE](:[0-9a-fA-F]{2}){5}",
        "an Ethernet address of one card, such as 52:54:00:12:34:56",
    ),
    # devices
    "UUID": _UUID,
    "WWN": _hexadecimal("16", "sixteen hexadecimal digits"),
    "NAA": _hexadecimal("16", "'naa.' and sixteen hexadecimal digits", r"naa\."),
    "PCI_SLOT": Either(
        (Text("(0x)?[01]?[0-9a-fA-F]", "a slot up to 0x1f"), _integer(0, 31, "a number up to 31"))
    ),
    "PCI_FUNCTION": Either(
        (Text("(0x)?[0-7]", "a function from 0 to 7"), _integer(0, 7, "a number up to 7"))
    ),
    "USB_ADDRESS": _hexadecimal("1,3", "up to three hexadecimal digits"),
    "USB_PORT": Text(
        r"((0x)?[0-9a-fA-F]{1,3}\.){0,3}(0x)?[0-9a-fA-F]{1,3}", "a port such as 1 or 1.2.3"
    ),
    "USB_ID": _hexadecimal("1,4", "up to four hexadecimal digits"),
    "USB_CLASS": _hexadecimal("1,2", "up to two hexadecimal digits"),
    "USB_VERSION": Text(r"[0-9]{1,2}[^\n\r][0-9]{1,2}", "a version such as 1.1"),
    "CSSID": Either((_SUBCHANNEL_SET, _integer(0, 254, "a number up to 254"))),
    "SSID": Text("(0x)?[0-3]", "a number from 0 to 3"),
    "DEVNO": Either(
        (_hexadecimal("1,4", "0x and four digits", "0x"), _integer(0, 2**16 - 1, "up to 65535"))
    ),
    "IO_PORT": _hexadecimal("1,4", "0x and up to four digits", "0x"),
    "INTERRUPT": _hexadecimal("1", "0x and a digit", "0x"),
}
"""Every form by its name."""


def _unsigned(least: int, most: int, expected: str) -> Number:
    return Number(least, most, expected, loose=True)


_UNSIGNED_FORMS: Mapping[str, ValueType[Any]] = {
    "UINT": _unsigned(0, 2**32 - 1, "a whole number up to 4294967295"),
    "UINT64": _unsigned(0, 2**64 - 1, "a whole number up to 18446744073709551615"),
    "PREFIX": _unsigned(0, 128, "a number of bits up to 128"),
    "VLAN": _unsigned(0, 4095, "a number up to 4095"),
    "DISTANCE": _unsigned(10, 255, "a distance from 10 to 255"),
    "UINT32": Either(
        (_hexadecimal("1,8", "eight hexadecimal digits"), _unsigned(0, 2**32 - 1, "a number"))
    ),
}
"""Forms of unsigned integers and longs for a libxml2 that takes no sign before them."""


@functools.cache
def form_of(words: tuple[str, ...], *, signs: bool = True) -> ValueType[Any]:
    """Give the form of text that is one of these words, or has one of these forms.

    `signs` tells whether unsigned integers and longs may have one.
    """
    forms = FORMS if signs else {**FORMS, **_UNSIGNED_FORMS}
    named: list[ValueType[Any]] = [forms[word] for word in words if word in forms]
    literal = tuple(word for word in words if word not in FORMS)
    if literal:
        named.append(Words(literal))
    return named[0] if len(named) == 1 else Either(tuple(named))
