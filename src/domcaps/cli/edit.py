"""``domcaps edit``: edit a domain in an editor; it is validated before it is saved."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from domcaps import files
from domcaps.cli._common import (
    allow_emulator_option,
    as_option,
    libvirt_option,
    many_hosts_option,
)
from domcaps.cli._notes import note
from domcaps.cli._terminal import emit
from domcaps.one_call import calls_apart, one_call

if TYPE_CHECKING:
    from domcaps.cli._hosts_of_files import Judges

_EDITORS = ("sensible-editor", "editor", "vi", "nano")
_SECONDS = 60


class Definition(Protocol):
    """Where a domain's XML is read and saved."""

    def read(self) -> bytes:
        """Give the XML."""

    def save(self, data: bytes) -> None:
        """Put another XML in its place; raises `click.ClickException` where that is refused."""


@dataclass(frozen=True)
class OfFile:
    """A file."""

    path: Path

    def read(self) -> bytes:
        """Give the content."""
        from domcaps.validate.document.parse import MAX_BYTES

        return files.read(self.path, MAX_BYTES)

    def save(self, data: bytes) -> None:
        """Replace the file at once; it may be another user's, as it is to be edited."""
        from domcaps.destination import destination

        with destination(self.path) as place:
            place.replace(data)


@dataclass(frozen=True)
class OfLibvirt:
    """A domain that libvirt knows, through virsh."""

    name: str
    uri: str | None

    def read(self) -> bytes:
        """Give the persistent definition, with passwords."""
        return self._virsh("dumpxml", "--inactive", "--security-info", "--domain", self.name)

    def save(self, data: bytes) -> None:
        """Define the domain."""
        with _temporary(data) as path:
            self._virsh("define", "--file", str(path))

    def _virsh(self, *words: str) -> bytes:
        virsh = _program("virsh")
        if not virsh:
            raise click.ClickException(
                "virsh is not installed (on Debian: libvirt-clients); name a file instead"
            )
        connection = ["--connect", self.uri] if self.uri else []
        done = subprocess.run(
            [virsh, *connection, *words],
            env=_environment(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            text = done.stderr.decode(errors="replace").strip().removeprefix("error: ")
            raise click.ClickException(f"virsh {words[0]}: {text}")
        return done.stdout


class _temporary:  # noqa: N801 - used as a function
    """A file with a domain that only its owner can read, for as long as a block runs."""

    def __init__(self, data: bytes) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="domcaps-"))
        self.path = self.folder / "domain.xml"
        self.path.write_bytes(data)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@click.command("edit")
@click.argument("name", metavar="DOMAIN|FILE")
@click.option(
    "-c", "--connect", "uri", metavar="URI", help="libvirt URI for virsh, such as qemu:///system."
)
@many_hosts_option
@as_option
@allow_emulator_option
@libvirt_option("libvirt version that must accept the domain:")
@click.option("--schema/--no-schema", default=None, help="Also validate against libvirt's schema.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    name: str,
    uri: str | None,
    hosts: tuple[str, ...],
    libvirt: str,
    schema: bool | None,
) -> None:
    """Edit a domain in $VISUAL or $EDITOR; it is validated before it is saved.

    FILE is a file that exists, or a name with a slash or the ending .xml. Any other name is a
    DOMAIN, which is read with 'virsh dumpxml' and saved with 'virsh define'.

    If the edited domain would be refused, the findings are shown, and you can edit again, save
    anyway, or quit without saving. If you quit, your text is kept in a file, whose name is printed.

    Exit code: 0 if the domain was saved or not changed, 1 if the changes were not saved, 2 if the
    domain cannot be read or saved.
    """
    from domcaps.cli._hosts_of_files import Judges, expand_hosts

    calls_apart()
    named = ctx.get_parameter_source("libvirt") is not click.core.ParameterSource.DEFAULT
    judges = Judges(expand_hosts(hosts), libvirt if named else "", schema)
    is_file = Path(name).exists() or "/" in name or name.endswith(".xml")
    definition: Definition = OfFile(Path(name)) if is_file else OfLibvirt(name, uri)
    if not _edit(name, definition, judges):
        raise click.exceptions.Exit(1)


def _edit(name: str, definition: Definition, judges: Judges) -> bool:
    """Edit until the domain is saved, or given up; tells whether nothing is left unsaved."""
    original = definition.read()
    data = original
    while True:
        data = _edited(data)
        if data == original:
            note(f"{name} is not changed")
            return True
        answer = "s" if _accepted(name, data, judges) else _ask()
        if answer == "s" and _saved(name, definition, original, data):
            return True
        if answer == "q":
            kept = _keep(data)
            note(f"nothing was saved; the text is kept in {kept}")
            return False


def _edited(data: bytes) -> bytes:
    from domcaps.validate.document.parse import MAX_BYTES

    with _temporary(data) as path:
        done = subprocess.run([*_editor(), str(path)], env=_environment(), check=False)
        if done.returncode:
            raise click.ClickException(f"the editor ended with {done.returncode}; nothing is saved")
        return files.read(path, MAX_BYTES + 1)


def _editor() -> list[str]:
    for variable in ("VISUAL", "EDITOR"):
        if words := shlex.split(os.environ.get(variable, "")):
            if not (editor := _program(words[0])):
                raise click.ClickException(f"${variable}: there is no program {words[0]}")
            return [editor, *words[1:]]
    found = next(filter(None, map(_program, _EDITORS)), "")
    if not found:
        raise click.ClickException("there is no editor: set VISUAL or EDITOR")
    return [found]


def _program(name: str) -> str:
    """Find a program where no other user can put one; "" where there is none."""
    from domcaps.facts.trust import find_safe

    # who names a file vouches for it
    return name if "/" in name else find_safe(name)


def _environment() -> dict[str, str]:
    """Give the environment, with a search path of folders that no other user can change."""
    from domcaps.facts.trust import search_path

    return os.environ | {"PATH": search_path(os.environ.get("PATH"))}


def _accepted(name: str, data: bytes, judges: Judges) -> bool:
    """Print what is wrong with a domain; tells whether every host accepts it."""
    from domcaps.validate.config import configured
    from domcaps.validate.files import Checked
    from domcaps.validate.output.text import TextOutput
    from domcaps.validate.several import merged

    found = configured(Path(name) if Path(name).exists() else Path("-"))
    with one_call():
        done = merged(judges.look(name, data, found))
    emit(TextOutput().item(Checked(name, done)), err=True)
    return done.accepted


def _ask() -> str:
    """Ask what to do with a domain that is refused; without an answer nothing is saved."""
    text = "What now? [e]dit again, [s]ave anyway, [q]uit without saving"
    try:
        return str(click.prompt(text, type=click.Choice(["e", "s", "q"]), default="e", err=True))
    except click.Abort:
        if sys.stdin.isatty():
            raise
        return "q"


def _saved(name: str, definition: Definition, original: bytes, data: bytes) -> bool:
    """Save a domain, unless another process changed it; tells whether it is saved."""
    try:
        if definition.read() != original:
            raise click.ClickException(f"{name} was changed by another process meanwhile")
        definition.save(data)
    except (click.ClickException, OSError) as error:
        text = error.message if isinstance(error, click.ClickException) else str(error)
        note(f"{text}; the text is kept in {_keep(data)}")
        raise click.exceptions.Exit(2) from None
    note(f"{name} is saved")
    return True


def _keep(data: bytes) -> Path:
    """Write a text that was not saved to a file that only its owner can read."""
    handle, path = tempfile.mkstemp(prefix="domcaps-", suffix=".xml")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return Path(path)
