"""Accepted values are those that are accepted in this domain, with all that it says besides."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from domcaps.language.wording import one_of
from domcaps.validate import fitting
from domcaps.validate.catalogue.codes import Code, codes
from domcaps.validate.catalogue.samples import domain_of
from domcaps.validate.check import DocumentCheck, Validation, validate
from domcaps.validate.fitting import MOST_VALUES, with_fitting_values
from plain_hosts import open_plain
from sample_hosts import RELEASES, host_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language.part import Part
    from domcaps.language.rule import Rule

DOMAIN = (
    "<domain type='qemu'><name>a</name><memory unit='MiB'>64</memory><os>"
    "<type arch='x86_64' machine='q35'>hvm</type></os>{}<devices>{}</devices></domain>"
)
DISK = "<disk type='file' device='{}'><source file='/a'/><target dev='sda' bus='{}'/></disk>"
TARGETS = ("/domain/@type", "/domain/os/type/@", "/domain/devices/emulator")
SAMPLES = [code for code in codes().values() if code.bad is not None and code.kind != "schema"]


def accepted(xml: str) -> tuple[str, ...]:
    (finding,) = open_plain("sid-x86_64").validate(xml).errors
    return finding.accepted


@pytest.mark.parametrize(
    ("device", "buses"),
    [("disk", {"sata", "scsi", "usb", "virtio"}), ("cdrom", {"sata", "scsi", "usb"})],
)
def test_the_bus_of_floppy_drives_is_listed_for_them_alone(device: str, buses: set[str]) -> None:
    found = set(accepted(DOMAIN.format("", DISK.format(device, "ide"))))
    assert buses <= found
    assert "fdc" not in found


def test_a_message_names_what_can_be_added_but_not_what_is_ruled_out() -> None:
    (finding,) = open_plain("sid-x86_64").validate(DOMAIN.format("<clock offset='x'/>", "")).errors
    # these need another attribute, which is easily written
    assert "'timezone'" in finding.message
    assert "timezone" not in finding.accepted
    (finding,) = (
        open_plain("sid-x86_64").validate(DOMAIN.format("", "<input type='mouse' bus='x'/>")).errors
    )
    assert "xen" not in finding.message
    assert one_of(finding.accepted) in finding.message


def test_a_document_is_tried_a_limited_number_of_times() -> None:
    xml = DOMAIN.format("", DISK.format("disk", "ide")).encode()
    world = partial(open_plain("sid-x86_64").known_world, libvirt="12.8")
    plain = validate(xml, world)
    assert "fdc" in plain.errors[0].accepted
    assert with_fitting_values(plain, world, most=2) is not None
    assert with_fitting_values(plain, world, most=2).errors[0].accepted == plain.errors[0].accepted
    assert "fdc" not in with_fitting_values(plain, world).errors[0].accepted


def test_each_value_that_is_listed_is_accepted_there() -> None:
    tried = [one for code in SAMPLES[::5] for one in _refused_of(code)]
    assert len(tried) > 100
    assert not [one for one in tried if one is not None]


def test_only_checks_that_depend_on_the_value_are_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    more = "<sound model='ich9'/><rng model='virtio'><backend model='random'>/a</backend></rng>"
    xml = DOMAIN.format("", DISK.format("disk", "ide") + more).encode()
    world = partial(open_plain("sid-x86_64").known_world, libvirt="12.8")
    plain = validate(xml, world)
    called: list[str] = []
    ask = DocumentCheck._rules

    def noting(self: DocumentCheck, part: Part, rules: tuple[Rule, ...]) -> None:
        called.extend(rule.code for rule in rules)
        ask(self, part, rules)

    monkeypatch.setattr(DocumentCheck, "_rules", noting)
    with_fitting_values(plain, world)
    assert "disk-device-bus-conflict" in called
    assert not {code for code in called if code.startswith(("sound-", "rng-", "os-"))}


def test_places_are_found_however_many_there_are() -> None:
    devices = "<disk/><!-- --><a><b/></a><disk x='1'/>" * 4000
    root = etree.fromstring(f"<domain><devices>{devices}</devices></domain>")
    elements = fitting._Elements(root)
    begun = time.process_time()
    assert elements.at("/domain") is root
    assert elements.at("/domain/devices") is root[0]
    for number, node in enumerate(root.iter("b"), 1):
        assert elements.at(f"/domain/devices/a[{number}]/b") is node
    for number, node in enumerate(root[0].iterchildren("disk"), 1):
        assert elements.at(f"/domain/devices/disk[{number}]") is node
    assert elements.at("/domain/devices/disk[8001]") is None
    assert elements.at("/domain/devices/c/d") is None
    # with a search for each it took minutes
    assert time.process_time() - begun < 10


def test_the_values_are_those_that_all_checks_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for few in (0, MOST_VALUES):
        monkeypatch.setattr(fitting, "_FEW", few)
        found.append([_fitted(code) for code in SAMPLES[3::8]])
    assert found[0] == found[1]


def _fitted(code: Code) -> Validation | None:
    assert code.bad is not None
    host = next(filter(None, (host_for(code.bad, release) for release in RELEASES)), None)
    if host is None:  # of an architecture of which there is no recording
        return None
    world = partial(host.known_world, libvirt="12.8")
    return with_fitting_values(validate(domain_of(code.bad).encode(), world), world)


def _refused_of(code: Code) -> Iterator[tuple[str, str] | None]:
    """Write each listed value into a sample: None for one that is accepted at its place."""
    assert code.bad is not None
    host = next(filter(None, (host_for(code.bad, release) for release in RELEASES)), None)
    xml = domain_of(code.bad)
    if host is None:  # of an architecture of which there is no recording
        return
    errors = host.validate(xml, "12.8").errors
    places = [(one.code, one.path) for one in errors]
    for finding in errors:
        if finding.path.startswith(TARGETS) or len(finding.accepted) > MOST_VALUES:
            continue
        if any(" " in value for value in finding.accepted):
            continue  # a size with its unit
        steps, _, attribute = finding.path.partition("/@")
        for value in finding.accepted:
            root = etree.fromstring(xml)
            node = root.find(steps.removeprefix("/domain/"))
            assert node is not None
            if attribute:
                node.set(attribute, value)
            else:
                node.text = value
            after = host.validate(etree.tostring(root), "12.8").errors
            new = [one for one in after if (one.code, one.path) not in places]
            left = [one for one in after if (one.code, one.path) == (finding.code, finding.path)]
            wrong = left or any(one.path == finding.path for one in new)
            yield (finding.code, value) if wrong else None
