"""Records of a kept answer: as frozen dataclasses, but for what they take to load."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from domcaps.fresh import scanner
from domcaps.fresh.identity import Identity
from domcaps.fresh.scanner import scan
from domcaps.fresh.witness import Content, Existence, FileStatus


def test_records_are_equal_where_class_and_fields_are() -> None:
    assert Content("/x") == Content(path="/x", limit=65536) == Content("/x", 65536)
    assert len({Existence("/x"), Existence("/x"), FileStatus("/x"), Existence("/y")}) == 3


def test_a_record_is_copied_and_sent() -> None:
    one = Identity(1, 2, 3, 4, 5, 6)
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one  # noqa: S301
    assert (one.device, one.ctime_ns) == (1, 6)
    assert repr(Existence("/x")) == "Existence(path='/x')"


def test_a_record_does_not_change() -> None:
    with pytest.raises(AttributeError):
        Existence("/x").path = "/y"  # type: ignore[misc]


@pytest.mark.parametrize("values", [(), ("/x", 1, 2)])
def test_a_record_takes_its_fields(values: tuple[object, ...]) -> None:
    with pytest.raises(TypeError, match="path, limit"):
        Content(*values)  # type: ignore[arg-type]


def test_json_is_read() -> None:
    assert scan('[1,"\\ud800\\u00e9",null,true,{"a":[]}]') == [1, "\ud800é", None, True, {"a": []}]
    for text in ("", "[1", "NaN", "[1] ", "[1]]", "x"):
        with pytest.raises(ValueError, match=r".*"):
            scan(text)


def test_the_scanner_of_a_later_python_finds_its_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    # Python 3.15 asks for array_hook, which no earlier one knows
    def later(context: Any) -> Any:
        assert (context.array_hook, context.hook_of_2030) == (None, None)
        assert context.strict is True
        return of_now(context)

    of_now = scanner.make_scanner
    monkeypatch.setattr(scanner, "make_scanner", later)
    assert scan('[1,{"a":[]}]') == [1, {"a": []}]
