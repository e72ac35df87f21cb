"""Write the documents that are generated: ``python tools/generate_docs.py [--check]``.

``--check`` writes nothing, and exits with 1 where a document is not what it would be.
"""

from __future__ import annotations

import copy
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
import msgspec

from domcaps.cli import _root
from domcaps.cli._documents import DOCUMENTS
from domcaps.cli._documents import schema as json_schema
from domcaps.facts.host_record import HostReader, HostRecord
from domcaps.facts.redact import IDENTIFIES_HOST
from domcaps.report import dialects, drift, drift_page, reference
from domcaps.validate.schema import reference as schema

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SCHEMAS = ROOT / "src" / "domcaps" / "schemas"


_ABOUT_COMMANDS = """\
# Commands

All commands and options, as `domcaps COMMAND --help` prints them. The commands for every day come
first. If domcaps is new to you, begin with the [quick start](index.md).

Options that many commands have are explained [once, at the end](#options-of-many-commands). Every
command has `--help` and `--color`.
"""
_SHARED_BY = 7
_WIDTH = 100


def commands() -> str:
    """Give the help of every command; options that many have stand once, at the end."""
    root = click.Context(_root, info_name="domcaps", max_content_width=_WIDTH)
    root.terminal_width = _WIDTH
    every = list(_every_command(_root, root))
    shared = _shared_options(every)
    lines = [_ABOUT_COMMANDS, *_contents(root), ""]
    for context in every:
        lines += _help(context, shared)
    lines += [f"## {_SHARED_HEADING}", "", *_table_of_options(shared)]
    return "\n".join(lines) + "\n"


_SHARED_HEADING = "Options of many commands"


def _every_command(group: click.Group, above: click.Context) -> Iterator[click.Context]:
    """Give each command with those that belong to it, in the order of the help."""
    listed = re.findall(r"^  ([a-z][a-z-]*)  ", group.get_help(above), re.MULTILINE)
    for name in sorted(group.list_commands(above), key=listed.index):
        command = group.get_command(above, name)
        assert command is not None
        inner = click.Context(
            command, info_name=name, parent=above, max_content_width=_WIDTH, terminal_width=_WIDTH
        )
        yield inner
        if isinstance(command, click.Group):
            yield from _every_command(command, inner)


def _shared_options(every: list[click.Context]) -> dict[tuple[str, str], click.Context]:
    """Give the options that many commands have with the same words, with a command for each."""
    found: dict[tuple[str, str], list[click.Context]] = {}
    for context in every:
        for option in context.command.get_params(context):
            record = _record(option, context)
            if record and record[1] and option.opts[-1] != "--format":
                found.setdefault(record, []).append(context)
    return {record: have[0] for record, have in found.items() if len(have) >= _SHARED_BY}


def _record(option: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    """Give an option and its meaning; what the version of libvirt is for differs by command."""
    record = option.get_help_record(context)
    if record and option.opts[-1] == "--libvirt":
        text = re.sub(r"^libvirt version [^:]*:", "libvirt version to emulate:", record[1])
        return record[0], text
    return record


def _contents(root: click.Context) -> list[str]:
    """Give a table of the commands, in the groups of the help."""
    lines = ["| command | what it does |", "|---|---|"]
    for line in _root.get_help(root).partition("\nCommands")[2].splitlines():
        found = re.match(r"  (\S+)  +(\S.*)$", line)
        if found:
            name, text = found.groups()
            lines.append(f"| [{name}](#domcaps-{name}) | {_in_a_cell(text)} |")
    return lines


def _in_a_cell(text: str) -> str:
    """Keep the columns of a table, and show elements as code."""
    return re.sub(r"<[^<>]+>", lambda found: f"`{found[0]}`", text.replace("|", "/"))


def _help(context: click.Context, shared: dict[tuple[str, str], click.Context]) -> list[str]:
    """Give the help of one command, and name the options that stand elsewhere."""
    command = copy.copy(context.command)
    options = command.get_params(context)
    elsewhere = [option for option in options if _record(option, context) in shared]
    command.params = [option for option in command.params if option not in elsewhere]
    command.add_help_option = False
    depth = context.command_path.count(" ") + 1
    heading = f"{'#' * depth} {context.command_path}"
    text = command.get_help(context).rstrip()
    names = [option.opts[-1] for option in elsewhere]
    also = ", ".join(f"`{name}`" for name in names if name not in {"--color", "--help"})
    link = f"[{_SHARED_HEADING.lower()}](#{_SHARED_HEADING.lower().replace(' ', '-')})"
    more = [f"Also {also}: see {link}.", ""] if also else []
    return [heading, "", "```text", text, "```", "", *more]


def _table_of_options(shared: dict[tuple[str, str], click.Context]) -> list[str]:
    lines = ["| option | meaning |", "|---|---|"]
    return lines + [
        f"| `{names.replace('|', ' or ')}` | {_in_a_cell(text)} |"
        for names, text in sorted(shared, key=lambda record: record[0].lstrip("-"))
    ]


_RECORDINGS = "internals/recordings.md"
_FACTS = re.compile(r"(?<=<!-- generated: facts of the host -->\n).*?(?=<!-- end -->)", re.DOTALL)


def recordings() -> str:
    """Give the page about the content of recordings with a line for each fact of the host."""
    rows = ["| field | content | identifies | redacted |", "|---|---|---|---|"]
    for field in msgspec.structs.fields(HostRecord):
        identifies, redacted = IDENTIFIES_HOST.get(field.name, ("no", "kept"))
        content = _content(field)
        rows.append(f"| `host.{field.name}` | {content} | {identifies} | {redacted} |")
    table = "\n".join(("", *rows, "", ""))
    return _FACTS.sub(lambda _: table, (DOCS / _RECORDINGS).read_text())


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
        _RECORDINGS: recordings(),
    }


if __name__ == "__main__":
    sys.exit(main())
