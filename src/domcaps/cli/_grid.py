"""Grids of hosts, emulators, machine types: each combination is a column of a page."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.cli._notes import note, open_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domcaps.hosts.host import Host
    from domcaps.report.matrix import Asked

MOST_COLUMNS = 200
"""More columns are not readable."""

Grid = dict[str, tuple[str, ...]]
"""What `Host.world` takes, each with all the values that are wanted."""


def named_hosts(names: Sequence[str]) -> Iterator[tuple[str, Host]]:
    """Open what ``--host`` names, with its name: recordings, folders, patterns, or this machine."""
    if not names:
        yield "local", open_host(None)
    for name in itertools.chain.from_iterable(map(expand_host, names)):
        yield name, open_host(None if name == "local" else name)


def expand_host(name: str) -> Sequence[str]:
    """Give the recordings in a folder, or the shipped ones of a pattern."""
    from domcaps.facts.shipped import SUFFIX, shipped_names

    folder = Path(name)
    if folder.is_dir():
        found = sorted(str(path) for path in folder.glob(f"*{SUFFIX}"))
    elif name.startswith("shipped:") and set(name) & set("*?["):
        from fnmatch import fnmatchcase

        kind, _, pattern = name.partition(":")
        found = [f"{kind}:{known}" for known in shipped_names() if fnmatchcase(known, pattern)]
    else:
        return (name,)
    if not found:
        import click

        raise click.BadParameter(f"{name}: no recording has this name", param_hint="--host")
    return found


def columns(hosts: Sequence[str], grid: Grid) -> list[Asked]:
    """Open every combination of the given targets on every host.

    A combination that a host does not support is skipped with a note; the error is
    raised where that leaves nothing.
    """
    from domcaps.errors import RequestError, UnknownDialectError
    from domcaps.report.matrix import Asked

    found: list[Asked] = []
    left_out: list[tuple[str, RequestError]] = []
    for name, host in named_hosts(hosts):
        for values in itertools.product(*((v or (None,)) for v in grid.values())):
            try:
                world = host.world(**dict(zip(grid, values, strict=True)))  # type: ignore[arg-type]
            except UnknownDialectError:
                raise
            except RequestError as error:
                left_out.append((name, error))
                continue
            found.append(Asked(world, name, host.recorded))
            if len(found) > MOST_COLUMNS:
                import click

                raise click.UsageError(f"more than {MOST_COLUMNS} columns; use fewer values")
    if not found:
        raise left_out[0][1]
    for name, why in left_out:
        note(f"skipped {name}: {why}")
    return found
