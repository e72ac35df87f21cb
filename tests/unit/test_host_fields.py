"""No fact of a host is forgotten by those who read it: the records are the one list of facts."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

import pytest

from domcaps.facts import host_record, hostcpu, kvm, node, nodeprobe, record
from domcaps.facts.host_record import HostReader
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.hostprobe import read_host
from domcaps.fresh import hostfacts
from fresh_fakes import PretendedHost

if TYPE_CHECKING:
    from types import ModuleType

FIELDS = record.HostRecord.__struct_fields__


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_has_a_reader_of_its_type(field: str) -> None:
    reader = getattr(HostReader, field)
    given = get_type_hints(reader)["return"]
    assert given == get_type_hints(record.HostRecord)[field]


def test_a_field_without_a_reader_is_an_error_live_and_in_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = PretendedHost(tmp_path / "pretended")
    monkeypatch.delattr(HostReader, "iommufd")
    with pytest.raises(AttributeError, match="iommufd"):
        read_host(files=HostFiles(tmp_path), environ={}, run_helpers=False)
    with pytest.raises(AttributeError, match="iommufd"):
        _ = host.host.facts.record


# another process, in which `host_record.py` has one fact more
NEW_FACT = """
import importlib.util, json, sys
from pathlib import Path

name, field, reader = "domcaps.facts.host_record", "    arch: str\\n", "    def arch(self)"
spec = importlib.util.find_spec(name)
source = Path(spec.origin).read_text()
assert source.count(field) == source.count(reader) == 1
source = source.replace(field, field + "    facts_of_a_test: int = 0\\n")
lines = ("    def facts_of_a_test(self) -> int:", "return len(self._files.names_or_none('/holo'))")
method = "\\n        ".join(lines) + "\\n\\n"
source = source.replace(reader, method + reader)
module = sys.modules[name] = importlib.util.module_from_spec(spec)
exec(compile(source, spec.origin, "exec"), vars(module))

from domcaps import Host, Recording
from domcaps.facts.hostprobe import read_host
from domcaps.facts.recording import dumps, loads
from domcaps.facts.redact import redact

root = Path(sys.argv[1])
(root / "holo").mkdir()
for one in "ab":
    (root / "holo" / one).touch()
record = read_host(root, environ={}, run_helpers=False)
kept = loads(dumps(redact(Recording(record))), "test").host
sys.path.insert(0, sys.argv[2])
from fresh_fakes import PretendedHost
live = PretendedHost(root / "live").host.facts.record.facts_of_a_test
print(json.dumps([record.facts_of_a_test, kept.facts_of_a_test, live]))
"""


def test_a_new_fact_is_a_field_and_its_reader_in_one_file(tmp_path: Path) -> None:
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", NEW_FACT, str(tmp_path), str(tests)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [2, 2, 0]


def test_readers_that_take_more_are_of_fields() -> None:
    assert set(hostfacts._SPECIAL) <= set(FIELDS)


def most_complete(module: ModuleType, kind: str) -> set[str]:
    """Give the fields that are named where a module makes a record, by the call that names most."""
    calls = [
        {word.arg for word in call.keywords if word.arg}
        for call in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == kind
    ]
    return max(calls, key=len)


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        (kvm, record.Kvm),
        (hostcpu, record.HostCpu),
        (host_record, record.NumaCell),
        (nodeprobe, node.Node),
    ],
)
def test_each_field_of_a_part_is_given_by_who_reads_it(module: ModuleType, kind: type) -> None:
    # networks and pools are read where they are asked for (record --networks)
    fields = set(kind.__struct_fields__) - {"objects"}  # type: ignore[attr-defined]
    assert most_complete(module, kind.__name__) == fields
