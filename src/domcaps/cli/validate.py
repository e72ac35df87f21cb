"""``domcaps validate``: would libvirt accept these domains?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from domcaps.cli._common import host_option, libvirt_option, note, open_host
from domcaps.cli._terminal import emit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.validate.check import Validation
    from domcaps.validate.files import Item
    from domcaps.validate.output.json import JsonOutput
    from domcaps.validate.output.sarif import SarifOutput
    from domcaps.validate.output.text import TextOutput


def _complete_code(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG001
    from click.shell_completion import CompletionItem

    from domcaps.validate.catalogue.codes import codes

    return [
        CompletionItem(name, help=code.title)
        for name, code in codes().items()
        if name.startswith(incomplete)
    ]


@click.command("validate")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(allow_dash=True))
@host_option
@libvirt_option("The release of libvirt that is to accept them.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
)
@click.option(
    "--ignore",
    metavar="CODE",
    multiple=True,
    shell_complete=_complete_code,
    help="Leave a finding out; may be repeated, or name several with commas.",
)
@click.option("--explain", is_flag=True, help="Add what 'domcaps codes' says of each finding.")
@click.option(
    "--existing",
    is_flag=True,
    help="Take them for domains that libvirt has known for long, in which it overlooks some "
    "mistakes.",
)
@click.option(
    "--schema",
    is_flag=True,
    help="Refuse what libvirt's schema refuses, as 'virsh define --validate' does: names that it "
    "does not know, which are warnings otherwise, and many forms of values.",
)
@click.option(
    "--notices",
    is_flag=True,
    help="Print notices as well: remarks on what works, but could be better, or is not checked.",
)
@click.option("--jobs", type=click.IntRange(1), help="Processes at once; the cores by default.")
def command(
    *,
    files: tuple[str, ...],
    host_file: str | None,
    libvirt: str,
    form: str,
    ignore: tuple[str, ...],
    explain: bool,
    existing: bool,
    schema: bool,
    notices: bool,
    jobs: int | None,
) -> None:
    """Tell whether libvirt would define and start these domains here, and if not, why.

    FILE is a domain's XML, - is standard input. Findings can be left out with --ignore, by a
    configuration file above FILE (.domcaps.toml, or [tool.domcaps] in pyproject.toml), or by a
    comment in the XML before the element: <!-- domcaps: ignore CODE -->.

    The exit code is 0 where every domain is accepted, 1 where some are refused, 2 where a file
    can't be read.
    """
    from domcaps.language.dialect import dialect_for
    from domcaps.validate.files import Job, run

    ignored = _codes(ignore)
    host = open_host(host_file)
    dialect = str(dialect_for(libvirt, host.facts.record.libvirt))
    output = _output(form, dialect, explain=explain, notices=notices)

    def look(data: bytes, more: frozenset[str]) -> Validation:
        return host.validate(data, dialect, ignore=more, new=not existing, schema=schema)

    items = run(Job(look, output.item, ignored), files, jobs)
    raise click.exceptions.Exit(_print(output, items, _Summary(hints=not notices)))


def _codes(given: tuple[str, ...]) -> frozenset[str]:
    """Read --ignore; a code that nobody has is a slip of the pen."""
    named = [code for text in given for code in text.replace(",", " ").split()]
    if not named:
        return frozenset()
    from domcaps.validate.catalogue.codes import slip
    from domcaps.validate.catalogue.former import renamings

    if wrong := slip(named):
        raise click.BadParameter(wrong, param_hint="--ignore")
    for text in renamings(set(named)):
        note(f"--ignore: {text}")
    return frozenset(named)


def _output(
    form: str, dialect: str, *, explain: bool, notices: bool
) -> TextOutput | JsonOutput | SarifOutput:
    from domcaps._version import __version__

    if form == "json":
        from domcaps.validate.output.json import JsonOutput

        return JsonOutput(__version__, dialect)
    if form == "sarif":
        from domcaps.validate.output.sarif import SarifOutput

        return SarifOutput(__version__)
    from domcaps.validate.output.text import TextOutput

    return TextOutput(explain, notices)


def _print(
    output: TextOutput | JsonOutput | SarifOutput, items: Iterable[Item], summary: _Summary
) -> int:
    """Print what comes, then the summary; give the exit code."""
    emit(output.begin())
    first = True
    for item in items:
        # forms that are lists begin each of their items with a comma
        text = item.text.removeprefix(",") if first else item.text
        first = first and not item.text
        if text:
            emit(text)
        summary.add(item)
    emit(output.end(frozenset(summary.codes), tuple(summary.troubles)))
    sys.stdout.flush()
    return summary.tell()


class _Summary:
    """What all files came to."""

    def __init__(self, *, hints: bool) -> None:
        self.hints = hints
        self.accepted = self.refused = self.errors = self.warnings = self.notices = 0
        self.troubles: list[str] = []
        self.codes: set[str] = set()
        self.unknown: set[str] = set()
        self.notes: set[str] = set()

    def add(self, item: Item) -> None:
        """Count a file."""
        self.codes |= item.codes
        self.unknown.update(item.unknown)
        for text in sorted(set(item.notes) - self.notes):
            note(f"in the configuration, {text}")
        self.notes.update(item.notes)
        self.errors += item.errors
        self.warnings += item.warnings
        self.notices += item.notices
        if item.trouble:
            self.troubles.append(item.trouble)
            note(item.trouble)
        elif item.accepted:
            self.accepted += 1
        else:
            self.refused += 1

    def tell(self) -> int:
        """Say it on standard error; give the exit code."""
        parts = [
            f"{self.accepted} accepted",
            f"{self.refused} refused",
            *([f"{len(self.troubles)} not read"] if self.troubles else []),
        ]
        found = f"{_count(self.errors, 'error')}, {_count(self.warnings, 'warning')}"
        if self.notices:
            hint = " (--notices shows them)" if self.hints else ""
            found += f", {_count(self.notices, 'notice')}{hint}"
        note(f"{', '.join(parts)}: {found}")
        if self.unknown:
            note(
                f"{_count(len(self.unknown), 'statement')} could not be decided, and count as "
                f"true (first: {min(self.unknown)})"
            )
        if self.troubles:
            return 2
        return 1 if self.refused else 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
