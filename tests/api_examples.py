"""Runs the examples of docs/api-calls.md, and tells what each prints.

``python tests/api_examples.py`` writes their output into the page.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[1] / "docs" / "api-calls.md"
_BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?:```text\n(?P<output>.*?)```\n)?", re.DOTALL)


def examples(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Run the examples of a page one after the other; gives each with what it prints.

    They run in a folder of their own, without libosinfo's database: it differs between machines.
    """
    names: dict[str, Any] = {}
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with mock.patch("domcaps.choose.os_database.database_folder", lambda: None):
                for found in _BLOCK.finditer(text):
                    printed = io.StringIO()
                    with contextlib.redirect_stdout(printed):
                        exec(compile(found["code"], PAGE.name, "exec"), names)  # noqa: S102
                    yield found, printed.getvalue()
        finally:
            os.chdir(before)


def written(text: str) -> str:
    """Give a page with the output of its examples."""
    parts, end = [], 0
    for found, printed in examples(text):
        if found["output"] is not None:
            parts += [text[end : found.start("output")], printed]
            end = found.end("output")
    return "".join([*parts, text[end:]])


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
