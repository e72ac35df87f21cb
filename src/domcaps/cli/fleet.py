"""``domcaps fleet``: which hosts take a domain, why the others do not, and what breaks tomorrow."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from domcaps.cli._common import WholeNumber, known_releases, libvirt_option, target_options
from domcaps.cli._files import documents
from domcaps.cli._fleet_export import export
from domcaps.cli._fleet_output import Table, end, end_document, fleet_format_option, show, some
from domcaps.cli._fleet_page import page
from domcaps.cli._fleet_pull import pull
from domcaps.cli._notes import note
from domcaps.language.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.facts.record import Recording
    from domcaps.fleet.fleet import Accepts, Fleet
    from domcaps.fleet.rehearse import Rehearsed

F = TypeVar("F", bound="Callable[..., Any]")


class _Questions(click.Group):
    """The commands of a fleet, each listed with its whole first sentence; click cuts it off."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them by name."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(1000)) for name, one in found if one])


@click.group("fleet", cls=_Questions)
def command() -> None:
    """Answer questions about many hosts at once; a store holds their recordings.

    STORE is a folder, a file:// URL, or an object store such as s3://bucket/prefix (needs the extra
    'fleet'). Hosts that answer alike share what is stored and what is computed.

    \b
      domcaps fleet add STORE *.domcaps
      domcaps fleet accepts STORE web.xml
      domcaps fleet rehearse STORE --with new-qemu.domcaps domains/
    """  # noqa: D301 - click takes the character, not its name


def _open(place: str) -> Fleet:
    from domcaps.fleet.fleet import Fleet

    return Fleet.open(place)


def _store() -> Callable[[F], F]:
    return click.argument("store", metavar="STORE")


# -- the store -----------------------------------------------------------------------------------


@command.command("add")
@_store()
@click.argument("recordings", metavar="RECORDING…", nargs=-1, required=True)
@click.option(
    "--name",
    metavar="NAME",
    help="Name of the host, if you add one recording [default: the file's name].",
)
def add(store: str, recordings: tuple[str, ...], name: str | None) -> None:
    """Add recordings to a store, or with a folder all recordings in it.

    A recording is a file, or 'shipped:NAME' for one that comes with domcaps.
    """
    from domcaps.facts.shipped import load_shipped, shipped_name
    from domcaps.shipped import SUFFIX

    found = [
        path
        for given in recordings
        for path in (sorted(Path(given).glob(f"*{SUFFIX}")) if Path(given).is_dir() else [given])
    ]
    if name and len(found) != 1:
        raise click.BadParameter("one name is for one recording", param_hint="--name")
    fleet = _open(store)
    for path in found:
        kind, _, shipped = str(path).partition(":")
        if kind == "shipped" and not Path(path).exists():
            shipped = shipped_name(shipped)
            manifest = fleet.add(load_shipped(shipped), name or shipped)
        else:
            manifest = fleet.add(path, name or "")
        note(f"{path}: {manifest.host}, class {manifest.digest[:16]}")


@command.command("push")
@_store()
@click.option(
    "--name", metavar="NAME", help="Name of this host in the store [default: its network name]."
)
@click.option(
    "--emulatorbin",
    "emulators",
    metavar="PATH",
    multiple=True,
    help="Path of an emulator; may be repeated [default: the one for the host's architecture].",
)
def push(store: str, name: str | None, emulators: tuple[str, ...]) -> None:
    """Record this machine into a store; only new data is written."""
    from domcaps.hosts.recorder import record_here

    manifest = _open(store).add(record_here(emulators), name or platform.node() or "host")
    note(f"{manifest.host}: class {manifest.digest[:16]}")


command.add_command(pull)
command.add_command(export)
command.add_command(page)


@command.command("gc")
@_store()
@click.option(
    "--keep",
    metavar="N",
    type=WholeNumber(1),
    help="Number of the newest recordings to keep of each host; older ones are deleted.",
)
@fleet_format_option
def gc(store: str, keep: int | None, form: str) -> None:
    """Delete stored data that no recording uses; data from the last 24 hours is kept."""
    done = _open(store).gc(keep=keep or 0)
    row = (done.manifests, done.contents, done.freed, done.left)
    table = Table("removed", ("manifests", "contents", "bytes freed", "bytes left"), [row])
    removed = (
        f"{counted(done.manifests, 'manifest')} and {counted(done.contents, 'content')} removed"
    )
    text = f"{removed}, {done.freed} bytes freed, {done.left} bytes left"
    show(form, "Garbage", done, [table], lambda: [text])


