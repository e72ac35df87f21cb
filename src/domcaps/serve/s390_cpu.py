"""CPUs of mainframes, of which libvirt knows nothing: it asks QEMU, each time anew.

Which questions it puts was read from its document on ``virConnectBaselineHypervisorCPU`` and
observed: a model is expanded to a *static* one, whose meaning is the same for every QEMU; two are
brought together by ``query-cpu-model-baseline``; for all features the result is expanded in full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.facts.question import ask, cpu_expansion_of
from domcaps.serve.comparison import CpuComparison
from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.xml.cpu import Baseline

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domcaps.facts.dialogue import Talk
    from domcaps.facts.record import Answer
    from domcaps.serve.xml.cpu import Described

BASELINE, COMPARISON = "query-cpu-model-baseline", "query-cpu-model-comparison"

_ON = frozenset({"require", "force"})
_UNNAMED = {"host-passthrough": "host", "maximum": "max"}
_RESULTS = {"identical": CpuComparison.IDENTICAL, "superset": CpuComparison.SUPERSET}

_Features = tuple[tuple[str, bool], ...]


class S390CpuModel(msgspec.Struct, frozen=True):
    """A CPU model as QEMU takes and gives it."""

    name: str
    features: _Features = ()

    @property
    def argument(self) -> dict[str, Any]:
        """Give it as an argument of QMP."""
        return {"name": self.name} | ({"props": dict(self.features)} if self.features else {})


class _ModelReply(msgspec.Struct):
    name: str
    props: dict[str, Any] = {}


class _Reply(msgspec.Struct):
    model: _ModelReply


class _Verdict(msgspec.Struct):
    result: str


def model_of(cpu: Described) -> S390CpuModel:
    """Take the model that a CPU names; raises `LibvirtError` where there is none."""
    name = cpu.model or _UNNAMED.get(cpu.mode, "")
    if not name:
        raise LibvirtError(ErrorNumber.INVALID_ARG, "the CPU has no model")
    return S390CpuModel(name, tuple((feature, policy in _ON) for feature, policy in cpu.features))


def check_offered(cpus: Sequence[Described], offered: Iterable[str]) -> None:
    """Refuse models that an emulator does not have."""
    known = frozenset(offered)
    for number, cpu in enumerate(cpus):
        if cpu.model not in known:
            raise LibvirtError(
                ErrorNumber.INVALID_ARG,
                f"the emulator has no CPU model {cpu.model!r}, of index {number}",
            )


def baseline(cpus: Sequence[Described], *, expand: bool) -> Talk[Baseline]:
    """Find what all of some CPUs can be; `expand` lists all features of that."""
    found = model_of(cpus[0])
    for cpu in cpus[1:]:
        question = ask(BASELINE, modela=found.argument, modelb=model_of(cpu).argument)
        found = _taken((yield question))
    if expand or len(cpus) == 1:
        kind = "full" if expand else "static"
        found = _taken((yield cpu_expansion_of(found.name, kind, dict(found.features))))
    names = [name for name, _ in found.features]
    # it is written as that of a host: of features that are there, and without policies
    features = tuple((name, "") for name in (sorted(names) if expand else names))
    return Baseline(found.name, "", "", features)


def comparison(there: S390CpuModel, cpu: S390CpuModel) -> Talk[CpuComparison]:
    """Tell what an emulator's CPU is to another one."""
    answer = yield ask(COMPARISON, modela=there.argument, modelb=cpu.argument)
    return _RESULTS.get(_decoded(answer, _Verdict).result, CpuComparison.INCOMPATIBLE)


def _taken(answer: Answer) -> S390CpuModel:
    """Take a model out of an answer, with the features that it has."""
    found = _decoded(answer, _Reply).model
    return S390CpuModel(
        found.name, tuple((name, True) for name, on in found.props.items() if on is True)
    )


def _decoded(answer: Answer, kind: type[Any]) -> Any:
    if answer.failure is not None:
        command = answer.question.command
        raise LibvirtError(
            ErrorNumber.INTERNAL_ERROR, f"QEMU refused {command}: {answer.failure.text}"
        )
    try:
        return msgspec.json.decode(answer.reply, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text = f"QEMU's answer to {answer.question.command} can't be read: {error}"
        raise LibvirtError(ErrorNumber.INTERNAL_ERROR, text) from error
