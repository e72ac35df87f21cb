"""Write the completion script of a shell: ``python tools/shell_completions.py DIR``."""

from __future__ import annotations

import sys
from pathlib import Path

from click.testing import CliRunner

from domcaps.cli import _root

SHELLS = ("bash", "zsh", "fish")


def write(folder: Path, shell: str) -> Path:
    """Write what ``domcaps completion SHELL`` prints, and give the file."""
    done = CliRunner().invoke(_root, ["completion", shell], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    file = folder / f"domcaps.{shell}"
    file.write_text(done.stdout, encoding="utf-8")
    return file


if __name__ == "__main__":
    for name in SHELLS:
        write(Path(sys.argv[1]), name)
