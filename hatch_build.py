"""What the build adds to the wheel: man pages and shell completions, made from the command line.

They go where a prefix has them (``share/man/man1`` …), beside what `shared-data` in pyproject.toml
names. An editable installation, which `make run` makes, has none of them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPLETIONS = {
    "bash": "share/bash-completion/completions/domcaps",
    "zsh": "share/zsh/site-functions/_domcaps",
    "fish": "share/fish/vendor_completions.d/domcaps.fish",
}


class ManualHook(BuildHookInterface[Any]):
    """Generates the files in a temporary folder, which is removed after the build."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files, and name each with its place in the prefix."""
        if version == "editable":
            return
        self._made = tempfile.TemporaryDirectory()
        sys.path[:0] = [str(Path(self.root, folder)) for folder in ("src", "tools")]
        import man_pages
        import shell_completions

        folder = Path(self._made.name)
        places = {page: f"share/man/man1/{page.name}" for page in man_pages.write(folder)}
        places |= {shell_completions.write(folder, s): place for s, place in COMPLETIONS.items()}
        build_data["shared_data"].update({str(file): place for file, place in places.items()})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was made."""
        if version != "editable":
            self._made.cleanup()
