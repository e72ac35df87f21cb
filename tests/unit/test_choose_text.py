"""Edits of a text read as if its author had made them: order, indentation, quotes, leftovers."""

from __future__ import annotations

import pytest
from lxml import etree

from domcaps.choose.applied import apply
from domcaps.choose.leftovers import without_attribute, without_element
from domcaps.choose.repair import repair
from domcaps.choose.text import DocumentText
from domcaps.language.fix import Fix
from domcaps.shipped import open_shipped

PRETTY = """<domain type='qemu'>
  <name>web</name>
  <memory>1048576</memory>  <!-- enough -->
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
  </os>
  <devices>
    <controller type='usb' index='0' model='ich9-ehci1'/>
    <input type='tablet' bus='usb'/>
  </devices>
</domain>
"""
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


def added(text: str, xml: str) -> str:
    return apply(text.encode(), "/domain", Fix(add=xml)).decode()


def test_an_element_is_added_where_libvirt_writes_it() -> None:
    new = (
        "  <memoryBacking>\n    <source type='memfd'/>\n    <access mode='shared'/>\n"
        "  </memoryBacking>\n"
    )
    line = "  <memory>1048576</memory>  <!-- enough -->\n"
    assert added(PRETTY, SHARED) == PRETTY.replace(line, line + new)


def test_a_device_is_added_beside_those_of_its_kind() -> None:
    new = "<controller type='usb' index='0' model='ich9-uhci1'/>"
    line = "    <controller type='usb' index='0' model='ich9-ehci1'/>\n"
    assert added(PRETTY, f"<devices>{new}</devices>") == PRETTY.replace(line, f"{line}    {new}\n")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_quotes_indentation_and_ends_of_lines_are_those_of_the_text(newline: str) -> None:
    text = PRETTY.replace("'", '"').replace("  ", "\t").replace("\n", newline)
    after = added(text, SHARED)
    assert f'\t<memoryBacking>{newline}\t\t<source type="memfd"/>{newline}' in after
    assert after.count(newline) == after.count("\n")


def test_a_text_of_one_line_stays_one() -> None:
    text = "<domain type='qemu'><name>a</name><memory>1</memory><os><type>hvm</type></os></domain>"
    after = added(text, SHARED)
    assert after == text.replace("<os>", f"{SHARED}<os>")


def test_an_element_that_loses_its_last_child_is_closed_in_its_tag() -> None:
    text = DocumentText(
        b"<domain>\n  <cpu mode='custom'>\n    <model>a</model>\n  </cpu>\n</domain>"
    )
    assert text.remove_element(text.root[0][0]) == b"<domain>\n  <cpu mode='custom'/>\n</domain>"


@pytest.mark.parametrize(
    ("xml", "left"),
    [
        ("<a><features><gic/></features><b/></a>", "<a><b/></a>"),
        ("<a><features><gic/><acpi/></features></a>", "<a><features><acpi/></features></a>"),
        ("<a><features><!-- mine --><gic/></features></a>",
         "<a><features><!-- mine --></features></a>"),
        ("<a><hugepages><gic/></hugepages></a>", "<a><hugepages/></a>"),
    ],
)  # fmt: skip
def test_what_says_nothing_without_its_children_goes_with_them(xml: str, left: str) -> None:
    text = DocumentText(xml.encode())
    node = text.root.find(".//gic")
    assert node is not None
    assert without_element(text, node).decode() == left


def test_what_says_nothing_without_its_attribute_goes_with_it() -> None:
    text = DocumentText(
        b"<a><driver iothread='3'/><readonly a='1'/><driver iothread='3' b='c'/></a>"
    )
    one, two, three = text.root
    assert without_attribute(text, one, "iothread").count(b"<driver") == 1
    assert b"<readonly/>" in without_attribute(text, two, "a")
    assert b"<driver b='c'/>" in without_attribute(text, three, "iothread")


def disk(name: str, bus: str, address: str = "") -> str:
    return (
        f"<disk type='file' device='disk'><source file='/{name}'/><target dev='{name}' "
        f"bus='{bus}'/>{address}</disk>"
    )


AT = "<address type='drive' controller='0' bus='0' target='0' unit='1'/>"


@pytest.mark.parametrize(
    ("machine", "disks", "names", "kept"),
    [
        ("q35", [("hdb", "ide")], [("sdb", "sata")], False),
        ("q35", [("sda", "sata"), ("hda", "ide")], [("sda", "sata"), ("sdb", "sata")], False),
        ("pc", [("hda", "xen")], [("hda", "ide")], True),
        ("q35", [("vda", "uml")], [("vda", "virtio")], False),
        ("q35", [("vda", "xen")], [("vda", "virtio")], False),
        ("pc", [("sdc", "xen")], [("sdc", "sata")], True),
    ],
)
def test_a_disk_on_another_bus_has_its_name_and_no_address_of_the_old_bus(
    machine: str, disks: list[tuple[str, str]], names: list[tuple[str, str]], *, kept: bool
) -> None:
    at = {"ide": AT, "xen": AT}
    devices = "".join(disk(name, bus, at.get(bus, "")) for name, bus in disks)
    data = PRETTY.replace("q35", machine).replace("<controller type='usb'", devices + "<controller "
                                                  "type='usb'")  # fmt: skip
    found = repair([open_shipped("sid-x86_64")], data.encode(), "11.3")
    assert found.accepted, found.findings
    targets = etree.fromstring(found.data).iterfind("devices/disk/target")
    assert [(t.get("dev"), t.get("bus")) for t in targets] == names
    assert (b"type='drive'" in found.data) is kept


@pytest.mark.parametrize(
    ("machine", "old", "new"),
    [
        ("pc", ("hda", "nvme"), "ide"),
        ("q35", ("vda", "nvme"), "virtio"),
        ("pc", ("sdb", "xen"), "sata"),
    ],
)
@pytest.mark.parametrize("release", ["11.3", "12.8"])
def test_the_name_of_a_disk_tells_its_bus(
    machine: str, old: tuple[str, str], new: str, release: str
) -> None:
    usb = "<controller type='usb'"
    data = PRETTY.replace("q35", machine).replace(usb, disk(*old) + usb)
    found = repair([open_shipped("sid-x86_64")], data.encode(), release)
    target = etree.fromstring(found.data).find("devices/disk/target")
    assert target is not None
    assert found.accepted
    assert (target.get("dev"), target.get("bus")) == (old[0], new)
