"""Findings come in the order in which libvirt meets their faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from lxml import etree
from msgspec.structs import replace

from domcaps.elements.display.video import Video
from domcaps.language.finding import Finding, Severity, Stage
from domcaps.language.rule import Phase
from domcaps.validate import order
from domcaps.validate.catalogue.codes import codes
from domcaps.validate.catalogue.rules import rules
from domcaps.validate.order import _AT_PARSING, _moments, _order, in_libvirts_order
from libvirt_messages import is_known, names, patterns

if TYPE_CHECKING:
    import pytest

_PLAIN = "<domain type='kvm'><os><type arch='x86_64' machine='pc-q35-9.0'>hvm</type></os></domain>"


def found(code: str, path: str = "/domain", line: int = 1, **more: object) -> Finding:
    return Finding(code, "", path=path, line=line, **more)  # type: ignore[arg-type]


def ordered(*findings: Finding, xml: str = _PLAIN) -> list[str]:
    return [one.code for one in in_libvirts_order(findings, etree.fromstring(xml))]


def test_parsing_comes_before_the_target_and_devices_last() -> None:
    video = found("video-model-type-unsupported", "/domain/devices/video/model/@type", 3)
    kvm = found("domain-type-unsupported", "/domain/@type", 1)
    form = found("rng-rate-period-invalid", "/domain/devices/rng/rate/@period", 9)
    emulator = found("emulator-unsupported", "/domain/devices/emulator", 2)
    assert ordered(video, kvm, form, emulator) == [
        form.code, emulator.code, kvm.code, video.code,
    ]  # fmt: skip


def test_a_type_counts_earlier_where_libvirt_chooses_a_machine_type_for_it() -> None:
    kvm = found("domain-type-unsupported", "/domain/@type", 1)
    twice = found("controller-index-duplicate", "/domain/devices/controller[2]", 5)
    assert ordered(kvm, twice) == [twice.code, kvm.code]
    unnamed = _PLAIN.replace(" machine='pc-q35-9.0'", "")
    assert ordered(kvm, twice, xml=unnamed) == [kvm.code, twice.code]


def test_words_that_libvirt_does_not_know_are_refused_at_parsing() -> None:
    kvm, arch = found("domain-type-unsupported", line=1), found("os-arch-unsupported", line=2)
    memory = found("memory-too-small-form", "/domain/memory", line=1)
    assert ordered(memory, kvm, xml=_PLAIN.replace("'kvm'", "'kvmm'"))[0] == kvm.code
    assert ordered(memory, arch, xml=_PLAIN.replace("x86_64", "amd64"))[0] == arch.code


def test_devices_are_validated_kind_by_kind() -> None:
    graphics = found("graphics-type-unsupported", "/domain/devices/graphics", 3)
    video = found("video-model-type-unsupported", "/domain/devices/video/model", 8)
    disk = found("disk-target-missing", "/domain/devices/disk", 20)
    assert ordered(graphics, video, disk) == [disk.code, video.code, graphics.code]


def test_errors_come_before_failures_of_the_start_and_warnings() -> None:
    start = found("disk-source-missing", line=1, stage=Stage.START)
    warning = found("unknown-attribute", line=1, severity=Severity.WARNING)
    error = found("memory-missing", line=7)
    assert ordered(warning, start, error) == [error.code, start.code, warning.code]


def test_it_is_known_of_every_rule_when_libvirt_checks_it() -> None:
    phases, listed = _order()
    known = codes()
    assert set(listed) <= set(known)
    assert set(get_args(Phase)) | {"schema"} == set(phases)
    usual = (
        code
        for code, one in known.items()
        if one.stage is Stage.DEFINE and one.severity is Severity.ERROR
        if not _AT_PARSING.search(code) and not code.endswith("-unsupported")
    )
    advice = "name the pass of these rules: phase=, or a line of order.txt"
    assert set(usual) <= set(_moments()), advice


def test_a_rule_may_name_its_pass_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new rule is one place: ``order.txt`` is for positions that are known."""
    (one,) = (one for one in rules()[Video] if one.code == "video-ramfb-address")
    named = [
        replace(one, code=f"video-new-{phase}", phase=phase) for phase in ("complete", "devices")
    ]
    monkeypatch.setattr(order, "rules", lambda: {Video: named})
    _moments.cache_clear()
    try:
        early, late = (found(rule.code, "/domain/devices/video") for rule in named)
        between = found("os-loader-conflict", "/domain/os/loader", 9)
        assert ordered(late, between, early) == [early.code, between.code, late.code]
    finally:
        monkeypatch.undo()
        _moments.cache_clear()


def test_messages_of_libvirt_are_about_codes_that_there_are() -> None:
    from fnmatch import filter as matching

    named = {code for _, of_words in patterns() for code in of_words}
    assert not [code for code in named if not matching(codes(), code)]


def test_a_message_names_a_place_or_has_words_that_are_known() -> None:
    said = "XML error: Invalid value for attribute 'period' in element 'rate': 'x'."
    assert names(found("rng-rate-period-invalid", "/domain/devices/rng[2]/rate/@period"), said)
    assert not names(found("rng-rate-bytes-invalid", "/domain/devices/rng[2]/rate/@bytes"), said)
    assert not is_known("nothing that libvirt would say")
