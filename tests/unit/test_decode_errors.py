"""What msgspec can't decode is caught by its own name: its errors are ValueErrors since 0.20 only.

Debian 13 has msgspec 0.19.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import domcaps

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(domcaps.__file__).parent
CAUGHT = {"msgspec.DecodeError", "msgspec.ValidationError", "msgspec.MsgspecError"}


def decoders(tree: ast.Module) -> set[str]:
    """Name the calls of a module that decode with msgspec."""
    made = {
        f"{node.targets[0].id}.decode"
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and "msgspec" in ast.unparse(node.value)
        and "Decoder" in ast.unparse(node.value)
    }
    modules = {"msgspec.json.decode", "msgspec.msgpack.decode", "msgspec.json.format"}
    return made | modules | {"msgspec.convert", "bounded.decode"}


def handlers(tree: ast.Module) -> Iterator[ast.ExceptHandler]:
    """Give the handlers that catch ValueError of what is decoded."""
    decoding = decoders(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Try):
            continue
        calls = {
            ast.unparse(call.func)
            for statement in node.body
            for call in ast.walk(statement)
            if isinstance(call, ast.Call)
        }
        if calls & decoding:
            yield from (h for h in node.handlers if h.type and "ValueError" in names(h))


def names(handler: ast.ExceptHandler) -> set[str]:
    assert handler.type is not None
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(name) for name in caught}


@pytest.mark.parametrize(
    "path", [p for p in ROOT.rglob("*.py") if "msgspec" in p.read_text()], ids=str
)
def test_msgspec_errors_are_caught_by_name(path: Path) -> None:
    for handler in handlers(ast.parse(path.read_text())):
        assert names(handler) & CAUGHT, f"line {handler.lineno} relies on msgspec 0.20 or later"


def incomplete(tree: ast.Module) -> Iterator[int]:
    """Give the lines that catch what is no JSON, but not the bytes that are no UTF-8."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type:
            caught = names(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            caught = {ast.unparse(name) for name in node.args}
        else:
            continue
        if "msgspec.DecodeError" in caught and not caught & {"ValueError", "UnicodeDecodeError"}:
            yield node.lineno


@pytest.mark.parametrize(
    "path", [p for p in ROOT.rglob("*.py") if "msgspec.DecodeError" in p.read_text()], ids=str
)
def test_bytes_that_are_no_utf_8_are_caught_too(path: Path) -> None:
    assert list(incomplete(ast.parse(path.read_text()))) == []


def test_planted_ones_are_incomplete() -> None:
    text = (
        "try:\n    x\nexcept msgspec.DecodeError:\n    pass\n"
        "with suppress(msgspec.DecodeError):\n    x"
    )
    assert list(incomplete(ast.parse(text))) == [3, 5]


def test_a_planted_one_is_found() -> None:
    tree = ast.parse("try:\n    msgspec.json.decode(b'')\nexcept ValueError:\n    pass\n")
    (handler,) = handlers(tree)
    assert not names(handler) & CAUGHT
