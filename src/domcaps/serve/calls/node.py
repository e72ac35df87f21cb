"""Calls about the host as hardware."""

# ruff: noqa: ARG001 - a call takes what the protocol says, whether it is of use or not

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.serve.node_info import node_info
from domcaps.serve.procedures import procedure
from domcaps.serve.session import check_flags
from domcaps.serve.xdr import INT, UHYPER, UINT, Array, Opaque, Repeated

if TYPE_CHECKING:
    from domcaps.serve.session import ClientSession

_MODEL_BYTES = 32
_CPUMAP_MOST = 2048
_LABEL_MOST = 257


@procedure(
    6,
    gives=(Repeated(INT, _MODEL_BYTES), UHYPER, INT, INT, INT, INT, INT, INT),
    slow=True,
    pure=True,
)
def node_get_info(session: ClientSession) -> tuple[list[int], int, int, int, int, int, int, int]:
    """Sum up the host's CPUs and memory (KiB)."""
    host = session.served().host
    record = host.facts.record
    name = record.arch.encode()[: _MODEL_BYTES - 1].ljust(_MODEL_BYTES, b"\0")
    return (list(name), *node_info(record, host.node))


@procedure(
    293, takes=(INT, INT, UINT), gives=(Opaque(_CPUMAP_MOST), UINT, INT), slow=True, pure=True
)
def node_get_cpu_map(
    session: ClientSession, need_map: int, need_online: int, flags: int
) -> tuple[bytes, int, int]:
    """Give the CPUs that are there, a bit for each."""
    check_flags(flags, 0)
    record = session.served().host.facts.record
    cpu = record.cpu
    numbers = [number for cell in record.numa for number in cell.cpus]
    numbers = numbers or list(range(cpu.sockets * cpu.cores * cpu.threads))
    count = max(numbers) + 1
    bits = sum(1 << number for number in numbers).to_bytes((count + 7) // 8, "little")
    return (bits if need_map else b""), (len(numbers) if need_online else 0), count


@procedure(122, gives=(Array(INT, _LABEL_MOST), Array(INT, _LABEL_MOST)))
def node_get_security_model(session: ClientSession) -> tuple[list[int], list[int]]:
    """Give the first security model of ``<capabilities>``, a number for each letter."""
    return [*b"none\0"], [*b"0\0"]
