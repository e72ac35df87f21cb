"""What libvirt passes over: warnings, and errors where it compares with its schema."""

from __future__ import annotations

import pytest

from domcaps.language.finding import Severity
from sample_hosts import sample_host

PLAIN = (
    "<domain type='qemu'><name>a</name>{}<memory>65536</memory>"
    "<os><type arch='x86_64'>hvm</type></os>{}</domain>"
)


def verdicts(xml: str, dialect: str = "12.8", *, schema: bool = False) -> list[tuple[str, str]]:
    host = sample_host("x86_64", "sid")
    assert host is not None
    found = host.validate(xml, dialect, schema=schema).findings
    return [(finding.code, finding.severity.value) for finding in found]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("<clok offset='utc'/>", "unknown-element"),
        ("<clock offset='utc' ofset='utc'/>", "unknown-attribute"),
        ("<memory>131072</memory>", "repeated-element"),
    ],
)
def test_the_schema_refuses_what_is_passed_over(more: str, code: str) -> None:
    xml = PLAIN.format("", more)
    assert verdicts(xml) == [(code, Severity.WARNING.value)]
    assert verdicts(xml, schema=True) == [(code, Severity.ERROR.value)]


def test_a_second_element_counts_for_nothing() -> None:
    assert verdicts(PLAIN.format("", "<vcpu>1</vcpu><vcpu>none</vcpu>")) == [
        ("repeated-element", "warning")
    ]
    disk = "<disk><source file='/a'/><target dev='vda'/>{}</disk>"
    twice = disk.format("<address type='pci' slot='5'/><address type='moon'/>")
    assert verdicts(PLAIN.format("", f"<devices>{twice}</devices>")) == [
        ("repeated-element", "warning")
    ]


def test_several_os_are_read_together() -> None:
    xml = PLAIN.format("", "<os><type arch='s390x'>exe</type><smbios mode='moon'/></os>")
    assert [code for code, _ in verdicts(xml)] == ["repeated-element", "os-smbios-invalid"]


def test_a_unit_without_a_number_is_not_looked_at() -> None:
    limit = "<memtune><hard_limit unit='moon'>{}</hard_limit></memtune>"
    assert verdicts(PLAIN.format("", limit.format(""))) == []
    assert verdicts(PLAIN.format("", limit.format("5"))) == [
        ("memtune-hard-limit-unit-invalid", "error")
    ]


def test_what_a_libvirt_does_not_know_it_does_not_look_at() -> None:
    xml = PLAIN.format("<hwuuid>moon</hwuuid>", "<iommufd enabled='moon'/>")
    assert [code for code, _ in verdicts(xml, "12.8")] == [
        "domain-hwuuid-invalid",
        "iommufd-enabled-invalid",
    ]
    assert verdicts(xml, "11.3") == []


def test_an_emulator_of_another_architecture_needs_its_name() -> None:
    host = sample_host("s390x", "sid")
    assert host is not None
    path = host.default_emulator("s390x")
    xml = f"<devices><emulator>{path}</emulator></devices>"
    bare = PLAIN.format("", xml).replace(" arch='x86_64'", "")
    expected = [] if host.facts.arch == "s390x" else ["os-arch-missing"]
    assert [f.code for f in host.validate(bare).errors] == expected
    named = PLAIN.format("", xml).replace("x86_64", "s390x")
    assert [f.code for f in host.validate(named).errors] == []
