"""Values that are offered for an attribute, without those that the host refuses in this domain."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from domcaps.choose.hosts import refusals
from domcaps.editor.context import CursorKind, context_at
from domcaps.editor.offers import Proposal
from domcaps.editor.places import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domcaps.editor.places import Span
    from domcaps.hosts.host import Host
    from domcaps.language.finding import Finding

_WRITTEN = re.compile(r"""([^=]+=\s*)(["']).*\2""", re.DOTALL)
_TARGET = re.compile(r"/domain/@type|/domain/os/type/@.*|/domain/devices/emulator")
"""Values that name another target: what the emulator has is offered, and each would be asked."""
_UNKNOWN = "no-such-value"
"""The finding for a value that no host has lists those that are accepted."""
_SECONDS = 1.0
"""An editor does not wait longer: what is not judged by then is offered."""


def accepted_there(
    host: Host, text: str, offset: int, proposals: Sequence[Proposal], libvirt: str
) -> list[Proposal]:
    """Leave out what the host refuses; add what a rule accepts where the table lists no values.

    Of text that is not well-formed, what stands before the cursor is judged. All are offered if
    that can't be read either.
    """
    span = span_at(text, offset)
    if span is None:
        text = completed(text, offset)
        span = span_at(text, offset)
    if span is None or _WRITTEN.fullmatch(text, span.begin, span.end) is None:
        return list(proposals)
    if _TARGET.fullmatch(span.path):
        return list(proposals)
    if not proposals:
        begun = context_at(text, offset).begun
        done = host.validate(_with_word(text, span, _UNKNOWN), libvirt)
        proposals = list(_of_findings(_at(done.errors, span), begun))
    return list(_accepted(host, text, span, proposals, libvirt)) or list(proposals)


def completed(text: str, offset: int) -> str:
    """Close what is open at a cursor in a value of text that is not well-formed."""
    before, context = text[:offset], context_at(text, offset)
    if context.kind is not CursorKind.VALUE:
        return text
    quote = before[: len(before) - len(context.begun)][-1:]
    return f"{before}{quote}/>" + "".join(f"</{name}>" for name in reversed(context.path[:-1]))


def _accepted(
    host: Host, text: str, span: Span, proposals: Sequence[Proposal], libvirt: str
) -> Iterator[Proposal]:
    """Judge words until the time is over, without a search for values that fit instead."""
    end = time.monotonic() + _SECONDS
    for one in proposals:
        late = time.monotonic() > end
        if late or not _at(refusals([host], _with_word(text, span, one.word), libvirt), span):
            yield one


def _of_findings(found: Iterable[Finding], begun: str) -> Iterator[Proposal]:
    for finding in found:
        yield from (Proposal(word) for word in finding.accepted if word.startswith(begun))


def _with_word(text: str, span: Span, word: str) -> bytes:
    """Write a word where an attribute's value stands."""
    written = _WRITTEN.sub(rf"\g<1>\g<2>{word}\g<2>", text[span.begin : span.end], count=1)
    return f"{text[: span.begin]}{written}{text[span.end :]}".encode(errors="surrogatepass")


def _at(errors: Iterable[Finding], span: Span) -> list[Finding]:
    return [finding for finding in errors if finding.path == span.path]