@command.command("check")
@_store()
@fleet_format_option
def check(store: str, form: str) -> None:
    """Check that no stored file is damaged.

    Exit code: 0 if all files have their hash, 1 if a file is damaged, 2 on error.
    """
    found = _open(store).check()
    table = Table("damaged", ("key", "what is wrong"), [(one.key, one.text) for one in found])
    show(form, "Store", found, [table], lambda: (
        [f"{one.key}: {one.text}" for one in found] or ["the store is whole"]))  # fmt: skip
    if found:
        raise click.exceptions.Exit(1)


# -- questions about domains
# ------------------------------------------------------------------------


@command.command("accepts")
@_store()
@click.argument("names", metavar="FILE…", nargs=-1, required=True)
@libvirt_option("libvirt version that must accept the domains:")
@click.option(
    "--least",
    is_flag=True,
    help="Find the smallest change that makes more hosts accept the domain.",
)
@click.option("--each", is_flag=True, help="List the answer for each host, with every finding.")
@fleet_format_option
def accepts(
    store: str, names: tuple[str, ...], libvirt: str, form: str, *, least: bool, each: bool
) -> None:
    """List the hosts that accept domains, and why the others do not.

    Exit code: 0 if each domain is accepted by a host, 1 if one is accepted by no host, 2 on error.
    """
    fleet = _open(store)
    named = list(documents(names))
    if each:
        _each(fleet, named, libvirt, form)
        return
    found = [fleet.accepts(data, libvirt, name=name) for name, data in named]
    changes = [_least(fleet, one, data, libvirt) if least else []
               for one, (_, data) in zip(found, named, strict=True)]  # fmt: skip
    rows = [(one.domain, r.count, len(one.accepted) + len(one.refused), r.alone, r.code, r.message)
            for one in found for r in one.reasons]  # fmt: skip
    columns = ("domain", "hosts", "of", "alone", "code", "reason")
    sums = [(one.domain, len(one.accepted), len(one.refused)) for one in found]
    content = [{"answer": one, "changes": more} for one, more in zip(found, changes, strict=True)]
    show(form, "Which hosts accept it", content,
         [Table("reasons", columns, rows), Table("hosts", ("domain", "accept", "refuse"), sums)],
         lambda: (line for one, more in zip(found, changes, strict=True)
                  for line in _accepts_text(one, more)), fleet.unread)  # fmt: skip
    end(fleet.unread, refused=not all(one.accepted for one in found))


def _each(fleet: Fleet, documents: list[tuple[str, bytes]], libvirt: str, form: str) -> None:
    from domcaps.fleet.answers_json import verdict_json

    found = list(fleet.verdicts(documents, libvirt))
    rows = [(v.domain, v.host, "yes" if v.accepted else "no", tuple(f.code for f in v.errors),
             tuple(f.code for f in v.warnings)) for v in found]  # fmt: skip
    columns = ("domain", "host", "accepted", "errors", "warnings")
    content = list(map(verdict_json, found))
    show(form, "Verdicts", content, [Table("verdicts", columns, rows)], unread=fleet.unread)
    end(fleet.unread)


def _least(fleet: Fleet, found: Accepts, data: bytes, libvirt: str) -> list[Any]:
    from domcaps.fleet.opening import opening_changes

    return opening_changes(fleet, found, data, libvirt)


def _accepts_text(found: Accepts, changes: list[Any]) -> Iterator[str]:
    every = len(found.accepted) + len(found.refused)
    own = ", each with its own emulator path" if found.own_path else ""
    yield f"{found.domain}: {len(found.accepted)} of {counted(every, 'host')} accept it{own}"
    if found.accepted:
        yield f"  accept: {some(found.accepted)}"
    for reason in found.reasons:
        yield f"  {reason.line(every)}"
    for change in changes:
        yield f"  {change}"


@command.command("matrix")
@_store()
@click.argument("names", metavar="DOMAINS…", nargs=-1, required=True)
@libvirt_option("libvirt version that must accept the domains:")
@click.option(
    "--index",
    metavar="FILE",
    help="File in which results are kept: a later run with it computes only what is new. The file "
    "is created if it does not exist.",
)
@fleet_format_option
def matrix(store: str, names: tuple[str, ...], libvirt: str, index: str | None, form: str) -> None:
    """Print a table of domains and hosts, those with the most refusals first."""
    fleet = _open(store)
    found = list(fleet.ask(documents(names), libvirt=libvirt, index=index))
    hosts = fleet.hosts.names
    taken = dict.fromkeys(hosts, 0)
    for one in found:
        for name in one.accepted:
            taken[name] += 1
    found.sort(key=lambda one: (len(one.accepted), one.domain))
    by_host = sorted(taken.items(), key=lambda item: (item[1], item[0]))
    sets = [frozenset(one.accepted) for one in found]
    cells = [(one.domain, *("yes" if name in accepted else "no" for name in hosts))
             for one, accepted in zip(found, sets, strict=True)]  # fmt: skip
    show(form, "Domains and hosts", {"domains": found, "hosts": dict(by_host)},
         [Table("domains by hosts", ("domain", *hosts), cells),
          Table("hosts by domains", ("host", "accepts"), by_host)],
         lambda: (
             *(f"{len(one.accepted)} of {len(hosts)} hosts accept {one.domain}" for one in found),
             "", *(f"{name} accepts {n} of {len(found)} domains" for name, n in by_host[:20]),
         ), fleet.unread)  # fmt: skip
    end(fleet.unread)


