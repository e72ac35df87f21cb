"""What the README says about a host with QEMU works on one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from document_commands import ROOT, run_all, typed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="needs qemu-system-x86_64"),
]


def test_what_the_readme_says_of_a_host_with_qemu_works_on_one(tmp_path: Path) -> None:
    commands = typed((ROOT / "README.md").read_text().partition("### On a host with QEMU")[2])
    assert len(commands) > 4
    run_all(commands, tmp_path)
