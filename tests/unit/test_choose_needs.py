"""Guests get what they need, are refused what they can't run without, and keep what was pinned."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from command_runner import CliRunner
from domcaps.cli.new import command
from domcaps.elements.advice.needs import needs_of
from plain_hosts import plain
from sample_hosts import _shipped, rich_host

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    import domcaps


@pytest.fixture
def rich() -> domcaps.Host:
    record = _shipped("x86_64", "sid")
    assert record is not None
    return rich_host("x86_64", record, "sid")


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    from domcaps.choose import os_database

    monkeypatch.setattr(os_database, "database_folder", lambda: None)
    os_database._system.cache_clear()


def new(*words: str) -> Result:
    return CliRunner().invoke(command, ["--name", "w", "--host", plain("sid-x86_64"), *words])


def memory_of(xml: str) -> int:
    found = re.search(r"<memory unit=.KiB.>(\d+)<", xml)
    assert found is not None
    return int(found[1]) // 1024


def test_windows_11_gets_all_that_it_needs(rich: domcaps.Host) -> None:
    chosen = rich.choose("w", os="win11")
    assert memory_of(chosen.xml) >= 4096
    assert "<vcpu>2</vcpu>" in chosen.xml
    assert 'firmware="efi"' in chosen.xml
    assert 'enabled="yes" name="secure-boot"' in chosen.xml
    assert 'version="2.0"' in chosen.xml


@pytest.mark.parametrize(
    "system",
    ["win10", "win7", "win2k22", "ubuntu24.04", "fedora41", "debian13", "rhel9.4", "alpine3.20"],
)
def test_no_guest_gets_less_than_its_minimum(rich: domcaps.Host, system: str) -> None:
    xml = rich.choose("w", os=system).xml
    family = "windows" if system.startswith("win") else "linux"
    assert memory_of(xml) >= needs_of(system, family).memory > 0


def test_what_the_host_lacks_is_a_refusal_that_names_the_package() -> None:
    result = new("--os", "win11")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "UEFI" in result.stderr
    assert "on the host: " in result.stderr
    assert "ovmf" in result.stderr


@pytest.mark.parametrize("words", [("--memory", "1GiB"), ("--vcpus", "1")])
def test_less_than_the_minimum_is_refused(words: tuple[str, str]) -> None:
    result = new("--os", "win11", *words)
    assert result.exit_code == 1
    assert "win11 needs at least" in result.stderr


def test_the_database_says_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from domcaps.facts.osinfo import Osinfo

    (tmp_path / "os").mkdir()
    (tmp_path / "os" / "big-1.xml").write_text(
        "<libosinfo><os id='http://a/big/1'><short-id>big1</short-id><family>linux</family>"
        "<resources arch='all'><minimum><n-cpus>2</n-cpus><ram>3221225472</ram></minimum>"
        "<recommended><ram>6442450944</ram></recommended></resources></os></libosinfo>"
    )
    found = Osinfo(tmp_path).system("big1")
    assert found is not None
    assert found.resource("x86_64", "minimum") == (3221225472, 2)
    assert found.resource("x86_64", "recommended") == (6442450944, 0)


def test_free_root_ports_are_added_where_there_can_be_any() -> None:
    # free ones: devices of the guest take others
    assert new("--hotplug", "3").stdout.count("pcie-root-port") >= 3
    refused = new("--hotplug", "3", "--machine", "pc")
    assert refused.exit_code == 1
    assert "--hotplug 3" in refused.stderr


def test_pinned_values_are_taken_again_and_a_word_is_said_where_one_is_gone(
    tmp_path: Path,
) -> None:
    pin = tmp_path / "web.pin"
    first = new("--pin", str(pin), "--set", "video.modelType=bochs")
    assert first.exit_code == 0
    assert "values were saved in" in first.stderr
    again = new("--pin", str(pin))
    assert 'type="bochs"' in again.stdout
    assert re.search(r'machine="pc-q35-[\d.]+"', again.stdout)
    content = json.loads(pin.read_text())
    content["values"]["os.machine"] = "pc-q35-2.4"
    pin.write_text(json.dumps(content))
    moved = new("--pin", str(pin))
    assert moved.exit_code == 0
    assert "os.machine=pc-q35-2.4 is not available here any more" in moved.stderr
    assert 'type="bochs"' in moved.stdout


def test_another_file_is_no_pin(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}")
    assert new("--pin", str(tmp_path / "x")).exit_code != 0


@pytest.mark.parametrize("name", ["macos14", "macosx10.15", "win11", "win2k25"])
def test_what_starts_from_uefi_only_gets_it(rich: domcaps.Host, name: str) -> None:
    text = rich.choose("w", "8GiB", 4, os=name).xml
    assert 'firmware="efi"' in text
    assert 'machine="q35"' in text


@pytest.mark.parametrize(
    ("name", "model"),
    [("win7", "ich9-ehci1"), ("winxp", "ich9-ehci1"), ("win2k8r2", "ich9-ehci1"),
     ("win8", "qemu-xhci"), ("win10", "qemu-xhci"), ("win2k22", "qemu-xhci"),
     ("debian13", "qemu-xhci"), ("freebsd14", "qemu-xhci")],
)  # fmt: skip
def test_usb_is_what_the_guest_has_a_driver_for(rich: domcaps.Host, name: str, model: str) -> None:
    text = rich.choose("w", "4GiB", 2, os=name).xml
    assert f'<controller type="usb" index="0" model="{model}"/>' in text
    assert (text.count("ich9-uhci") == 3) is (model == "ich9-ehci1")
