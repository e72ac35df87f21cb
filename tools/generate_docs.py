"""Write the documents that are generated: ``python tools/generate_docs.py [--check]``.

``--check`` writes nothing, and exits with 1 where a document is not what it would be.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import get_args

import click
import msgspec

from domcaps.cli import _root
from domcaps.cli._documents import DOCUMENTS
from domcaps.cli._documents import schema as json_schema
from domcaps.facts.host_record import HostReader, HostRecord
from domcaps.facts.redact import IDENTIFIES_HOST
from domcaps.report import dialects, drift, drift_page, reference
from domcaps.validate.schema import reference as schema

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SCHEMAS = ROOT / "src" / "domcaps" / "schemas"


def commands() -> str:
    """Give the help of every command."""
    lines = ["# Command line", "", "Generated from the help of each command."]
    context = click.Context(_root, info_name="domcaps", max_content_width=100, terminal_width=100)
    lines += ["", "```text", _root.get_help(context), "```"]
    for name in _root.list_commands(context):
        command = _root.get_command(context, name)
        assert command is not None
        lines += _help(command, name, context, "##")
    return "\n".join(lines) + "\n"


def _help(command: click.Command, name: str, above: click.Context, heading: str) -> list[str]:
    """Give the help of a command, and of those that belong to it."""
    inner = click.Context(
        command, info_name=name, parent=above, max_content_width=100, terminal_width=100
    )
    text = command.get_help(inner)
    lines = ["", f"{heading} {inner.command_path}", "", "```text", text, "```"]
    if isinstance(command, click.Group):
        for more in command.list_commands(inner):
            found = command.get_command(inner, more)
            assert found is not None
            lines += _help(found, more, inner, f"{heading}#")
    return lines


_FACTS = re.compile(r"(?<=<!-- generated: facts of the host -->\n).*?(?=<!-- end -->)", re.DOTALL)


def recordings() -> str:
    """Give the manual of recordings with a line for each fact of the host."""
    rows = ["| field | content | identifies the host | `--redact` |", "|---|---|---|---|"]
    for field in msgspec.structs.fields(HostRecord):
        identifies, redacted = IDENTIFIES_HOST.get(field.name, ("no", "stays"))
        content = _content(field)
        rows.append(f"| `host.{field.name}` | {content} | {identifies} | {redacted} |")
    table = "\n".join(("", *rows, "", ""))
    return _FACTS.sub(lambda _: table, (DOCS / "recordings.md").read_text())


def _content(field: msgspec.structs.FieldInfo) -> str:
    """Say what a fact is, as its reader does, and which parts it has."""
    first, *_ = (getattr(HostReader, field.name).__doc__ or "").splitlines()
    said = re.sub(r"^(Give|Read|Tell|Name) ", "", first).rstrip(".").replace("``", "`")
    kind = next((one for one in (field.type, *get_args(field.type)) if _has_parts(one)), None)
    parts = kind.__struct_fields__ if kind else ()
    return f"{said} ({', '.join(f'`{part}`' for part in parts)})" if parts else said


def _has_parts(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def main() -> int:
    """Write, or compare."""
    documents = {DOCS / name: text for name, text in _documents().items()}
    documents |= {
        SCHEMAS / f"{name}.json": json.dumps(json_schema(name), indent=2) + "\n"
        for name in DOCUMENTS
    }
    stale = []
    for path, text in documents.items():
        if not path.exists() or path.read_text() != text:
            stale.append(path.name)
            if "--check" not in sys.argv[1:]:
                path.write_text(text)
    if "--check" in sys.argv[1:] and stale:
        print(f"not up to date: {', '.join(stale)}; run python tools/generate_docs.py")
        return 1
    return 0


def _documents() -> dict[str, str]:
    return {
        "dialects.md": dialects.to_markdown(),
        "drift.md": drift_page.to_markdown(drift.drift_entries()),
        "table.md": reference.to_markdown(),
        "schema.md": schema.to_markdown(),
        "cli.md": commands(),
        "recordings.md": recordings(),
    }


if __name__ == "__main__":
    sys.exit(main())
