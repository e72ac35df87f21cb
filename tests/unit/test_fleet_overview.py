"""The page of a fleet says what its hosts say, and counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from command_runner import CliRunner
from domcaps.cli.fleet import command
from domcaps.errors import FleetError
from domcaps.fleet.fleet import Fleet
from domcaps.fleet.overview import overview
from fleet_hosts import replace, shipped

if TYPE_CHECKING:
    from pathlib import Path

    from domcaps.page.matrix import Matrix, MatrixRow

DOMAIN = b"""<domain type='qemu'><name>a</name><memory>1048576</memory>
<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
<devices><video><model type='vga'/></video></devices></domain>"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    made = Fleet.open(tmp_path_factory.mktemp("store"))
    one = shipped()
    for name in ("node-1", "node-2"):
        made.add(one, name)
    made.add(replace(one, host=replace(one.host, firmware=(), images=(), image_sizes={})), "bare")
    made.add(shipped("debian13-s390x"), "<script>alert(1)</script>")
    return made


def row(matrix: Matrix, name: str) -> MatrixRow:
    return next(one for group in matrix.groups for one in group.rows if one.name == name)


def test_cells_count_hosts_and_say_what_each_host_says(fleet: Fleet) -> None:
    matrix = overview(fleet, [("web.xml", DOMAIN)])
    assert [column.hosts for column in matrix.columns] == [
        (), ("node-1", "node-2"), *sorted([("bare",), ("<script>alert(1)</script>",)],
        key=lambda names: fleet.hosts.digests[fleet.hosts.names.index(names[0])]),
    ]  # fmt: skip
    for name in ("os.firmware=efi", "video.modelType=vga"):
        cells = row(matrix, name).cells
        for column, cell in zip(matrix.columns[1:], cells[1:], strict=True):
            (found,) = fleet.host(column.hosts[0]).explain(name)
            assert cell.state == found.truth.value
        yes = sum(
            len(column.hosts)
            for column, cell in zip(matrix.columns[1:], cells[1:], strict=True)
            if cell.state == "yes"
        )
        assert cells[0].text == f"{yes} of 4"
    domain = row(matrix, "web.xml")
    accepted = [
        column.hosts for column, cell in zip(matrix.columns, domain.cells, strict=True)
        if cell.state == "yes"
    ]  # fmt: skip
    assert [name for names in accepted for name in names] == list(fleet.accepts(DOMAIN).accepted)
    assert domain.cells[0].text == "2 of 4"
    assert any("2 of 4" in line or "1 of 4" in line for line in domain.cells[0].blocks[0].lines)
    refused = next(cell for cell in domain.cells if cell.state == "no")
    assert any(line.endswith("]") for line in refused.blocks[0].lines)


def test_a_target_that_a_class_does_not_have_is_not_known(fleet: Fleet) -> None:
    cells = row(overview(fleet, machine="pc-q35-10.0"), "video.modelType=vga").cells
    assert sorted(cell.state for cell in cells[1:]) == ["unknown", "yes", "yes"]
    unknown = next(cell for cell in cells if cell.state == "unknown")
    assert "pc-q35-10.0" in unknown.blocks[0].lines[0]


def test_the_command_writes_a_page(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "web.xml").write_bytes(DOMAIN)
    words = ["page", fleet.store.place, str(tmp_path / "web.xml"), "-o", str(tmp_path / "a.html")]
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 0, done.output
    text = (tmp_path / "a.html").read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert "<script>alert" not in text
    assert "node-2" in text
    (tmp_path / "empty").mkdir()
    empty = CliRunner().invoke(command, ["page", str(tmp_path / "empty")])
    assert isinstance(empty.exception, FleetError), empty.output
    assert "there is no store of a fleet" in str(empty.exception)
