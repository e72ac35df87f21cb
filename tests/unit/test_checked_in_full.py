"""``check='full'``: libvirt compares what the guest got with what its domain names."""

from __future__ import annotations

import pytest

import domcaps

CPU = (
    "<domain type='qemu'><name>a</name><memory>65536</memory><os><type arch='x86_64' "
    "machine='q35'>hvm</type></os><cpu match='exact' check='{check}'><model fallback='forbid'>"
    "{model}</model><feature policy='require' name='hypervisor'/>{more}</cpu></domain>"
)
MISSING = ("hle", "invpcid", "pcid", "rtm", "tsc-deadline")
"""What libvirt 12.8 named for Haswell, where QEMU 11.1 emulates it."""


@pytest.fixture(scope="module")
def host() -> domcaps.Host:
    return domcaps.Host.open("shipped:sid-x86_64")


def test_features_that_qemu_cannot_give_are_named(host: domcaps.Host) -> None:
    found = host.validate(CPU.format(check="full", model="Haswell", more=""))
    (error,) = found.errors
    assert error.code == "cpu-check-full-missing"
    assert error.stage is domcaps.Stage.START
    assert all(name in error.message for name in MISSING)
    # the notice would say that the guest starts
    assert not found.notices


@pytest.mark.parametrize("policy", ["disable", "forbid"])
def test_what_a_domain_disables_is_not_missing(host: domcaps.Host, policy: str) -> None:
    more = "".join(f"<feature policy='{policy}' name='{name}'/>" for name in MISSING)
    assert not host.validate(CPU.format(check="full", model="Haswell", more=more)).errors
    fewer = more.replace(f"<feature policy='{policy}' name='rtm'/>", "")
    assert host.validate(CPU.format(check="full", model="Haswell", more=fewer)).errors


def test_a_repair_starts_the_guest_without_them(host: domcaps.Host) -> None:
    found = host.repair(CPU.format(check="full", model="Haswell", more=""))
    assert b"check='none'" in found.data
    assert host.validate(found.data).accepted
