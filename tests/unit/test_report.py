"""The report: libvirt's form, and the same content as JSON and by attribute."""

from __future__ import annotations

import json

import pytest
from lxml import etree

from domcaps.facts.question import ask
from domcaps.facts.record import HostRecord
from domcaps.language import Row
from domcaps.report.answer import EnumAnswer, Section, ValuesAnswer
from domcaps.report.capabilities import DomainCapabilities
from domcaps.report.document import Document, build
from domcaps.report.xml import to_xml
from fakes import emulator_record, world
from plain_hosts import open_plain

HOST = HostRecord(arch="x86_64", asserted={"os.loader": ("/a&b/<fw>'\".fd",)})


@pytest.fixture
def caps() -> DomainCapabilities:
    return DomainCapabilities(build(world(emulator_record(types=("VGA",)), HOST)))


def test_the_xml_is_in_libvirts_form() -> None:
    document = Document(
        path="/usr/bin/qemu",
        domain="qemu",
        machine="",
        arch="x86_64",
        libvirt="12.8",
        top=(Section("vcpu", "vcpu", attributes=(("max", "4"),)),),
        devices=(
            Section(
                "a",
                "a",
                supported=True,
                has_body=True,
                parts=(
                    ValuesAnswer("paths", ("<&>",)),
                    EnumAnswer("full", ("1", "2")),
                    EnumAnswer("empty", ()),
                    Row("figure", "5", (("unit", "KiB"),), ()),
                    Row("rows", rows=(Row("row", attributes=(("n", "0"),)),)),
                    Section("b", "b", supported=False, has_body=True),
                ),
            ),
            Section("c", "c", supported=True, has_body=True),
        ),
        features=(Section("d", "d", supported=True),),
    )
    assert to_xml(document) == (
        "<domainCapabilities>\n"
        "  <path>/usr/bin/qemu</path>\n"
        "  <domain>qemu</domain>\n"
        "  <arch>x86_64</arch>\n"
        "  <vcpu max='4'/>\n"
        "  <devices>\n"
        "    <a supported='yes'>\n"
        "      <value>&lt;&amp;&gt;</value>\n"
        "      <enum name='full'>\n"
        "        <value>1</value>\n"
        "        <value>2</value>\n"
        "      </enum>\n"
        "      <enum name='empty'/>\n"
        "      <figure unit='KiB'>5</figure>\n"
        "      <rows>\n"
        "        <row n='0'/>\n"
        "      </rows>\n"
        "      <b supported='no'/>\n"
        "    </a>\n"
        "    <c supported='yes'>\n"
        "    </c>\n"
        "  </devices>\n"
        "  <features>\n"
        "    <d supported='yes'/>\n"
        "  </features>\n"
        "</domainCapabilities>\n"
    )


def test_whatever_a_path_holds_the_xml_is_well_formed(caps: DomainCapabilities) -> None:
    root = etree.fromstring(caps.xml)
    assert root.findtext("os/loader/value") == "/a&b/<fw>'\".fd"


def test_xml_json_and_attributes_say_the_same(caps: DomainCapabilities) -> None:
    root = etree.fromstring(caps.xml)
    as_json = json.loads(caps.json)
    devices = root.find("devices")
    assert devices is not None
    for element in devices:
        name = str(element.tag)
        view = caps.devices[name]
        supported = element.get("supported") == "yes"
        assert view.supported is supported
        assert as_json["devices"][name]["supported"] is supported
        enums = {
            str(enum.get("name")): tuple(str(value.text) for value in enum)
            for enum in element.findall("enum")
        }
        assert dict(view.enums) == enums
        listed = as_json["devices"][name].get("enums", {})
        assert {key: tuple(values) for key, values in listed.items()} == enums


def test_names_with_a_hyphen_can_be_written_in_python(caps: DomainCapabilities) -> None:
    assert caps.features.async_teardown.supported is False
    assert caps.os.loader.values == HOST.asserted["os.loader"]
    assert caps.cpu.parts["host-passthrough"].supported is False
    with pytest.raises(AttributeError, match="no element 'nonesuch'"):
        _ = caps.devices.nonesuch  # type: ignore[attr-defined]


def test_what_was_not_asked_is_told() -> None:
    whole = emulator_record()
    (session,) = whole.sessions
    kept = tuple(a for a in session.answers if a.question != ask("query-command-line-options"))
    partial = type(whole)(whole.path, (type(session)("tcg", kept),))
    caps = DomainCapabilities(build(world(partial)))
    assert any("query-command-line-options" in text for text in caps.unknown)
    assert json.loads(caps.json)["unknown"] == list(caps.unknown)


def test_json_has_the_same_keys_whatever_is_known() -> None:
    caps = open_plain("sid-x86_64").domain_capabilities()
    as_json = json.loads(caps.json)
    assert as_json["unknown"] == []
    assert as_json["snapshot"] == caps.snapshot