@command.command("rehearse")
@_store()
@click.argument("names", metavar="DOMAINS…", nargs=-1, required=True)
@click.option(
    "--with",
    "recording",
    metavar="RECORDING",
    help="Test with the QEMU and kernel of this recording ('shipped:NAME' is one that comes with "
    "domcaps).",
)
@click.option(
    "--qemu",
    metavar="PATH",
    help="Test with this QEMU of this machine, which is started to probe it.",
)
@click.option(
    "--libvirt",
    "then",
    metavar="VERSION",
    help="libvirt version to test, such as 12.8 or debian13.",
    callback=known_releases,
)
@click.option(
    "--now",
    metavar="VERSION",
    default="auto",
    show_default=True,
    help="libvirt version that the hosts run today.",
    callback=known_releases,
)
@click.option(
    "--hosts", metavar="NAMES", help="Names of hosts, separated by commas [default: all]."
)
@fleet_format_option
def rehearse(
    *,
    store: str,
    names: tuple[str, ...],
    recording: str | None,
    qemu: str | None,
    then: str | None,
    now: str,
    hosts: str | None,
    form: str,
) -> None:
    """Test which domains would fail after an upgrade of QEMU, libvirt or the kernel.

    Exit code: 0 if no domain would fail, 1 if one would fail on a host, 2 on error.
    """
    from domcaps.fleet.rehearse import rehearse as tried

    if not (recording or qemu or then):
        raise click.UsageError("say what is to change: --with, --qemu or --libvirt")
    chosen = [name.strip() for name in hosts.split(",")] if hosts else None
    fleet = _open(store)
    found = list(
        tried(fleet, documents(names), recording=_recording(recording, qemu),
              hosts=chosen, libvirt=now, then=then or "")
    )  # fmt: skip
    rows = [(one.domain, len(one.breaks), len(one.opens), one.still, one.breaks,
             tuple(r.message for r in one.reasons)) for one in found]  # fmt: skip
    columns = ("domain", "breaks on", "opens on", "stays on", "hosts", "why")
    unread = () if chosen else fleet.unread
    show(form, "Rehearsal", found, [Table("domains", columns, rows)],
         lambda: (line for one in found for line in _rehearsed_text(one)), unread)  # fmt: skip
    end(unread, refused=any(one.breaks for one in found))


def _recording(name: str | None, qemu: str | None) -> Recording | None:
    if qemu:
        from domcaps.hosts.recorder import record_here

        return record_here([qemu])
    if not name:
        return None
    from domcaps.facts.recording import load

    kind, _, shipped = name.partition(":")
    if kind == "shipped" and not Path(name).exists():
        from domcaps.facts.shipped import load_shipped

        return load_shipped(shipped)
    return load(name)


def _rehearsed_text(found: Rehearsed) -> Iterator[str]:
    if not found.breaks:
        opens = f", and {len(found.opens)} more would" if found.opens else ""
        still = counted(found.still, "host")
        yield f"{found.domain}: breaks nowhere; accepted as before on {still}{opens}"
    else:
        broken = counted(len(found.breaks), "host")
        yield f"{found.domain}: breaks on {broken}: {some(found.breaks)}"
    for reason in found.reasons:
        yield f"  {reason.count}: {reason.message} [{reason.code}]"
    for text in found.notices:
        yield f"  then: {text}"


