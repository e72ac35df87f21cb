"""The commands of the pages that users read work as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from document_commands import ROOT, run_all, typed

if TYPE_CHECKING:
    from pathlib import Path

# their commands need neither QEMU nor a file that does not come with domcaps
PAGES = ("choose", "ci", "explaining", "index", "json", "native", "pages", "table", "validation")


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_page_run(page: str, tmp_path: Path) -> None:
    commands = typed((ROOT / "docs" / f"{page}.md").read_text())
    assert commands
    run_all(commands, tmp_path)
