"""``domcaps watch``: tell when an answer changes, and why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from domcaps.cli._common import WholeNumber, format_option, local_as_option, target_options
from domcaps.cli._notes import note, qemu_user
from domcaps.cli._terminal import emit_document, say
from domcaps.errors import DomcapsError
from domcaps.one_call import calls_apart

if TYPE_CHECKING:
    from domcaps.fresh.watching import Event

_COLOURS = {"+": "green", "-": "red", "~": "yellow"}


@click.command("watch")
@target_options
@format_option("text", "json", text="Lines of text, or one line of JSON for each event.")
@local_as_option
@click.option(
    "--count", metavar="N", type=WholeNumber(1), help="Exit after this number of changes."
)
def command(*, form: str, count: int | None, **question: Any) -> None:
    """Wait for changes of the report of this machine, and print them.

    Installing firmware prints '+ os.firmware=efi (60-edk2-x86_64.json installed)', for example: the
    difference, and the event that caused it. Files are watched with inotify, not polled.
    """
    from domcaps.fresh.watching import Watcher
    from domcaps.hosts.host import Host

    calls_apart()
    host = Host.local(qemu_user=qemu_user())
    watcher = Watcher(host.machine.build, lambda: host.domain_capabilities(**question))
    watcher.start()
    note(watcher.error or f"watching, snapshot {watcher.snapshot}")
    told = 0
    while count is None or told < count:
        try:
            watcher.wait()
        except OSError as error:
            raise DomcapsError(
                f"changes can't be waited for: {error.strerror}",
                remedy="use 'domcaps report': it is always up to date",
            ) from error
        events = watcher.changes()
        for event in events:
            _print(event, form)
        told += bool(events)


def _print(event: Event, form: str) -> None:
    if form == "json":
        emit_document(event, compact=True)
    else:
        text = f"{event}: {event.error}" if event.error else str(event)
        say(text, fg=_COLOURS[event.sign])
    sys.stdout.flush()
