"""The commands of the pages that users read work as they are typed."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from document_commands import ROOT, run_all, typed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# their commands need neither QEMU nor a file that does not come with domcaps
PAGES = ("choose", "ci", "explaining", "index", "json", "native", "pages", "table", "validation")


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_page_run(page: str, tmp_path: Path) -> None:
    commands = typed((ROOT / "docs" / f"{page}.md").read_text())
    assert commands
    run_all(commands, tmp_path)


def _python_of(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def _imports_of_domcaps(code: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "domcaps":
            yield from ((str(node.module), alias.name) for alias in node.names)


def test_python_of_the_documents_imports_what_exists() -> None:
    pages = {path.name: path.read_text() for path in (ROOT / "docs").rglob("*.md")}
    found = [
        (name, *imported)
        for name, text in pages.items()
        for code in _python_of(text)
        for imported in _imports_of_domcaps(code)
    ]
    assert len(found) > 10
    for name, module, member in found:
        assert hasattr(importlib.import_module(module), member), f"{name}: {module}.{member}"


def test_the_table_of_a_python_program_becomes_a_page(tmp_path: Path) -> None:
    (code,) = _python_of((ROOT / "docs" / "pages.md").read_text())
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)
    assert "-device VGA" in (tmp_path / "checks.html").read_text()
