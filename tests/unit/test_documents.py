"""Generated documents are what the table and the commands say now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_generated_documents_are_up_to_date() -> None:
    tool = ROOT / "tools" / "generate_docs.py"
    done = subprocess.run(
        [sys.executable, tool, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_document_that_the_readme_names_exists() -> None:
    text = (ROOT / "README.md").read_text()
    names = [part.split(")")[0] for part in text.split("](")[1:]]
    assert names
    for name in names:
        assert (ROOT / name).is_file(), name
