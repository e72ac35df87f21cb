"""The rooms of the design: arrows go one way, and only the table names devices."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import domcaps

ROOT = Path(domcaps.__file__).parent
# device types whose name says that a fact about a device is near
DEVICE = re.compile(r"""["'](virtio-(gpu|net|blk|rng|scsi)|vmware-svga|qxl|tpm-(tis|crb))""")


def test_arrows_go_one_way() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([script], cwd=ROOT.parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_devices_are_named_in_the_table_only() -> None:
    leaks = [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if "elements" not in path.parts and DEVICE.search(path.read_text())
    ]
    assert leaks == []


def test_the_table_knows_no_output() -> None:
    for path in (ROOT / "elements").rglob("*.py"):
        text = path.read_text()
        assert "domcaps.report" not in text, path
        assert "domcaps.cli" not in text, path


def test_what_is_public_can_be_imported() -> None:
    for name in domcaps.__all__:
        assert getattr(domcaps, name) is not None
    assert set(domcaps.__all__) <= set(dir(domcaps))
