"""``domcaps native``: a domain as QEMU's command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from domcaps import files
from domcaps.cli._common import defined_option, format_option, host_option, libvirt_option
from domcaps.cli._notes import note, open_host
from domcaps.cli._terminal import emit, emit_document, say
from domcaps.text import file_name

if TYPE_CHECKING:
    from domcaps.hosts.host import Host
    from domcaps.language.finding import Finding
    from domcaps.native.document import NativeDocument


@click.command("native")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@host_option
@libvirt_option("libvirt version that the command line is for:")
@defined_option
@click.option(
    "--no-validate", is_flag=True, help="Print the command of a domain that libvirt refuses, too."
)
@click.option("--one-line", is_flag=True, help="Print the command on one line.")
@format_option("text", "json", text="A command for the shell, or a document for programs.")
def command(
    *,
    file: str,
    host_file: str | None,
    libvirt: str,
    defined: bool,
    no_validate: bool,
    one_line: bool,
    form: str,
) -> None:
    """Print the QEMU command line of a domain, with the devices and addresses of libvirt.

    \b
      domcaps native guest.xml
      domcaps native guest.xml --format json --host shipped:debian13-x86_64
      domcaps native - --libvirt debian12 < guest.xml

    FILE is a domain XML, - is standard input. The domain is validated first. Devices, properties,
    addresses and names are those that libvirt would choose; text is quoted for the shell. What
    libvirt does without an argument (networks, control groups, helper programs) is listed on
    standard error with the line of FILE. Files that libvirt would make are expected in the
    folder where you run the command.

    Exit code: 0 if the command was printed, 1 if the domain is refused, or has a part for which
    domcaps knows no argument (it is named; nothing is left out), 2 on error.
    """  # noqa: D301 - click takes the character, not its name
    from domcaps.validate.document.parse import MAX_BYTES

    host = open_host(host_file)
    data = files.read_input(file, MAX_BYTES + 1)
    found = _document(host, data, file, libvirt, new=not defined, judge=not no_validate)
    if form == "json":
        emit_document(found)
    else:
        _print(found, one_line=one_line)
    if not found.arguments:
        raise click.exceptions.Exit(1)


def _print(found: NativeDocument, *, one_line: bool) -> None:
    from domcaps.native.line import as_shell, as_shell_lines

    name = file_name(found.file)
    for finding in found.findings:
        say(f"{name}:{finding.line}: error: {finding.message} [{finding.code}]", err=True)
    if found.unsupported is not None:
        missing = found.unsupported
        say(f"{name}:{missing.line}: {missing.text} ({missing.path})", err=True)
    if not found.arguments:
        return
    variables = [f"{key}={value}" for key, value in found.environment.items()]
    env = ("env", *variables) if variables else ()
    words = (*env, found.emulator, *found.arguments)
    emit((as_shell(words) if one_line else as_shell_lines(words)) + "\n")
    for one in found.notes:
        note(f"{name}:{one.line}: not in the command: {one.text} ({one.path})")


def _document(
    host: Host, data: bytes, file: str, libvirt: str, *, new: bool = True, judge: bool = True
) -> NativeDocument:
    """Write a domain as a command, unless it is refused or a part of it can't be written."""
    from domcaps.errors import UntoldError
    from domcaps.native.document import NativeDocument
    from domcaps.native.write import NativeNote

    errors: tuple[Finding, ...] = ()
    if judge:
        errors = tuple(host.validate(data, libvirt, new=new).errors)
    accepted = None if not judge else not errors
    if errors:
        return NativeDocument(file=file, accepted=False, findings=errors)
    try:
        command = host.native(data, libvirt, judge=False, new=new)
    except UntoldError as error:
        missing = NativeNote(error.where or "", error.line, error.message)
        return NativeDocument(file=file, accepted=accepted, unsupported=missing)
    return NativeDocument(
        file=file,
        accepted=accepted,
        emulator=command[0],
        arguments=tuple(command[1:]),
        environment=dict(command.environment),
        notes=command.notes,
        needs=command.needs,
    )
