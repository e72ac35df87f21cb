"""Asking for what a CPU model is made of, and what else the ``<cpu>`` of a report needs asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.facts.arch import ARM, S390, X86
from domcaps.facts.question import Question, ask, cpu_expansion_of, object_properties_of

if TYPE_CHECKING:
    from domcaps.facts.emulator import CpuExpansion, EmulatorFacts

MIGRATABLE_TYPE = "max-x86_64-cpu"
"""The QOM type that tells whether the model ``host`` can be kept migratable: of x86_64 only."""


def model_to_expand(accelerator: str) -> str:
    """Name the model that stands for all that can be had with an accelerator."""
    return "max" if accelerator == "tcg" else "host"


def asked_for(emulator: EmulatorFacts, accelerator: str) -> bool:
    """Tell whether there was a session with that accelerator."""
    return any(session.accelerator == accelerator for session in emulator.record.sessions)


def expansion(
    emulator: EmulatorFacts,
    accelerator: str,
    model: str,
    kind: str,
    props: dict[str, Any] | None = None,
    *,
    needed: bool = True,
) -> CpuExpansion | None:
    """Give what a model is made of; None where QEMU refused, can't tell, or had no such session.

    Where the answer is `needed`, `Unanswered` is raised if QEMU could tell but was not asked.
    """
    found = emulator.cpu_expansion(model, accelerator, kind, props)
    if found is None and needed and asked_for(emulator, accelerator):
        question = cpu_expansion_of(model, kind, props)
        if emulator.schema.has(question.command):
            emulator.answer(question, accelerator)
    return found


def cpu_questions(arch: str, accelerator: str) -> tuple[Question, ...]:
    """List what an emulator has to be asked, in one session, for the ``<cpu>`` of a report."""
    model = model_to_expand(accelerator)
    questions = [ask("query-cpu-definitions")]
    if arch in X86:
        questions += [
            cpu_expansion_of(model, "static"),
            cpu_expansion_of(model, "static", {"migratable": False}),
        ]
        if accelerator == "kvm":
            held_back = {"migratable": False, "arch-capabilities": True}
            questions.append(cpu_expansion_of(model, "static", held_back))
    elif arch in S390:
        questions += [cpu_expansion_of(model, "static"), cpu_expansion_of(model, "full")]
    elif arch in ARM:
        questions.append(cpu_expansion_of(model, "full"))
    if arch == "x86_64":
        questions.append(object_properties_of(MIGRATABLE_TYPE))
    return tuple(questions)