@command.command("where")
@_store()
@click.argument("name", metavar="FILE")
@click.option(
    "--from", "source", metavar="HOST", required=True, help="Host on which the domain runs now."
)
@libvirt_option("libvirt version that must accept the domain:")
@fleet_format_option
def where(store: str, name: str, source: str, libvirt: str, form: str) -> None:
    """List the hosts to which a running domain can be migrated.

    Exit code: 0 if there is such a host, 1 if there is none, 2 on error.
    """
    from domcaps.fleet.where import where as destinations

    ((name, data),) = documents((name,))
    fleet = _open(store)
    found = destinations(fleet, data, source, libvirt, name=name)
    rows = [(one.host, "no" if one.differences else "yes", one.differences)
            for one in found.destinations]  # fmt: skip
    rows += [(host, "refused", ()) for host in found.refused]
    same = [one.host for one in found.destinations if not one.differences]

    def lines() -> Iterator[str]:
        others = counted(len(same), "host")
        yield f"{name} runs on {source} as {found.machine}, and can go to {others}"
        if same:
            yield f"  {some(same)}"
        for one in found.destinations:
            if one.differences:
                yield f"  not to {one.host}: its guest would see {'; '.join(one.differences)}"
        for reason in found.reasons:
            yield f"  {reason.count} refuse it: {reason.message} [{reason.code}]"

    show(form, f"Where {name} can go", found, [
        Table("hosts", ("host", "can go", "differences"), rows)], lines, fleet.unread)  # fmt: skip
    end(fleet.unread, refused=not same)


# -- questions about hosts ------------------------------------------------------------------------


@command.command("classes")
@_store()
@fleet_format_option
def classes(store: str, form: str) -> None:
    """Group the hosts that give the same answers."""
    from domcaps.fleet.compare import classes as grouped

    fleet = _open(store)
    found = grouped(fleet)
    rows = [(one.id, len(one.hosts), one.qemu, one.cpu, some(one.hosts)) for one in found]
    table = Table("classes", ("class", "hosts", "QEMU", "CPU", "names"), rows)
    show(form, "Classes of hosts", found, [table], unread=fleet.unread)
    end(fleet.unread)


@command.command("drift")
@_store()
@fleet_format_option
def drift(store: str, form: str) -> None:
    """List the facts in which a host differs from most of the fleet."""
    from domcaps.fleet.compare import drift as differing

    fleet = _open(store)
    found = list(differing(fleet))
    rows = [(one.host, one.fact, one.value, one.usual, one.hosts) for one in found]
    columns = ("host", "fact", "here", "usual", "hosts with the usual")
    show(form, "Hosts that differ", found, [Table("differences", columns, rows)], lambda: (
        f"{one.host}: {one.fact} is {one.value}; on {counted(one.hosts, 'host')} it is {one.usual}"
        for one in found), fleet.unread)  # fmt: skip
    end(fleet.unread)


@command.command("history")
@_store()
@click.argument("host", metavar="HOST")
@click.argument("choice", metavar="[CHOICE]", default="")
@fleet_format_option
def history(store: str, host: str, choice: str, form: str) -> None:
    """Show when and how a host changed, and which files of it.

    With CHOICE, such as video.modelType=qxl, show since when that value is supported or not.
    """
    from domcaps.fleet.compare import history as changes

    found = changes(_open(store), host, choice)
    rows = [(one.since, one.before, one.after, one.facts, one.files) for one in found]
    columns = ("since", "before", "after", "what changed", "files")
    show(form, f"History of {host}", found, [Table("changes", columns, rows)])


@command.command("diff")
@_store()
@click.argument("before", metavar="HOST")
@click.argument("after", metavar="HOST")
@target_options
@fleet_format_option
def diff(*, store: str, before: str, after: str, form: str, **target: Any) -> None:
    """Compare the features of two hosts.

    Exit code: 0 if there is no difference, 1 if there is one, 2 on error.
    """
    from domcaps.report.diff import diff as compared

    fleet = _open(store)
    worlds = [fleet.host(name).world(**target) for name in (before, after)]
    found = list(compared(*worlds))
    rows = [(one.sign, one.path, one.before, one.after, one.because) for one in found]
    columns = ("", "what", before, after, "because")
    content = [dict(zip(("sign", "path", "before", "after", "because"), row, strict=True))
               for row in rows]  # fmt: skip
    show(form, f"{before} and {after}", content, [Table("differences", columns, rows)])
    if found:
        raise click.exceptions.Exit(1)


@command.command("baseline")
@_store()
@target_options
def baseline(store: str, **target: Any) -> None:
    """Print the features that all hosts support, as one report in libvirt's format."""
    from domcaps.cli._terminal import emit
    from domcaps.fleet.compare import classes as grouped
    from domcaps.hosts.several import baseline as of_all

    fleet = _open(store)
    numbers = {name: number for number, name in enumerate(fleet.hosts.names)}
    chosen = [fleet.deciding_host(numbers[one.hosts[0]]) for one in grouped(fleet)]
    emit(of_all(chosen, **target).xml)
    end_document(fleet.unread, "is not in the baseline")
