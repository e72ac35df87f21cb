"""The language server, asked by a real client: pygls' own, over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from edited_domain import TEXT
from plain_hosts import plain

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LINES = TEXT.split("\n")


def client_column(line: int, text: str) -> int:
    """Give the place of a text in a line, in UTF-16 units as clients count."""
    before = LINES[line][: LINES[line].index(text)]
    return len(before.encode("utf-16-le")) // 2


class Session:
    """An editor that has one document open."""

    def __init__(self, client: LanguageClient, uri: str) -> None:
        self.client = client
        self.uri = uri
        self.published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()

        client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda found: self.publish(found))

    def publish(self, params: types.PublishDiagnosticsParams) -> None:
        self.published.put_nowait(params)

    async def start(self, *words: str, cwd: Path) -> None:
        command = ["-c", "from domcaps.cli import main; main()", "lsp", *words]
        await self.client.start_io(sys.executable, *command, cwd=cwd)
        await self.client.initialize_async(
            types.InitializeParams(capabilities=types.ClientCapabilities(), root_uri=self.uri)
        )
        self.client.initialized(types.InitializedParams())

    async def open(self, text: str) -> list[types.Diagnostic]:
        document = types.TextDocumentItem(self.uri, "xml", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        return await self.diagnostics()

    async def change(self, text: str) -> list[types.Diagnostic]:
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(2, self.uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )
        return await self.diagnostics()

    async def diagnostics(self) -> list[types.Diagnostic]:
        params = await asyncio.wait_for(self.published.get(), 90)
        return list(params.diagnostics)

    async def complete(self, line: int, column: int) -> list[str]:
        found: Any = await self.client.text_document_completion_async(
            types.CompletionParams(self.document, types.Position(line, column))
        )
        return [item.label for item in found]

    @property
    def document(self) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.uri)

    async def end(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        stop: Any = self.client.stop  # has no types
        await stop()


def applied(text: str, edit: types.TextEdit) -> str:
    """Apply an edit as an editor does, in UTF-16 units."""
    data = text.encode("utf-16-le")
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(f"{line}\n".encode("utf-16-le")))
    begin, end = (starts[p.line] + 2 * p.character for p in (edit.range.start, edit.range.end))
    return (data[:begin] + edit.new_text.encode("utf-16-le") + data[end:]).decode("utf-16-le")


async def _session(folder: Path) -> None:
    path = folder / "guest.xml"
    session = Session(LanguageClient("tests", "1"), path.as_uri())
    await session.start("--host", plain("debian13-x86_64"), cwd=folder)
    found = {one.code: one for one in await session.open(TEXT)}
    assert found["video-model-type-unsupported"].severity is types.DiagnosticSeverity.Error
    unknown = found["unknown-attribute"]
    assert unknown.severity is types.DiagnosticSeverity.Warning

    # places are in UTF-16 units: a sign beyond the basic plane stands before this one
    where = found["video-model-type-unsupported"].range
    assert (where.start.line, where.start.character) == (5, client_column(5, "type="))
    assert where.end.character == client_column(5, "/></video>")

    # completion of values that this host accepts
    words = await session.complete(5, client_column(5, "qxl"))
    assert {"virtio", "vga"} <= set(words)
    assert "qxl" not in words

    # the reason by hovering
    place = types.Position(5, client_column(5, "qxl"))
    hovered = await session.client.text_document_hover_async(
        types.HoverParams(session.document, place)
    )
    assert hovered is not None
    assert isinstance(hovered.contents, types.MarkupContent)
    assert "qom-list-types" in hovered.contents.value

    # quick fixes, and a comment that leaves the finding out
    text = TEXT
    for diagnostic in (unknown, found["video-model-type-unsupported"]):
        actions: Any = await session.client.text_document_code_action_async(
            types.CodeActionParams(
                session.document, diagnostic.range, types.CodeActionContext([diagnostic])
            )
        )
        (edit,) = actions[0].edit.changes[session.uri]
        assert actions[-1].title == f"ignore {diagnostic.code} here"
        text = applied(text, edit)
    assert "heads='1'" in text
    assert "type='virtio'" in text
    left = {one.code for one in await session.change(text)}
    assert left & set(found) & {"unknown-attribute", "video-model-type-unsupported"} == set()

    # what is being written is not well-formed: one finding, and completion all the same
    broken = text[: text.index("headz" if "headz" in text else "heads=")]
    assert [one.code for one in await session.change(broken)] == ["xml-malformed"]
    lines = broken.split("\n")
    assert "heads" in await session.complete(len(lines) - 1, len(lines[-1]))

    # XML of other kinds is none of its business
    assert await session.change("<network/>") == []
    await session.end()


async def _empty(folder: Path) -> None:
    session = Session(LanguageClient("tests", "1"), (folder / "new.xml").as_uri())
    await session.start("--host", plain("debian13-x86_64"), cwd=folder)
    assert [one.code for one in await session.open("")] == ["xml-malformed"]
    assert await session.complete(0, 0) == []
    assert [one.code for one in await session.change("<")] == ["xml-malformed"]
    assert await session.complete(0, 1) == ["domain"]
    assert [one.code for one in await session.change("")] == ["xml-malformed"]
    await session.end()


def test_a_document_without_text(tmp_path: Path) -> None:
    asyncio.run(_empty(tmp_path))


def test_a_session(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_session(tmp_path), 200))


def test_without_pygls_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from command_runner import CliRunner
    from domcaps.cli import _root

    monkeypatch.setitem(sys.modules, "domcaps.editor.language_server", None)
    done = CliRunner().invoke(_root, ["lsp"])
    assert done.exit_code != 0
    assert "pip install 'domcaps[lsp]'" in done.stderr
