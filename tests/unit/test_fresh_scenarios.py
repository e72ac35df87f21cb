"""Changes of a host that leave few traces: each is noticed, or what it concerns is not kept."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from fresh_scenarios import SCENARIOS, played

DOCUMENT = Path(__file__).parents[2] / "docs/internals/freshness-tests.md"


def _mounts_can_be_private() -> bool:
    """Tell whether the root is a mount point: in a plain chroot it is none."""
    mounts = Path("/proc/self/mountinfo")
    return mounts.exists() and any(
        line.split()[4] == "/" for line in mounts.read_text().splitlines()
    )


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount and change users"
)
@pytest.mark.skipif(
    not _mounts_can_be_private(), reason="the root is no mount point (chroot): no private mounts"
)
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_remembered_is_what_is_found_anew(name: str) -> None:
    assert played(name) == "fine"


def test_the_document_lists_every_scenario() -> None:
    part = (
        DOCUMENT.read_text().partition("## Changes that leave few traces")[2].partition("\n## ")[0]
    )
    listed = re.findall(r"^\| .+ \| `(\w+)` \|$", part, re.MULTILINE)
    assert [name for name in listed if name in SCENARIOS] == list(SCENARIOS)
    elsewhere = "".join(place.read_text() for place in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in listed if name not in SCENARIOS and name not in elsewhere] == []
