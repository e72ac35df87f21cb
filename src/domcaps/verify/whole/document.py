"""A trial of a domain as a document for programs, and as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.language.finding import Finding
from domcaps.native.write import NativeNote
from domcaps.verify.result import NOT_TRIED, STARTS, TriedVerdict
from domcaps.verify.whole.blame import TrialMessage
from domcaps.verify.whole.scene import TrialReplacement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.verify.whole.trial import DomainTrial


class TryDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What came of starting a domain, or why QEMU was not started.

    `accepted` is None where the domain was not validated. `findings` are the errors of a domain
    that libvirt refuses, `unsupported` names the part for which no argument is known. `messages`
    are QEMU's own, with the element that each belongs to; `replaced` is what QEMU was not given.
    In `arguments` and messages DIR stands for the temporary folder of the run.
    """

    file: str
    accepted: bool | None
    verdict: TriedVerdict
    reason: str = ""
    messages: tuple[TrialMessage, ...] = ()
    replaced: tuple[TrialReplacement, ...] = ()
    emulator: str = ""
    qemu: str = ""
    arguments: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    unsupported: NativeNote | None = None


def document_of(file: str, trial: DomainTrial) -> TryDocument:
    """Write what came of a domain that was started."""
    return TryDocument(
        file=file,
        accepted=trial.accepted,
        verdict=trial.verdict,
        reason=trial.reason,
        messages=trial.said,
        replaced=trial.replaced,
        emulator=trial.emulator,
        qemu=trial.qemu,
        arguments=trial.arguments,
        findings=() if trial.validation is None else tuple(trial.validation.errors),
    )


def to_lines(found: TryDocument, name: str) -> Iterator[tuple[str, str]]:
    """Give lines, each with a style: ``error``, ``warning``, ``good`` or ``plain``."""
    for finding in found.findings:
        yield "error", f"{name}:{finding.line}: error: {finding.message} [{finding.code}]"
    if found.unsupported is not None:
        missing = found.unsupported
        yield "error", f"{name}:{missing.line}: {missing.text} ({missing.path})"
    for one in found.replaced:
        yield "plain", f"{_at(name, one.line)}: replaced: {one.what}: {one.by}{_in(one.path)}"
    for said in found.messages:
        yield (
            said.severity, f"{_at(name, said.line)}: {said.severity}: {said.text}{_in(said.path)}"
        )  # fmt: skip
    yield _last(found, name)


def _last(found: TryDocument, name: str) -> tuple[str, str]:
    qemu = f"QEMU {found.qemu} ({found.emulator})"
    if not found.emulator:
        return "error", f"{name}: QEMU was not started"
    if found.verdict == STARTS:
        return "good", f"{name}: starts with {qemu}"
    if found.verdict == NOT_TRIED:
        return "error", f"{name}: not tried with {qemu}: {found.reason}"
    return "error", f"{name}: refused by {qemu}"


def _at(name: str, line: int) -> str:
    return f"{name}:{line}" if line else name


def _in(path: str) -> str:
    return f" ({path})" if path else ""
