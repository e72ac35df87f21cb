"""What a start needs of the host's files: looked at on the machine, unknown in a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domcaps.facts.named_files import MISSING, FileState, look_at
from domcaps.shipped import open_shipped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import domcaps

_DOMAIN = (
    "<domain type='qemu'><name>a</name><memory>65536</memory>"
    "<os><type arch='x86_64' machine='q35'>hvm</type>{os}</os>{more}"
    "<devices>{devices}</devices></domain>"
)
_IMAGE = "<disk type='file'><source file='/a.img'/><target dev='vda' bus='virtio'/></disk>"


def domain(devices: str = "", *, os: str = "", more: str = "") -> str:
    return _DOMAIN.format(devices=devices, os=os, more=more)


def host_with(files: Mapping[str, FileState]) -> domcaps.Host:
    """Give a host on which some files are known, and no others are there."""
    host = open_shipped("sid-x86_64")
    known_world: Any = host.known_world

    def looking(*target: Any, **options: Any) -> Any:
        world = known_world(*target, **options)
        world.look = lambda path: files.get(path, MISSING)
        return world

    host.known_world = looking  # type: ignore[method-assign]
    return host


def there(kind: str) -> FileState:
    return FileState(True, None, kind)


@pytest.mark.parametrize(
    ("xml", "path", "kind", "code"),
    [
        (domain(_IMAGE), "/a.img", "file", "disk-source-file-missing"),
        (
            domain("<disk type='block'><source dev='/dev/v'/><target dev='sda'/></disk>"),
            "/dev/v",
            "block",
            "disk-source-dev-missing",
        ),
        (domain(os="<kernel>/k</kernel>"), "/k", "file", "os-boot-file-missing"),
        (
            domain(os="<kernel>/k</kernel><initrd>/i</initrd>"),
            "/i",
            "file",
            "os-boot-file-missing",
        ),
        (
            domain("<filesystem><source dir='/d'/><target dir='t'/></filesystem>"),
            "/d",
            "folder",
            "filesystem-source-dir-missing",
        ),
        (
            domain("<serial type='unix'><source mode='connect' path='/s'/></serial>"),
            "/s",
            "socket",
            "chardev-source-file-missing",
        ),
        (
            domain("<serial type='file'><source path='/d/log'/></serial>"),
            "/d",
            "folder",
            "chardev-source-file-missing",
        ),
        (
            domain("<interface type='direct'><source dev='eth7'/></interface>"),
            "/sys/class/net/eth7",
            "folder",
            "interface-source-device-missing",
        ),
        (
            domain(
                "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='4'/>"
                "</source></hostdev>"
            ),
            "/dev/bus/usb/001/004",
            "character",
            "hostdev-source-device-missing",
        ),
        (
            domain("<vsock><cid auto='yes'/></vsock>"),
            "/dev/vhost-vsock",
            "character",
            "vsock-device-missing",
        ),
    ],
)
def test_what_is_not_there_fails_at_start_and_is_unknown_in_a_recording(
    xml: str, path: str, kind: str, code: str
) -> None:
    others = {"/k": there("file")} if path != "/k" else {}
    lacking = host_with(others).validate(xml, "12.8")
    assert code in {one.code for one in lacking.errors}
    assert lacking.definable and not lacking.accepted
    found = next(one for one in lacking.errors if one.code == code)
    assert path in found.message or path.rpartition("/")[2] in found.message
    having = host_with({**others, path: there(kind)}).validate(xml, "12.8")
    assert code not in {one.code for one in having.findings}
    recorded = open_shipped("sid-x86_64").validate(xml, "12.8")
    assert code not in {one.code for one in recorded.findings}
    assert any(path in text for text in recorded.unknown)


def test_a_folder_is_no_image() -> None:
    (found,) = host_with({"/a.img": there("folder")}).validate(domain(_IMAGE)).errors
    assert "is a folder, but must be a regular file" in found.message


def test_a_repair_leaves_alone_what_the_host_lacks() -> None:
    text = domain(_IMAGE + "<video><model type='qxll'/></video>")
    repair = host_with({}).repair(text)
    assert b"/a.img" in repair.data
    assert b"qxll" not in repair.data
    assert [one.code for one in repair.findings] == ["disk-source-file-missing"]


def test_a_store_of_variables_that_exists_needs_no_template() -> None:
    os = "<loader readonly='yes' type='pflash'>/c.fd</loader><nvram>/v.fd</nvram>"
    code = "os-nvram-template-missing"
    files = {"/c.fd": FileState(True, 65536, "file")}
    lacking = host_with(files).validate(domain(os=os, more="<features><acpi/></features>"))
    assert code in {one.code for one in lacking.errors}
    files["/v.fd"] = FileState(True, 65536, "file")
    having = host_with(files).validate(domain(os=os, more="<features><acpi/></features>"))
    assert code not in {one.code for one in having.errors}


def test_kinds_of_files_are_seen(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert look_at(str(tmp_path / "file")) == FileState(True, 3, "file")
    assert look_at(str(tmp_path)) == there("folder")
    assert look_at("/dev/null") == there("character")
    assert look_at(str(tmp_path / "none")) == MISSING
