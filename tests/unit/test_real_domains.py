"""Domains as people have them, on a host without KVM, SPICE and QXL."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from domcaps.choose.conversion import convert
from domcaps.choose.repair import repair
from poor_hosts import poor_host
from real_domains import RealDomain, real_domains

if TYPE_CHECKING:
    from domcaps.choose.repaired import Repair

ALL = real_domains()
LEAST = 90
"""How many of a hundred are to be repaired."""


@cache
def repaired(name: str) -> Repair:
    return repair([poor_host()], next(d.xml for d in ALL if d.name == name), "12.8")


def test_there_are_fifty_and_each_is_refused() -> None:
    assert len(ALL) >= 50
    for domain in ALL:
        assert not poor_host().validate(domain.xml).accepted, domain.name


GONE = ("type='spice", 'type="spice', "qxl", "host-passthrough", "redirdev", "vgamem", "kvm-spice")
KEPT = ("disk", "interface", "hostdev", "shmem", "watchdog", "rng", "sound", "input", "memballoon")


@pytest.mark.parametrize("domain", ALL, ids=[domain.name for domain in ALL])
def test_what_is_repaired_keeps_all_that_can_be_there(domain: RealDomain) -> None:
    found = repaired(domain.name)
    before, after = etree.fromstring(domain.xml), etree.fromstring(found.data)
    for tag in KEPT:
        assert len(after.findall(f"devices/{tag}")) == len(before.findall(f"devices/{tag}")), tag
    assert after.findtext("memory") == before.findtext("memory")
    assert after.findtext("vcpu") == before.findtext("vcpu")
    assert not found.removals
    if found.accepted:
        text = found.data.decode()
        head = text.partition("<features>")[0]
        assert "<domain type='qemu'" in head
        assert ("q35" in head) is ("q35" in domain.xml.decode().partition("<features>")[0])
        assert [word for word in GONE if word in text.partition("<devices>")[2]] == []


def test_nine_of_ten_are_repaired() -> None:
    accepted = [d for d in ALL if repaired(d.name).accepted]
    assert len(accepted) * 100 >= LEAST * len(ALL)


OLD = [domain for domain in ALL if b"i440fx" in domain.xml or b"machine='pc'" in domain.xml]


@pytest.mark.parametrize("domain", OLD, ids=[domain.name for domain in OLD])
def test_old_boards_become_q35(domain: RealDomain) -> None:
    done = convert([poor_host()], domain.xml, "12.8", board="q35")
    assert done.accepted, done.repair.findings
    root = etree.fromstring(done.data)
    assert "q35" in (root.find("os/type").get("machine") or "")  # type: ignore[union-attr]
    assert not [t for t in root.iterfind("devices/disk/target") if t.get("bus") == "ide"]
    assert len(root.findall("devices/disk")) == domain.xml.count(b"<disk ")
