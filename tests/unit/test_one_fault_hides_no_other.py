"""A target that can't be resolved is one finding; the rest is judged for the nearest target."""

from __future__ import annotations

import random

import pytest

import domcaps
from domcaps.shipped import open_shipped
from domcaps.validate.catalogue.rules import rules
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import sample_host
from spoilt import lost, spoil

_HOST = "sid-x86_64"
_BAD = sorted(
    {
        domain_of(rule.bad)
        for of_part in rules().values()
        for rule in of_part
        if rule.bad is not None and rule.bad.arch == "x86_64" and not rule.bad.lacking
    }
)


def test_a_spoilt_target_hides_nothing() -> None:
    host = open_shipped(_HOST)
    seeded = random.Random(20)  # noqa: S311 - no secret
    for text in seeded.sample(_BAD, 60) + [one for one in _BAD if "machine='isapc'" in one]:
        assert lost(host.validate(text), host.validate(spoil(text.encode(), seeded))) == [], text


@pytest.mark.parametrize(
    ("machine", "kind", "told"),
    [
        ("pc-q35-99.9", "qemu", "machine='pc-q35-11.1'"),
        ("pc-99", "qemu", "machine='pc'"),
        ("no-such", "qemuu", "type='qemu', machine='q35'"),
    ],
)
def test_what_is_nearest_is_said(machine: str, kind: str, told: str) -> None:
    text = (
        f"<domain type='{kind}'><name>a</name><memory>65536</memory><os><type arch='x86_64' "
        f"machine='{machine}'>hvm</type></os><devices><controller type='pci' index='0' "
        "model='pcie-root'/><video><model type='none-such'/></video></devices></domain>"
    )
    found = open_shipped(_HOST).validate(text).findings
    as_if = {one.as_if for one in found if one.code.startswith("video-")}
    assert as_if == {told}


def test_a_type_that_is_near_one_that_the_host_lacks_is_no_end() -> None:
    text = (
        "<domain type='kvmm'><name>a</name><memory>65536</memory><os><type>hvm</type></os>"
        "<devices><video><model type='none-such'/></video></devices></domain>"
    )
    codes = [one.code for one in open_shipped(_HOST).validate(text).findings]
    assert "domain-type-unsupported" in codes
    assert any(code.startswith("video-") for code in codes)


def test_a_dialect_that_takes_no_such_qemu_is_one_finding() -> None:
    host = sample_host("x86_64", "debian12")
    assert host is not None
    old = _with_qemu(host, (6, 1, 0))
    text = (
        "<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os>"
        "<devices><video><model type='none-such'/></video></devices></domain>"
    )
    found = old.validate(text, "12.8").findings
    (qemu,) = (one for one in found if "does not support QEMU 6.1.0" in one.message)
    others = [one for one in found if one is not qemu]
    assert others
    assert {one.as_if.partition("=")[0] for one in others} == {"libvirt"}


def _with_qemu(host: domcaps.Host, version: tuple[int, int, int]) -> domcaps.Host:
    """Have the only emulator of a host be of another version."""
    from domcaps.facts.question import ask
    from sample_hosts import _instead

    record = host.emulators.get(host.emulators.paths()[0]).record
    major, minor, micro = version
    told = {"qemu": {"major": major, "minor": minor, "micro": micro}, "package": ""}
    changed = _instead(record, ask("query-version"), lambda _: told)
    recording = domcaps.Recording(host=host.facts.record, emulators=(changed,))
    return domcaps.Host.from_recording(recording, origin="old")


def test_a_type_that_is_near_to_none_stands_for_each_that_the_host_has() -> None:
    text = (
        "<domain type='xen'><name>a</name><memory>65536</memory><os><type arch='x86_64' "
        "machine='q35'>hvm</type></os><cpu mode='host-passthrough'/>"
        "<features><smm state='on'/></features></domain>"
    )
    lacking = sample_host("x86_64", "debian12", lacking=("kvm.smm",))
    assert lacking is not None
    found = {one.code: one.as_if for one in lacking.validate(text).findings}
    assert found["cpu-mode-unsupported"] == "type='qemu'"
    assert found["features-smm-unavailable"] == "type='kvm'"
    near = {one.code for one in lacking.validate(text.replace("xen", "kvmm")).findings}
    assert "cpu-mode-unsupported" not in near


def test_what_is_so_on_a_rare_board_only_is_a_notice() -> None:
    text = (
        "<domain type='qemu'><name>a</name><memory>65536</memory><os><type arch='x86_64' "
        "machine='banana'>hvm</type></os><devices><interface type='user'/></devices></domain>"
    )
    found = open_shipped(_HOST).validate(text)
    assert [one.code for one in found.findings] == ["os-machine-unsupported"]
    assert "os-machine-without-pci" in {one.code for one in found.notices}
