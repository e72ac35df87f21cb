"""``domcaps serve``: libvirt's wire protocol."""

from __future__ import annotations

import contextlib
import logging
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from domcaps.cli._common import WholeNumber, allow_emulator_of, as_option, libvirt_option
from domcaps.cli._notes import note, qemu_user
from domcaps.errors import DomcapsError
from domcaps.one_call import calls_apart

if TYPE_CHECKING:
    import socket

    from domcaps.language import Dialect
    from domcaps.serve.hosts import HostSource
    from domcaps.serve.inventory import SandboxKind
    from domcaps.serve.server import Server
    from domcaps.serve.sockets import UnixSocket


@click.command("serve")
@click.option(
    "--socket",
    "paths",
    metavar="PATH",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Listen on a UNIX socket; may be repeated.",
)
@click.option(
    "--mode",
    metavar="OCTAL",
    default="0600",
    show_default=True,
    help="Permissions of the UNIX sockets.",
)
@click.option(
    "--allow-uid",
    "uids",
    metavar="UID",
    type=WholeNumber(0),
    multiple=True,
    help="Accept only these user IDs on UNIX sockets, and the user who runs the server. May be "
    "repeated.",
)
@click.option(
    "--listen",
    "addresses",
    metavar="ADDRESS:PORT",
    multiple=True,
    help="Listen on a loopback address. Every local user can connect.",
)
@click.option(
    "--host",
    "host_file",
    metavar="FILE",
    help="Use a recording, or 'shipped:NAME', instead of this machine.",
)
@click.option(
    "--zoo",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Serve all recordings of a folder; clients select one by its name.",
)
@click.option(
    "--sandbox",
    type=click.Choice(["user", "connection"]),
    is_flag=False,
    flag_value="user",
    help="Let clients start, change and end domains that exist in memory only. No machine runs. "
    "All connections of a user share their domains; with 'connection' each has its own.",
)
@click.option(
    "--http",
    "http",
    metavar="ADDRESS:PORT",
    multiple=True,
    help="Serve a fleet over HTTP instead of libvirt's protocol; may be repeated. Needs --store, "
    "and pip install 'domcaps[http]'.",
)
@click.option("--store", metavar="STORE", help="With --http: the store of recordings to serve.")
@click.option(
    "--token-file",
    "tokens",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="With --http: file with one token on each line; a client needs one of them. Required for "
    "addresses that a network reaches.",
)
@click.argument("domains", metavar="[DOMAINS…]", nargs=-1)
@as_option
@allow_emulator_of("a client")
@libvirt_option()
@click.option(
    "--max-clients",
    metavar="N",
    type=WholeNumber(1),
    default=500,
    show_default=True,
    help="Maximum number of clients.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Log level on standard error; 'debug' logs every call.",
)
def command(
    *,
    paths: tuple[Path, ...],
    mode: str,
    uids: tuple[int, ...],
    addresses: tuple[str, ...],
    host_file: str | None,
    zoo: Path | None,
    sandbox: SandboxKind | None,
    libvirt: str,
    max_clients: int,
    log_level: str,
    http: tuple[str, ...],
    store: str | None,
    tokens: Path | None,
    domains: tuple[str, ...],
) -> None:
    """Serve libvirt clients over libvirt's wire protocol, until SIGTERM or Ctrl-C.

    virsh and other libvirt clients connect to this server as to libvirtd. It never starts, changes
    or stores a domain of the host. --socket or --listen says where the server listens; one of them
    is required, unless systemd passes a socket:

    \b
      domcaps serve --socket /tmp/domcaps --listen 127.0.0.1:16509
      virsh -c 'qemu+unix:///system?socket=/tmp/domcaps' domcapabilities
      virsh -c 'qemu+tcp://127.0.0.1:16509/system' domcapabilities --machine q35

    With --zoo, one server answers for many recorded hosts. The client chooses one by its name:

    \b
      virsh -c 'qemu+tcp://127.0.0.1:16509/system?host=NAME' capabilities

    With --http, the server gives the answers of 'domcaps fleet' as JSON, and a web page of the
    fleet. DOMAINS are files or folders of domains that the page shows:

    \b
      domcaps serve --http 127.0.0.1:8780 --store fleet.store domains/
    """  # noqa: D301 - click takes the character, not its name
    calls_apart()
    if http:
        from domcaps.cli._serving_http import serve_fleet

        if paths or addresses or host_file or zoo:
            raise click.UsageError("--http excludes --socket, --listen, --host and --zoo")
        _log(log_level)
        serve_fleet(http, store, tokens, domains)
        return
    if store or tokens or domains:
        raise click.UsageError("--store, --token-file and DOMAINS belong to --http")
    import asyncio

    from domcaps.serve.limits import ServerLimits
    from domcaps.serve.memory import give_back
    from domcaps.serve.server import Server
    from domcaps.serve.sockets import UnixSocket, inherited_sockets, tcp_socket
    from domcaps.serve.workers.nursery import Nursery

    _log(log_level)
    if host_file and zoo:
        raise click.UsageError("--host and --zoo exclude each other")
    source = _source(host_file, zoo)
    permissions = _permissions(mode)
    dialect = _dialect(source, libvirt)
    give_back()
    # before there are sockets or a second thread
    nursery = Nursery(source, dialect)
    with contextlib.ExitStack() as stack:
        stack.callback(nursery.close)
        named = [stack.enter_context(closing(UnixSocket(path, permissions))) for path in paths]
        sockets = inherited_sockets()
        sockets += [one.listening for one in named]
        sockets += [tcp_socket(address) for address in addresses]
        if not sockets:
            raise click.UsageError("--socket or --listen is required, or a systemd socket")
        limits = ServerLimits(clients=max_clients)
        server = Server(source, dialect, limits, uids or None, nursery, sandbox)
        asyncio.run(_run(server, sockets, named))


