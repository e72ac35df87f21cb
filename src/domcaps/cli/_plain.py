"""Plain command lines of ``validate``, ``explain`` and ``codes``, run without click.

Click and all options of a command take longer to load than most answers. `_replayed.asked` says
which command lines are plain; what is wrong in one of them is left to click, which words it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps._version import DEFAULT_DIALECT
from domcaps.cli._forms import FORMATS, SEVERITIES
from domcaps.cli._lean_imports import load_lxml, load_pathlib
from domcaps.cli._notes import AUTO, QUIET, chosen
from domcaps.errors import DomcapsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.cli._replayed import PlainCommand

_FORMS = {
    "validate": frozenset(FORMATS),
    "explain": frozenset({"text", "json"}),
    "codes": frozenset({"text", "json"}),
}
_ONE_OF_EACH = frozenset(
    {"--libvirt", "--format", "--fail-on", "--arch", "--machine", "--virttype"}
)


def runner(found: PlainCommand) -> Callable[[], int | None] | None:
    """Give what runs a plain command line; None where click has to look at it."""
    load_pathlib()
    given = found.values
    if any(len(given[name]) > 1 for name in given if name in _ONE_OF_EACH):
        return None
    forms, severities = given.get("--format", ()), given.get("--fail-on", ())
    if not (_FORMS[found.command].issuperset(forms) and set(severities) <= {*SEVERITIES}):
        return None
    if found.command == "validate":
        return _validate(found)
    if len(found.names) > 1 or len(found.hosts) > 1:
        return None
    return _explain(found) if found.command == "explain" else _codes(found)


def _validate(found: PlainCommand) -> Callable[[], int | None] | None:
    load_lxml()
    from domcaps.cli._validating import Request, once, prepare

    given, flags = found.values, found.flags
    quiet = flags.count("-q") + flags.count("--quiet")
    schema = [flag == "--schema" for flag in flags if flag in {"--schema", "--no-schema"}]
    request = Request(
        files=tuple(found.names),
        hosts=tuple(found.hosts),
        libvirt=found.value("--libvirt", ""),
        select=tuple(given.get("--select", ())),
        ignore=tuple(given.get("--ignore", ())),
        existing="--existing" in flags,
        schema=schema[-1] if schema else None,
        form=found.value("--format", None),
        fail_on=found.value("--fail-on", None),
        exit_zero="--exit-zero" in flags,
        quiet=quiet,
        statistics="--statistics" in flags,
        explain="--explain" in flags,
        notices="--notices" in flags,
    )
    if request.statistics and request.form not in {None, "text", "concise", "json"}:
        return None

    def command() -> int:
        chosen()[QUIET] = bool(quiet)
        # as click takes the option's default for none: the run itself prints what `auto` means
        chosen()[AUTO] = found.value("--libvirt", DEFAULT_DIALECT) == "auto"
        try:
            run = prepare(request)
        except DomcapsError:
            raise
        except Exception as error:
            from click import ClickException

            if not isinstance(error, ClickException):
                raise
            # of wrong usage click says how the command is used
            from domcaps.cli._group import by_click

            return by_click() or 0
        return once(run)

    return command


def _explain(found: PlainCommand) -> Callable[[], int | None] | None:
    libvirt = found.value("--libvirt", DEFAULT_DIALECT)
    options: dict[str, Any] = {
        name: found.value(f"--{name}", None) for name in ("arch", "machine", "virttype")
    }

    def command() -> None:
        from domcaps.cli._explaining import explain

        chosen()[AUTO] = libvirt == "auto"
        form = found.value("--format", "text") or "text"
        host = found.hosts[0] if found.hosts else None
        explain(found.names[0], host, form, {**options, "libvirt": libvirt, "emulator": None})

    return command


def _codes(found: PlainCommand) -> Callable[[], int | None] | None:
    def command() -> None:
        from domcaps.cli._codes import show

        form = found.value("--format", "text") or "text"
        show(found.names[0] if found.names else None, form)

    return command
