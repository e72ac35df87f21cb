"""Asking for what a CPU model is made of (QMP ``query-cpu-model-expansion``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.facts.question import cpu_expansion_of

if TYPE_CHECKING:
    from domcaps.facts.emulator import CpuExpansion, EmulatorFacts

MAX_TYPE = "max-x86_64-cpu"
"""The QOM type from which libvirt concludes what x86 CPU models can do: of x86_64 only."""


def model_to_expand(accelerator: str) -> str:
    """Name the model that stands for all that is available with an accelerator."""
    return "max" if accelerator == "tcg" else "host"


def asked_for(emulator: EmulatorFacts, accelerator: str) -> bool:
    """Tell whether a session with that accelerator came about."""
    return any(
        session.accelerator == accelerator and session.failure is None
        for session in emulator.record.sessions
    )


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
