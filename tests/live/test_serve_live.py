"""Real clients of libvirt, as they are installed, ask domcaps."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lxml import etree

import domcaps
from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost, LiveHostSource, RecordingFolder
from domcaps.shipped import open_shipped, shipped_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.hosts.host import Host

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not shutil.which("virsh"), reason="virsh is not installed"),
]

XML = (
    "<domain type='qemu'><name>demo</name><memory unit='MiB'>64</memory>"
    "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
)


TABLE = "<acpi><table type='slic'>/a:/b</table></acpi>"
"""What libvirt defines, and no command line has words for."""


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
    with serving(FixedHost(host, "recorded"), path) as given:
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


def test_models_of_a_hypervisor(host: Host, uri: str) -> None:
    known = subprocess.run(["virsh", "help", "hypervisor-cpu-models"], capture_output=True)
    if known.returncode:
        pytest.skip("this release of virsh has no command for it")
    asked = ["--arch", "x86_64", "--virttype", "qemu"]
    report = etree.fromstring(host.domain_capabilities(virttype="qemu").xml.encode())
    models = report.findall("cpu/mode[@name='custom']/model")
    usable = {model.text for model in models if model.get("usable") == "yes"}
    assert set(virsh(uri, "hypervisor-cpu-models", *asked).split()) == usable
    every = set(virsh(uri, "hypervisor-cpu-models", "--all", *asked).split())
    assert every == {model.text for model in models}


@pytest.mark.parametrize(
    "command", ["list --all", "pool-list --all", "secret-list", "nodedev-list",
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


def test_cpus_are_compared_and_their_baseline_found(uri: str, tmp_path: Path) -> None:
    file = tmp_path / "caps.xml"
    file.write_text(virsh(uri, "domcapabilities", "--machine", "q35", "--virttype", "qemu"))
    asked = ["--virttype", "qemu", str(file)]
    assert "identical" in virsh(uri, "hypervisor-cpu-compare", *asked)
    host_model = etree.fromstring(file.read_bytes()).find("cpu/mode[@name='host-model']")
    assert host_model is not None
    for flags in ([], ["--features"], ["--migratable"]):
        found = etree.fromstring(virsh(uri, "hypervisor-cpu-baseline", *flags, *asked))
        assert found.findtext("model") == host_model.findtext("model")
    # of processors without an emulator
    file.write_text("<cpu><arch>x86_64</arch><model>Nehalem</model><feature name='avx'/></cpu>")
    assert "<model fallback='forbid'>Nehalem</model>" in virsh(uri, "cpu-baseline", str(file))


@pytest.mark.skipif(not shutil.which("qemu-system-s390x"), reason="no QEMU for s390x is installed")
def test_qemu_is_asked_about_cpus_of_mainframes(tmp_path: Path) -> None:
    file = tmp_path / "cpu.xml"
    asked = ["--arch", "s390x", "--machine", "s390-ccw-virtio", "--virttype", "qemu", str(file)]
    with serving(LiveHostSource()) as uri:
        file.write_text("<cpu><model>z14</model><feature name='vx' policy='disable'/></cpu>")
        found = etree.fromstring(virsh(uri, "hypervisor-cpu-baseline", *asked))
        # a model that means the same to every QEMU, and what it has besides
        assert str(found.findtext("model")).endswith("-base")
        features = [node.get("name") for node in found.iterfind("feature")]
        assert "edat" in features and "vx" not in features
        every = etree.fromstring(virsh(uri, "hypervisor-cpu-baseline", "--features", *asked))
        names = [str(node.get("name")) for node in every.iterfind("feature")]
        assert names == sorted(names) and len(names) > len(features)
        file.write_text("<cpu><model>z14</model></cpu><cpu><model>z13</model></cpu>")
        common = etree.fromstring(virsh(uri, "hypervisor-cpu-baseline", *asked))
        assert str(common.findtext("model")).startswith("z13")
        file.write_text("<cpu><model>nope</model></cpu>")
        assert "nope" in failing(uri, "hypervisor-cpu-baseline", *asked)
        # without KVM there is no CPU of the host's to compare with
        assert "not supported" in failing(uri, "hypervisor-cpu-compare", *asked)


def test_a_command_line_is_made_or_what_is_missing_is_named(uri: str, tmp_path: Path) -> None:
    file = tmp_path / "demo.xml"
    file.write_text(XML)
    printed = virsh(uri, "domxml-to-native", "qemu-argv", str(file))
    assert "-name guest=demo," in printed
    assert "-machine pc-q35-" in printed
    file.write_text(XML.replace("</os>", f"{TABLE}</os>"))
    said = failing(uri, "domxml-to-native", "qemu-argv", str(file))
    assert "Operation not supported" in said
    assert "<table" in said
    file.write_text(XML.replace("q35", "nope"))
    assert "nope" in failing(uri, "domxml-to-native", "qemu-argv", str(file))
    assert "unsupported config type" in failing(uri, "domxml-to-native", "argv", str(file))


def test_this_machine_is_asked_itself() -> None:
    with serving(LiveHostSource()) as uri:
        root = etree.fromstring(virsh(uri, "capabilities").encode())
        assert root.findtext("host/cpu/arch") == platform.machine()
        assert root.find("host/topology/cells/cell/cpus/cpu") is not None
        assert f"CPU(s):              {os.cpu_count()}" in virsh(uri, "nodeinfo")


def test_a_zoo_is_asked_by_name() -> None:
    folder = Path(domcaps.__file__).parent / "recordings"
    names = shipped_names()
    if not names:
        pytest.skip("no recording is shipped")
    with serving(RecordingFolder(folder)) as uri:
        for name in names:
            there = uri.replace("/system", f"/{name}")
            root = etree.fromstring(virsh(there, "capabilities").encode())
            assert root.findtext("host/cpu/arch") == open_shipped(name).facts.arch
            assert virsh(f"{uri}?host={name}", "hostname").strip() == name
        assert "no recording 'nope'" in failing(uri.replace("/system", "/nope"), "hostname")


# -- clients in Python, with the interpreter that the system's packages are for --------------------

SYSTEM_PYTHON = "/usr/bin/python3"


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the system's Python without what this one has set up for itself."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [SYSTEM_PYTHON, *arguments], capture_output=True, text=True, timeout=120, env=environment
    )


needs_bindings = pytest.mark.skipif(
    not Path(SYSTEM_PYTHON).exists() or python("-c", "import libvirt").returncode != 0,
    reason="libvirt's bindings for Python are not installed",
)
needs_virtinst = pytest.mark.skipif(
    not shutil.which("virt-install"), reason="virt-install is not installed"
)

BINDINGS = """
import json, sys, libvirt
libvirt.registerErrorHandler(lambda *details: None, None)
libvirt.virEventRegisterDefaultImpl()
c = libvirt.open(sys.argv[1])
xml = open(sys.argv[2]).read()
told = {"type": c.getType(), "host": c.getHostname(), "alive": c.isAlive(), "info": c.getInfo()}
c.setKeepAlive(5, 3)
kind = libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE
registered = c.domainEventRegisterAny(None, kind, lambda *details: None, None)
domain = c.defineXML(xml)
told["domains"] = [d.name() for d in c.listAllDomains()]
told["uuid"] = domain.UUIDString() in domain.XMLDesc()
domain.undefine()
told["left"] = len(c.listAllDomains())
told["report"] = c.getDomainCapabilities(None, "x86_64", "q35", "qemu", 0)
errors = []
for call in (lambda: c.lookupByName("nope"), lambda: c.getSysinfo(), lambda: c.defineXML("<x/>")):
    try:
        call()
    except libvirt.libvirtError as error:
        errors.append(error.get_error_code())
