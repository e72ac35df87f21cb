"""A host of which only libvirt was asked: what it reports holds, and all else is unknown."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from command_runner import CliRunner
from domcaps.cli import _root
from domcaps.errors import UnansweredError, UnsupportedTargetError
from domcaps.facts.partial import UnreadFact
from domcaps.facts.recording import dumps, loads, save
from domcaps.fleet.fleet import Fleet
from domcaps.hosts.host import Host
from domcaps.validate.catalogue.rules import rules
from domcaps.validate.catalogue.samples import domain_of
from fleet_hosts import replace
from partial_hosts import complete, partial_of

if TYPE_CHECKING:
    from pathlib import Path

    from domcaps.facts.record import Recording
    from domcaps.validate.check import Validation

DOMAIN = """<domain type='kvm'><name>a</name><memory>1048576</memory><vcpu>{vcpus}</vcpu>
<os><type arch='x86_64' machine='{machine}'>hvm</type></os>{cpu}
<devices><video><model type='{video}'/></video></devices></domain>"""
EVERY = 9
"""Of the samples of all rules, so many are left out for one that is tried."""


def domain(video: str = "vga", machine: str = "q35", vcpus: int = 1, cpu: str = "") -> str:
    return DOMAIN.format(video=video, machine=machine, vcpus=vcpus, cpu=cpu)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return partial_of(complete())


@pytest.fixture(scope="module")
def part(recording: Recording) -> Host:
    # as it is read from a file
    return Host.from_recording(loads(dumps(recording), "part"), "part")


@pytest.fixture(scope="module")
def whole() -> Host:
    return Host.from_recording(complete(), "whole")


@pytest.mark.parametrize("machine", ["q35", "pc", "microvm", "pc-q35-7.0"])
@pytest.mark.parametrize("virttype", ["kvm", "qemu"])
def test_a_report_is_the_one_that_libvirt_gave(
    part: Host, whole: Host, machine: str, virttype: str
) -> None:
    found = part.domain_capabilities(machine=machine, virttype=virttype)
    assert found.xml == whole.domain_capabilities(machine=machine, virttype=virttype).xml
    assert found.document.unknown == ()


@pytest.mark.parametrize(
    "options",
    [
        {"libvirt": "12.8"}, {"arch": "aarch64"}, {"machine": "pc-q35-99.0"},
        {"disable_deprecated_features": True}, {"emulator": "/usr/bin/qemu-system-ppc64"},
    ],
)  # fmt: skip
def test_other_reports_are_errors(part: Host, options: dict[str, str]) -> None:
    with pytest.raises(UnsupportedTargetError):
        part.domain_capabilities(**options)  # type: ignore[arg-type]


def test_a_target_that_libvirt_refused_is_an_error_that_says_so(recording: Recording) -> None:
    (emulator,) = recording.emulators
    *others, told = emulator.sessions
    answers = tuple(a for a in told.answers if "pc-q35-7.0" not in a.question.arguments)
    less = replace(emulator, sessions=(*others, replace(told, answers=answers)))
    host = Host.from_recording(replace(recording, emulators=(less,)))
    with pytest.raises(UnsupportedTargetError, match="was not asked about kvm guests of type"):
        host.domain_capabilities(machine="pc-q35-7.0", virttype="kvm")
    # what the domain asks for is unknown, and so no error
    found = host.validate(domain("qxl", machine="pc-q35-7.0"))
    assert found.accepted
    assert any("qxl" in text for text in found.unknown)


def errors(found: Validation) -> set[tuple[str, str]]:
    return {(one.code, one.path) for one in found.findings}


def samples() -> list[str]:
    found = [
        domain_of(sample)
        for of_part in rules().values()
        for rule in of_part
        for sample in (rule.bad, rule.good)
        if sample is not None
    ]
    assert len(found) > 1000
    return found[::EVERY]


def test_nothing_is_found_that_is_not_so(part: Host, whole: Host) -> None:
    """What is unknown is neither an error nor an internal error; most findings are found."""
    fewer = 0
    tried = samples()
    for xml in tried:
        found, right = part.validate(xml), whole.validate(xml, "9.0")
        assert errors(found) <= errors(right), xml
        assert not any("internal error" in text for text in found.unknown), found.unknown
        fewer += errors(found) < errors(right)
    assert fewer < len(tried) / 8


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        (domain("virtio"), ""), (domain("vga"), ""),
        (domain("bochs"), ""), (domain("hologram"), "video-model-type-unknown"),
        (domain().replace("<devices>", "<devices><panic model='pseries'/>"),
         "panic-model-unsupported"),
        (domain(machine="pc-q35-99"), "os-machine"),
        (domain(vcpus=5000), "vcpu"),
        (domain(cpu="<cpu mode='custom'><model>Skylark</model></cpu>"), "cpu-model"),
    ],
)  # fmt: skip
def test_what_libvirt_reports_decides(part: Host, whole: Host, xml: str, code: str) -> None:
    found, right = part.validate(xml), whole.validate(xml, "9.0")
    assert errors(found) == errors(right)
    assert bool(code) == bool(found.errors), found
    assert any(one.code.startswith(code) for one in found.errors) == bool(code), found


def test_a_reason_names_libvirt(part: Host) -> None:
    (yes,) = part.explain("video.modelType=qxl", machine="q35")
    assert yes.truth.value == "yes"
    assert "libvirt of this host reports it" in str(yes)
    no = part.explain("sev", machine="q35")[0]
    assert no.truth.value == "no"
    assert "libvirt of this host does not report it" in str(no)


def test_what_libvirt_does_not_tell_is_unknown(part: Host) -> None:
    found = part.validate(domain().replace("<devices>", "<devices><sound model='ich9'/>"))
    assert found.accepted
    assert any("ich9-intel-hda" in text for text in found.unknown)
    with pytest.raises(UnansweredError, match="only its libvirt was asked"):
        _ = part.facts.firmware
    with pytest.raises(UnansweredError):
        part.native(domain())
    error = pickle.loads(pickle.dumps(UnreadFact("kvm.nested")))  # noqa: S301 - its own
    assert str(error) == str(UnreadFact("kvm.nested"))


def test_the_host_is_described(recording: Recording, tmp_path: Path) -> None:
    save(recording, tmp_path / "a.domcaps")
    done = CliRunner().invoke(_root, ["host", "--host", str(tmp_path / "a.domcaps")])
    assert done.exit_code == 0, done.output
    assert "only libvirt of this host was asked" in done.stdout


# -- in a fleet ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fleet(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    found = Fleet.open(tmp_path_factory.mktemp("fleet"))
    for name, one in (
        ("part", recording), ("whole", complete()), ("newer", complete("sid-x86_64")),
        ("part-too", recording),
    ):  # fmt: skip
        found.add(one, name)
    return found


def test_a_fleet_gives_the_verdicts_of_each_host(fleet: Fleet) -> None:
    hosts = {name: fleet.host(name) for name in fleet.hosts.names}
    for number, xml in enumerate(samples()[::8]):
        for found in fleet.verdicts([("a", xml.encode())]):
            alone = hosts[found.host].validate(xml)
            assert [(f.code, f.path) for f in found.errors] == [
                (f.code, f.path) for f in alone.errors
            ], (number, found.host, xml)


def test_the_commands_of_a_fleet_take_partial_recordings(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(domain())
    store, name = fleet.store.place, str(tmp_path / "a.xml")
    for words in (
        ["classes", store], ["drift", store], ["history", store, "part", "video.modelType=qxl"],
        ["accepts", store, name], ["export", store, "--format", "nfd", "-o", str(tmp_path / "f")],
        ["export", store, "--format", "prometheus"], ["page", store, name],
        ["rehearse", store, name, "--with", "shipped:sid-x86_64"],
    ):  # fmt: skip
        done = CliRunner().invoke(_root, ["fleet", *words])
        assert done.exit_code == 0, (words, done.output, done.exception)
    labels = (tmp_path / "f" / "part").read_text()
    assert "video.modelType.qxl=true" in labels


def test_a_guest_does_not_go_where_its_machine_is_not_known(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(domain())
    done = CliRunner().invoke(
        _root, ["fleet", "where", fleet.store.place, str(tmp_path / "a.xml"), "--from", "part"]
    )
    assert done.exit_code == 1, done.output
    assert "not known of" in done.stdout
