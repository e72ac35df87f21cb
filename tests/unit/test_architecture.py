"""The rooms of the design: arrows go one way, and only the table names devices."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import domcaps
from import_graph import Graph, arrows_between, circle_in, graph_of

ROOT = Path(domcaps.__file__).parent
# device types whose name says that a fact about a device is near
DEVICE = re.compile(r"""["'](virtio-(gpu|net|blk|rng|scsi)|vmware-svga|qxl|tpm-(tis|crb))""")


MOST_ARROWS = 60


@cache
def graph() -> Graph:
    return graph_of(ROOT)


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle_in(graph()) == []


def test_what_makes_validation_fast_is_behind_one_call() -> None:
    memo = "domcaps.validate.memo"
    used = {
        (name, other)
        for name, others in graph().items()
        for other in others
        if other.startswith(memo) and not name.startswith(memo)
    }
    call = f"{memo}.remaining"
    assert used == {("domcaps.validate.check", call), ("domcaps.choose.hosts", call)}


def test_rooms_of_the_table_have_few_arrows_and_no_circle() -> None:
    arrows = arrows_between(graph(), "domcaps.elements")
    assert 40 < len(arrows) <= MOST_ARROWS, sorted(arrows)
    rooms: Graph = {}
    for room, other in arrows:
        rooms.setdefault(room, set()).add(other)
    assert circle_in(rooms) == []


@pytest.mark.parametrize(
    ("statement", "is_circle"),
    [
        ("from pack.low import one", True),
        ("from pack import low", True),
        ("from . import low", True),
        ("from .low import one", True),
        ("import pack.low", True),
        ("def late():\n    import pack.low", True),
        ("import importlib\nimportlib.import_module('pack.low')", True),
        ("if TYPE_CHECKING:\n    import pack.low", False),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import pack.low", True),
    ],
)
def test_a_circle_is_seen_however_it_is_written(
    tmp_path: Path, statement: str, *, is_circle: bool
) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "low.py").write_text("from pack.high import two")
    (package / "high.py").write_text(statement)
    assert bool(circle_in(graph_of(package))) is is_circle


def test_arrows_go_one_way() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([script], cwd=ROOT.parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_devices_are_named_in_the_table_only() -> None:
    leaks = [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if not {"elements", "changes"} & {*path.parts} and DEVICE.search(path.read_text())
    ]
    assert leaks == []


def test_the_table_knows_no_output() -> None:
    for path in (ROOT / "elements").rglob("*.py"):
        text = path.read_text()
        assert "domcaps.report" not in text, path
        assert "domcaps.cli" not in text, path


def test_what_is_public_can_be_imported() -> None:
    for name in domcaps.__all__:
        assert getattr(domcaps, name) is not None
    assert set(domcaps.__all__) <= set(dir(domcaps))
