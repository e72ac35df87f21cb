"""Calls about what of a host is in use: memory and processor time.

Of this machine they are what the kernel tells. Of a recorded host nothing is in use but the memory
of domains that run in the sandbox.
"""

# ruff: noqa: ARG001 - a call takes what the protocol says, whether it is of use or not

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from domcaps.facts.hostfiles import HostFiles
from domcaps.serve.hosts import LiveHostInUse
from domcaps.serve.node_info import node_info
from domcaps.serve.procedures import procedure
from domcaps.serve.session import check_flags
from domcaps.serve.xdr import INT, STRING, UHYPER, UINT, Array, Record

if TYPE_CHECKING:
    from domcaps.serve.session import ClientSession

_STATISTIC = Record(STRING, UHYPER)
_MOST = 16
_KIB = 1024
_TICK_NANOSECONDS = 10_000_000
_MEMORY = {"total": "MemTotal", "free": "MemFree", "buffers": "Buffers", "cached": "Cached"}
_Statistics = list[tuple[str, int]]


def _in_use(session: ClientSession, *_: object) -> bytes:
    """Give the memory in KiB of the domains that run."""
    running = (one.live for one in session.inventory.domains.values() if one.live is not None)
    return msgspec.msgpack.encode(sum(definition.current_kib for definition in running))


def _memory(session: ClientSession) -> dict[str, int]:
    """Give the statistics of memory, in KiB."""
    served = session.served()
    if isinstance(served, LiveHostInUse):
        return _kernels_memory(HostFiles().text("/proc/meminfo"))
    total = node_info(served.host.facts.record, served.host.node).memory
    free = max(total - msgspec.msgpack.decode(session.given, type=int), 0)
    return {"total": total, "free": free, "buffers": 0, "cached": 0}


def _kernels_memory(text: str) -> dict[str, int]:
    known = dict(re.findall(r"^(\w+):\s+(\d{1,15}) kB", text, re.MULTILINE))
    return {name: int(known.get(word, 0)) for name, word in _MEMORY.items()}


def _kernels_time(text: str) -> _Statistics:
    """Give the statistics of all processors, in nanoseconds (``/proc/stat``)."""
    first = text.partition("\n")[0].split()[1:]
    ticks = [int(word) if word.isdigit() else 0 for word in first] + [0] * 7
    user, nice, system, idle, waiting, interrupts, soft = ticks[:7]
    found = {"kernel": system + interrupts + soft, "user": user + nice, "idle": idle}
    return [(name, n * _TICK_NANOSECONDS) for name, n in (*found.items(), ("iowait", waiting))]


def _shown(found: _Statistics, wanted: int) -> tuple[_Statistics, int]:
    """Give the number alone if a client asks for no statistics, as libvirt does."""
    return (found[:wanted] if wanted > 0 else []), len(found)


@procedure(
    228,
    takes=(INT, INT, UINT),
    gives=(Array(_STATISTIC, _MOST), INT),
    slow=True,
    given=_in_use,
)
def node_get_memory_stats(
    session: ClientSession, wanted: int, cell: int, flags: int
) -> tuple[_Statistics, int]:
    """Give the memory of a host; that of a single cell is given as that of all."""
    check_flags(flags, 0)
    return _shown(list(_memory(session).items()), wanted)


@procedure(102, gives=(UHYPER,), slow=True, given=_in_use)
def node_get_free_memory(session: ClientSession) -> tuple[int]:
    """Give the free memory in bytes."""
    return (_memory(session)["free"] * _KIB,)


@procedure(227, takes=(INT, INT, UINT), gives=(Array(_STATISTIC, _MOST), INT), slow=True)
def node_get_cpu_stats(
    session: ClientSession, cpu: int, wanted: int, flags: int
) -> tuple[_Statistics, int]:
    """Give the time of all processors."""
    check_flags(flags, 0)
    live = isinstance(session.served(), LiveHostInUse)
    return _shown(_kernels_time(HostFiles().text("/proc/stat") if live else ""), wanted)
