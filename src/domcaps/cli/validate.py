"""``domcaps validate``: would libvirt accept these domains?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from domcaps.cli._common import (
    WholeNumber,
    allow_emulator_option,
    as_option,
    existing_option,
    libvirt_option,
    many_hosts_option,
)
from domcaps.cli._complete import complete_code
from domcaps.cli._forms import FORMATS, SEVERITIES
from domcaps.cli._notes import QUIET, note

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.cli._validating import Request


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
        help="When FILE is a folder, skip the files in it that match this pattern, such as "
        "'templates/*' or '*-old.xml'. May be repeated.",
    )(function)


def _which_findings(function: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option(
            "--select",
            **_CODES,
            help="Report only these findings: codes, first words of codes (video, disk-target), or "
            "patterns ('*-unsupported'), separated by commas. May be repeated.",
        ),
        click.option(
            "--ignore",
            **_CODES,
            help="Ignore these findings, even if --select names them; same forms as --select.",
        ),
        click.option(
            "--known",
            metavar="FILE",
            type=click.Path(dir_okay=False),
            help="Ignore the findings in FILE, written by --add-known.",
        ),
        click.option(
            "--add-known",
            metavar="FILE",
            type=click.Path(dir_okay=False),
            help="Accept the present findings: write them to FILE, for --known, and exit with 0.",
        ),
        existing_option,
        click.option(
            "--schema/--no-schema",
            default=None,
            help="Also validate against libvirt's schema, as 'virsh define --validate' does: "
            "unknown names become errors, and the form of values is checked.",
        ),
    )
    return _with(function, options)


def _which_output(function: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option(
            "--format", "form", type=click.Choice(FORMATS), help="Output format [default: text]."
        ),
        click.option(
            "--fail-on",
            type=click.Choice(SEVERITIES),
            help="Lowest severity that gives exit code 1 [default: error].",
        ),
        click.option("--exit-zero", is_flag=True, help="Exit with 0 even if there are findings."),
        click.option(
            "-q",
            "--quiet",
            count=True,
            help="Print only the findings. -qq: print only errors about files that cannot be read.",
        ),
        click.option(
            "--statistics", is_flag=True, help="Print the number of findings of each code instead."
        ),
        click.option(
            "--explain",
            is_flag=True,
            help="Add the description of each finding from 'domcaps codes'.",
        ),
        click.option(
            "--notices",
            is_flag=True,
            help="Also print notices: remarks on valid settings that could be better, or are not "
            "checked.",
        ),
        click.option(
            "--watch", is_flag=True, help="Validate again whenever a file changes, until Ctrl-C."
        ),
        click.option(
            "--jobs",
            metavar="N",
            type=WholeNumber(1),
            help="Number of parallel processes [default: number of CPUs].",
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
@libvirt_option("libvirt version that must accept the domains:")
@_which_files
@_which_findings
@_which_output
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Check whether libvirt would define and start domains on this host.

    FILE is a domain XML, a folder (all *.xml below it), a pattern, or - for standard input. In
    folders, files with another root element than <domain> are skipped. With several --host, each
    domain must be valid on every host.

    \b
      domcaps validate domains/
      domcaps validate --host shipped:debian13-x86_64 --format concise 'domains/**/*.xml'
      domcaps validate --add-known known.json domains/
      domcaps validate --known known.json domains/

    Exit code: 0 if every domain is valid; 1 if one is not, or has a finding of the severity in
    --fail-on or above; 2 if a file cannot be read or an option is wrong; 130 after Ctrl-C.
    --exit-zero turns 1 into 0.

    Options other than --as, --allow-emulator, --add-known and --watch can also be set in a
    configuration file: the nearest .domcaps.toml, or [tool.domcaps] in pyproject.toml, above FILE.
    The command line overrides it. In a domain, <!-- domcaps: ignore CODE --> before an element
    ignores a finding.
    """  # noqa: D301 - click takes the character, not its name
    from domcaps.cli._validating import Request, once, prepare

    source = ctx.get_parameter_source("libvirt")
    libvirt = given.pop("libvirt")
    named = source is not click.core.ParameterSource.DEFAULT
    request = Request(**given, libvirt=libvirt if named else "")
    ctx.meta[QUIET] = bool(request.quiet)
    if request.watch:
        _watch(request)
    raise click.exceptions.Exit(once(prepare(request)))


def _watch(request: Request) -> None:
    from domcaps.cli._validating import once, prepare
    from domcaps.cli._watching import wait_for_change, watched

    if request.form not in {None, "text", "concise"} or "-" in request.files:
        raise click.UsageError("--watch requires files or folders, and a text format")
    while True:
        run = prepare(request)
        before = watched(request.files, run.inputs())
        once(run)
        note("waiting for changes; press Ctrl-C to stop")
        wait_for_change(before, lambda: watched(request.files, prepare(request).inputs()))
