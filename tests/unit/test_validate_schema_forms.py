"""What only libvirt's schema refuses: forms of values, other kinds, what is missing, and orders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from domcaps.elements.schema.datatypes import FORMS, form_of
from domcaps.language.dialect import parse_dialect
from domcaps.validate.document.parse import read
from domcaps.validate.schema import vocabulary
from domcaps.validate.schema.check import refusals
from domcaps.validate.schema.vocabulary import Piece, pieces
from sample_hosts import sample_host

if TYPE_CHECKING:
    from pathlib import Path

DISK = "<devices><disk type='{}'{}>{}<target dev='vda'/>{}</disk></devices>"
CARD = "<devices><interface type='{}'>{}</interface></devices>"
USB = "<devices><hostdev mode='subsystem' type='usb'><source>{}</source></hostdev></devices>"
IDS = "<vendor id='0x1'/><product id='0x2'/>"


def refused(inside: str, dialect: str = "12.8") -> list[str]:
    """Give the codes of what the schema refuses in a domain."""
    xml = f"<domain type='qemu'><name>a</name><os><type>hvm</type></os>{inside}</domain>"
    root = read(xml.encode()).root
    return [code.removeprefix("schema-") for code, _ in refusals(root, parse_dialect(dialect))]


@pytest.mark.parametrize(
    "inside",
    [
        DISK.format("file", "", "<source file='/a'/>", ""),
        DISK.format("block", " device='lun' rawio='yes'", "<source dev='/dev/sda'/>", ""),
        DISK.format("file", "", "", "<backingStore/>"),
        DISK.format("file", "", "", "<iotune><read_iops_sec>+1</read_iops_sec></iotune>"),
        CARD.format("bridge", "<source bridge='br0'/>"),
        CARD.format("user", "<mac address='52:54:00:00:00:01'/>"),
        USB.format(IDS + "<address bus='1' device='2'/>"),
        USB.format("<address bus='1' device='0x2'/>"),
        "<title>a b</title><metadata><x a='b'>c<y><z>f<g/></z></y></x></metadata>",
        "<clock offset='utc'><timer name='rtc' tickpolicy='catchup'><catchup/></timer></clock>",
        "<cputune><cachetune><monitor level='3'/></cachetune></cputune>",
        "<on_crash>preserve-running</on_crash>",
        "<cpu><cache level=' 3 ' mode='disable'/></cpu>",
        "<devices><video><model type='gop'/></video><memballoon model='xen'/></devices>",
    ],
)
def test_what_the_schema_takes(inside: str) -> None:
    assert refused(inside) == []


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        # names of another kind
        (DISK.format("block", "", "<source file='/a'/>", ""), ["attribute"]),
        (DISK.format("file", "", "<source file='/a'><host/></source>", ""), ["element"]),
        (DISK.format("file", " rawio='yes'", "", ""), ["attribute"]),
        (DISK.format("file", " device='lun'", "", ""), ["value"]),
        (DISK.format("file", "", "", "<throttlefilters/><iotune/>"), ["element"]),
        (DISK.format("file", "", "", "<backingStore type='file'/>"), ["attribute"]),
        (CARD.format("user", "<virtualport/>"), ["element"]),
        ("<features><hyperv mode='passthrough'><ipi state='on'/></hyperv></features>", ["element"]),
        # what must be there
        ("<devices><disk/></devices>", ["missing"]),
        (CARD.format("udp", "<source address='10.0.0.1' port='1'/>"), ["missing"]),
        (CARD.format("bridge", "<source/>"), ["missing"]),
        (USB.format("<vendor id='0x1'/>"), ["missing"]),
        (USB.format(""), ["missing"]),
        (USB.format("<address bus='1'/>"), ["missing"]),
        ("<perf/>", ["missing"]),
        ("<cputune><cachetune/></cputune>", ["missing"]),
        # once, and in order
        ("<title>a</title><title>b</title>", ["repeated"]),
        (USB.format("<product id='0x2'/><vendor id='0x1'/>"), ["order"]),
        # forms
        ("<title>a\nb</title>", ["value"]),
        ("<uuid>moon</uuid>", ["value"]),
        ("<iothreads> 2</iothreads>", ["value"]),
        (CARD.format("bridge", "<source bridge='b,r'/>"), ["value"]),
        (CARD.format("user", "<mac address='53:54:00:00:00:01'/>"), ["value"]),
        (DISK.format("file", "", "<source file='a'/>", ""), ["value"]),
        (DISK.format("file", "", "", "<serial>a/b</serial>"), ["value"]),
        (DISK.format("file", "", "", "<address type='drive' unit='123456'/>"), ["value"]),
        ("<devices>text</devices>", ["text"]),
        # values of the table, but for some, and more
        ("<devices><video><model type='default'/></video></devices>", ["value"]),
        (
            "<devices><tpm model='default'><backend type='moon'/></tpm></devices>",
            ["value", "value"],
        ),
        # other namespaces
        ("<x:y xmlns:x='urn:x'/>", ["element"]),
        ("<pm xmlns:x='urn:x' x:y='z'/>", ["attribute"]),
    ],
)
def test_what_the_schema_refuses(inside: str, expected: list[str]) -> None:
    assert refused(inside) == expected


@pytest.mark.parametrize(
    ("inside", "before"),
    [
        ("<on_crash>preserve-running</on_crash>", ["value"]),
        ("<iommufd enabled='yes'/>", ["element"]),
        (DISK.format("file", "", "", "<acpi nodeset='0'/>"), ["attribute"]),
        (DISK.format("file", "", "", "<driver><statistics/></driver>"), ["element"]),
        ("<blkiotune><device><path>*</path></device></blkiotune>", ["value"]),
        (DISK.format("file", "", "", "").replace("vda", "nvme0n1"), ["value"]),
    ],
)
def test_what_came_later_an_older_schema_refuses(inside: str, before: list[str]) -> None:
    assert refused(inside) == []
    assert refused(inside, "11.3") == before


QEMU = "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"


def test_what_is_qemus_own_is_compared_too() -> None:
    line = f"<qemu:commandline {QEMU}>{{}}</qemu:commandline>"
    assert refused(line.format("<qemu:arg value='-s'/><qemu:env name='A' value='b'/>")) == []
    assert refused(line.format("<qemu:arg/><qemu:env name='A-B'/>")) == ["missing", "value"]
    assert refused(line.format("<qemu:moon/>")) == ["element"]


def test_all_of_it_counts_only_where_the_schema_was_asked_for() -> None:
    host = sample_host("x86_64", "sid")
    assert host is not None
    xml = (
        "<domain type='qemu'><name>a</name><memory>65536</memory><iothreads>+2</iothreads>"
        "<os><type arch='x86_64'>hvm</type></os></domain>"
    )
    assert host.validate(xml).findings == ()
    (finding,) = host.validate(xml, schema=True).findings
    assert finding.code == "schema-value"
    assert finding.message.startswith("<iothreads> is '+2', but must be a whole number")
    assert (finding.path, finding.line) == ("/domain/iothreads", 1)
    assert host.validate(xml, schema=True, ignore=["schema-value"]).findings == ()


def test_what_is_wrong_anyway_is_not_told_twice() -> None:
    host = sample_host("x86_64", "sid")
    assert host is not None
    xml = (
        "<domain type='qemu'><name>a</name><memory>65536</memory><vcpu cpuset='moon'>1</vcpu>"
        "<os><type arch='x86_64'>hvm</type></os></domain>"
    )
    before = [finding.code for finding in host.validate(xml).errors]
    assert before
    assert [finding.code for finding in host.validate(xml, schema=True).errors] == before


RIGHT_AND_WRONG = {
    "UNSIGNED": (["0", "007", "4294967295"], ["", "+1", " 1", "-1", "0x1", "4294967296", "٣"]),
    "UINT": (["+5", " 5 ", "0"], ["-1", "5x", ""]),
    "POSITIVE": (["1", "01", "9" * 30], ["0", "", "+1"]),
    "QUOTA": (["-1", "0", "17592186044415"], ["-2", "+1", "17592186044416"]),
    "UINT8": (["0xff", "255", "+1"], ["0x100", "256", "ff"]),
    "UINT32": (["0xffffffff", "ffffffff", "4294967295"], ["0x100000000", "x"]),
    "HEX": (["0xff", "ff", "1"], ["0xFF", "", "0x"]),
    "UNIT": (["b", "bytes", "KiB", "k", "MB"], ["", "kilo", "KiBs"]),
    "CPUSET": (["0", "0-3,^2,8"], ["", "0,", "1-", "^1-2", "0, 1"]),
    "PERMISSIONS": (["0755", "755", "7"], ["888", "07555", "1777"]),
    "PATH": (["/a", "c:\\a"], ["/", "a", "", "/a\nb"]),
    "FOLDER": (["/", "/a"], ["a", "c:\\a"]),
    "VOLUME": (["a", "..."], ["a/b", ".", "..", ""]),
    "IP": (
        ["1.2.3.4", "::", "fe80::1", "::ffff:1.2.3.4", "1:2:3::5:6:7:8"],
        ["256.1.1.1", "1.2.3", "g::"],
    ),
    "MAC": (["52:54:00:12:34:5A"], ["53:54:00:12:34:56", "2:54:00:12:34:56"]),
    "UUID": (["a" * 32, "-".join(("a" * 8, "b" * 4, "c" * 4, "d" * 4, "e" * 12))], ["a" * 31]),
    "DATE_TIME": (["2030-01-31T23:59:59", "2028-02-29T24:00:00Z"], ["2030-02-29T00:00:00", "x"]),
    "CSSID": (["0xfe", "0x0f", "254"], ["0xff", "255", "fe"]),
    "PCI_SLOT": (["0x1f", "1f", "31"], ["0x20", "32"]),
    "USB_PORT": (["1", "1.2.3.4"], ["1.2.3.4.5", "", "1."]),
    "VENDOR": (["GenuineIntel"], ["Genuine,ntel", "short"]),
    "EMPTY": (["", " \n"], ["a"]),
    "FORMAT": (["raw", " qcow2"], ["aio", ""]),
}


@pytest.mark.parametrize("name", RIGHT_AND_WRONG)
def test_forms(name: str) -> None:
    right, wrong = RIGHT_AND_WRONG[name]
    for text in right:
        FORMS[name].parse(text)
    for text in wrong:
        with pytest.raises(ValueError, match=re.escape(text) or "^$"):
            FORMS[name].parse(text)


def test_every_form_says_what_it_expects() -> None:
    assert [name for name, form in FORMS.items() if not form.expected] == []


def test_the_vocabulary_names_forms_and_pieces_that_there_are() -> None:
    used = set()
    for piece in every_piece():
        words = [*piece.text, *(one.words for of in piece.attributes.values() for one in of)]
        for word in (word.partition("~")[0] for text in words for word in text.split("|")):
            if re.fullmatch("[A-Z][A-Z0-9_]+", word):
                used.add(word)
        assert set(piece.others) <= set(pieces())
    assert used == set(FORMS)


def every_piece() -> list[Piece]:
    found: list[Piece] = []
    waiting = list(pieces().values())
    while waiting:
        piece = waiting.pop()
        found.append(piece)
        waiting += [*piece.children.values(), *piece.cases.values()]
    return found


@pytest.mark.parametrize("line", ["/domain/a moon", "/domain/a @", "/domain/a]b @c"])
def test_a_slip_in_the_vocabulary_is_told(
    line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "vocabulary.txt").write_text(line)
    monkeypatch.setattr(vocabulary, "package_text", lambda _, name: (tmp_path / name).read_text())
    with pytest.raises(ValueError, match=r"vocabulary\.txt"):
        pieces.__wrapped__()


def test_signs_before_unsigned_numbers_depend_on_the_release() -> None:
    newer, older = form_of(("UINT32",)), form_of(("UINT32",), signs=False)
    assert newer.parse("+7")
    with pytest.raises(ValueError, match="7"):
        older.parse("+7")
    assert older.parse(" 7")
    assert older.parse("0x1f")
    assert form_of(("PORT",), signs=False).parse("+7")
