"""Decoding JSON that people write by hand: every key has to be known, every value of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from domcaps.facts import bounded
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.errors import InputError

T = TypeVar("T")

LIMIT = 16 << 20
"""A document larger than this, in bytes, is not decoded."""


def decode_strictly(data: bytes, kind: type[T], error: type[InputError], where: str) -> T:
    """Decode JSON into `kind`, a msgspec struct; raises `error` where it does not fit exactly.

    The message names the place as a path such as ``$.cpu.flags``, and for an unknown key the
    nearest one that is known. `where` is the name of the file.
    """
    if len(data) > LIMIT:
        raise error(f"larger than {LIMIT // 1024 // 1024} MiB", where=where)
    try:
        document = bounded.decode(data)
    except (bounded.TooMuch, msgspec.DecodeError, ValueError) as reason:
        raise error(f"not JSON: {reason}", where=where) from None
    problem = next(_unknown_keys(document, msgspec.inspect.type_info(kind), "$"), "")
    if problem:
        raise error(problem, where=where)
    try:
        return msgspec.convert(document, kind)
    except (msgspec.ValidationError, RecursionError) as reason:
        raise error(str(reason), where=where) from None


def _unknown_keys(value: Any, kind: msgspec.inspect.Type, path: str) -> Iterator[str]:
    """Walk value and type side by side; what does not match is left to the conversion."""
    if isinstance(kind, msgspec.inspect.UnionType):
        kind = next((part for part in kind.types if not _is_none(part)), kind)
    if isinstance(kind, msgspec.inspect.StructType) and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in kind.fields}
        for key, part in value.items():
            if key not in fields:
                yield f"unknown key {_shown(key)} at {path}{_nearest(key, tuple(fields))}"
                return
            yield from _unknown_keys(part, fields[key], f"{path}.{key}")
    elif isinstance(kind, msgspec.inspect.VarTupleType) and isinstance(value, list):
        for number, part in enumerate(value):
            yield from _unknown_keys(part, kind.item_type, f"{path}[{number}]")


def _is_none(kind: msgspec.inspect.Type) -> bool:
    return isinstance(kind, msgspec.inspect.NoneType)


def _shown(key: str) -> str:
    return repr(key if len(key) <= 60 else f"{key[:60]}…")


def _nearest(key: str, known: tuple[str, ...]) -> str:
    near = close_matches(key[:60], known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
