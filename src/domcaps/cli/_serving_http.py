"""``domcaps serve --http``: a fleet over HTTP."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

import click

from domcaps.cli._files import documents
from domcaps.cli._notes import note
from domcaps.errors import DomcapsError, RequestError

if TYPE_CHECKING:
    from pathlib import Path

_BACKLOG = 1024
_LOCAL = ("localhost", "127.0.0.1", "::1")


def serve_fleet(
    addresses: tuple[str, ...], store: str | None, tokens: Path | None, domains: tuple[str, ...]
) -> None:
    """Serve a store of recordings until SIGTERM or Ctrl-C.

    Raises `RequestError` for an address of a network without tokens.
    """
    if not store:
        raise click.UsageError("--http needs --store, a store of recordings (domcaps fleet)")
    try:
        from domcaps.serve.http.access import Gate, read_tokens
        from domcaps.serve.http.running import serve_http
    except ImportError as error:
        raise DomcapsError(
            f"HTTP needs {error.name}", remedy="pip install '.[http]' in a checkout"
        ) from error
    gate = Gate(read_tokens(tokens) if tokens else ())
    places = [_place(address) for address in addresses]
    for host, _ in places:
        if gate.is_open and not _is_local(host):
            raise RequestError(
                f"{host} can be reached from a network: clients need a token",
                remedy="--token-file FILE, or an address such as 127.0.0.1:8780",
            )
    sockets = [_listening(host, port) for host, port in places]
    for one in sockets:
        name, port = one.getsockname()[:2]
        note(f"listening on http://{f'[{name}]' if ':' in name else name}:{port}/")
    names = {*_LOCAL, *(host for host, _ in places)}
    serve_http(sockets, store, list(documents(domains)), gate, names)


def _place(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter(f"{address!r} is not ADDRESS:PORT", param_hint="--http")
    return host.strip("[]"), int(port)


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise DomcapsError(
            f"can't listen: {error.strerror or error}", where=f"{host}:{port}"
        ) from error
