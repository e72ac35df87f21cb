"""Real clients of libvirt, as they are installed, ask domcaps."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from domcaps.serve.background import serving
from domcaps.serve.source import Given
from domcaps.shipped import open_shipped, shipped_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domcaps.api import Host

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not shutil.which("virsh"), reason="virsh is not installed"),
]

XML = (
    "<domain type='qemu'><name>demo</name><memory unit='MiB'>64</memory>"
    "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
)


@pytest.fixture(scope="module")
def host() -> Host:
    names = [name for name in shipped_names() if name.endswith("-x86_64")]
    if not names:
        pytest.skip("no recording is shipped")
    return open_shipped(names[-1])


@pytest.fixture(scope="module", params=["unix", "tcp"])
def uri(
    host: Host, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    path = tmp_path_factory.mktemp("serve") / "s" if request.param == "unix" else None
    with serving(Given(host, "recorded"), path) as given:
        yield given


def virsh(uri: str, *command: str) -> str:
    done = subprocess.run(
        ["virsh", "-c", uri, *command], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def failing(uri: str, *command: str) -> str:
    done = subprocess.run(
        ["virsh", "-c", uri, *command], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    return done.stderr


def test_the_report_arrives_as_it_was_made(host: Host, uri: str) -> None:
    printed = virsh(uri, "domcapabilities", "--machine", "q35", "--virttype", "qemu")
    # how many empty lines follow depends on the release of virsh
    assert printed.rstrip() == host.domain_capabilities(machine="q35", virttype="qemu").xml.rstrip()


def test_what_people_ask_first(uri: str) -> None:
    assert "Running hypervisor: QEMU" in virsh(uri, "version")
    assert virsh(uri, "hostname").strip() == "recorded"
    assert "x86_64" in virsh(uri, "nodeinfo")
    assert "qemu64" in virsh(uri, "cpu-models", "x86_64").split()
    root = etree.fromstring(virsh(uri, "capabilities").encode())
    assert root.find("guest/arch[@name='x86_64']/domain[@type='qemu']") is not None


@pytest.mark.parametrize(
    "command", ["list --all", "net-list --all", "pool-list --all", "secret-list", "nodedev-list",
                "iface-list", "nwfilter-list"]
)  # fmt: skip
def test_lists_are_empty(uri: str, command: str) -> None:
    assert len(virsh(uri, *command.split()).strip().splitlines()) <= 2


def test_errors_are_libvirts(uri: str) -> None:
    assert "invalid argument:" in failing(uri, "domcapabilities", "--machine", "nope")
    assert "unsupported configuration:" in failing(uri, "domcapabilities", "--arch", "mips")
    assert "not supported by the connection driver" in failing(uri, "sysinfo")


def test_a_domain_is_looked_at_and_listed_back(uri: str, tmp_path: Path) -> None:
    file = tmp_path / "demo.xml"
    file.write_text(XML)
    printed = virsh(uri, f"define --validate {file}; list --all; dumpxml demo; dominfo demo")
    assert "Domain 'demo' defined" in printed
    assert "demo   shut off" in printed
    assert "<uuid>" in printed
    assert "demo" not in virsh(uri, "list", "--all")
    file.write_text(XML.replace("q35", "nope"))
    assert "nope" in failing(uri, "define", str(file))
