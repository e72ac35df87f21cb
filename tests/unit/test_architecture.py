"""The rooms of the design: arrows go one way, and only the table names devices."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

import domcaps
from domcaps.facts.plan import TYPES
from domcaps.facts.recording import loads
from domcaps.shipped import SUFFIX, shipped_names
from domcaps.validate.catalogue.rules import parts
from import_graph import Graph, arrows_between, circle_in, graph_of

ROOT = Path(domcaps.__file__).parent
# types of QEMU that are no devices, by the last of their ancestors
OTHER_ROOTS = {"accel", "bus", "machine", "object", "qio-channel"}
# device types that are words of English or of libvirt's documents, too
WORDS = {"apic", "clock", "floppy", "led", "loader", "migration", "secret", "serial"}
# a program that is called as a device is
PROGRAMS = {("facts/helper_programs.py", "vhost-user-gpu")}

MOST_ARROWS = 60


@cache
def graph() -> Graph:
    return graph_of(ROOT)


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle_in(graph()) == []


def test_what_makes_validation_fast_is_behind_few_calls() -> None:
    memo = "domcaps.validate.memo"
    used = {
        (name, other)
        for name, others in graph().items()
        for other in others
        if other.startswith(memo) and not name.startswith(memo)
    }
    call = f"{memo}.remaining"
    # a fleet notes what is read of a document, as the memo does; it shares the nodes that tell
    tracked = {(name, other) for name, other in used if other == f"{memo}.tracked"}
    assert {name for name, _ in tracked} == {"domcaps.fleet.tracking.domain", "domcaps.fleet.units"}
    known = ("domcaps.hosts.readers", f"{memo}.verdicts")
    assert used - tracked == {
        ("domcaps.validate.check", call),
        ("domcaps.choose.hosts", call),
        ("domcaps.extended.accepted", call),
        ("domcaps.validate.fitting", f"{memo}.dependent"),
        known,
    }


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


@cache
def device_types() -> frozenset[str]:
    """Give every device type that some emulator of the shipped recordings lists."""
    found: set[str] = set()
    for name in shipped_names():
        data = (files("domcaps") / "recordings" / f"{name}{SUFFIX}").read_bytes()
        for session in loads(data, where=name).emulators[0].sessions:
            for answer in session.answers:
                if answer.question == TYPES and answer.reply is not None:
                    found |= _devices(msgspec.json.decode(answer.reply))
    return frozenset(found)


def _devices(types: list[dict[str, str]]) -> set[str]:
    parents = {row["name"]: row.get("parent", "") for row in types}

    def root(name: str) -> str:
        # abstract types are not listed: the first that is missing ends the chain
        while parents.get(name):
            name = parents[name]
        return name

    other = ("-machine", "-cpu", "-accel")
    return {name for name in parents if root(name) not in OTHER_ROOTS and not name.endswith(other)}


def named(source: str) -> set[str]:
    """Give the device types that strings of a piece of source name; docstrings are left out."""
    tree = ast.parse(source)
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    words = (
        word
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
        for word in re.split(r"[\s,=:;\"'{}()]+", node.value)
    )
    return set(words).intersection(device_types()) - WORDS


def test_devices_are_named_in_the_table_only() -> None:
    leaks = {
        (str(path.relative_to(ROOT)), name)
        for path in ROOT.rglob("*.py")
        if not {"elements", "changes"} & {*path.parts}
        for name in named(path.read_text())
    }
    assert leaks - PROGRAMS == set()


@pytest.mark.parametrize(
    "source",
    [
        "X = 'nvme'",
        "X = f'-device qxl,id={name}'",
        "X = {'a': 'usb-kbd'}",
        "def f(line):\n    line.plug('i82801b11-bridge', x=1)",
        "X = 'VGA'",
    ],
)
def test_a_device_outside_the_table_is_seen(source: str) -> None:
    assert len(device_types()) > 1000
    assert named(source)


# elements of devices that are words of English, too
PLAIN_WORDS = """
    address channel console controller crypto emulator filesystem hub input interface lease memory
    panic parallel serial smartcard sound source
"""


def test_the_language_names_no_device() -> None:
    """Its examples are of a device that does not exist; changes of libvirt are of devices."""
    paths = {kind.path or "" for kind in parts()}
    devices = {path.split("/")[1].partition("[")[0] for path in paths if "devices/" in path}
    devices -= {*PLAIN_WORDS.split()}
    assert len(devices) > 15
    found = {
        (path.name, word)
        for path in (ROOT / "language").glob("*.py")
        for word in re.findall(r"[a-z]+", path.read_text())
        if word in devices
    }
    # what libosinfo says that a guest needs; the backend that sound cards of a command line share
    assert found == {("preference.py", "tpm"), ("command_line.py", "audio")}


def test_native_knows_no_options_of_devices() -> None:
    """It keeps order, names and quoting; `-device` and its options are the elements'."""
    known = {path.name for path in (ROOT / "native").glob("*.py")}
    assert known == {
        "__init__.py",
        "document.py",
        "ignored.py",
        "json_devices.py",
        "line.py",
        "order.py",
        "write.py",
    }


def test_the_table_knows_no_output() -> None:
    for path in (ROOT / "elements").rglob("*.py"):
        text = path.read_text()
        assert "domcaps.report" not in text, path
        assert "domcaps.cli" not in text, path


def test_what_is_public_can_be_imported() -> None:
    for name in domcaps.__all__:
        assert getattr(domcaps, name) is not None
    assert set(domcaps.__all__) <= set(dir(domcaps))


def test_no_file_is_mapped_into_memory() -> None:
    """One that others make shorter meanwhile would end the process (SIGBUS)."""
    mapped = [
        (path.name, call.lineno)
        for path in ROOT.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).endswith("mmap")
        and ast.unparse(call.args[0]) != "-1"
    ]
    assert mapped == []
