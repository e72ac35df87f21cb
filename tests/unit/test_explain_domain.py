"""Explaining a domain: every choice that it uses, of one mind with the validator and the report."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import domcaps
from domcaps.elements import table
from domcaps.language import Element, Enum, Truth
from domcaps.language.rule import Sample
from domcaps.report.explain import explain_all
from domcaps.validate.catalogue.samples import domain_of
from plain_hosts import open_plain, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domcaps import Host

DOMAIN = """\
<domain type='{virttype}'>
  <name>a</name>
  <memory>1048576</memory>
  <os><type machine='q35'>hvm</type></os>
  {more}
  <devices>
    {devices}
  </devices>
</domain>
"""


@pytest.fixture(scope="module")
def host() -> Host:
    return open_plain("sid-x86_64")


def truths(host: Host, devices: str = "", more: str = "", virttype: str = "qemu") -> dict[str, str]:
    xml = DOMAIN.format(devices=devices, more=more, virttype=virttype)
    return {
        use.explanation.path: use.explanation.truth.value for use in host.explain_domain(xml).uses
    }


def test_each_choice_is_told_with_its_place_and_what_would_do(host: Host) -> None:
    xml = DOMAIN.format(devices="<video><model type='qxl'/></video>", more="", virttype="qemu")
    (use,) = (u for u in host.explain_domain(xml).uses if "video" in u.explanation.path)
    assert use.explanation.path == "video.modelType=qxl"
    assert use.explanation.truth is Truth.NO
    assert (use.line, use.column) == (7, 19)
    assert use.xpath == "/domain/devices/video/model/@type"
    assert "vga" in use.instead
    assert "qxl" not in use.instead
    assert use.explanation.changes[0].effort == "package"


@pytest.mark.parametrize(
    ("devices", "more", "path"),
    [
        ("<disk device='lun'><target dev='a' bus='virtio'/></disk>", "", "disk.diskDevice=lun"),
        ("<disk><target dev='a' bus='sata'/></disk>", "", "disk.bus=sata"),
        ("<hostdev mode='subsystem' type='usb'/>", "", "hostdev.subsysType=usb"),
        ("<tpm model='tpm-crb'/>", "", "tpm.model=tpm-crb"),
        ("", "<cpu mode='maximum' migratable='on'/>", "cpu.maximum"),
        ("", "<cpu mode='maximum' migratable='on'/>", "cpu.maximum.maximumMigratable=on"),
        ("", "<features><vmcoreinfo state='on'/></features>", "vmcoreinfo"),
        ("", "<genid/>", "genid"),
        ("", "<features><hyperv><vapic state='on'/></hyperv></features>", "hyperv.features=vapic"),
        ("", "<launchSecurity type='sev'/>", "launchSecurity.sectype=sev"),
        ("<memballoon model='virtio'/>", "", "memballoon.model=virtio"),
    ],
)
def test_every_way_to_write_a_choice_is_found(
    host: Host, devices: str, more: str, path: str
) -> None:
    assert path in truths(host, devices, more)


def test_what_is_switched_off_is_not_used(host: Host) -> None:
    more = "<features><hyperv><vapic state='off'/></hyperv></features>"
    assert "hyperv.features=vapic" not in truths(host, more=more)


def test_a_value_that_nobody_knows_is_a_no(host: Host) -> None:
    found = truths(host, "<video><model type='bogus'/></video>")
    assert found["video.modelType=bogus"] == "no"


def test_an_element_without_a_choice_is_explained_itself(host: Host) -> None:
    assert truths(host, "<video/>")["video"] == "yes"
    assert "video" not in truths(host, "<video><model type='vga'/></video>")


def test_another_target_can_be_asked_about(host: Host) -> None:
    xml = DOMAIN.format(
        devices="<disk><target dev='a' bus='ide'/></disk>", more="", virttype="qemu"
    )
    named, instead = (host.explain_domain(xml, **kw) for kw in ({}, {"machine": "pc"}))
    assert named.target.machine.startswith("pc-q35")
    assert instead.target.machine.startswith("pc-i440fx")
    truth = [
        next(u.explanation.truth for u in found.uses if u.explanation.path == "disk.bus=ide")
        for found in (named, instead)
    ]
    assert truth == [Truth.NO, Truth.YES]


def samples() -> Iterator[tuple[str, str]]:
    """Give every choice of the table with the least that uses it."""

    def inside(element: Element, path: str) -> Iterator[tuple[str, str]]:
        for part in element.content:
            if isinstance(part, Element):
                yield from inside(part, f"{path}.{part.name}")
            elif isinstance(part, Enum):
                for choice in part.choices:
                    if choice.listed and part.sample_of(choice):
                        yield f"{path}.{part.name}={choice.name}", part.sample_of(choice)

    for element in table():
        yield from inside(element, element.name)


@pytest.mark.parametrize("name", ["sid-x86_64", "sid-s390x", "debian12-aarch64"])
def test_the_least_that_uses_a_choice_is_found_to_use_it(name: str) -> None:
    """Every choice with a sample: found where it is written, and as true as the report has it."""
    shipped = open_plain(name)
    arch = name.partition("-")[2]
    known: dict[str, Truth] = {}
    for _, sample in samples():
        found = shipped.explain_domain(domain_of(Sample(sample, arch=arch)))
        known |= {u.explanation.path: u.explanation.truth for u in found.uses}
    target = shipped.explain_domain(domain_of(Sample("", arch=arch))).target
    asked = shipped.world(None, target.arch, target.machine, target.virttype)
    expected = {e.path: e.truth for e in explain_all(asked) if e.path in dict(samples())}
    assert len(expected) > 50
    assert {path: known.get(path) for path in expected} == expected


@pytest.mark.parametrize("name", ["debian12-x86_64", "sid-x86_64", "sid-s390x", "sid-riscv64"])
def test_what_a_field_may_not_say_is_refused_by_the_validator(name: str) -> None:
    shipped = open_plain(name)
    for model in ("vga", "qxl", "vmvga", "ramfb", "bochs", "virtio", "bogus"):
        sample = Sample(f"<video><model type='{model}'/></video>", arch=name.partition("-")[2])
        xml = domain_of(sample)
        place = "/domain/devices/video/model/@type"
        refused = {f.path for f in shipped.validate(xml).findings if "model-type-un" in f.code}
        (use,) = (u for u in shipped.explain_domain(xml).uses if u.xpath == place)
        assert (use.explanation.truth is Truth.NO) == (place in refused), model


@pytest.mark.parametrize(
    "xml",
    ["", "<domain", "<a/>", "<domain/>", "<domain type='kvm'><os><type arch='vax'/></os></domain>"],
)
def test_what_is_no_domain_is_an_error_with_its_place(host: Host, xml: str) -> None:
    with pytest.raises(domcaps.DomainError) as caught:
        host.explain_domain(xml)
    assert caught.value.where


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "domcaps", "explain", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, input=text)


def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    devices = "<video><model type='qxl'/></video>"
    file.write_text(DOMAIN.format(devices=devices, more="", virttype="qemu"))
    done = run(str(file), f"--host={plain('sid-x86_64')}")
    assert done.returncode == 0
    assert f"{file}:7:19: ✗ video.modelType=qxl" in done.stdout
    assert "to enable it:" in done.stdout
    assert "supported instead: vga" in done.stdout
    assert "not supported" in done.stderr
    content = json.loads(
        run("-", f"--host={plain('sid-x86_64')}", "--format=json", text=file.read_text()).stdout
    )
    assert content["target"]["machine"].startswith("pc-q35")
    assert {use["explanation"]["truth"] for use in content["uses"]} == {"yes", "no"}


def test_a_file_does_not_hide_what_the_table_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "video").write_text("<domain/>")
    assert run("video", f"--host={plain('sid-x86_64')}").stdout.startswith("✓ video\n")


def test_wrong_files_are_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "broken.xml").write_text("<domain")
    for name, told in (("broken.xml", "not well-formed XML"), ("missing.xml", "No such file")):
        done = run(str(tmp_path / name), f"--host={plain('sid-x86_64')}")
        assert done.returncode == 2
        assert told in done.stderr
        assert name in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("written", "named"),
    [("machine='q35'", "q35"), ("machine='pc-q35-10.0'", "pc-q35-10.0"), ("", "")],
)
def test_the_machine_type_stands_there_as_written(written: str, named: str) -> None:
    domain = (
        "<domain type='kvm'><name>a</name><memory>1024</memory>"
        f"<os><type arch='x86_64' {written}>hvm</type></os></domain>"
    )
    assert open_plain("debian13-x86_64").explain_domain(domain).machine == named
