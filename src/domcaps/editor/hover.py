"""Why what stands at a cursor can be used on this host or not, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.editor.places import span_at
from domcaps.errors import DomcapsError
from domcaps.language.node_path import without_positions
from domcaps.validate.alternatives import fields_by_path
from domcaps.validate.catalogue.codes import code_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.editor.places import Span
    from domcaps.hosts.host import Host
    from domcaps.language import Reason
    from domcaps.language.finding import Finding
    from domcaps.validate.explain import Use

_MARKS = {"yes": "✓", "no": "✗", "unknown": "?"}


def hover(
    host: Host, text: str, offset: int, libvirt: str, findings: Iterable[Finding] = ()
) -> tuple[Span, str] | None:
    """Explain the choice at a cursor, with the findings there; None where nothing is known."""
    span = span_at(text, offset)
    if span is None:
        return None
    lines = [line for one in findings if one.path == span.path for line in _finding(one)]
    lines += [line for use in _uses(host, text, libvirt, span.path) for line in _use(use)]
    lines = lines or list(_expected(span.path))
    return (span, "\n".join(lines)) if lines else None


def _uses(host: Host, text: str, libvirt: str, path: str) -> list[Use]:
    try:
        found = host.explain_domain(text, libvirt).uses
    except DomcapsError:
        return []
    return [use for use in found if use.xpath == path]


def _finding(finding: Finding) -> Iterator[str]:
    yield f"**{finding.severity.value}** {_plain(finding.message)}"
    url = code_url(finding.code)
    yield f"[{finding.code}]({url})" if url else f"`{finding.code}`"
    yield ""


def _use(use: Use) -> Iterator[str]:
    found = use.explanation
    yield f"{_MARKS[found.truth.value]} `{found.path}`: {found.truth.value}"
    yield from _reason(found.reason, "")
    for change in found.changes:
        how = f": {change.how}" if change.how else ""
        yield f"- would be a yes if {_plain(change.statement + how)}"
    if use.instead:
        yield f"- could be {', '.join(f'`{value}`' for value in use.instead)}"


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


def _plain(text: str) -> str:
    """Keep what Markdown would take for its own."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]<>#|" else sign for sign in text)
