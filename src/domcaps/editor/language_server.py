"""The Language Server Protocol: diagnostics, completion, hover and quick fixes for domain XML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import ServerTextPosition

from domcaps._version import __version__
from domcaps.choose.quick_fixes import quick_fixes
from domcaps.editor.context import CursorKind, context_at
from domcaps.editor.hover import hover
from domcaps.editor.judged import accepted_there
from domcaps.editor.offers import offers
from domcaps.editor.places import span_of
from domcaps.editor.target import world_at
from domcaps.errors import DomcapsError
from domcaps.language.finding import Finding, Severity
from domcaps.one_call import one_call
from domcaps.validate.catalogue.codes import code_url
from domcaps.validate.config import configured
from domcaps.validate.several import merged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pygls.workspace import TextDocument

    from domcaps.hosts.host import Host
    from domcaps.validate.config import Configured
    from domcaps.validate.several import Judged

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTICE: types.DiagnosticSeverity.Information,
}
_KINDS = {
    CursorKind.ELEMENT: types.CompletionItemKind.Class,
    CursorKind.ATTRIBUTE: types.CompletionItemKind.Property,
    CursorKind.VALUE: types.CompletionItemKind.EnumMember,
    CursorKind.TEXT: types.CompletionItemKind.EnumMember,
    CursorKind.NOTHING: types.CompletionItemKind.Text,
}


class DomainJudges(Protocol):
    """Who judges a file: hosts with their releases of libvirt, from options and configuration."""

    def asked(self, found: Configured) -> Iterator[tuple[str, Host, str]]:
        """Give each host with its name and the release of libvirt."""

    def look(self, file: str, data: bytes, found: Configured) -> Sequence[Judged]:
        """Judge a document for each host."""


class Documents:
    """What is known of the documents that are open."""

    def __init__(self, judges: DomainJudges) -> None:
        self.judges = judges
        self.findings: dict[str, tuple[Finding, ...]] = {}

    @one_call()
    def check(self, document: TextDocument) -> list[types.Diagnostic]:
        """Judge a document; gives nothing for other XML than domains."""
        text, file = document.source, _file(document)
        try:
            judged = self.judges.look(str(file), text.encode(), configured(file))
        except DomcapsError as error:
            self.findings[document.uri] = ()
            return [types.Diagnostic(_range(document, 0, 0), str(error), source="domcaps")]
        done = merged(judged)
        found = (*done.findings, *done.notices)
        if any(one.code == "domain-missing" for one in found):
            found = ()
        self.findings[document.uri] = found
        return [self._diagnostic(document, finding) for finding in found]

    def _diagnostic(self, document: TextDocument, finding: Finding) -> types.Diagnostic:
        span = span_of(document.source, finding)
        url = code_url(finding.code)
        hosts = f" (on {', '.join(finding.hosts)})" if finding.hosts else ""
        return types.Diagnostic(
            _range(document, span.begin, span.end),
            finding.message + hosts,
            _SEVERITIES[finding.severity],
            finding.code,
            types.CodeDescription(url) if url else None,
            "domcaps",
        )

    def first(self, document: TextDocument) -> tuple[Host, str]:
        """Give the host that answers questions about a place, and its libvirt."""
        _, host, libvirt = next(iter(self.judges.asked(configured(_file(document)))))
        return host.for_clients(), libvirt

    @one_call()
    def complete(
        self, document: TextDocument, position: types.Position
    ) -> list[types.CompletionItem]:
        """Offer what may be written at a cursor."""
        text, offset = document.source, document.offset_at_position(position)
        host, libvirt = self.first(document)
        context = context_at(text, offset)
        place = _range(document, offset - len(context.begun), offset)
        accepted = offers(context, world_at(host, text, libvirt))
        if context.kind is CursorKind.VALUE:
            accepted = accepted_there(host, text, offset, accepted, libvirt)
        return [
            types.CompletionItem(
                offer.word,
                kind=_KINDS[context.kind],
                detail=offer.detail or None,
                sort_text=f"{number:05}",
                text_edit=types.TextEdit(place, offer.word),
            )
            for number, offer in enumerate(accepted)
        ]

    @one_call()
    def explain(self, document: TextDocument, position: types.Position) -> types.Hover | None:
        """Explain what stands at a cursor."""
        host, libvirt = self.first(document)
        offset = document.offset_at_position(position)
        known = self.findings.get(document.uri, ())
        found = hover(host, document.source, offset, libvirt, known)
        if found is None:
            return None
        span, text = found
        content = types.MarkupContent(types.MarkupKind.Markdown, text)
        return types.Hover(content, _range(document, span.begin, span.end))

    @one_call()
    def actions(self, document: TextDocument, where: types.Range) -> list[types.CodeAction]:
        """Offer edits for the findings in a range, and a comment that leaves each of them out."""
        host, libvirt = self.first(document)
        begin, end = (document.offset_at_position(one) for one in (where.start, where.end))
        found: list[types.CodeAction] = []
        for finding in self.findings.get(document.uri, ()):
            span = span_of(document.source, finding)
            if span.begin <= end and begin <= span.end:
                found += self._fixes(document, finding, host, libvirt)
                found.append(self._ignore(document, finding))
        return found

    def _fixes(
        self, document: TextDocument, finding: Finding, host: Host, libvirt: str
    ) -> Iterator[types.CodeAction]:
        fixes = quick_fixes(host, document.source.encode(), finding, libvirt)
        for number, fix in enumerate(fixes):
            begin = ServerTextPosition(fix.line - 1, fix.column - 1)
            end = ServerTextPosition(fix.end_line - 1, fix.end_column - 1)
            place = types.Range(*(document.position_to_client_units(one) for one in (begin, end)))
            yield self._action(document, finding, fix.what, place, fix.text, best=not number)

    def _ignore(self, document: TextDocument, finding: Finding) -> types.CodeAction:
        line = document.source.split("\n")[max(finding.line - 1, 0)]
        indent = line[: len(line) - len(line.lstrip())]
        start = types.Position(max(finding.line - 1, 0), 0)
        text = f"{indent}<!-- domcaps: ignore {finding.code} -->\n"
        what = f"ignore {finding.code} here"
        return self._action(document, finding, what, types.Range(start, start), text, best=False)

    def _action(
        self,
        document: TextDocument,
        finding: Finding,
        what: str,
        place: types.Range,
        text: str,
        *,
        best: bool,
    ) -> types.CodeAction:
        edit = types.WorkspaceEdit({document.uri: [types.TextEdit(place, text)]})
        diagnostics = [self._diagnostic(document, finding)]
        return types.CodeAction(
            what, types.CodeActionKind.QuickFix, diagnostics, is_preferred=best, edit=edit
        )


def _file(document: TextDocument) -> Path:
    return Path(to_fs_path(document.uri) or "-")


def _range(document: TextDocument, begin: int, end: int) -> types.Range:
    if not document.source:
        # pygls knows no place in a document without lines
        return types.Range(types.Position(0, 0), types.Position(0, 0))
    return types.Range(
        document.client_position_at_offset(begin), document.client_position_at_offset(end)
    )


def make_server(judges: DomainJudges) -> LanguageServer:
    """Make a server that judges documents; ``start_io()`` serves on standard input and output."""
    server = LanguageServer("domcaps", __version__)
    documents = Documents(judges)

    def check(uri: str) -> None:
        document = server.workspace.get_text_document(uri)
        found = documents.check(document)
        server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, found, document.version)
        )

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        check(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        check(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        documents.findings.pop(params.text_document.uri, None)

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=list("< \"'>"))
    )
    def complete(params: types.CompletionParams) -> list[types.CompletionItem]:
        document = server.workspace.get_text_document(params.text_document.uri)
        return documents.complete(document, params.position)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def explain(params: types.HoverParams) -> types.Hover | None:
        document = server.workspace.get_text_document(params.text_document.uri)
        return documents.explain(document, params.position)

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions([types.CodeActionKind.QuickFix])
    )
    def actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        document = server.workspace.get_text_document(params.text_document.uri)
        return documents.actions(document, params.range)

    return server