def _log(level: str) -> None:
    """Tell of what the server does; a probe logs a lot that is of no interest here.

    It ends with the command: a program that calls it has its own settings back.
    """
    at_end = click.get_current_context().call_on_close
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("domcaps: level=%(levelname)s %(message)s"))
    for name in ("domcaps.serve", "domcaps.trust"):
        ours = logging.getLogger(name)
        at_end(partial(_as_it_was, ours, handler, ours.level, propagate=ours.propagate))
        ours.addHandler(handler)
        ours.setLevel(level.upper())
        ours.propagate = False
    # without any handler Python would print what the others log
    silent = logging.NullHandler()
    logging.getLogger().addHandler(silent)
    at_end(partial(logging.getLogger().removeHandler, silent))


def _as_it_was(
    ours: logging.Logger, handler: logging.Handler, level: int, *, propagate: bool
) -> None:
    ours.removeHandler(handler)
    ours.setLevel(level)
    ours.propagate = propagate


def _source(host_file: str | None, zoo: Path | None) -> HostSource:
    from domcaps.cli._notes import open_host
    from domcaps.serve.hosts import FixedHost, LiveHostSource, RecordedHost, RecordingFolder

    if zoo:
        return RecordingFolder(zoo)
    if host_file is None:
        return LiveHostSource(qemu_user())
    if not Path(host_file).exists() and host_file.startswith("shipped"):
        return FixedHost(open_host(host_file), host_file)
    recorded = RecordedHost(Path(host_file))
    # a recording that can't be used is told of now, not to the first client
    recorded.get("")
    recorded.note_found("")
    return recorded


def _dialect(source: HostSource, libvirt: str) -> Dialect:
    """Give the dialect of all answers: of a folder of recordings no host's own."""
    from domcaps.language.dialect import AUTO, dialect_for, why_dialect
    from domcaps.serve.hosts import own_libvirt

    found = own_libvirt(source)
    if libvirt == AUTO and found.version:
        note(why_dialect(found))
    return dialect_for(libvirt, found)


def _permissions(mode: str) -> int:
    try:
        found = int(mode, 8)
        if not 0 <= found <= 0o777:
            raise ValueError
    except ValueError as error:
        raise click.UsageError(
            f"{mode!r} is not a mode; write an octal number such as 0660"
        ) from error
    return found


async def _run(server: Server, sockets: list[socket.socket], named: list[UnixSocket]) -> None:
    import asyncio
    import gc
    import signal

    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    # who started it by nohup(1) wants it to stay
    is_staying = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    for number in (signal.SIGTERM, signal.SIGINT, *(() if is_staying else (signal.SIGHUP,))):
        loop.add_signal_handler(number, asked.set)
    await server.start(sockets)
    # what was loaded stays: to look through it again and again would hold up everybody
    gc.collect()
    gc.freeze()
    broken = asyncio.ensure_future(server.broken())
    await asyncio.wait(
        (asyncio.ensure_future(asked.wait()), broken), return_when=asyncio.FIRST_COMPLETED
    )
    for one in named:
        one.remove_name()
    await server.stop()
    if broken.done():
        raise DomcapsError(
            "the process that starts workers exited", remedy="start the server again"
        )
    broken.cancel()
