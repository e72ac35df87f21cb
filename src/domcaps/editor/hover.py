"""Why what stands at a cursor can be used on this host or not, as Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.editor.judged import completed
from domcaps.editor.places import span_at
from domcaps.errors import DomcapsError
from domcaps.language.node_path import without_positions
from domcaps.validate.alternatives import fields_by_path
from domcaps.validate.catalogue.codes import code_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.editor.places import Span
    from domcaps.hosts.host import Host
    from domcaps.language import Reason, Target
    from domcaps.language.finding import Finding
    from domcaps.report.explain import Explanation
    from domcaps.validate.explain import DomainExplanation, Use

_REST_OF_VALUE = re.compile(r"[^\"'<>]*")
_OUTER = frozenset({"domain", "domain/devices", "domain/features"})
"""Elements whose children the table explains by their names."""
_MARKS = {"yes": "✓", "no": "✗", "unknown": "?"}


def hover(
    host: Host, text: str, offset: int, libvirt: str, findings: Iterable[Finding] = ()
) -> tuple[Span, str] | None:
    """Explain the choice at a cursor, with the findings there; None where nothing is known.

    Of text that is not well-formed, what stands before the end of a value is explained.
    """
    span = span_at(text, offset)
    if span is None:
        rest = _REST_OF_VALUE.match(text, offset)
        text = completed(text, rest.end() if rest else offset)
        span = span_at(text, offset)
    if span is None:
        return None
    explained = _explained(host, text, libvirt)
    uses = explained.uses if explained is not None else ()
    lines = [line for one in findings if one.path == span.path for line in _finding(one)]
    lines += [line for use in uses if use.xpath == span.path for line in _use(use)]
    lines = lines or list(_expected(span.path))
    if not lines and explained is not None:
        lines = list(_of_table(host, text, explained.target, libvirt, span))
    return (span, "\n".join(lines)) if lines else None


def _explained(host: Host, text: str, libvirt: str) -> DomainExplanation | None:
    try:
        return host.explain_domain(text, libvirt)
    except DomcapsError:
        return None


def _finding(finding: Finding) -> Iterator[str]:
    yield f"**{finding.severity.value}** {_plain(finding.message)}"
    url = code_url(finding.code)
    yield f"[{finding.code}]({url})" if url else f"`{finding.code}`"
    yield ""


def _use(use: Use) -> Iterator[str]:
    yield from _explanation(use.explanation)
    if use.instead:
        yield f"- could be {', '.join(f'`{value}`' for value in use.instead)}"


def _explanation(found: Explanation) -> Iterator[str]:
    yield f"{_MARKS[found.truth.value]} `{found.path}`: {found.truth.value}"
    yield from _reason(found.reason, "")
    for change in found.changes:
        how = f": {change.how}" if change.how else ""
        yield f"- would be a yes if {_plain(change.statement + how)}"


def _reason(reason: Reason, indent: str) -> Iterator[str]:
    source = f" ({reason.seen})" if reason.seen else ""
    yield f"{indent}- {_MARKS[reason.truth.value]} {_plain(reason.statement + source)}"
    for inner in reason.because:
        yield from _reason(inner, indent + "  ")


def _expected(path: str) -> Iterator[str]:
    plain = without_positions(path.strip("/"))
    for declared in fields_by_path().get(f"/{plain}", ()):
        if declared.choice is None and declared.expected:
            yield f"`{plain}` must be {_plain(declared.expected)}"
            return


def _of_table(host: Host, text: str, target: Target, libvirt: str, span: Span) -> Iterator[str]:
    """Explain an element of the report, or the CPU model that stands in an element."""
    outer, _, name = without_positions(span.path.strip("/")).rpartition("/")
    if outer == "domain/cpu" and name == "model":
        model = re.match(r"<[^<>]*>([^<>]*)", text[span.begin :])
        name = f"cpu.custom={model[1].strip()}" if model else ""
    elif outer not in _OUTER:
        return
    try:
        found = host.explain(
            name, target.emulator, target.arch, target.machine, target.virttype, libvirt
        )
    except DomcapsError:
        return
    for one in found:
        if one.path == name:
            yield from _explanation(one)


def _plain(text: str) -> str:
    """Keep what Markdown would take for its own."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]<>#|" else sign for sign in text)
