"""``domcaps diff``: where two hosts, emulators, machine types, dialects or moments differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from domcaps import files
from domcaps.cli._common import allow_emulator_option, complete_place, format_option
from domcaps.cli._notes import open_host
from domcaps.cli._terminal import emit_document, say
from domcaps.text import styled

if TYPE_CHECKING:
    from domcaps.hosts.host import Host
    from domcaps.language import Reason, World
    from domcaps.report.diff import Difference
    from domcaps.validate.compare import DomainDifference

_KEYS = ("emulator", "arch", "machine", "virttype", "libvirt")
_COLOURS = {"+": "green", "-": "red", "~": "yellow"}


class Side:
    """One side of a comparison: a host and what is asked of it."""

    def __init__(self, text: str) -> None:
        place, *settings = text.split(",")
        pairs = dict(setting.partition("=")[::2] for setting in settings)
        unknown = [key for key in pairs if key not in _KEYS]
        if unknown:
            raise click.UsageError(f"{text}: unknown key {unknown[0]!r}; use {', '.join(_KEYS)}")
        self.name = place or "local"
        self.host: Host = open_host(None if self.name == "local" else place)
        self.question = pairs
        self.world: World = self.host.world(**pairs)  # type: ignore[arg-type]

    @property
    def libvirt(self) -> str:
        """The release of libvirt that is asked about."""
        return str(self.world.target.dialect)

    def describe(self) -> dict[str, str]:
        """Tell what is compared."""
        target, emulator = self.world.target, self.world.emulator
        return {
            "host": self.name,
            "emulator": target.emulator,
            "qemu": emulator.version_text,
            "arch": target.arch,
            "machine": target.machine,
            "virttype": target.virttype,
            "libvirt": self.libvirt,
            "recorded": self.host.recorded,
        }

    def __str__(self) -> str:
        """Give one line."""
        told = self.describe()
        moment = ", now" if self.name == "local" else ""
        if told["recorded"]:
            moment = f", recorded {told['recorded']}"
        return (
            f"{told['host']}: QEMU {told['qemu']}, {told['machine']}, {told['virttype']}, "
            f"libvirt {told['libvirt']}{moment}"
        )


def _complete_side(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Complete the host, then the keys of its target."""
    from click.shell_completion import CompletionItem

    if "," not in incomplete:
        return complete_place(ctx, param, incomplete)
    head, _, key = incomplete.rpartition(",")
    name, equals, begun = key.partition("=")
    if equals:
        return [CompletionItem(f"{head},{name}={one}") for one in _values(head, name, begun)]
    return [CompletionItem(f"{head},{known}=") for known in _KEYS if known.startswith(key)]


def _values(side: str, name: str, begun: str) -> list[str]:
    """Give the values of a setting of one side that begin with a text."""
    from domcaps.cli._complete import machine_types
    from domcaps.facts.arch import ARCHITECTURES

    place, *settings = side.split(",")
    given = dict(setting.partition("=")[::2] for setting in settings)
    known: dict[str, list[str]] = {
        "arch": sorted(ARCHITECTURES),
        "virttype": ["kvm", "qemu", "hvf", "hyperv"],
        "machine": machine_types({**given, "host_file": place}) if name == "machine" else [],
    }
    return [value for value in known.get(name, []) if value.startswith(begun)]


@click.command("diff")
@click.argument("before", shell_complete=_complete_side)
@click.argument("after", shell_complete=_complete_side)
@allow_emulator_option
@click.option(
    "--domain",
    "domains",
    metavar="FILE.xml",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="Also report whether this domain is valid on both sides; - is standard input. "
    "May be repeated.",
)
@click.option("--reasons", is_flag=True, help="Print the full reasons of both sides.")
@format_option("text", "json")
def command(*, before: str, after: str, domains: tuple[str, ...], reasons: bool, form: str) -> None:
    """Compare the features of two hosts, emulators, machine types or libvirt versions.

    BEFORE and AFTER are each a recording, 'shipped:NAME', or 'local' for this machine. They may
    name a target: 'host.domcaps,machine=q35,libvirt=11.3' (keys: emulator, arch, machine, virttype,
    libvirt). A recording shows the host at the time it was made, 'local' shows it now.

    Each difference is printed with the facts behind it. With --domain, domcaps also reports whether
    a domain is valid on both sides: use it before a migration or an upgrade.

    \b
      domcaps diff monday.domcaps local
      domcaps diff old.domcaps new.domcaps --domain web.xml
      domcaps diff local,machine=pc local,machine=q35

    Exit code: 0 if there is no difference, 1 if there is one, 2 on error.
    """  # noqa: D301 - click takes the character, not its name
    from domcaps.report.diff import diff

    sides = Side(before), Side(after)
    found = diff(sides[0].world, sides[1].world)
    compared = [(name, _compare(_read(name), sides)) for name in domains]
    if form == "json":
        _print_json(sides, found, compared)
    else:
        _print_text(sides, found, compared, reasons=reasons)
    if found or not all(domain.is_same for _, domain in compared):
        raise click.exceptions.Exit(1)


