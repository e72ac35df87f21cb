"""``domcaps why-fresh``: what an answer rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from domcaps.cli._common import format_option, target_options
from domcaps.cli._terminal import emit_document, say

if TYPE_CHECKING:
    from domcaps.fresh.explain import Fact, Provenance


@click.command("why-fresh")
@target_options
@click.option(
    "--inputs",
    "every",
    is_flag=True,
    help="List every input of each fact: file, folder, device or variable.",
)
@format_option("text", "json")
def command(*, every: bool, form: str, **question: Any) -> None:
    """Show why the cached answers about this machine are still valid.

    A fact is a part of an answer. Its inputs are the files, folders, devices and variables that it
    was read from. domcaps checks all of them before it uses a cached answer. The table shows for
    each fact how many inputs it has, when they were checked, how long the check took, and how long
    it took to find out the fact.

    Below the table are the emulators that failed several times. domcaps waits before it asks such
    an emulator again; the line says how long.
    """
    from domcaps.fresh.explain import provenance
    from domcaps.fresh.failures import kept_failures
    from domcaps.hosts.host import Host

    host = Host.local()
    caps = host.domain_capabilities(**question)
    build = host.machine.build
    found = provenance(host.entry(**question), build.host_view)
    failures = tuple(kept_failures(build.disk))
    if form == "json":
        import msgspec

        facts = msgspec.structs.asdict(found)
        failed = [msgspec.structs.asdict(one) for one in failures]
        emit_document({"snapshot": caps.snapshot, **facts, "failures": failed})
        return
    say(f"{caps.path} {caps.machine} {caps.virttype}, snapshot {caps.snapshot}", bold=True)
    _print(found, every=every)
    for one in failures:
        say(f"{one.where}: not asked for {one.left():.0f} s, since it failed {one.count} times:")
        say(f"    {one.message}")


def _print(found: Provenance, *, every: bool) -> None:
    width = max((len(fact.name) for fact in found.facts), default=0)
    say(f"{'fact':{width}}  inputs  checked at     check  computed in")
    for fact in found.facts:
        say(
            f"{fact.name:{width}}  {len(fact.inputs):6}  {_time(fact.checked_at)}"
            f"  {fact.check_us:5.0f} µs  {_effort(fact)}"
        )
        for reason in fact.not_kept:
            click.echo(f"    not kept: {reason}")
        for one in fact.inputs if every else ():
            say(f"    {one.kind:16}  {one.check_us:6.1f} µs  {one.place}", dim=True)
    say(f"{found.inputs} inputs, {found.check_us:.0f} µs to check all of them")


def _effort(fact: Fact) -> str:
    return f"{fact.compute_ms:.1f} ms{', from the cache' if fact.from_disk else ''}"


def _time(moment: str) -> str:
    # the time of day, to the millisecond
    return moment[11:23]
