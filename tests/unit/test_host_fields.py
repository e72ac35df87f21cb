"""No fact of a host is forgotten by those who read it: the records are the one list of facts."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, get_type_hints

import pytest

from domcaps.facts import hostcpu, hostprobe, kvm, node, nodeprobe, record
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.hostprobe import HostReader, read_host
from domcaps.fresh import hostfacts
from fresh_fakes import PretendedHost

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

FIELDS = record.HostRecord.__struct_fields__


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_has_a_reader_of_its_type(field: str) -> None:
    reader = getattr(HostReader, field)
    names = {**vars(record), **vars(hostprobe)}
    given = get_type_hints(reader, globalns=names)["return"]
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
        (hostprobe, record.NumaCell),
        (nodeprobe, node.Node),
    ],
)
def test_each_field_of_a_part_is_given_by_who_reads_it(module: ModuleType, kind: type) -> None:
    fields = set(kind.__struct_fields__)  # type: ignore[attr-defined]
    assert most_complete(module, kind.__name__) == fields
