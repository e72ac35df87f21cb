"""Machine types of one emulator share what does not differ, and each has what its report says."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

import domcaps
from domcaps.fleet import machine_types
from domcaps.fleet.features import guests_of
from domcaps.fleet.machine_types import MachineTypes, features_of
from domcaps.report.answer import evaluate
from domcaps.report.document import build
from domcaps.report.flat import flatten

if TYPE_CHECKING:
    from domcaps.language import Element, World
    from domcaps.report.answer import Section


@pytest.mark.parametrize("name", domcaps.shipped_names())
def test_each_machine_type_has_what_its_report_says(name: str) -> None:
    host = domcaps.Host.open(f"shipped:{name}")
    world = host.world()
    types = MachineTypes()
    machines = [one.name for one in world.emulator.machines(world.target.virttype)]
    # the first, the last and some between
    for machine in dict.fromkeys([*machines[:: max(1, len(machines) // 4)], machines[-1]]):
        one = host.world(machine=machine)
        document = build(host.world(machine=machine))
        found = types.features(one)
        assert found.features == features_of(flatten(document)), machine
        assert found.unknown == set(document.unknown), machine


def test_what_no_machine_type_changes_is_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: Counter[tuple[str, int]] = Counter()

    def counted(element: Element, world: World) -> Section | None:
        counts[element.name, id(element)] += 1
        return evaluate(element, world)

    monkeypatch.setattr(machine_types, "evaluate", counted)
    (guest,) = guests_of(domcaps.Host.open("shipped:debian13-x86_64"))
    assert len(guest.groups) > 1
    by_name = {name: count for (name, _), count in counts.items()}
    assert by_name["cpu"] == by_name["hyperv"] == 1
    assert by_name["os"] > 30
    assert sum(count == 1 for count in counts.values()) > len(counts) / 2
