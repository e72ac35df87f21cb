"""What to ask an emulator: what is always asked, and what earlier answers call for.

The forms of the questions are those of libvirt (up to 12.8), so that a probe and a transcript of
libvirt's hold the same answers.

Properties are asked of the machine types that libvirt asks about, and of the abstract types
behind the others. Not of every machine type: to list the properties of one that is not abstract,
QEMU makes such a machine, with consequences (QEMU 7.2 aborts after ``microvm-machine``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from domcaps.facts.arch import ARM, X86, from_qemu_target
from domcaps.facts.question import (
    QmpCommand,
    ask,
    cpu_expansion_of,
    device_properties_of,
    object_properties_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from domcaps.facts.record import Answer

    Questions = Iterable[QmpCommand] | Callable[[], Iterable[QmpCommand]]
    """Questions, or what gives them: that may take long, and runs while the emulator starts."""

T = TypeVar("T")

VERSION = ask("query-version")
TARGET = ask("query-target")
KVM = ask("query-kvm")
SCHEMA = ask("query-qmp-schema")
TYPES = ask("qom-list-types")
MACHINES = ask("query-machines")
DEVICES = ask("qom-list-types", implements="device", abstract=False)

BASICS = (TARGET, KVM, VERSION, SCHEMA, TYPES, MACHINES)
"""Without these answers nothing can be said about an emulator."""

_ALWAYS = (
    *BASICS,
    ask("query-cpu-definitions"),
    ask("query-command-line-options"),
    ask("query-tpm-models"),
    ask("query-tpm-types"),
    ask("query-migrate-capabilities"),
    object_properties_of("none-machine"),
)
_PER_ACCELERATOR = (TARGET, KVM, ask("query-cpu-definitions"), MACHINES)
_WHERE_KNOWN = (
    ask("query-accelerators"),
    ask("query-sev-capabilities"),
    ask("query-sgx-capabilities"),
    ask("query-gic-capabilities"),
)
_MACHINES_ASKED = ("virt", "pseries")
_EXPANSION = "query-cpu-model-expansion"


class _Entity(msgspec.Struct):
    name: str
    meta_type: str = msgspec.field(name="meta-type", default="")


class _Type(msgspec.Struct):
    name: str
    parent: str = ""
    abstract: bool = False


class _Machine(msgspec.Struct):
    name: str
    alias: str = ""


class _Target(msgspec.Struct):
    arch: str = ""


class _Kvm(msgspec.Struct):
    enabled: bool = False


class Plan:
    """The questions for one run of an emulator with one accelerator.

    Ask `opening`, then give each answer to `after` and ask what that returns too. `accelerated`
    tells whether the accelerator is in use, None as long as that is not known.

    `questions` may be a function: `opening` does not call it. If `is_late`, ask what is `new`
    in `rest` as well, which may be called in another thread.

    With `complete` false only that is asked whose answers depend on the accelerator. With
    `inventory` the properties of every device type are asked too.
    """

    def __init__(
        self,
        questions: Questions = (),
        *,
        accelerator: str,
        complete: bool = True,
        inventory: bool = False,
    ) -> None:
        self.accelerated = None if accelerator == "kvm" else accelerator != "tcg"
        self._complete = complete
        self._questions = questions
        self.is_late = complete and callable(questions)
        self._inventory = inventory and complete
        self._arch = ""
        self._expands = None if complete else True
        self._seen: set[QmpCommand] = set()
        self._extras: frozenset[QmpCommand] = frozenset()
        self._follow: dict[QmpCommand, Callable[[Answer], Iterable[QmpCommand]]] = {
            TARGET: self._after_target,
            KVM: self._after_kvm,
            SCHEMA: self._after_schema,
            TYPES: self._after_types,
            MACHINES: self._after_machines,
            DEVICES: self._after_devices,
        }

    def opening(self) -> list[QmpCommand]:
        """Give the questions that can be asked right away."""
        if not self._complete:
            return self.new(_PER_ACCELERATOR)
        if self.is_late:
            return self.new(_ALWAYS)
        # the table comes last: while QEMU is busy with it, what follows can be worked out
        return self.new((*_ALWAYS, *self.rest()))

    def rest(self) -> list[QmpCommand]:
        """Give the questions of the table, and what the inventory begins with."""
        given = self._questions() if callable(self._questions) else self._questions
        return [*sorted(given), *((DEVICES,) if self._inventory else ())]

    def after(self, answer: Answer) -> list[QmpCommand]:
        """Give the questions that an answer calls for."""
        follow = self._follow.get(answer.question)
        return self.new(follow(answer)) if follow else []

    def is_extra(self, question: QmpCommand) -> bool:
        """Tell whether a question is part of the inventory only."""
        return question == DEVICES or question in self._extras

    def new(self, questions: Iterable[QmpCommand]) -> list[QmpCommand]:
        """Give those questions that were not given before, each once."""
        new = [q for q in dict.fromkeys(questions) if q not in self._seen]
        self._seen.update(new)
        return new

    def _after_target(self, answer: Answer) -> Iterable[QmpCommand]:
        found = _decoded(answer, _Target)
        self._arch = from_qemu_target(found.arch) if found else "?"
        machine = ("generic-pc-machine",) if self._complete and self._arch in X86 else ()
        return (*map(object_properties_of, machine), *self._expansions())

    def _after_kvm(self, answer: Answer) -> Iterable[QmpCommand]:
        if self.accelerated is None:
            found = _decoded(answer, _Kvm)
            self.accelerated = found is not None and found.enabled
        return self._expansions()

    def _after_schema(self, answer: Answer) -> Iterable[QmpCommand]:
        entities = _decoded(answer, list[_Entity]) or []
        commands = {entity.name for entity in entities if entity.meta_type == "command"}
        self._expands = _EXPANSION in commands
        known = [question for question in _WHERE_KNOWN if question.command in commands]
        return (*known, *self._expansions())

    def _after_types(self, answer: Answer) -> Iterable[QmpCommand]:
        types = _decoded(answer, list[_Type]) or []
        abstract = {entry.name for entry in types if entry.abstract}
        behind = {entry.parent for entry in types if entry.name.endswith("-machine")}
        return map(object_properties_of, sorted(behind & abstract))

    def _after_machines(self, answer: Answer) -> Iterable[QmpCommand]:
        if not self._complete:
            return ()
        machines = _decoded(answer, list[_Machine]) or []
        named = [m.name for m in machines if {m.name, m.alias} & set(_MACHINES_ASKED)]
        return [object_properties_of(f"{name}-machine") for name in named]

    def _after_devices(self, answer: Answer) -> Iterable[QmpCommand]:
        devices = _decoded(answer, list[_Type]) or []
        asked = [device_properties_of(device.name) for device in devices]
        self._extras = frozenset(asked) - self._seen
        return asked

    def _expansions(self) -> Iterable[QmpCommand]:
        """Give the questions about the host's CPU, or the largest one that TCG emulates."""
        if not (self._expands and self._arch) or self.accelerated is None:
            return
        model = "host" if self.accelerated else "max"
        if self._arch not in ARM:
            yield cpu_expansion_of(model, "static")
        if self._arch in X86:
            yield cpu_expansion_of(model, "static", {"migratable": False})
            if self.accelerated:
                # what KVM knows of the features that AMD's processors have no MSR for
                yield cpu_expansion_of(
                    model, "static", {"migratable": False, "arch-capabilities": True}
                )
        yield cpu_expansion_of(model, "full")
        # libvirt before 11.9 asks about Hyper-V without an accelerator, too
        if (self.accelerated or self._complete) and (self._arch in X86 or self._arch in ARM):
            yield cpu_expansion_of(model, "full", {"migratable": False, "hv-passthrough": True})


def _decoded(answer: Answer, kind: type[T]) -> T | None:
    """Give what an answer says, None where there is none or it is not what QMP promises."""
    if answer.failure is not None:
        return None
    try:
        return msgspec.json.decode(answer.reply, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
