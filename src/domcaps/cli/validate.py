"""``domcaps validate``: would libvirt accept these domains?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from domcaps.cli._common import (
    QUIET,
    allow_emulator_option,
    as_option,
    libvirt_option,
    many_hosts_option,
    note,
)
from domcaps.cli._complete import complete_code
from domcaps.cli._terminal import emit

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.cli._validating import Request, Run

FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab", "junit")
SEVERITIES = ("error", "warning", "notice")

_CODES: dict[str, Any] = {
    "metavar": "CODES",
    "multiple": True,
    "shell_complete": complete_code,
}


def _which_files(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--exclude",
        metavar="PATTERN",
        multiple=True,
        help="Pass over files that are found in folders and fit this pattern, such as "
        "'templates/*' or '*-old.xml'; may be repeated.",
    )(function)


def _which_findings(function: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option(
            "--select",
            **_CODES,
            help="Report only these findings: codes, the words that codes begin with (video, "
            "disk-target), or patterns ('*-unsupported'). May be repeated, or name several with "
            "commas.",
        ),
        click.option(
            "--ignore",
            **_CODES,
            help="Leave these findings out, also where --select names them.",
        ),
        click.option(
            "--known",
            metavar="FILE",
            type=click.Path(dir_okay=False),
            help="Leave out the findings in FILE, which --add-known wrote.",
        ),
        click.option(
            "--add-known",
            metavar="FILE",
            type=click.Path(dir_okay=False),
            help="Write today's findings to FILE, and exit with 0.",
        ),
        click.option(
            "--existing",
            is_flag=True,
            help="Take them for domains that libvirt has known for long, in which it overlooks "
            "some mistakes.",
        ),
        click.option(
            "--schema/--no-schema",
            default=None,
            help="Refuse what libvirt's schema refuses, as 'virsh define --validate' does: names "
            "that it does not know, which are warnings otherwise, and many forms of values.",
        ),
    )
    return _with(function, options)


def _which_output(function: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--format", "form", type=click.Choice(FORMATS), help="[default: text]"),
        click.option(
            "--fail-on",
            type=click.Choice(SEVERITIES),
            help="The least severity for which the exit code is 1.  [default: error]",
        ),
        click.option("--exit-zero", is_flag=True, help="Exit with 0 in spite of findings."),
        click.option(
            "-q",
            "--quiet",
            count=True,
            help="Print only the findings; -qq prints nothing but what can't be read.",
        ),
        click.option(
            "--statistics", is_flag=True, help="Print how often each code was found instead."
        ),
        click.option("--explain", is_flag=True, help="Add what 'domcaps codes' says of each."),
        click.option(
            "--notices",
            is_flag=True,
            help="Print notices as well: remarks on what works, but could be better, or is not "
            "checked.",
        ),
        click.option(
            "--watch", is_flag=True, help="Check again whenever a file changes, until Ctrl-C."
        ),
        click.option(
            "--jobs", type=click.IntRange(1), help="Processes at once; the cores by default."
        ),
    )
    return _with(function, options)


def _with(function: Callable[..., Any], options: tuple[Any, ...]) -> Callable[..., Any]:
    for option in reversed(options):
        function = option(function)
    return function


@click.command("validate")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(allow_dash=True))
@many_hosts_option
@as_option
@allow_emulator_option
@libvirt_option("The release of libvirt that is to accept them.")
@_which_files
@_which_findings
@_which_output
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Tell whether libvirt would define and start these domains here, and if not, why.

    FILE is a domain's XML, a folder (all *.xml below it), a pattern, or - for standard input. In
    folders, files with another root than <domain> are passed over. With several --host each domain
    is judged for each host; it is accepted where all accept it.

    Each option but --as, --allow-emulator, --add-known and --watch may stand in a configuration:
    the nearest .domcaps.toml or [tool.domcaps] in pyproject.toml above FILE. The command line goes
    before it. In a domain, <!-- domcaps: ignore CODE --> before an element leaves a finding out.

    \b
      domcaps validate domains/
      domcaps validate --host shipped:debian13-x86_64 --format concise 'domains/**/*.xml'
      domcaps validate --add-known known.json domains/     then: --known known.json

    The exit code is 0 where every domain is accepted, 1 where some are refused or have a finding of
    the severity that --fail-on names, 2 where a file can't be read or an option is wrong, 130 after
    Ctrl-C. --exit-zero makes 0 of 1.
    """  # noqa: D301 - click takes the character, not its name
    from domcaps.cli._validating import Request, prepare

    source = ctx.get_parameter_source("libvirt")
    libvirt = given.pop("libvirt")
    named = source is not click.core.ParameterSource.DEFAULT
    request = Request(**given, libvirt=libvirt if named else "")
    ctx.meta[QUIET] = bool(request.quiet)
    if request.watch:
        _watch(request)
    raise click.exceptions.Exit(_once(prepare(request)))


def _watch(request: Request) -> None:
    from domcaps.cli._validating import prepare
    from domcaps.cli._watching import wait_for_change, watched

    if request.form not in {None, "text", "concise"} or "-" in request.files:
        raise click.UsageError("--watch prints text, of files and folders")
    while True:
        run = prepare(request)
        before = watched(request.files, run.inputs())
        _once(run)
        note("waiting for changes; Ctrl-C ends")
        wait_for_change(before, lambda: watched(request.files, prepare(request).inputs()))


def _once(run: Run) -> int:
    """Print what comes, then the summary; give the exit code."""
    shows = run.prints_findings
    if shows:
        emit(run.output.begin())
    first = True
    for item in run.items():
        # forms that are lists begin each of their items with a comma
        text = item.text.removeprefix(",") if first else item.text
        first = first and not item.text
        if text and shows:
            emit(text)
        run.summary.add(item)
    if shows:
        codes = frozenset(run.summary.counts(notices=run.notices))
        emit(run.output.end(codes, tuple(run.summary.troubles)))
    sys.stdout.flush()
    return run.end()
