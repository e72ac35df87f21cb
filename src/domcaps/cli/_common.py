"""Options and helpers that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from domcaps._version import DEFAULT_DIALECT
from domcaps.cli._complete import complete_arch, complete_machine
from domcaps.cli._notes import AS, AUTO, note, tell_found

if TYPE_CHECKING:
    from domcaps.facts.record import Recording
    from domcaps.hosts.host import Host

F = TypeVar("F", bound=Callable[..., Any])


class WholeNumber(click.IntRange):
    """A whole number with limits; a help says "at least 1" where click says "x>=1"."""

    def _describe_range(self) -> str:
        return _range(self.min, self.max)


class RangedNumber(click.FloatRange):
    """A number with limits, likewise."""

    def _describe_range(self) -> str:
        return _range(self.min, self.max)


def _range(least: float | None, most: float | None) -> str:
    if most is None:
        return f"at least {least}" if least else ""
    return f"{least} to {most}"


_HOST_HELP = (
    "Use a recording instead of this machine: a file, or 'shipped:NAME' for one that comes with "
    "domcaps, such as shipped:debian13-x86_64 ('shipped': the newest for x86_64)."
)


def host_option(function: F) -> F:
    """Add ``--host``, ``--as`` and ``--allow-emulator``."""
    return click.option(
        "--host", "host_file", metavar="FILE", help=_HOST_HELP, shell_complete=complete_host
    )(as_option(allow_emulator_option(function)))


_FORMS = {
    "text": "text for people",
    "json": "json for programs",
    "xml": "xml as libvirt writes it",
    "html": "html for a browser",
    "markdown": "markdown for a document",
    "csv": "csv for a spreadsheet",
}


def format_option(*forms: str, text: str = "") -> Callable[[F], F]:
    """Give ``--format`` to a command: the first of `forms` is the default, `text` the help."""
    text = text or f"Output format: {', '.join(_FORMS[form] for form in forms)}."
    return click.option(
        "--format",
        "form",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help=text,
    )


def as_option(function: F) -> F:
    """Add ``--as`` to a command that has ``--host`` as well; `qemu_user` gives what was chosen."""
    return _as_option(function, f"{_AS_HELP} With a recording, the account in it is used.")


def local_as_option(function: F) -> F:
    """Add ``--as`` to a command that is about this machine only."""
    return _as_option(function, _AS_HELP)


def _as_option(function: F, text: str) -> F:

    def heed(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
        if value is not None and value not in _LIBVIRTS:
            from domcaps.facts.qemu_account import account

            if account(value) is None:
                raise click.BadParameter(
                    f"unknown user {value!r}; use a user name, 'system' or 'session'"
                )
        ctx.meta[AS] = value

    return click.option(
        "--as",
        "run_as",
        metavar="USER|session|system",
        expose_value=False,
        callback=heed,
        help=text,
    )(function)


_AS_HELP = (
    "Account that runs QEMU, for which file permissions are checked: a user name, 'session' (you) "
    "or 'system' (the account in /etc/libvirt/qemu.conf) [default: 'system' for root, otherwise "
    "'session']."
)
_LIBVIRTS = ("session", "system")


def many_hosts_option(function: F) -> F:
    """Add ``--host``, which may be given several times."""
    return click.option(
        "--host",
        "hosts",
        metavar="FILE",
        multiple=True,
        help=f"{_HOST_HELP} NAME may contain * and ?. With a folder, use all recordings in it.",
        shell_complete=complete_host,
    )(function)


def allow_emulator_option(function: F) -> F:
    """Add ``--allow-emulator``, which goes to `domcaps.facts.trust` and not to the command."""
    return allow_emulator_of("a domain or an option")(function)


def allow_emulator_of(whose: str) -> Callable[[F], F]:
    """Give the same; `whose` says what names the emulators, such as "a client"."""

    def allow(_ctx: click.Context, _param: click.Parameter, patterns: tuple[str, ...]) -> None:
        from domcaps.facts import trust

        for pattern in patterns:
            trust.allow(pattern)

    return click.option(
        "--allow-emulator",
        metavar="PATTERN",
        multiple=True,
        expose_value=False,
        callback=allow,
        help=f"Also run emulators that {whose} names, if they are outside of system folders such "
        "as /usr/bin. PATTERN is compared with the emulator's real path (links resolved) and may "
        "contain * and ?, such as '/opt/qemu-*/bin/qemu-system-*'. An emulator that other users "
        "can change is never run. May be repeated.",
    )


def target_options(function: F) -> F:
    """Add the options that name a target: arguments of `Host.domain_capabilities`."""
    return _target_options(function, more={})


def many_target_options(function: F) -> F:
    """Add the same options, each repeatable: their values are tuples."""
    return _target_options(function, more={"multiple": True})


def _target_options(function: F, more: dict[str, Any]) -> F:
    several = bool(more)
    options = (
        libvirt_option(
            "libvirt version to emulate:",
            default=[DEFAULT_DIALECT] if several else DEFAULT_DIALECT,
            **more,
        ),
        click.option(
            "--virttype",
            metavar="TYPE",
            help="Virtualization type: kvm, hvf, hyperv or qemu [default: the first of "
            "them that is available].",
            shell_complete=complete_virttype,
            **more,
        ),
        click.option(
            "--machine",
            metavar="NAME",
            help="Machine type or alias, such as q35 [default: libvirt's default].",
            shell_complete=complete_machine,
            **more,
        ),
        click.option(
            "--arch",
            metavar="ARCH",
            help="Architecture of the guest [default: the host's].",
            shell_complete=complete_arch,
            **more,
        ),
        click.option(
            "--emulatorbin",
            "emulator",
            metavar="PATH",
            help="Path of the emulator [default: the one for the architecture].",
            **more,
        ),
    )
    for option in options:
        function = option(function)
    return function


def complete_host(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG001
    """Complete a recording: one that is shipped, or a file."""
    from click.shell_completion import CompletionItem

    from domcaps.facts.shipped import shipped_names

    names = [f"shipped:{name}" for name in shipped_names()]
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def complete_place(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Complete a recording, or ``local`` for this machine."""
    from click.shell_completion import CompletionItem

    local = [CompletionItem("local")] if "local".startswith(incomplete) else []
    return local + complete_host(ctx, param, incomplete)


