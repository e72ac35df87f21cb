"""When a stamp proves something, and when the content must be looked at again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from domcaps.facts.hostfiles import HostFiles
from domcaps.fresh.host_view import HostView
from domcaps.fresh.identity import COARSE_NS, FINE_NS, Identity, identity, now
from domcaps.fresh.store import Sighting
from domcaps.fresh.witness import Content

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
MOMENT = 1_700_000_000 * SECOND + 123_456_789


def changed_at(moment: int) -> Identity:
    return Identity(1, 2, 0o100644, 3, 0, moment)


@pytest.mark.parametrize(
    ("changed", "looked", "settled"),
    [
        (MOMENT, MOMENT, False),
        (MOMENT, MOMENT + FINE_NS - 1, False),
        (MOMENT, MOMENT + FINE_NS, True),
        # whole seconds: perhaps the file system keeps no more
        (MOMENT // SECOND * SECOND, MOMENT + FINE_NS, False),
        (MOMENT // SECOND * SECOND, MOMENT + COARSE_NS, True),
        # from the future: the clock was set back
        (MOMENT + SECOND, MOMENT, True),
        (MOMENT + FINE_NS // 2, MOMENT, False),
    ],
)
def test_a_change_shows_only_if_it_can_be_told_from_the_last_one(
    changed: int, looked: int, settled: bool
) -> None:
    assert changed_at(changed).is_settled(looked) is settled


@pytest.mark.parametrize("how", ["written", "renamed over", "restored", "mode", "replaced alike"])
def test_every_kind_of_change_gives_another_identity(tmp_path: Path, how: str) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    os.utime(file, ns=(MOMENT, MOMENT))
    before = identity(file.stat())
    if how == "written":
        file.write_text("two")
    elif how == "mode":
        file.chmod(0o600)
    elif how == "restored":
        file.write_text("two")
        os.utime(file, ns=(MOMENT, MOMENT))
    else:
        other = tmp_path / "other"
        other.write_text("one" if how == "replaced alike" else "two")
        os.utime(other, ns=(MOMENT, MOMENT))
        other.rename(file)
    assert identity(file.stat()) != before


class Frozen(HostFiles):
    """A clock that stands still: no change ever shows in a status."""

    def __init__(self, root: Path, status: os.stat_result) -> None:
        super().__init__(root)
        self._status = status

    def status(self, path: str) -> os.stat_result:
        return self._status


def test_content_is_looked_at_while_the_stamp_proves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    host_view = HostView(Frozen(tmp_path, file.stat()))
    sighting = Sighting(Content("/file"))
    sighting.look(host_view, now())
    version = sighting.version
    file.write_text("two")
    assert not sighting.is_same(host_view)
    sighting.look(host_view, now())
    assert sighting.version == version + 1


def test_content_is_not_looked_at_once_the_stamp_proves_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    old = os.stat_result(tuple(file.stat()), {"st_ctime_ns": now() - SECOND, "st_mtime_ns": 0})
    host_view = HostView(Frozen(tmp_path, old))
    sighting = Sighting(Content("/file"))
    sighting.look(host_view, now())
    # nobody can do that on a real system: the status would change
    file.write_text("two")
    assert sighting.is_same(host_view)