def _read(name: str) -> bytes:
    from domcaps.validate.document.parse import MAX_BYTES

    return files.read_input(name, MAX_BYTES + 1)


def _compare(xml: bytes, sides: tuple[Side, Side]) -> DomainDifference:
    from domcaps.hosts.compared import compare_for

    one, other = sides
    return compare_for(xml, (one.host, one.libvirt), (other.host, other.libvirt))


def _print_text(
    sides: tuple[Side, Side],
    found: tuple[Difference, ...],
    compared: list[tuple[str, DomainDifference]],
    *,
    reasons: bool,
) -> None:
    if found or not all(domain.is_same for _, domain in compared):
        say(f"--- {sides[0]}", bold=True)
        say(f"+++ {sides[1]}", bold=True)
    # what was asked for by name comes first: the list of the host's features is long
    _print_domains(compared, reasons=reasons)
    if found and compared:
        say("features of the hosts:")
    # hundreds of lines about CPU models would hide the others
    for difference in sorted(found, key=lambda one: one.path.startswith("cpu.")):
        _print(difference, reasons=reasons)


def _print_domains(compared: list[tuple[str, DomainDifference]], *, reasons: bool) -> None:
    for name, domain in compared:
        say(f"{name}: {domain.before} before, {domain.after} after")
        for sign, findings in (("-", domain.gone), ("+", domain.new)):
            for finding in findings:
                place = f"{finding.line}:{finding.column}"
                text = f"  {sign} {place}: {finding.message} [{finding.code}]"
                # a finding that is new is bad news
                say(text, fg=_COLOURS["-" if sign == "+" else "+"])
        for change in domain.changes:
            _print(change, reasons=reasons, indent="  ")


_MOST_FACTS = 2


def _print(difference: Difference, *, reasons: bool, indent: str = "") -> None:
    why = _shortened(difference)
    note = styled(f"  ({why})", dim=True) if why and not reasons else ""
    line = styled(f"{indent}{difference}", fg=_COLOURS[difference.sign])
    say(f"{line}{note}")
    if reasons:
        _reason("before", difference.reason_before, indent)
        _reason("after", difference.reason_after, indent)


def _shortened(difference: Difference) -> str:
    """Name the facts behind a difference; many, such as features of a CPU model, are counted."""
    facts = difference.because
    shown = facts if len(facts) <= _MOST_FACTS else facts[:1]
    more = len(facts) - len(shown)
    return "; ".join((*shown, *((f"and {more} more: --reasons lists them",) if more else ())))


def _reason(when: str, reason: Reason | None, indent: str) -> None:
    if reason is None:
        return

    def tell(reason: Reason, prefix: str) -> None:
        source = f" [{reason.seen}]" if reason.seen else ""
        say(f"{prefix}{reason.truth.value}, {reason.sentence}{source}")
        for inner in reason.because:
            tell(inner, " " * len(prefix) + "  ")

    tell(reason, f"{indent}    {when}: ")


def _print_json(
    sides: tuple[Side, Side],
    found: tuple[Difference, ...],
    compared: list[tuple[str, DomainDifference]],
) -> None:
    content = {
        "before": sides[0].describe(),
        "after": sides[1].describe(),
        "differences": [_as_json(difference) for difference in found],
        "domains": [
            {
                "file": name,
                "before": domain.before,
                "after": domain.after,
                "gone": domain.gone,
                "new": domain.new,
                "lacking": domain.lacking,
                "changes": [_as_json(change) for change in domain.changes],
            }
            for name, domain in compared
        ],
    }
    emit_document(content)


def _as_json(difference: Difference) -> dict[str, Any]:
    import msgspec

    own = msgspec.structs.asdict(difference)
    return {"sign": difference.sign, "because": difference.because, **own}
