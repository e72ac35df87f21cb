"""The tool that follows a new release of libvirt finds what is new, and what the table knows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import new_release

_MAP = """<cpus>
  <arch name='x86'><include filename='features.xml'/></arch>
  <arch name='ppc64'/><arch name='arm'/>
</cpus>"""
_FEATURE = "<feature name='{}'><cpuid eax_in='0x1' ecx='0x{}'/></feature>"
_RNG = """<grammar xmlns='http://relaxng.org/ns/structure/1.0'><define name='disk'>
  <element name='disk'><attribute name='{}'><value>{}</value></attribute></element>
</define></grammar>"""


def libvirt(root: Path, features: str, attribute: str, value: str) -> Path:
    """Make what an installed libvirt has."""
    for name in ("cpu_map", "schemas"):
        (root / name).mkdir(parents=True)
    (root / "cpu_map/index.xml").write_text(_MAP)
    (root / "cpu_map/features.xml").write_text(f"<cpus>{features}</cpus>")
    (root / "schemas/domaincommon.rng").write_text(_RNG.format(attribute, value))
    return root


@pytest.fixture
def both(tmp_path: Path) -> list[str]:
    """Two releases: the newer has a feature, an attribute and a value that the older has not."""
    old = libvirt(tmp_path / "old", _FEATURE.format("sse3", "01"), "device", "lun")
    more = _FEATURE.format("sse3", "01") + _FEATURE.format("nobodys-feature", "02")
    return [str(old), str(libvirt(tmp_path / "new", more, "nobodys", "nvme"))]


def test_what_nobody_knows_is_new(both: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert new_release.main(both) == 1
    told = capsys.readouterr().out.splitlines()
    assert "new   + cpu x86 feature nobodys-feature" in told
    assert "new   + schema attribute disk/nobodys" in told
    assert "known - schema attribute disk/device" in told
    assert "known + schema value nobodys/nvme" in told


def test_a_table_that_is_cut_back_knows_less(
    both: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    new_release.main([*both, "--cut", "11.3"])
    told = capsys.readouterr().out
    assert "DISK_NVME" not in told.partition("changes found; not")[2]
    assert "FIRMWARE_REWORKED" in told


def test_the_same_release_has_no_difference(tmp_path: Path) -> None:
    same = libvirt(tmp_path / "same", _FEATURE.format("sse3", "01"), "device", "lun")
    assert new_release.main([str(same), str(same)]) == 0
