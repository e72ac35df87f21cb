"""The language server in Neovim: diagnostics, completion, hover and a quick fix that is applied."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edited_domain import TEXT
from plain_hosts import plain

pytestmark = pytest.mark.skipif(not shutil.which("nvim"), reason="needs neovim 0.7 or later")

SESSION = Path(__file__).with_name("neovim_session.lua")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Let Neovim edit a domain, and give what it saw."""
    folder = tmp_path_factory.mktemp("neovim")
    (folder / "guest.xml").write_text(TEXT)
    words = [sys.executable, "-m", "domcaps", "lsp", "--host", plain("debian13-x86_64")]
    listed = ", ".join(json.dumps(word) for word in words)
    own = {name: str(folder) for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    done = subprocess.run(
        ["nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n",
         "--cmd", f"let g:server = [{listed}]", "guest.xml", "-c", f"luafile {SESSION}"],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
        stdin=subprocess.DEVNULL, env={**os.environ, **own},
    )  # fmt: skip
    result = folder / "told.json"
    assert result.exists(), done.stderr
    return dict(json.loads(result.read_text()))


def test_diagnostics(told: dict[str, Any]) -> None:
    assert told["opened"]
    line, begin, end, severity = told["diagnostics"]["video-model-type-unsupported"]
    assert (line, severity) == (5, 1)
    # Neovim counts bytes: what the server counts in UTF-16 was turned into these
    assert told["line"].encode()[begin:end] == b"type='qxl'"
    assert told["diagnostics"]["unknown-attribute"][3] == 2


def test_completion_offers_what_the_host_accepts(told: dict[str, Any]) -> None:
    assert {"virtio", "vga"} <= set(told["words"])
    assert "qxl" not in told["words"]


def test_hover_gives_the_reason(told: dict[str, Any]) -> None:
    assert "qom-list-types" in told["hover"]


def test_a_quick_fix_is_applied_and_the_diagnostic_goes(told: dict[str, Any]) -> None:
    assert told["actions"][-1] == "ignore video-model-type-unsupported here"
    assert told["repaired"] == told["line"].replace("qxl", "virtio")
    assert told["cleared"]
    assert "unknown-attribute" in told["left"]
