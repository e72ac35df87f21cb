"""A fleet says of domains with slips of the pen what each host says alone.

But for lists of accepted values: a host leaves out those that the rest of the domain rules out.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

import domcaps
from domcaps.fleet.fleet import Fleet
from real_domains import real_domains
from slip_maker import slips

if TYPE_CHECKING:
    from pathlib import Path

    from domcaps.language.finding import Finding

_PER_DOMAIN = 3
_EMULATOR = re.compile(rb"<emulator>.*?</emulator>")
"""In a fleet its path stands for a role, which each host has a path for."""
_MISSPELT = (
    "<domain type='kvm'><name>a</name><memory>1048576</memory>"
    "<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>"
    "<disk type='file' device='cdroom'><source file='/a.iso'/><target dev='sda' bus='ide'/>"
    "<readonly/></disk></devices></domain>"
)


def told(findings: tuple[Finding, ...]) -> list[tuple[str, str, int]]:
    return sorted((one.code, one.path, one.line) for one in findings)


def documents() -> dict[str, bytes]:
    draw = random.Random(20)  # noqa: S311 - no secret
    found = {"misspelt": _MISSPELT.encode()}
    for domain in real_domains()[::5]:
        made = slips(domain.xml, draw)
        for number, slip in enumerate(draw.sample(made, min(_PER_DOMAIN, len(made)))):
            found[f"{domain.name}-{number}"] = _EMULATOR.sub(b"", slip.data)
    return found


@pytest.mark.parametrize("name", ["debian12-x86_64", "debian13-x86_64"])
def test_a_fleet_finds_what_a_host_finds(name: str, tmp_path: Path) -> None:
    host = domcaps.Host.open(f"shipped:{name}")
    assert host.recording is not None
    fleet, asked = Fleet.open(tmp_path), documents()
    fleet.add(host.recording, "node")
    libvirt = "12.8"
    for pair in fleet.verdicts(asked.items(), libvirt):
        alone = host.validate(asked[pair.domain], libvirt)
        assert told((*pair.errors, *pair.warnings)) == told(alone.findings), pair.domain
