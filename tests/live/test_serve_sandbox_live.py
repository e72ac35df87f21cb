"""Provisioning tools, as they are installed, in the sandbox; and the same calls on libvirt."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost
from domcaps.shipped import open_shipped

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = "/usr/bin/python3"
LIFE = Path(__file__).parents[1] / "sandbox_life.py"
HOST = "debian13-x86_64"
GO_LIBVIRT = os.environ.get("DOMCAPS_GO_LIBVIRT", "")


def has_bindings() -> bool:
    done = subprocess.run([PYTHON, "-c", "import libvirt"], capture_output=True)
    return Path(PYTHON).exists() and done.returncode == 0


pytestmark = pytest.mark.live
needs_bindings = pytest.mark.skipif(
    not has_bindings(), reason="libvirt's bindings for Python are not installed"
)


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    host = FixedHost(open_shipped(HOST), "recorded")
    with serving(host, tmp_path / "s", sandbox="user") as given:
        yield given


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def failing(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode, done.stdout
    return done.stderr


def life(uri: str, kind: str) -> list[Any]:
    found: list[Any] = json.loads(run(PYTHON, str(LIFE), uri, kind))
    return found


@needs_bindings
def test_a_life_is_that_of_libvirts_test_driver(uri: str) -> None:
    ours, theirs = life(uri, "qemu"), life("test:///default", "test")
    assert len(ours) == len(theirs) > 35
    differing = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if mine != other]
    assert differing == []


@needs("virt-install", "virt-xml", "virt-clone", "virsh")
def test_virtinst_makes_changes_and_copies_machines(uri: str, tmp_path: Path) -> None:
    image = tmp_path / "install.iso"
    image.write_bytes(bytes(1000))
    virsh, new = ("virsh", "-c", uri), ("virt-install", "--connect", uri, "--osinfo", "generic")
    usual = ("--memory", "512", "--disk", "size=1", "--noautoconsole", "--virt-type", "qemu")
    run(*new, "--name", "one", "--import", *usual)
    run(*new, "--name", "two", "--cdrom", str(image), *usual)
    listed = run(*virsh, "list")
    assert "one" in listed and "two" in listed
    assert "192.168.122." in run(*virsh, "domifaddr", "one")
    edit = ("virt-xml", "--connect", uri, "one")
    run(*edit, "--edit", "--memory", "768", "--define")
    run(*edit, "--add-device", "--disk", "size=1", "--update")
    assert run(*virsh, "domblklist", "one").count("/images/one") == 2
    run(*virsh, "destroy", "one")
    assert "786432" in run(*virsh, "dominfo", "one")
    run("virt-clone", "--connect", uri, "--original", "one", "--auto-clone")
    run(*virsh, "start", "one-clone")
    assert "one-clone.qcow2" in run(*virsh, "vol-list", "default")
    run(*virsh, "undefine", "one", "--remove-all-storage")
    assert " one.qcow2" not in run(*virsh, "vol-list", "default")


@needs("virt-install", "virsh")
def test_a_machine_that_the_host_cannot_run_fails_with_the_reason(uri: str) -> None:
    command = ("virt-install", "--connect", uri, "--osinfo", "generic", "--name", "one",
               "--memory", "512", "--disk", "none", "--import", "--noautoconsole",
               "--virt-type", "qemu", "--cpu", "no-such-model")  # fmt: skip
    text = failing(*command)
    assert "ERROR" in text and "no-such-model" in text
    assert "one" not in run("virsh", "-c", uri, "list", "--all")


@pytest.mark.skipif(not GO_LIBVIRT, reason="DOMCAPS_GO_LIBVIRT names no copy of go-libvirt")
@needs("go")
def test_go_libvirt_tells_a_life(uri: str, tmp_path: Path) -> None:
    """Built here: a copy of its source whose go.mod this Go understands, without TLS and SSH."""
    program = tmp_path / "app"
    shutil.copytree(Path(__file__).parent / "go_libvirt", program)
    (program / "go.mod").write_text(
        "module app\ngo 1.19\nrequire github.com/digitalocean/go-libvirt v0.0.0\n"
        f"replace github.com/digitalocean/go-libvirt => {GO_LIBVIRT}\n"
    )
    environment = os.environ | {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "HOME": str(tmp_path)}
    done = subprocess.run(
        ["go", "run", ".", uri.partition("socket=")[2]],
        cwd=program, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "refused: unsupported configuration" in done.stdout
    assert [line for line in lines if line.startswith("event ")] == [
        "event 2 0", "event 3 0", "event 4 0", "event 5 1",
    ]  # fmt: skip
    assert lines[-1] == "disconnect"


@needs("virsh")
def test_virsh_changes_devices_of_a_machine_that_runs(uri: str, tmp_path: Path) -> None:
    virsh = ("virsh", "-c", uri)
    file = tmp_path / "a.xml"
    file.write_text(
        "<domain type='qemu'><name>a</name><memory unit='MiB'>64</memory>"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
    )
    run(*virsh, "create", str(file))
    run(*virsh, "attach-disk", "a", "/srv/a.img", "vdb")
    run(*virsh, "attach-interface", "a", "network", "default", "--model", "virtio")
    root = etree.fromstring(run(*virsh, "dumpxml", "a").strip())
    assert root.get("id") == "1"
    assert len(root.findall("devices/*")) >= 2
    run(*virsh, "detach-disk", "a", "vdb")
    run(*virsh, "suspend", "a")
    assert "paused" in run(*virsh, "domstate", "a")
    run(*virsh, "resume", "a")
    run(*virsh, "shutdown", "a")
    assert "a" not in run(*virsh, "list", "--all", "--name").split()
