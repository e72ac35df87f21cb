"""Lists of things that libvirt manages and domcaps does not: they are empty."""

# ruff: noqa: ARG001 - a call takes what the protocol says, whether it is of use or not

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.serve.procedures import procedure
from domcaps.serve.session import check_most
from domcaps.serve.xdr import INT, OPTIONAL_STRING, STRING, UINT, Array

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.serve.session import ClientSession

_NONE = Array(STRING, 0)
_MOST = 16384


def _list_all(session: ClientSession, need_results: int, flags: int) -> tuple[list[str], int]:
    """Give objects with their number."""
    return [], 0


def _number_of(session: ClientSession) -> tuple[int]:
    """Give how many there are."""
    return (0,)


def _naming(what: str, kind: str) -> Callable[[ClientSession, int], tuple[list[str]]]:
    def names_of(session: ClientSession, most: int) -> tuple[list[str]]:
        """Give their names."""
        check_most(most, _MOST, what, kind)
        return ([],)

    return names_of


def _node_devices(session: ClientSession, kind: str | None, flags: int) -> tuple[int]:
    """Give how many devices of a kind there are."""
    return (0,)


def _node_device_names(
    session: ClientSession, kind: str | None, most: int, flags: int
) -> tuple[list[str]]:
    """Give their names."""
    check_most(most, _MOST, "names", "NODE_DEVICE")
    return ([],)


# node devices, network filters, secrets, filter bindings
for _call in (285, 286, 287, 401):
    procedure(_call, takes=(INT, UINT), gives=(_NONE, UINT))(_list_all)

for _call, _names, _what, _kind in (
    (139, 140, "uuids", "SECRET"),
    (178, 179, "names", "NWFILTER"),
):
    procedure(_call, gives=(INT,))(_number_of)
    procedure(_names, takes=(INT,), gives=(_NONE,))(_naming(_what, _kind))

procedure(111, takes=(OPTIONAL_STRING, UINT), gives=(INT,))(_node_devices)
procedure(112, takes=(OPTIONAL_STRING, INT, UINT), gives=(_NONE,))(_node_device_names)
