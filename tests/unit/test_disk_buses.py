"""A bus of disks is one record: one that is added is reported, checked, placed, told and chosen."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from domcaps.elements.buses.disk import BUSES, NO_BUS, bus_named

# another process, where the record is there before the elements that read it
SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from domcaps.elements.buses import disk as buses
from domcaps.language import Choice
from domcaps.language.observed import device
from domcaps.language.qemu_args import QemuArgs

buses.BUSES += (
    buses.DiskBus(
        "ufs",
        (Choice("ufs", device("VGA"), qemu_args=QemuArgs("-device ufs")),),
        letters="ud",
        usual="ud",
        controller=buses.DiskController("ufs", pci="express", qemu="ufs"),
        address="drive",
        units=(32, 32),
        zero=("bus", "target"),
        words=buses.DiskWords("ufs-lu", place="bus=ufs{controller}.0,lun={unit}"),
    ),
)

from domcaps.language.rule import Sample
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import sample_host

host = sample_host("x86_64", "sid", "q35")

def disk(name, inside="", driver="", bus=" bus='ufs'"):
    return (f"<disk type='file'><driver name='qemu' type='raw'>{driver}</driver>"
            f"<source file='/a'/><target dev='{name}'{bus}/>{inside}</disk>")

def domain(xml):
    return domain_of(Sample(xml, arch="x86_64", machine="q35"))

def codes(xml):
    return sorted(f.code for f in host.validate(domain(xml), "12.8").errors)

at = "<address type='drive' {}/>"
print(json.dumps({
    "report": host.domain_capabilities(libvirt="12.8", machine="q35").xml,
    "fine": codes(disk("uda")),
    "by its name": codes(disk("uda", bus="")),
    "twice": codes(disk("uda") + disk("udb", at.format("unit='0'"))),
    "elsewhere": codes(disk("uda", "<address type='pci' slot='5'/>")),
    "zero": codes(disk("uda", at.format("bus='1'"))),
    "statistics": codes(disk("uda", driver="<statistics><statistic interval='1'/></statistics>")),
    "told": host.native(domain(disk("uda") + disk("udah")), "12.8"),
    "chosen": host.choose(disks=["/a.raw,bus=ufs"], settings=["os.machine=q35"]).xml,
}))
"""


@cache
def found() -> dict[str, Any]:
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tests)], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_new_bus_is_reported() -> None:
    assert "<value>ufs</value>" in found()["report"]


def test_a_new_bus_is_checked() -> None:
    assert found()["fine"] == found()["by its name"] == []
    assert "disk-address-duplicate" in found()["twice"]
    assert "disk-address-type-unsupported" in found()["elsewhere"]
    assert "disk-address-out-of-range" in found()["zero"]
    assert "disk-statistics-unsupported" in found()["statistics"]


def test_disks_on_a_new_bus_are_placed_and_told() -> None:
    """The 34th disk is on the second controller: libvirt adds both."""
    words = " ".join(found()["told"])
    assert "ufs,id=ufs0" in words
    assert "ufs,id=ufs1" in words
    assert "ufs-lu,bus=ufs0.0,lun=0" in words
    assert "ufs-lu,bus=ufs1.0,lun=1" in words


def test_a_new_bus_is_chosen() -> None:
    assert "<target dev='uda' bus='ufs'/>" in found()["chosen"].replace('"', "'")


def test_names_are_unique() -> None:
    names = [bus.name for bus in BUSES]
    assert len(set(names)) == len(names)
    letters = [bus.letters for bus in BUSES if bus.letters]
    assert len(set(letters)) == len(letters)
    assert bus_named("nothing") is NO_BUS


@pytest.mark.parametrize("bus", BUSES, ids=lambda bus: bus.name)
def test_a_bus_is_consistent(bus: Any) -> None:
    """A place on a controller needs units and a controller; each line of the report its name."""
    assert {choice.name for choice in bus.choices} == {bus.name}
    assert (bus.controller is None) == (bus.units is None)
    assert (bus.address == "drive") == (bus.controller is not None)
    if bus.words is not None and bus.controller is not None:
        assert bus.words.place or bus.words.builtin
