"""Findings that follow from a misspelt value are not reported beside it."""

from __future__ import annotations

import pytest

from poor_hosts import poor_host

HEAD = (
    "<domain type='qemu'><name>g</name><memory unit='MiB'>4096</memory><vcpu>2</vcpu><os>"
    "<type arch='x86_64' machine='pc'>hvm</type></os><devices>{}</devices></domain>"
)
DISC = "<disk device='{}'><source file='/a.iso'/><target dev='hda' bus='ide'/><readonly/></disk>"
DISK = "<disk><source file='/b'/><target dev='hdb' bus='ide'/><readonly/></disk>"


def codes(devices: str) -> list[str]:
    return sorted(one.code for one in poor_host().validate(HEAD.format(devices)).errors)


@pytest.mark.parametrize(
    ("devices", "left"),
    [
        # a CD-ROM drive may be read-only, and have no source
        (DISC.format("cdroom"), ["disk-device-invalid"]),
        (DISC.format("cdroom").replace("<source file='/a.iso'/>", ""), ["disk-device-invalid"]),
        # the fault of another disk stays
        (DISC.format("cdroom") + DISK, ["disk-device-invalid", "disk-readonly-unsupported"]),
        # what is there with the right word, too
        (DISC.format("dsik"), ["disk-device-invalid", "disk-readonly-unsupported"]),
        (DISC.format("floppyy").replace("hda", "fda").replace("ide", "fdc"),
         ["disk-device-invalid"]),
    ],
)  # fmt: skip
def test_what_follows_from_a_typo_is_left_out(devices: str, left: list[str]) -> None:
    assert codes(devices) == left


def test_a_value_that_looks_like_none_hides_nothing() -> None:
    assert "disk-readonly-unsupported" in codes(DISC.format("zzzzzzz"))
