"""The tool that compares our CPU data with a CPU map and brings them up to date."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domcaps.cpu import data

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import compare_cpu_map

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = {
    "index.xml": """<cpus>
      <arch name='x86'><include filename='common.xml'/>
        <group name='all'><include filename='one.xml'/><include filename='two.xml'/></group></arch>
      <arch name='ppc64'><include filename='ppc.xml'/></arch>
      <arch name='arm'><include filename='arm.xml'/></arch>
    </cpus>""",
    "common.xml": """<cpus>
      <vendor name='V' string='VendorVendor'/>
      <feature name='a'><alias name='A' source='qemu'/>
        <cpuid eax_in='0x07' ecx_in='0x01' edx='0x00000004'/></feature>
      <feature name='b' migratable='no'>
        <msr index='0x10a' eax='0x00000000' edx='0x00000002'/></feature>
      <feature name='c'><cpuid eax_in='0x1' ebx='0x1'/></feature>
    </cpus>""",
    "one.xml": """<cpus><model name='one'><check partial='compat'/><decode host='on' guest='on'/>
      <signature family='6' model='85' stepping='0-4'/><vendor name='V'/>
      <feature name='a'/><feature name='b' added='yes'/><feature name='c' removed='yes'/>
      </model></cpus>""",
    "two.xml": """<cpus>
      <model name='one-v1'><decode host='on' guest='off'/><model name='one'/></model>
      <model name='two'><decode host='off' guest='on'/>
        <feature name='a'/><feature name='b'/></model>
      </cpus>""",
    "ppc.xml": """<cpus><vendor name='IBM'/><model name='P'><vendor name='IBM'/>
      <pvr value='0x004b0000' mask='0xffff0000'/></model></cpus>""",
    "arm.xml": """<cpus><vendor name='ARM' value='0x41'/><feature name='sve'/>
      <model name='m'><vendor name='ARM'/><pvr value='0xd03'/></model></cpus>""",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    place = tmp_path / "cpu_map"
    place.mkdir()
    for name, text in FILES.items():
        (place / name).write_text(text)
    monkeypatch.setattr(data, "PATH", tmp_path / "models.json")
    data.cpu_data.cache_clear()
    yield place
    monkeypatch.undo()
    data.cpu_data.cache_clear()


def run(*arguments: object) -> int:
    data.cpu_data.cache_clear()
    return compare_cpu_map.main([str(argument) for argument in arguments])


def test_what_was_made_from_a_map_does_not_differ_from_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--update", "11.3", "--from-nothing") == 0
    assert run(folder) == 0
    assert capsys.readouterr().out == "0 differences\n"
    one, numbered, two = data.cpu_data().x86.models
    assert (one.signatures, one.added, one.removed) == (("6/85/0-4",), ("b",), ("c",))
    assert (numbered.version_of, numbered.guest) == ("one", False)
    assert not two.host
    assert [(f.word, f.bit) for f in data.cpu_data().x86.features] == [
        ("cpuid 0x7 0x1 edx", 2), ("msr 0x10a", 33), ("cpuid 0x1 0x0 ebx", 0),
    ]  # fmt: skip


def test_differences_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(folder, "--update", "11.3", "--from-nothing")
    two = FILES["two.xml"].replace("<feature name='b'/>", "<feature name='c'/>")
    (folder / "two.xml").write_text(two)
    (folder / "arm.xml").write_text(FILES["arm.xml"].replace("0xd03", "0xd04"))
    assert run(folder) == 1
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "arm model m: part is '0xd03', libvirt has '0xd04'",
        "x86 model two: feature b: only domcaps has it",
        "x86 model two: feature c: only libvirt has it",
        "3 differences",
    ]


def test_what_is_new_is_dated_and_the_rest_keeps_its_date(folder: Path) -> None:
    run(folder, "--update", "11.3", "--from-nothing")
    for release, name in (("12.0", "sve2"), ("12.9", "sve3")):
        text = (folder / "arm.xml").read_text()
        (folder / "arm.xml").write_text(text.replace("<model", f"<feature name='{name}'/><model"))
        assert run(folder, "--update", release) == 0
    data.cpu_data.cache_clear()
    found = {feature.name: feature.since for feature in data.cpu_data().arm.features}
    assert found == {"sve": "", "sve2": "CPU_MAP_12_0", "sve3": "CPU_MAP_12_9"}
    assert data.cpu_data().libvirt == "12.9"
    assert run(folder, "--dialect", "12.9") == 0
    assert run(folder, "--dialect", "12.8") == 1


def test_a_feature_of_two_bits_needs_a_person(folder: Path) -> None:
    (folder / "common.xml").write_text(FILES["common.xml"].replace("0x00000004", "0x00000006"))
    with pytest.raises(SystemExit, match="feature a is not one bit"):
        run(folder, "--update", "11.3", "--from-nothing")
