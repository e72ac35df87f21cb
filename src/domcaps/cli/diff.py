"""``domcaps diff``: where two hosts, emulators, machine types or dialects differ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from domcaps.cli._common import open_host

if TYPE_CHECKING:
    from domcaps.api import Host
    from domcaps.language import World
    from domcaps.report.diff import Difference

_KEYS = ("emulator", "arch", "machine", "virttype", "libvirt")
_COLOURS = {"+": "green", "-": "red", "~": "yellow"}


class Side:
    """One side of a comparison: a host and what is asked of it."""

    def __init__(self, text: str) -> None:
        place, *settings = text.split(",")
        pairs = dict(setting.partition("=")[::2] for setting in settings)
        unknown = [key for key in pairs if key not in _KEYS]
        if unknown:
            raise click.UsageError(f"{text}: {unknown[0]!r} is none of {', '.join(_KEYS)}")
        self.host: Host = open_host(None if place in {"", "local"} else place)
        self.question = pairs

    def world(self) -> World:
        """Settle the target."""
        return self.host.world(**self.question)  # type: ignore[arg-type]


@click.command("diff")
@click.argument("before")
@click.argument("after")
@click.option(
    "--domain",
    "domains",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Tell as well whether this domain is acceptable on both sides; may be repeated.",
)
@click.option("--reasons", is_flag=True, help="Say why, on each side.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def command(
    *, before: str, after: str, domains: tuple[Path, ...], reasons: bool, form: str
) -> None:
    """Compare what two emulators can give a guest.

    BEFORE and AFTER are each a recording, 'shipped:NAME', or 'local' for this machine, and may name
    a target: 'host.domcaps,machine=q35,libvirt=11.3' (keys: emulator, arch, machine, virttype,
    libvirt). With --domain it answers the question of a migration or an upgrade: is this domain
    acceptable there, too?

    The exit code is 0 where there is no difference, 1 where there is, 2 for trouble.
    """
    from domcaps.report.diff import diff

    sides = Side(before), Side(after)
    found = diff(sides[0].world(), sides[1].world())
    verdicts = [(str(path), *_verdicts(path, sides)) for path in domains]
    if form == "json":
        _print_json(found, verdicts)
    else:
        for difference in found:
            _print(difference, reasons=reasons)
        for name, old, new in verdicts:
            click.echo(f"{name}: {old} before, {new} after")
    if found or any(old != new for _, old, new in verdicts):
        raise click.exceptions.Exit(1)


def _verdicts(path: Path, sides: tuple[Side, Side]) -> tuple[str, str]:
    xml = path.read_bytes()
    old, new = (
        side.host.validate(xml, side.question.get("libvirt", "12.8")).accepted for side in sides
    )
    return ("accepted" if old else "refused", "accepted" if new else "refused")


def _print(difference: Difference, *, reasons: bool) -> None:
    click.secho(str(difference), fg=_COLOURS[difference.sign])
    if not reasons:
        return
    for when, reason in (
        ("before", difference.reason_before),
        ("after", difference.reason_after),
    ):
        if reason is not None:
            source = f" [{reason.source}]" if reason.source else ""
            click.echo(f"    {when}: {reason.truth.value}, {reason.statement}{source}")


def _print_json(found: tuple[Difference, ...], verdicts: list[tuple[str, str, str]]) -> None:
    import msgspec

    content = {
        "differences": [{"sign": d.sign, **msgspec.structs.asdict(d)} for d in found],
        "domains": [{"file": f, "before": old, "after": new} for f, old, new in verdicts],
    }
    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())