def complete_libvirt(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Complete a release of libvirt."""
    from domcaps.language.dialect import AUTO, known_dialects
    from domcaps.language.distributions import DISTRIBUTIONS

    names = [AUTO, *map(str, known_dialects()), *DISTRIBUTIONS]
    return [name for name in names if name.startswith(incomplete)]


def libvirt_option(text: str | None = None, **more: Any) -> Callable[[F], F]:
    """Give ``--libvirt`` to a command, with a help text; `more` is click's.

    Where it is left to the host, `open_host` tells which release that is.
    """

    def heed(ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
        given = (value,) if isinstance(value, str) else tuple(value or ())
        ctx.meta[AUTO] = "auto" in given
        return known_releases(ctx, _param, value)

    return click.option(
        "--libvirt",
        metavar="VERSION",
        show_default=True,
        help=f"{text or _RELEASE} {_AND_AUTO}",
        shell_complete=complete_libvirt,
        callback=heed,
        **({"default": DEFAULT_DIALECT} | more),
    )


def known_releases(_ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
    """Refuse unknown releases of libvirt before anything is asked about it."""
    for text in (value,) if isinstance(value, str) else tuple(value or ()):
        if text not in {"auto", DEFAULT_DIALECT}:
            from domcaps.language import check_dialect

            check_dialect(text)
    return value


_RELEASE = "libvirt version to emulate:"
_AND_AUTO = (
    "a release (9.0), a distribution (debian12) or auto (that of the host, or the newest known if "
    "the host has no libvirt)."
)


def existing_option(function: F) -> F:
    """Add ``--existing`` to a command that judges domains."""
    return click.option(
        "--existing",
        is_flag=True,
        help="Apply the relaxed checks that libvirt uses for already-defined domains.",
    )(function)


def defined_option(function: F) -> F:
    """Add the same, also by its former name, to a command that translates a domain."""
    return click.option(
        "--existing",
        "--defined",
        "defined",
        is_flag=True,
        help="FILE is a domain that is already defined in libvirt: its older defaults are kept.",
    )(function)


def complete_virttype(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Complete a virtualization type."""
    return [kind for kind in ("kvm", "qemu", "hvf", "hyperv") if kind.startswith(incomplete)]


def own_libvirt(host: Host) -> str:
    """Say which libvirt ``auto`` means on a host, "" where nothing of the host decides it."""
    from domcaps.language.dialect import why_dialect

    found = host.few_facts().record.libvirt
    return why_dialect(found) if found.version else ""


def tell_own_libvirt() -> None:
    """Print the same for this machine; reads nothing else of the host."""
    from domcaps.facts.host_record import libvirt_arch
    from domcaps.facts.hostfiles import HostFiles
    from domcaps.facts.libvirt_files import read_libvirt

    if click.get_current_context().meta.get(AUTO):
        files = HostFiles()
        tell_found(read_libvirt(files, libvirt_arch(files.uname[0])))


def write_recording(recording: Recording, output: str) -> None:
    """Write the file, or standard output for ``-``, and print its size on standard error."""
    from domcaps.facts.recording import dumps, save
    from domcaps.language.wording import counted

    if output == "-":
        if sys.stdout.isatty():
            raise click.UsageError("a recording is binary: redirect standard output to a file")
        data = dumps(recording)
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        size = len(data)
    else:
        # a Path would lose a slash at the end, which says that a folder is meant
        save(recording, output)
        size = Path(output).stat().st_size
    number = len(recording.emulators)
    note(f"{output}: {counted(number, 'emulator')}, {size / 1000:.0f} kB")
