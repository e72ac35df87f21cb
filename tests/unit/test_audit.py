"""Auditing a libvirt: every planted lie is found, and nothing else; known drifts are named."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

import domcaps
from command_runner import CliRunner
from domcaps.cli import _root
from domcaps.errors import InputError, LibvirtCallError, RequestError
from domcaps.hosts.host import Host
from domcaps.report.document import build
from domcaps.report.flat import flatten
from domcaps.report.read import read_report
from domcaps.report.xml import to_xml
from domcaps.serve.background import serving
from domcaps.serve.client import LibvirtClient, socket_of
from domcaps.serve.hosts import FixedHost
from lying_proxy import lying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "shipped:debian13-x86_64"
HOST = Host.open(NAME)
LIES = {
    "a value that QEMU lacks": (
        "<enum name='modelType'>", "<enum name='modelType'>\n<value>hologram</value>",
        {"video.modelType=hologram": ("yes", "")},
    ),
    "a value that is left out": ("<value>qxl</value>", "", {"video.modelType=qxl": ("", "yes")}),
    "an element that is not supported": (
        "<async-teardown supported='yes'/>", "<async-teardown supported='no'/>",
        {"async-teardown": ("no", "yes")},
    ),
    "another limit": ("<vcpu max='4096'/>", "<vcpu max='4095'/>",
                      {"vcpu max": ("4095", "4096")}),
    "an element that there is not": (
        "<devices>", "<devices>\n<telepathy supported='yes'/>", {"telepathy": ("yes", "")},
    ),
    "firmware that is not there": (
        "<loader supported='yes'>", "<loader supported='yes'>\n<value>/no/such.fd</value>",
        {"os.loader: /no/such.fd": ("yes", "")},
    ),
    "a CPU model that can't be used": ("<model usable='yes'", "<model usable='no'", None),
}  # fmt: skip


def report(libvirt: str = "12.8") -> str:
    return HOST.domain_capabilities(machine="q35", virttype="qemu", libvirt=libvirt).xml


@pytest.mark.parametrize("name", domcaps.shipped_names())
@pytest.mark.parametrize("libvirt", ["12.8", "11.3"])
def test_a_report_is_read_as_it_was_written(name: str, libvirt: str) -> None:
    document = build(Host.open(f"shipped:{name}").world(libvirt=libvirt))
    read = read_report(to_xml(document).encode(), "x", libvirt)
    assert flatten(read) == flatten(document)
    assert (read.path, read.machine) == (document.path, document.machine)


def test_an_honest_libvirt_differs_in_nothing() -> None:
    found = HOST.audit(report(), "12.8")
    assert found.differences == ()
    assert found.compared > 300
    assert found.is_expected
    assert not found.verified


def test_known_drifts_are_named() -> None:
    found = HOST.audit(report(), "12.8")
    assert {one.source for one in found.promises} == {"drift"}
    assert all(one.but for one in found.promises)
    listed = {one.path for one in found.promises if one.listed}
    assert listed <= set(flatten(read_report(report().encode(), "x")))
    assert listed


@pytest.mark.parametrize(
    ("name", "machine", "wrong", "right"),
    [
        ("sid-aarch64", "virt", {"tpm.backendVersion=1.2"},
         {"gic.version=3", "hostdev.startupPolicy=optional"}),
        ("sid-armv7l", "virt", {"gic.version=3", "tpm.backendVersion=1.2"}, set[str]()),
        ("sid-s390x", "s390-ccw-virtio", {"hostdev.startupPolicy=default"},
         {"hyperv.features=relaxed", "gic.version=2"}),
        ("sid-x86_64", "q35", {"hostdev.startupPolicy=default", "console.type=spicevmc"},
         {"tpm.backendVersion=1.2", "gic.version=2", "hostdev.startupPolicy=mandatory"}),
    ],
)  # fmt: skip
def test_only_what_is_wrong_on_the_target_is_named(
    name: str, machine: str, wrong: set[str], right: set[str]
) -> None:
    host = Host.open(f"shipped:{name}")
    text = host.domain_capabilities(machine=machine, virttype="qemu", libvirt="12.8").xml
    named = {one.path for one in host.audit(text, "12.8").promises}
    assert wrong <= named
    assert not right & named


@pytest.mark.parametrize("name", LIES)
def test_every_planted_lie_is_found(name: str) -> None:
    honest = report()
    true, false, differs = LIES[name]
    if true not in honest:
        true = next(iter(re.findall(true.replace("'4096'", r"'\d+'"), honest)), "")
    assert true, f"the report does not say {LIES[name][0]}"
    found = HOST.audit(honest.replace(true, false, 1), "12.8")
    said = {one.path: (one.libvirt, one.domcaps) for one in found.differences}
    assert not found.is_expected
    if differs is None:
        assert len(said) == 1
    else:
        assert set(said) == set(differs)
        for path, (theirs, ours) in differs.items():
            assert said[path][0] == theirs
            assert bool(said[path][1]) == bool(ours)


def test_a_reason_goes_with_a_lie() -> None:
    found = HOST.audit(report().replace("<value>qxl</value>", "", 1), "12.8")
    (one,) = found.differences
    assert "qxl" in one.because


@pytest.fixture
def libvirt(tmp_path: Path) -> Iterator[Path]:
    with serving(FixedHost(HOST, "test"), tmp_path / "s"):
        yield tmp_path / "s"


def ask(path: Path) -> tuple[tuple[int, int], bytes]:
    with LibvirtClient(f"qemu:///system?socket={path}") as client:
        return client.release(), client.domain_capabilities(None, None, "q35", "qemu")


def test_a_libvirt_that_runs_is_asked_over_its_socket(libvirt: Path) -> None:
    release, document = ask(libvirt)
    assert release == (11, 3)
    assert HOST.audit(document, ".".join(map(str, release))).differences == ()


def test_a_libvirt_that_lies_is_found_over_its_socket(libvirt: Path, tmp_path: Path) -> None:
    words = ["audit", f"qemu:///system?socket={tmp_path / 'p'}", "--host", NAME, "--machine", "q35",
             "--virttype", "qemu", "--format", "json"]  # fmt: skip
    with lying(tmp_path / "p", libvirt, lambda xml: xml):
        honest = CliRunner().invoke(_root, words)
    assert (honest.exit_code, json.loads(honest.stdout)["differences"]) == (0, [])
    for true, false, differs in LIES.values():
        if differs is None or "max" in true:
            continue
        with lying(tmp_path / f"p{len(true)}", libvirt, lambda x: x.replace(true, false, 1)):  # noqa: B023
            words[1] = f"qemu:///system?socket={tmp_path / f'p{len(true)}'}"
            done = CliRunner().invoke(_root, words)
        found = {one["path"] for one in json.loads(done.stdout)["differences"]}
        assert (done.exit_code, found) == (1, set(differs))


def test_the_release_that_runs_says_what_is_expected(libvirt: Path, tmp_path: Path) -> None:
    """A libvirt that pretends to be older says more than its release does."""
    with lying(tmp_path / "p", libvirt, lambda xml: xml, 9_000_000):
        done = CliRunner().invoke(
            _root, ["audit", f"qemu:///system?socket={tmp_path / 'p'}", "--host", NAME]
        )
    assert done.exit_code == 1
    assert "libvirt 9.0" in done.stdout


@pytest.mark.parametrize("text", ["", "<domain/>", "no XML", "<domainCapabilities>"])
def test_what_is_no_report(text: str) -> None:
    with pytest.raises(InputError):
        HOST.audit(text)


@pytest.mark.parametrize("uri", ["qemu+ssh://a/system", "xen:///system", "qemu://host/system"])
def test_uris_of_others(uri: str) -> None:
    with pytest.raises(RequestError):
        socket_of(uri)


def test_no_libvirt_is_an_error_with_its_socket(tmp_path: Path) -> None:
    with pytest.raises(LibvirtCallError, match="no connection") as error:
        LibvirtClient(f"qemu:///system?socket={tmp_path / 'none'}")
    assert error.value.where == str(tmp_path / "none")


def test_a_target_is_not_named_with_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(report())
    words = ["audit", str(tmp_path / "a.xml"), "--host", NAME, "--libvirt", "12.8"]
    assert CliRunner().invoke(_root, words).exit_code == 0
    assert CliRunner().invoke(_root, [*words, "--machine", "pc"]).exit_code == 2
