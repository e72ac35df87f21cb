"""What the machine types of an emulator give: what no machine type changes is evaluated once.

Which parts of a report that are is not declared anywhere: the first evaluation notes what it reads
of the target, and an element that did not read the machine type is the same for all of them. These
are most elements, among them the CPU models, which cost most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domcaps.elements import table
from domcaps.fleet.tracking.proxies import WatchedWorld
from domcaps.fleet.tracking.recorder import Recorder
from domcaps.report.answer import evaluate
from domcaps.report.document import build
from domcaps.report.flat import flatten, flatten_section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domcaps.fleet.tracking.recorder import ReadKey
    from domcaps.language import Element, World
    from domcaps.report.answer import Section

_MODEL = "cpu.custom model "
_USABLE = "usable=yes"


class Given(NamedTuple):
    """Features, and statements that can't be decided, since the recording has no answer."""

    features: frozenset[str]
    unknown: frozenset[str] = frozenset()


class MachineTypes:
    """The features of machine types that differ in nothing else: emulator, type and release."""

    def __init__(self) -> None:
        self._same: dict[int, Given] = {}
        self._varying: list[Element] = []

    def features(self, world: World) -> Given:
        """Give the features of the machine type of a world.

        Raises `UnsupportedTargetError` where only libvirt was asked, and not about this one.
        """
        if world.emulator.is_partial:
            return Given(features_of(flatten(build(world))))
        if not self._same:
            self._sort(world)
        parts = [*self._same.values(), *(_evaluated(e, world) for e in self._varying)]
        return Given(
            frozenset().union(*(part.features for part in parts)),
            frozenset().union(*(part.unknown for part in parts)),
        )

    def _sort(self, world: World) -> None:
        """Tell elements that read the machine type from those that do not."""
        for number, element in enumerate(table()):
            recorder = Recorder()
            with recorder.recording() as frame:
                section = evaluate(element, WatchedWorld(world, recorder))
            if any(map(_is_of_machine, frame.host)):
                self._varying.append(element)
            else:
                self._same[number] = _given(section, frame.unknown)


def _is_of_machine(key: ReadKey) -> bool:
    """Tell whether a read is about the machine type: its name, or a comparison of it."""
    root, *path = key
    return root == "target" and any(
        step == "machine" or (isinstance(step, tuple) and "machine" in step) for step in path
    )


def _evaluated(element: Element, world: World) -> Given:
    asked = world.again()
    return _given(evaluate(element, asked), asked.unknown)


def _given(section: Section | None, unknown: set[str]) -> Given:
    found = frozenset[str]() if section is None else features_of(flatten_section(section))
    return Given(found, frozenset(unknown))


def features_of(statements: Mapping[str, str]) -> frozenset[str]:
    """Give what a report says yes to, in the words of `domcaps explain`.

    Paths of files and reasons why a CPU model can't be used are no features.
    """
    found = set()
    for path, value in statements.items():
        if path.startswith(_MODEL):
            if _USABLE in value.split():
                found.add(f"cpu.custom={path.removeprefix(_MODEL)}")
        elif value == "yes" and " " not in path:
            found.add(path)
    return frozenset(found)
