"""Devices in JSON: QEMU makes them last, so that what sits on them has to be JSON as well."""

from __future__ import annotations

import json

from domcaps.native.json_devices import overridden, with_followers
from native_domains import told, with_devices

_DISK = (
    "<disk type='file'><source file='/a'/><target dev='{}' bus='scsi'/>"
    "<address type='drive' controller='{}' unit='{}'/></disk>"
)
_MAPPED = (
    "<controller type='scsi' index='0' model='virtio-scsi'><driver queues='2'><iothreads>"
    "<iothread id='1'/></iothreads></driver></controller>"
    "<controller type='scsi' index='1' model='virtio-scsi'/>"
)


def devices(words: tuple[str, ...]) -> list[str]:
    """Give the values of -device."""
    return [word for before, word in zip(("", *words), words, strict=False) if before == "-device"]


def test_disks_of_a_controller_in_json_are_json() -> None:
    words = told(with_devices(_MAPPED + _DISK.format("sda", 0, 0) + _DISK.format("sdb", 1, 0)))
    by_bus = {
        json.loads(one)["bus"] if one.startswith("{") else one.split("bus=")[1].split(",")[0]: one
        for one in devices(words)
        if "scsi-hd" in one
    }
    first = json.loads(by_bus["scsi0.0"])
    assert (first["driver"], first["lun"], first["scsi-id"]) == ("scsi-hd", 0, 0)
    assert by_bus["scsi1.0"].startswith("scsi-hd,")


def test_values_have_the_type_of_the_property() -> None:
    types = {"serial": "str", "removable": "bool", "lun": "int32", "wwn": "uint64"}
    line = ["-device", '{"driver":"x","id":"a"}', "-device"]
    plugged = "scsi-hd,bus=a.0,serial=007,removable=on,lun=3,wwn=0x10,write-cache=on"
    *_, last = with_followers([*line, plugged], lambda _driver, name: types.get(name, ""))
    told_last = json.loads(last)
    assert told_last["serial"] == "007"
    assert told_last["removable"] is True
    assert (told_last["lun"], told_last["wwn"]) == (3, 16)
    # a property of three states is a text
    assert told_last["write-cache"] == "on"


def test_what_sits_elsewhere_stays_as_it_is() -> None:
    line = [
        "-device",
        '{"driver":"x","id":"a"}',
        "-device",
        "e1000,bus=ab.0",
        "-netdev",
        "user,id=a",
    ]
    assert [*with_followers(line, lambda *_: "")] == line


def test_properties_of_json_devices_are_overridden() -> None:
    changes = {"a": {"speed": "7", "on": "on", "gone": None}}
    assert json.loads(overridden('{"driver":"x","id":"a","gone":1}', changes)) == {
        "driver": "x",
        "id": "a",
        "speed": 7,
        "on": True,
    }
    assert overridden('{"driver":"x","id":"b"}', changes) == '{"driver":"x","id":"b"}'
    assert overridden("x,id=a,gone=1,text=a,,b", changes) == "x,id=a,text=a,,b,speed=7,on=on"