told["errors"] = errors
c.domainEventDeregisterAny(registered)
print(json.dumps(told))
"""


@needs_bindings
def test_the_bindings_for_python(host: Host, uri: str, tmp_path: Path) -> None:
    file = tmp_path / "demo.xml"
    file.write_text(XML)
    done = python("-c", BINDINGS, uri, str(file))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["type"], told["host"], told["alive"]) == ("QEMU", "recorded", 1)
    assert (told["domains"], told["uuid"], told["left"]) == (["demo"], True, 0)
    assert told["report"] == host.domain_capabilities(None, "x86_64", "q35", "qemu").xml
    # no such domain; not supported; not a domain
    assert told["errors"] == [42, 3, 27]


GUESTS = {
    "q35": ["--machine", "q35"],
    "pc": ["--machine", "pc", "--virt-type", "qemu"],
    "devices": ["--machine", "q35", "--rng", "/dev/urandom", "--graphics", "vnc", "--video",
                "virtio", "--watchdog", "i6300esb", "--sound", "ich9"],
    "cpu": ["--machine", "q35", "--virt-type", "qemu", "--cpu", "Westmere"],
}  # fmt: skip


@needs_virtinst
@pytest.mark.parametrize("name", GUESTS)
def test_virt_install_makes_a_guest(host: Host, uri: str, name: str, tmp_path: Path) -> None:
    done = python(
        "/usr/bin/virt-install", "--connect", uri, "--print-xml", "--dry-run", "--name", "demo",
        "--memory", "512", "--osinfo", "generic", "--disk", "none", "--network", "none",
        "--import", *GUESTS[name],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # what it makes of the answers is a domain that has no error
    assert not host.validate(done.stdout).errors
    root = etree.fromstring(done.stdout)
    assert root.xpath("string(os/type/@arch)") == "x86_64"
    # and it can be edited
    edited = subprocess.run(
        [SYSTEM_PYTHON, "/usr/bin/virt-xml", "--connect", uri, "--edit", "--memory", "1024",
         "--print-xml"],
        input=done.stdout, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "1048576" in edited.stdout, edited.stderr


@needs_virtinst
@pytest.mark.parametrize(
    ("disk", "kind"),
    [("path={}/old.qcow2", "qcow2"), ("path={}/old.img", "raw"), ("path={}/new,size=1", "qcow2")],
)
def test_virt_install_looks_at_disks(disk: str, kind: str) -> None:
    # a client over TCP is no user that is known: it sees what every user may read
    tmp_path = Path(tempfile.mkdtemp(prefix="domcaps-pool-"))
    tmp_path.chmod(0o755)
    try:
        _looks_at_disks(disk, kind, tmp_path)
    finally:
        shutil.rmtree(tmp_path)


def _looks_at_disks(disk: str, kind: str, tmp_path: Path) -> None:
    head = b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(16) + (2**30).to_bytes(8, "big")
    (tmp_path / "old.qcow2").write_bytes(head + bytes(72))
    (tmp_path / "old.img").write_bytes(bytes(4096))
    before = sorted(tmp_path.iterdir())
    with serving(LiveHostSource()) as uri:
        done = python(
            "/usr/bin/virt-install", "--connect", uri, "--print-xml", "--dry-run", "--name", "demo",
            "--memory", "512", "--osinfo", "generic", "--network", "none", "--import",
            "--virt-type", "qemu", "--disk", disk.format(tmp_path),
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    root = etree.fromstring(done.stdout)
    driver, source = root.find("devices/disk/driver"), root.find("devices/disk/source")
    assert driver is not None
    assert driver.get("type") == kind
    assert source is not None
    assert str(source.get("file")).startswith(str(tmp_path))
    assert sorted(tmp_path.iterdir()) == before, "nothing is made"


@needs_virtinst
@pytest.mark.parametrize(
    "arch", ["aarch64", "s390x", "ppc64le", "riscv64", "loongarch64", "armv7l", "i686"]
)
def test_virt_install_makes_guests_of_other_processors(arch: str) -> None:
    hosts = [open_shipped(name) for name in shipped_names()]
    known = [found for found in hosts if found.has_emulator(arch)]
    if not known:
        pytest.skip(f"no recording that is shipped has an emulator for {arch}")
    with serving(FixedHost(known[0], "recorded")) as uri:
        done = python(
            "/usr/bin/virt-install", "--connect", uri, "--print-xml", "--dry-run", "--name", "demo",
            "--memory", "512", "--osinfo", "generic", "--disk", "none", "--network", "none",
            "--import", "--arch", arch, "--virt-type", "qemu",
        )  # fmt: skip
    if done.returncode:
        # this release of virt-install knows no such processor
        assert "support" in done.stderr or "machine" in done.stderr, done.stderr
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert etree.fromstring(done.stdout).xpath("string(os/type/@arch)") == arch
