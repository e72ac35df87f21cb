"""What follows from a host's facts is computed once for all hosts that are read alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domcaps.facts.record import Helper
from domcaps.fleet.fleet import Fleet
from domcaps.fleet.hosts import WantedTarget
from domcaps.fleet.tracking.proxies import WatchedWorld
from domcaps.fleet.tracking.recorder import Recorder
from fleet_hosts import fleet, replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from domcaps.fleet.hosts import WorldTable

_WANTED = WantedTarget(None, "x86_64", "q35", "qemu")


@pytest.fixture
def table(tmp_path: Path) -> WorldTable:
    """Give three hosts with one QEMU: the first and the last have the same helper programs."""
    one, found = next(iter(fleet(1, seed=3).values())), Fleet.open(tmp_path)
    for name, path, model in (("a", "/a", "x"), ("b", "/b", "x"), ("c", "/a", "y")):
        cpu = replace(one.host.cpu, model=model)
        host = replace(one.host, helpers=(Helper("passt", path, ()),), cpu=cpu)
        found.add(replace(one, host=host), name)
    return found.hosts.table(_WANTED, "12.8")


def kept(table: WorldTable, host: int, compute: Callable[[Any], Any]) -> tuple[Any, set[Any]]:
    """Keep a value in the world of a host; give it with the reads that were charged."""
    recorder = Recorder()
    world = WatchedWorld(table.world(host), recorder)
    with recorder.recording() as frame:
        value = world.keep("value", lambda: compute(world))
    return value, set(frame.host)


def test_hosts_that_are_read_alike_share_a_value(table: WorldTable) -> None:
    asked = []

    def compute(world: Any) -> Any:
        asked.append(world)
        return world.host.helper("passt").path

    found = [kept(table, host, compute) for host in (0, 1, 2, 1)]
    assert [value for value, _ in found] == ["/a", "/b", "/a", "/b"]
    assert len(asked) == 2
    reads = [names for _, names in found]
    assert reads[0]
    assert all(names == reads[0] for names in reads)


def test_what_was_raised_is_shared_too(table: WorldTable) -> None:
    asked = []

    def compute(world: Any) -> Any:
        asked.append(world.emulator.arch)
        raise ValueError("no value")

    for host in range(3):
        with pytest.raises(ValueError, match="no value"):
            kept(table, host, compute)
    assert len(asked) == 1
