"""What the sandbox writes into a definition, as seen of libvirt 12.8 and 11.3."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from lxml import etree

from domcaps.serve.completed import complete
from domcaps.shipped import open_shipped

CPU = "<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>{}</model>{}</cpu>"
TOPOLOGY = "<topology sockets='1' cores='1' threads='1'/>"
HOST_MODEL = "<cpu mode='host-model'/>"
NAMED = "<cpu><model>qemu64</model></cpu>"


@pytest.mark.parametrize(
    ("arch", "machine", "written", "expected"),
    [
        ("x86_64", "q35", "", CPU.format("qemu64", "")),
        ("x86_64", "q35", "<cpu/>", CPU.format("qemu64", "")),
        ("x86_64", "q35", f"<cpu>{TOPOLOGY}</cpu>", CPU.format("qemu64", TOPOLOGY)),
        ("x86_64", "q35", HOST_MODEL, HOST_MODEL),
        ("x86_64", "q35", NAMED, NAMED),
        ("s390x", "s390-ccw-virtio", "", CPU.format("qemu", "")),
        ("ppc64", "mac99", "", CPU.format("ppc64", "")),
        ("riscv64", "virt", "", CPU.format("rv64", "")),
        ("aarch64", "virt", "", None),
    ],
)
def test_the_cpu_that_is_left_open_is_that_of_the_machine(
    arch: str, machine: str, written: str, expected: str | None
) -> None:
    root = etree.fromstring(
        "<domain type='qemu'><name>g</name><memory>262144</memory>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os>{written}</domain>"
    )
    host = open_shipped(f"sid-{arch}")
    session = SimpleNamespace(libvirt="12.8", served=lambda: SimpleNamespace(host=host))
    complete(cast("Any", session), root)
    found = root.find("cpu")
    if expected is None:
        assert found is None
        return
    assert found is not None
    wanted = etree.fromstring(expected)
    assert [(n.tag, dict(n.attrib), (n.text or "").strip()) for n in found.iter()] == [
        (n.tag, dict(n.attrib), (n.text or "").strip()) for n in wanted.iter()
    ]
