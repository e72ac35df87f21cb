"""Nova and KubeVirt ask domcaps, and hear what libvirt would have told them.

Both judge hosts by libvirt's answers. Nova's own code is called (``make nova`` installs it, apart
from all else); what KubeVirt's labeller reads is stated in `kubevirt_labels`. Each is asked

* of a recording that is shipped: what it understands is what the report says;
* of this machine and of the libvirtd that runs on it: both understand the same. Where domcaps is
  served elsewhere, beside a libvirtd (in a container, say), ``DOMCAPS_BESIDE`` names the two URIs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

import kubevirt_labels
from domcaps.errors import UnknownDialectError
from domcaps.language import parse_dialect
from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost, LiveHostSource
from domcaps.shipped import open_shipped, shipped_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.hosts.host import Host

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not shutil.which("virsh"), reason="virsh is not installed"),
]

ROOT = Path(__file__).parents[2]
NOVA = Path(os.environ.get("DOMCAPS_NOVA_PYTHON", ROOT / ".venv-nova/bin/python"))
ASKS = ROOT / "tests" / "nova_asks.py"
SYSTEM = "qemu:///system"
HAS_KVM = os.access("/dev/kvm", os.W_OK)

# where its installation was cut off there is a Python, and no Nova
INSTALLED = (
    NOVA.exists()
    if "DOMCAPS_NOVA_PYTHON" in os.environ
    else (NOVA.parents[1] / ".installed").exists()
)
BINDINGS = Path("/usr/lib/python3/dist-packages/libvirt.py")
needs_nova = pytest.mark.skipif(
    not INSTALLED or not BINDINGS.exists(),
    reason="Nova (`make nova`, or DOMCAPS_NOVA_PYTHON) or libvirt's bindings are not installed",
)
virttypes = pytest.mark.parametrize(
    "virttype",
    [pytest.param("kvm", marks=pytest.mark.skipif(not HAS_KVM, reason="no KVM here")), "qemu"],
)


@pytest.fixture(scope="module")
def host() -> Host:
    names = [name for name in shipped_names() if name.endswith("-x86_64")]
    if not names:
        pytest.skip("no recording is shipped")
    return open_shipped(names[-1])


@pytest.fixture(scope="module")
def uri(host: Host) -> Iterator[str]:
    with serving(FixedHost(host, "recorded")) as given:
        yield given


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[str, str]]:
    """Give the URIs of domcaps and of a libvirt, on one host."""
    if named := os.environ.get("DOMCAPS_BESIDE"):
        ours, theirs = named.split()
        yield ours, theirs
        return
    done = subprocess.run(
        ["virsh", "-c", SYSTEM, "version"], capture_output=True, text=True, timeout=60
    )
    found = re.search(r"API: QEMU (\S+)", done.stdout)
    if not found:
        pytest.skip("no libvirtd runs here to be compared with (DOMCAPS_BESIDE names another)")
    try:
        parse_dialect(found[1])
    except UnknownDialectError as unknown:
        pytest.skip(f"the libvirtd of this machine can't be compared with: {unknown}")
    with serving(LiveHostSource(), libvirt=found[1]) as ours:
        yield ours, SYSTEM


def virsh(uri: str, *command: str, given: str = "") -> str:
    done = subprocess.run(
        ["virsh", "-c", uri, *command], input=given, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def nova(uri: str, virttype: str) -> dict[str, Any]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    # it goes through sets, and keeps what it met first
    environment["PYTHONHASHSEED"] = "0"
    done = subprocess.run(
        [str(NOVA), "-W", "ignore", str(ASKS), uri, virttype],
        capture_output=True, text=True, timeout=240, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def labels(uri: str, virttype: str, arch: str = "x86_64") -> dict[str, str]:
    return kubevirt_labels.labels(
        lambda *words, given="": virsh(uri, *words, given=given), arch, virttype
    )


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:  # noqa: ANN401,RUF100
    """Name what differs, down to the last part: there are thousands of answers."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted(ours.keys() | theirs.keys())
        return [d for k in keys for d in differences(ours.get(k), theirs.get(k), f"{path}/{k}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [d for k, both in pairs for d in differences(*both, path=f"{path}/{k}")]
    return [] if ours == theirs else [f"{path}: {ours!r} is {theirs!r} by libvirt"]


# -- Nova -----------------------------------------------------------------------------------------


@needs_nova
@virttypes
def test_nova_is_told_what_libvirt_tells_it(pair: tuple[str, str], virttype: str) -> None:
    ours, theirs = (nova(uri, virttype) for uri in pair)
    assert differences(ours, theirs) == []
    failed = {name for name, told in ours.items() if str(told).startswith("error: ")}
    assert failed <= {"compare no-such-model", "compare with emulator no-such-model"}


@needs_nova
def test_nova_understands_what_a_recording_says(host: Host, uri: str) -> None:
    told = nova(uri, "qemu")
    found = host.domain_capabilities(machine="q35", virttype="qemu").devices
    cards = {name.upper() for name in found.video.enums["modelType"]}
    traits = {trait.rpartition("_")[2] for trait, has in told["_get_video_model_traits"].items()
              if has}  # fmt: skip
    assert traits and traits <= cards
    # of all machine types that it asks about it takes any bus
    buses = told["_get_storage_bus_traits"]
    for name in found.disk.enums["bus"]:
        assert buses.get(f"COMPUTE_STORAGE_BUS_{name.upper()}", True)
    assert told["tpm_models"] and set(found.tpm.enums["model"]) <= set(told["tpm_models"])
    assert told["supports_uefi"] is True
    assert told["get_driver_type"] == "QEMU"
    assert str(told["machine x86_64 q35"]).startswith("pc-q35-")
    assert told["compare with emulator no-such-model"] == "error: libvirtError"


# -- KubeVirt -------------------------------------------------------------------------------------


@virttypes
def test_nodes_get_the_labels_that_libvirt_gives_them(pair: tuple[str, str], virttype: str) -> None:
    ours, theirs = (labels(uri, virttype) for uri in pair)
    assert ours == theirs
    assert any(name.startswith("host-model-cpu.") for name in ours)
    assert any(name.startswith("cpu-feature.") for name in ours)


def test_labels_of_a_recording_say_what_its_report_says(host: Host, uri: str) -> None:
    found = labels(uri, "qemu")
    report = etree.fromstring(host.domain_capabilities(machine="q35", virttype="qemu").xml.encode())
    usable = {str(model.text) for model in report.iterfind("cpu/mode/model[@usable='yes']")}
    named = {name.partition("/")[2] for name in found if name.startswith("cpu-model.")}
    assert named == usable - kubevirt_labels.OBSOLETE
    assert named
    model = report.findtext("cpu/mode[@name='host-model']/model")
    assert f"host-model-cpu.node.kubevirt.io/{model}" in found
    # whatever host-model must have the emulator has
    required = {name.partition("/")[2] for name in found if "required-features" in name}
    features = {name.partition("/")[2] for name in found if name.startswith("cpu-feature.")}
    assert required and required <= features
    assert "machine-type.node.kubevirt.io/q35" in found
