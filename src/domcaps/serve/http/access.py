"""Who may ask: tokens from a file that only its owner can read."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import stat
from typing import TYPE_CHECKING

from domcaps import files
from domcaps.errors import RequestError

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 1 << 20
_SHORTEST = 16
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_tokens(path: Path) -> tuple[str, ...]:
    """Read tokens, one on each line; ``#`` begins a comment line.

    Raises `RequestError` for a file that others own or can read, or with a token that can be
    guessed or that can't be sent.
    """
    try:
        status = path.stat()
        data = files.read(path, _LARGEST)
    except OSError as error:
        raise RequestError(f"the file can't be read: {error.strerror}", where=str(path)) from error
    _require_own(path, status)
    if not data.isascii():
        raise RequestError(
            "a token has ASCII characters only, since clients send others in different ways",
            where=str(path), remedy="openssl rand -hex 32",
        )  # fmt: skip
    lines = (line.strip() for line in data.decode("ascii").splitlines())
    tokens = tuple(line for line in lines if line and not line.startswith("#"))
    if not tokens or any(len(token) < _SHORTEST for token in tokens):
        raise RequestError(
            f"a token has at least {_SHORTEST} characters, one token on each line",
            where=str(path),
            remedy="openssl rand -hex 32",
        )
    return tokens


def _require_own(path: Path, status: os.stat_result) -> None:
    """Refuse a file that others can read or change: its owner chooses the tokens."""
    if os.name != "posix":
        return
    if status.st_uid not in {0, os.geteuid()}:
        raise RequestError(
            "another user owns the file", where=str(path), remedy=f"chown {os.geteuid()} {path}"
        )
    if status.st_mode & _OTHERS:
        raise RequestError(
            "other users can read the tokens", where=str(path), remedy=f"chmod 600 {path}"
        )


class Gate:
    """Compares what a request presents with the tokens, in a time that tells nothing of them."""

    def __init__(self, tokens: tuple[str, ...] = ()) -> None:
        self._hashes = [_hash(token.encode()) for token in tokens]

    @property
    def is_open(self) -> bool:
        """Tell whether there are no tokens."""
        return not self._hashes

    def admits(self, authorization: str) -> bool:
        """Tell whether a header ``Authorization`` has a token: Bearer, or Basic as its password."""
        if self.is_open:
            return True
        presented = _hash(_token(authorization))
        return any(
            [hmac.compare_digest(presented, known) for known in self._hashes]  # noqa: C419 - all
        )


def _token(authorization: str) -> bytes:
    kind, _, rest = authorization.partition(" ")
    if kind.lower() == "bearer":
        return rest.strip().encode("utf-8", "replace")
    if kind.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""


def _hash(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
