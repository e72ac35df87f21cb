"""Values that are offered for an attribute, without those that the host refuses in this domain."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from domcaps.editor.places import span_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domcaps.editor.offers import Proposal
    from domcaps.editor.places import Span
    from domcaps.hosts.host import Host

_WRITTEN = re.compile(r"""([^=]+=\s*)(["']).*\2""", re.DOTALL)
_TARGET = re.compile(r"/domain/@type|/domain/os/type/@.*|/domain/devices/emulator")
"""Values that name another target: what the emulator has is offered, and each would be asked."""
_SECONDS = 1.0
"""An editor does not wait longer: what is not judged by then is offered."""


def accepted_there(
    host: Host, text: str, offset: int, proposals: Sequence[Proposal], libvirt: str
) -> list[Proposal]:
    """Leave out what the host refuses; all are offered where the text is not well-formed."""
    span = span_at(text, offset)
    if span is None or _WRITTEN.fullmatch(text, span.begin, span.end) is None:
        return list(proposals)
    if _TARGET.fullmatch(span.path):
        return list(proposals)
    return list(_accepted(host, text, span, proposals, libvirt)) or list(proposals)


def _accepted(
    host: Host, text: str, span: Span, proposals: Sequence[Proposal], libvirt: str
) -> Iterator[Proposal]:
    end = time.monotonic() + _SECONDS
    for one in proposals:
        if time.monotonic() > end or not _is_refused(host, text, span, one.word, libvirt):
            yield one


def _is_refused(host: Host, text: str, span: Span, word: str, libvirt: str) -> bool:
    written = _WRITTEN.sub(rf"\g<1>\g<2>{word}\g<2>", text[span.begin : span.end], count=1)
    changed = f"{text[: span.begin]}{written}{text[span.end :]}"
    found = host.validate(changed.encode(errors="surrogatepass"), libvirt).errors
    return any(finding.path == span.path for finding in found)
