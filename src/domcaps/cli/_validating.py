"""A run of ``domcaps validate``: what was asked for, with what the configuration adds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domcaps.cli._files import gather
from domcaps.cli._hosts_of_files import Judges, expand_hosts
from domcaps.cli._notes import note, tell_newest
from domcaps.cli._summary import FilesSummary
from domcaps.cli._terminal import emit, emit_portable, say
from domcaps.language.finding import Severity
from domcaps.language.struct import Struct
from domcaps.validate.config import Configured, configured, matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.cli._files import Gathered
    from domcaps.validate.files import Item
    from domcaps.validate.known import Known


_MOST_WITH_STEPS = 20
"""Files of which it is said what a repair would write: that takes far longer than to check one."""

_SCHEMA = "schema-"
"""How the codes begin of what only a comparison with the schema finds."""


class Request(Struct, frozen=True, kw_only=True):
    """The command line, as click reads it; what it does not name is None, "" or empty."""

    files: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    libvirt: str = ""
    exclude: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    known: str | None = None
    add_known: str | None = None
    existing: bool = False
    schema: bool | None = None
    form: str | None = None
    fail_on: str | None = None
    exit_zero: bool = False
    quiet: int = 0
    statistics: bool = False
    explain: bool = False
    notices: bool = False
    watch: bool = False
    jobs: int | None = None


class Run:
    """One run: the files, who judges them, and how findings are printed and counted."""

    def __init__(
        self,
        request: Request,
        settings: Configured,
        gathered: Gathered,
        judges: Judges,
        known: Known | None,
    ) -> None:
        self.request = request
        self.settings = settings
        self.gathered = gathered
        self.judges = judges
        self.known = known
        self.summary = FilesSummary(hints=not self.notices, fail_on=self.fail_on)
        for name in self.gathered.empty:
            self.summary.trouble(f"{name}: there is no XML file there")
        self.output: Any = self._output()

    @property
    def form(self) -> str:
        """The form of the findings."""
        return self.request.form or self.settings.config.format or "text"

    @property
    def fail_on(self) -> Severity:
        """The least severity that makes the exit code 1."""
        return Severity(self.request.fail_on or self.settings.config.fail_on or "error")

    @property
    def notices(self) -> bool:
        """Whether notices are printed."""
        wanted = self.request.notices or self.settings.config.notices
        return wanted or self.fail_on is Severity.NOTICE

    @property
    def statistics(self) -> bool:
        """Whether numbers are printed in the place of findings."""
        return self.request.statistics or self.settings.config.statistics

    @property
    def prints_findings(self) -> bool:
        """Whether findings are printed."""
        silent = self.request.quiet > 1 or self.request.add_known is not None
        return not (silent or self.statistics)

    def items(self) -> Iterator[Item]:
        """Check the files, and give what came of each."""
        from domcaps.validate.files import FilesJob, run

        job = FilesJob(self.judges.look, self.output.item, self.gathered.found, self.known)
        jobs = self.request.jobs or self.settings.config.jobs
        return run(job, list(self.gathered.files), jobs)

    def inputs(self) -> list[str]:
        """Give the files that the answers depend on, besides folders."""
        hosts = self.judges.named_hosts(self.settings)
        known = [self.request.known] if self.request.known else []
        return [*self.gathered.files, *known, *(name for name in hosts if Path(name).exists())]

    def end(self) -> int:
        """Print what stands at the end, and give the exit code."""
        if self.request.add_known is not None:
            return self._add_known(self.request.add_known)
        if self.statistics and self.request.quiet < 2:
            self._print_statistics()
        self._tell_gone()
        code = self.summary.tell()
        for host in self.judges.left_open.values():
            tell_newest(host)
        self._tell_next()
        lenient = self.request.exit_zero or self.settings.config.exit_zero
        return 0 if lenient and code == 1 else code

    def _add_known(self, name: str) -> int:
        from domcaps.validate.known import save_known

        number = save_known(Path(name), self.summary.entries)
        note(f"{name}: {number} known finding{'' if number == 1 else 's'}")
        return 2 if self.summary.troubles else 0

    def _print_statistics(self) -> None:
        from domcaps.validate.output import statistics

        counts = self.summary.counts(notices=self.notices)
        emit(statistics.as_json(counts) if self.form == "json" else statistics.as_text(counts))

    def _tell_next(self) -> None:
        """Name the command that proposes edits, where people read and there is XML to edit."""
        if self.form != "text" or self.statistics or self.request.quiet:
            return
        refusing = [code for code in self.summary.refusing if not code.startswith("xml-")]
        if not refusing:
            return
        if all(code.startswith(_SCHEMA) for code in refusing):
            say(f"next: domcaps codes {min(refusing)}", err=True)
            self._tell_of_schema(refusing)
            return
        hosts = [word for name in self.request.hosts for word in ("--host", name)]
        libvirt = ["--libvirt", self.request.libvirt] if self.request.libvirt else []
        import shlex

        one = self.request.files[0] if len(self.request.files) == 1 else "FILE"
        say(f"next: {shlex.join(['domcaps', 'fix', *hosts, *libvirt, one])}", err=True)
        self._tell_of_schema(refusing)

    @staticmethod
    def _tell_of_schema(refusing: list[str]) -> None:
        """Say what 'fix' does not repair: it does not read the schema."""
        if any(code.startswith(_SCHEMA) for code in refusing):
            note("'fix' does not repair what only the schema refuses: edit these lines by hand")

    def _tell_gone(self) -> None:
        if self.known is None:
            return
        listed = sum(self.known.count(file) for file in self.gathered.files)
        gone = listed - self.summary.known
        if gone > 0:
            note(f"{gone} known findings no longer occur: update the file with --add-known")

    def _output(self) -> Any:
        from domcaps._version import __version__

        form, notices = self.form, self.notices
        if self.statistics and form not in {"text", "concise", "json"}:
            import click

            raise click.UsageError(f"--statistics supports --format text and json, not {form}")
        if form == "json":
            from domcaps.validate.output.json import AskedHost, JsonOutput

            asked = [AskedHost(name, libvirt) for name, _, libvirt in self._asked()]
            return JsonOutput(__version__, asked[0].libvirt, asked)
        if form == "sarif":
            from domcaps.validate.output.sarif import SarifOutput

            return SarifOutput(__version__, notices, self.judges.fixes)
        if form == "github":
            from domcaps.validate.output.github import GithubOutput

            return GithubOutput(notices)
        if form == "gitlab":
            from domcaps.validate.output.gitlab import GitlabOutput

            return GitlabOutput(notices)
        if form == "junit":
            from domcaps.validate.output.junit import JunitOutput

            return JunitOutput(notices, self.fail_on)
        from domcaps.validate.output.text import TextOutput

        explain = self.request.explain or self.settings.config.explain
        many = len(self.gathered.files) > _MOST_WITH_STEPS
        steps = None if many or form == "concise" else self.judges.first_steps
        return TextOutput(explain, notices, concise=form == "concise", steps=steps)

    def _asked(self) -> list[tuple[str, Any, str]]:
        return list(self.judges.asked(self.settings))


def prepare(request: Request) -> Run:
    """Read the configuration of the current folder, find the files and open the hosts.

    Raises `InputError`, `RecordingError`, `UnknownDialectError` or a usage error before anything is
    printed.
    """
    settings = _settings()
    judges = Judges(
        expand_hosts(request.hosts),
        request.libvirt,
        request.schema,
        request.existing,
        _codes("--select", request.select),
        _codes("--ignore", request.ignore),
    )
    run = Run(request, settings, _gathered(request), judges, _known(request, settings))
    if request.hosts or request.libvirt:
        # a wrong name must be an error of the whole run, and not one of each file
        run._asked()  # noqa: SLF001 - of this module
    return run


def _settings() -> Configured:
    from domcaps.errors import InputError

    try:
        return configured(Path("-"))
    except InputError:
        # each file below it says so
        from domcaps.validate.config import Config

        return Configured(Path.cwd(), Config())


def _gathered(request: Request) -> Gathered:
    from domcaps.errors import InputError

    here = Path.cwd()

    def excluded(file: Path) -> bool:
        if any(matches(pattern, file, here) for pattern in request.exclude):
            return True
        try:
            return configured(file).excludes(file)
        except InputError:
            return False

    return gather(request.files, excluded)


def _codes(option: str, given: tuple[str, ...]) -> frozenset[str]:
    """Read codes; what stands for none is a mistake, with the likely ones."""
    named = [code for text in given for code in text.replace(",", " ").split()]
    if not named:
        return frozenset()
    from domcaps.validate.catalogue.former import renamings
    from domcaps.validate.selection import slip

    if wrong := slip(named):
        import click

        raise click.BadParameter(wrong, param_hint=option)
    for text in renamings(set(named)):
        note(f"{option}: {text}")
    return frozenset(named)


def _known(request: Request, settings: Configured) -> Known | None:
    from domcaps.validate.known import Known, load_known

    if request.add_known is not None:
        if request.known:
            import click

            raise click.UsageError("--add-known and --known exclude each other")
        return Known(Path(request.add_known).absolute().parent)
    if request.known:
        return load_known(Path(request.known))
    if settings.config.known:
        return load_known(settings.folder / settings.config.known)
    return None


def once(run: Run) -> int:
    """Print what comes, then the summary; give the exit code."""
    shows, form = run.prints_findings, run.form
    # text is for people: what the terminal's encoding has not is escaped there
    show = emit if form in {"text", "concise", "github"} else emit_portable
    if shows:
        show(run.output.begin())
    first = True
    for item in run.items():
        # forms that are lists begin each of their items with a comma
        text = item.text.removeprefix(",") if first else item.text
        first = first and not item.text
        if text and shows:
            show(text)
        run.summary.add(item)
    if shows:
        codes = frozenset(run.summary.counts(notices=run.notices))
        show(run.output.end(codes, tuple(run.summary.troubles)))
    sys.stdout.flush()
    return run.end()
