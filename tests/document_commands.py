"""The commands of a document's console blocks, run as a reader types them.

A line that begins with ``$ `` is a command, what follows is an excerpt of what it prints; ``…``
stands for lines that are left out. ``# exits with N`` after a command names its exit code, which is
0 otherwise.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
INSTALLING = ("make", "pip", "pipx", "apt", "docker", "git")
"""Programs that change the system or need the network: other tests look at what they do."""


@dataclass(frozen=True)
class Typed:
    """A command, its exit code, and lines that it must print."""

    words: str
    code: int
    excerpt: tuple[str, ...]


def typed(text: str) -> list[Typed]:
    """Give the commands of the console blocks of Markdown, in their order."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            first, *printed = part.splitlines()
            said = re.search(r"# exits with (\d)", first)
            excerpt = tuple(line for line in printed if line.strip() and line.strip() != "…")
            found.append(Typed(first, int(said[1]) if said else 0, excerpt))
    return found


def run_all(commands: list[Typed], folder: Path) -> None:
    """Run commands one after the other in a folder that has the repository's examples."""
    for name in ("examples", "docs", "packaging"):
        (folder / name).symlink_to(ROOT / name)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "120", "PWD": str(folder)}
    for command in commands:
        if command.words.split()[0] in INSTALLING:
            continue
        done = subprocess.run(
            ["bash", "-c", command.words],
            cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        shown = f"$ {command.words}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        assert done.returncode == command.code, shown
        lines = {line.rstrip() for line in (done.stdout + done.stderr).splitlines()}
        lacking = [line for line in command.excerpt if line.rstrip() not in lines]
        assert not lacking, f"not printed: {lacking}\n{shown}"
