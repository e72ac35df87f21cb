"""Firmware descriptors: which of them count, and what they offer to a machine type."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.facts.descriptors import LIMIT, read_descriptors
from domcaps.facts.firmware import FirmwareIndex, FirmwareSummary, Offer, firmware_for
from domcaps.facts.firmwarefile import (
    Firmware,
    FirmwareFile,
    FirmwareMapping,
    MalformedFirmware,
    glob_matches,
    parse_firmware,
)
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.record import FirmwareDescriptor, HostRecord
from domcaps.shipped import open_shipped

if TYPE_CHECKING:
    from pathlib import Path

ETC = "/etc/qemu/firmware"
SHARE = "/usr/share/qemu/firmware"
Q35 = [{"architecture": "x86_64", "machines": ["pc-q35-*"]}]
FLASH = {
    "device": "flash",
    "executable": {"filename": "/fw/code.fd", "format": "raw"},
    "nvram-template": {"filename": "/fw/vars.fd", "format": "qcow2"},
}
ROM = {"device": "memory", "filename": "/fw/rom.bin"}
IMAGES = ("/fw/code.fd", "/fw/vars.fd", "/fw/rom.bin", "/usr/share/AAVMF/AAVMF_CODE.fd")


class Unreadable(HostFiles):
    """A host of which nothing may be read."""

    def read(self, path: str, limit: int = 0) -> bytes:
        raise PermissionError(13, "Permission denied")


def text(*features: str, **replaced: Any) -> str:
    """Write a descriptor of UEFI firmware for q35 with these features."""
    document = {
        "description": "sample",
        "interface-types": ["uefi"],
        "mapping": FLASH,
        "targets": Q35,
        "features": list(features),
        "tags": [],
    }
    names = {name.replace("_", "-"): value for name, value in replaced.items()}
    return json.dumps({**document, **names})


def summary(*texts: str, machine: str = "pc-q35-9.0", arch: str = "x86_64") -> FirmwareSummary:
    """Sum up descriptors called 1.json, 2.json, …"""
    descriptors = tuple(
        FirmwareDescriptor(SHARE, f"{number}.json", content)
        for number, content in enumerate(texts, 1)
    )
    return firmware_for(HostRecord(arch, firmware=descriptors, images=IMAGES), arch, machine)


def parse(content: str) -> Firmware:
    return parse_firmware("/f.json", content)


class TestOneDescriptor:
    def test_flash(self) -> None:
        firmware = parse(text("secure-boot"))
        assert firmware.mapping == FirmwareMapping(
            "flash",
            FirmwareFile("/fw/code.fd", "raw"),
            "split",
            FirmwareFile("/fw/vars.fd", "qcow2"),
        )
        assert firmware.files == ("/fw/code.fd", "/fw/vars.fd")
        assert firmware.has("secure-boot")
        assert not firmware.has("requires-smm")

    @pytest.mark.parametrize("mode", ["combined", "stateless"])
    def test_flash_without_a_template(self, mode: str) -> None:
        mapping = {"device": "flash", "mode": mode, "executable": FLASH["executable"]}
        assert parse(text(mapping=mapping)).mapping.template is None

    @pytest.mark.parametrize(("device", "is_loader"), [("memory", True), ("kernel", False)])
    def test_plain_images(self, device: str, *, is_loader: bool) -> None:
        firmware = parse(text(mapping={"device": device, "filename": "/fw/a"}))
        assert firmware.image == "/fw/a"
        assert firmware.is_loader is is_loader

    def test_igvm_is_known_but_no_loader(self) -> None:
        assert not parse(text(mapping={"device": "igvm", "filename": "/fw/a"})).is_loader

    def test_a_variable_store_of_its_own(self) -> None:
        mapping = {**ROM, "uefi-vars": {"template": "/fw/vars.json"}}
        found = parse(text("host-uefi-vars", mapping=mapping)).mapping
        assert found.uefi_vars
        assert found.template == FirmwareFile("/fw/vars.json", "json")

    def test_qemus_names_of_architectures_are_translated(self) -> None:
        targets = [
            {"architecture": "i386", "machines": ["pc-*"]},
            {"architecture": "arm", "machines": ["virt-*"]},
        ]
        firmware = parse(text(targets=targets))
        assert firmware.suits("i686", "pc-i440fx-9.0")
        assert firmware.suits("armv7l", "virt-9.0")
        assert not firmware.suits("x86_64", "pc-i440fx-9.0")

    def test_what_does_not_matter_may_be_anything(self) -> None:
        firmware = parse(text(description=7, tags="none", features=["a", 1, None, "b"], more=[]))
        assert firmware.description == ""
        assert firmware.features == ("a", "b")

    def test_a_pattern_that_is_no_text_matches_nothing(self) -> None:
        targets = [{"architecture": "x86_64", "machines": [1, None, "pc-q35-*"]}]
        assert parse(text(targets=targets)).targets[0].machines == ("pc-q35-*",)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("", "not JSON"),
            ("{", "not JSON"),
            ('{"a": 1} x', "not JSON"),
            ("// comment\n{}", "not JSON"),
            ("[" * 100_000, "not JSON"),
            ('{"a": NaN}', "not JSON"),
            ("[]", "not a JSON object"),
            ("{}", "'interface-types' is not a list"),
            (text(interface_types="uefi"), "'interface-types' is not a list"),
            (text(interface_types=["uefi", "efi"]), "no interface type is called 'efi'"),
            (text(interface_types=[["uefi"]]), "no interface type is called ['uefi']"),
            (text(mapping=None), "'mapping' is not an object"),
            (text(mapping={}), "'device' of 'mapping' is not a string"),
            (text(mapping={"device": "tape"}), "no mapping has the device 'tape'"),
            (text(mapping={"device": "memory", "filename": 1}), "'filename' of 'mapping'"),
            (text(mapping={"device": "flash"}), "'executable' is not an object"),
            (text(mapping={**FLASH, "mode": "torn"}), "no flash mode is called 'torn'"),
            (text(mapping={**FLASH, "mode": None}), "no flash mode is called None"),
            (text(mapping={**FLASH, "nvram-template": {}}), "'filename' of 'nvram-template'"),
            (text(mapping={**FLASH, "executable": {"filename": "/a"}}), "'format' of 'executable'"),
            (text(mapping={**ROM, "uefi-vars": {}}), "'template' of 'uefi-vars'"),
            (text(mapping={**ROM, "uefi-vars": None}), "'uefi-vars' is not an object"),
            (text(targets={}), "'targets' is not a list"),
            (text(targets=["x86_64"]), "'targets' is not an object"),
            (text(targets=[{"architecture": "vax", "machines": []}]), "called 'vax'"),
            (text(targets=[{"architecture": "x86_64"}]), "'machines' is not a list"),
            (text(features=None), "'features' is not a list"),
            (text(interface_types=["x" * 9999]), "xxx…"),
        ],
    )
    def test_malformed(self, content: str, reason: str) -> None:
        with pytest.raises(MalformedFirmware) as caught:
            parse(content)
        assert reason in str(caught.value)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("pc-q35-*", "pc-q35-9.0", True),
        ("*", "", True),
        ("", "", True),
        ("", "a", False),
        ("a", "", False),
        ("virt", "virt-9.0", False),
        ("pc-???-*", "pc-q35-9.0", True),
        ("pc-????-*", "pc-q35-9.0", False),
        ("*-9.?", "pc-q35-9.0", True),
        ("pc-[q]35-*", "pc-q35-9.0", False),
        ("pc-[q]35-*", "pc-[q]35-9", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-b-b-", False),
        ("**", "x", True),
        ("*" * 500_000 + "b", "a" * 60, False),
        ("*a" * 30 + "b", "a" * 60, False),
    ],
)
def test_globs(pattern: str, name: str, *, matches: bool) -> None:
    assert glob_matches(pattern, name) is matches


class TestSummary:
    def test_nothing_there(self) -> None:
        found = summary()
        assert found.interfaces == found.secure_boot == found.enrolled_keys == ()
        assert not found.bios
        assert not found.efi

    def test_values_name_their_descriptors(self) -> None:
        found = summary(text("secure-boot", "requires-smm"), text(mapping=ROM))
        one, two = f"{SHARE}/1.json", f"{SHARE}/2.json"
        assert found.interfaces == (Offer("efi", (one, two)),)
        assert found.images == (Offer("/fw/code.fd", (one,)), Offer("/fw/rom.bin", (two,)))
        assert found.secure_boot == (Offer("yes", (one,)), Offer("no", (two,)))
        assert found.enrolled_keys == (Offer("no", (one, two)),)
        assert found.secure_loader == (one,)

    @pytest.mark.parametrize(
        ("features", "secure_boot", "enrolled_keys", "secure"),
        [
            ((), ("no",), ("no",), False),
            (("secure-boot",), ("yes",), ("no",), False),
            (("requires-smm",), ("no",), ("no",), True),
            (("enrolled-keys",), ("no",), ("yes",), False),
            (("secure-boot", "requires-smm", "enrolled-keys"), ("yes",), ("yes",), True),
        ],
    )
    def test_features(
        self,
        features: tuple[str, ...],
        secure_boot: tuple[str, ...],
        enrolled_keys: tuple[str, ...],
        *,
        secure: bool,
    ) -> None:
        found = summary(text(*features))
        assert found.secure_boot_values == secure_boot
        assert found.enrolled_keys_values == enrolled_keys
        assert bool(found.secure_loader) is secure

    def test_features_count_whatever_the_interface(self) -> None:
        found = summary(text("secure-boot", interface_types=["uboot"]))
        assert found.interfaces == ()
        assert found.secure_boot_values == ("yes",)
        assert found.loaders == ("/fw/code.fd",)

    def test_bios_comes_before_efi(self) -> None:
        found = summary(text(interface_types=["uefi", "bios"]))
        assert [offer.value for offer in found.interfaces] == ["bios", "efi"]
        assert found.bios
        assert found.efi

    def test_each_image_is_named_once_in_the_order_of_descriptors(self) -> None:
        found = summary(text(mapping=ROM), text(), text(), text(mapping=ROM))
        assert found.loaders == ("/fw/rom.bin", "/fw/code.fd")

    def test_an_image_that_is_missing_is_no_loader_and_no_reason_for_defaults(self) -> None:
        found = summary(text(mapping={"device": "memory", "filename": "/fw/gone"}))
        assert found.loaders == ()
        assert found.missing_images == (Offer("/fw/gone", (f"{SHARE}/1.json",)),)
        assert found.efi
        assert not found.uses_defaults

    @pytest.mark.parametrize(
        "content",
        [
            text(targets=[{"architecture": "aarch64", "machines": ["*"]}]),
            text(targets=[{"architecture": "x86_64", "machines": ["q35", "microvm"]}]),
            text(targets=[]),
            text(mapping={"device": "kernel", "filename": "/fw/rom.bin"}),
            text(mapping={"device": "igvm", "filename": "/fw/rom.bin"}),
            "{",
        ],
    )
    def test_where_no_image_is_given_the_known_ones_stand_in(self, content: str) -> None:
        found = summary(content)
        assert found.uses_defaults
        assert found.loaders == ("/usr/share/AAVMF/AAVMF_CODE.fd",)
        assert found.interfaces == found.secure_boot == ()

    def test_kernels_are_told_apart(self) -> None:
        found = summary(text(mapping={"device": "kernel", "filename": "/fw/rom.bin"}))
        assert [firmware.path for firmware in found.kernels] == [f"{SHARE}/1.json"]

    def test_variable_stores(self) -> None:
        mapping = {**ROM, "uefi-vars": {"template": "/fw/gone.json"}}
        assert summary(text("host-uefi-vars")).varstore == ()
        assert summary(text(mapping=mapping)).varstore == (f"{SHARE}/1.json",)


class TestPrecedence:
    def index(self, *descriptors: FirmwareDescriptor) -> FirmwareIndex:
        return FirmwareIndex(descriptors, IMAGES)

    def test_sorted_by_name_across_folders(self) -> None:
        index = self.index(
            FirmwareDescriptor(ETC, "20.json", text()),
            FirmwareDescriptor(SHARE, "10.json", text()),
            FirmwareDescriptor(SHARE, "30.json", text()),
        )
        assert [found.path for found in index.firmwares] == [
            f"{SHARE}/10.json",
            f"{ETC}/20.json",
            f"{SHARE}/30.json",
        ]

    def test_the_more_important_folder_wins(self) -> None:
        index = self.index(
            FirmwareDescriptor(ETC, "1.json", text()),
            FirmwareDescriptor(SHARE, "1.json", text("secure-boot")),
        )
        assert [found.path for found in index.firmwares] == [f"{ETC}/1.json"]
        assert index.masked == (f"{SHARE}/1.json",)

    def test_an_empty_file_hides(self) -> None:
        index = self.index(
            FirmwareDescriptor(ETC, "1.json"), FirmwareDescriptor(SHARE, "1.json", text())
        )
        assert index.firmwares == ()
        assert index.invalid == ()
        assert set(index.masked) == {f"{ETC}/1.json", f"{SHARE}/1.json"}

    def test_a_broken_file_hides_too_and_is_told(self) -> None:
        index = self.index(
            FirmwareDescriptor(ETC, "1.json", "{"),
            FirmwareDescriptor(ETC, "2.json", failure="Permission denied"),
            FirmwareDescriptor(SHARE, "1.json", text()),
            FirmwareDescriptor(SHARE, "2.json", text()),
        )
        assert index.firmwares == ()
        assert [found.path for found in index.invalid] == [f"{ETC}/1.json", f"{ETC}/2.json"]

    def test_what_is_no_file_does_not_hide(self) -> None:
        index = self.index(
            FirmwareDescriptor(ETC, "1.json", failure="not a regular file", masks=False),
            FirmwareDescriptor(SHARE, "1.json", text()),
        )
        assert [found.path for found in index.firmwares] == [f"{SHARE}/1.json"]
        assert index.invalid[0].reason == "not a regular file"


class TestReading:
    def read(self, root: Path) -> dict[str, FirmwareDescriptor]:
        found = read_descriptors(HostFiles(root), [ETC, SHARE])
        return {descriptor.name: descriptor for descriptor in found}

    def folder(self, root: Path, name: str = ETC) -> Path:
        path = root / name.lstrip("/")
        path.mkdir(parents=True)
        return path

    def test_any_name_but_hidden_ones(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path)
        for name in ("b.json", "README", ".hidden.json"):
            (folder / name).write_text("x")
        assert list(self.read(tmp_path)) == ["README", "b.json"]

    def test_special_files(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path)
        (folder / "loop").symlink_to("loop")
        (folder / "gone").symlink_to("/nowhere")
        (folder / "null").symlink_to("/dev/null")
        (folder / "dir").mkdir()
        os.mkfifo(folder / "pipe")
        found = self.read(tmp_path)
        assert set(found) == {"loop", "gone", "null", "dir", "pipe"}
        assert all(descriptor.failure for descriptor in found.values())
        assert not any(descriptor.masks for descriptor in found.values())

    def test_links_to_files_are_followed(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path)
        (tmp_path / "real").write_text("text")
        (folder / "1.json").symlink_to(tmp_path / "real")
        assert self.read(tmp_path)["1.json"].text == "text"

    def test_size(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path)
        (folder / "full").write_text(" " * LIMIT)
        (folder / "over").write_text(" " * (LIMIT + 1))
        found = self.read(tmp_path)
        assert len(found["full"].text) == LIMIT
        assert found["over"] == FirmwareDescriptor(ETC, "over", failure="larger than 1 MiB")

    def test_bytes_that_are_no_text_are_replaced(self, tmp_path: Path) -> None:
        (self.folder(tmp_path) / "1.json").write_bytes(text(description="é").encode("latin-1"))
        (tmp_path / ETC.lstrip("/") / "2.json").write_bytes(b'{"a": "\xff"}')
        assert self.read(tmp_path)["2.json"].text == '{"a": "\ufffd"}'

    def test_a_file_that_may_not_be_read_hides_all_the_same(self, tmp_path: Path) -> None:
        (self.folder(tmp_path) / "1.json").write_text("{}")
        (found,) = read_descriptors(Unreadable(tmp_path), [ETC])
        assert found == FirmwareDescriptor(ETC, "1.json", failure="Permission denied")

    def test_a_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "etc/qemu").mkdir(parents=True)
        (tmp_path / ETC.lstrip("/")).write_text("")
        found = read_descriptors(HostFiles(tmp_path), [ETC])
        assert found == (FirmwareDescriptor(ETC, "", failure="Not a directory", masks=False),)
        index = FirmwareIndex(found, ())
        assert index.invalid[0].path == ETC


@pytest.mark.parametrize("protocol", ["", "no-such"])
def test_variables_on_network_storage_need_a_known_protocol(protocol: str) -> None:
    xml = (
        "<domain type='qemu'><name>a</name><memory>65536</memory><os><type arch='x86_64' "
        "machine='q35'>hvm</type><loader readonly='yes' type='pflash'>/a/code.fd</loader>"
        f"<nvram type='network'><source protocol='{protocol}' name='b'><host name='c'/></source>"
        "</nvram></os><features><acpi/></features></domain>"
    )
    found = open_shipped("sid-x86_64").validate(xml)
    assert "os-nvram-source-invalid" in {finding.code for finding in found.errors}
    assert not [text for text in found.unknown if "internal error" in text]
