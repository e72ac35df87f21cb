"""CPUID leaves of the processor that this program runs on.

Linux offers it as ``/dev/cpu/0/cpuid``, mostly to root only. For everybody else the instruction
itself is executed: it is unprivileged and has no effect but its answer. That takes eighty bytes
of anonymous memory that may be executed; a system whose policy forbids such memory refuses it
with an error, and then there is no answer.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import struct
import sys

from domcaps.named_tuples import NamedTuple

ENCRYPTED_MEMORY = 0x8000001F
"""The leaf about encrypted guests (AMD64 Architecture Programmer's Manual, volume 3, E.4.17)."""

_DEVICE = "/dev/cpu/0/cpuid"

# System V calling convention: EDI is the leaf, ESI the subleaf, RDX points to four words
_CODE = bytes.fromhex(
    "f30f1efa"  # endbr64
    "53"  # push rbx
    "4989d0"  # mov r8, rdx
    "89f8"  # mov eax, edi
    "89f1"  # mov ecx, esi
    "0fa2"  # cpuid
    "418900"  # mov [r8], eax
    "41895804"  # mov [r8+4], ebx
    "41894808"  # mov [r8+8], ecx
    "4189500c"  # mov [r8+12], edx
    "5b"  # pop rbx
    "c3"  # ret
)


class Registers(NamedTuple):
    """What CPUID left in the registers."""

    eax: int
    ebx: int
    ecx: int
    edx: int


def ask(leaf: int, subleaf: int = 0) -> Registers | None:
    """Answer a leaf; None where the processor or the system has none.

    A processor answers a leaf beyond its last one with an unrelated leaf's data, so the number of
    the last one of its kind (basic, extended, …) is asked for first.
    """
    last = _answer(leaf & 0xFFFF0000)
    if last is None or not leaf <= last.eax <= leaf | 0xFFFF:
        return None
    return _answer(leaf, subleaf)


def _answer(leaf: int, subleaf: int = 0) -> Registers | None:
    return from_device(leaf, subleaf) or from_processor(leaf, subleaf)


def from_device(leaf: int, subleaf: int = 0) -> Registers | None:
    """Read the leaf from Linux's device file; None where this user may not."""
    try:
        handle = os.open(_DEVICE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return Registers(*struct.unpack("<4I", os.pread(handle, 16, subleaf << 32 | leaf)))
    except (OSError, struct.error):
        return None
    finally:
        os.close(handle)


def from_processor(leaf: int, subleaf: int = 0) -> Registers | None:
    """Execute the instruction; None on other processors, and where code can't be mapped."""
    is_suitable = platform.machine() in {"x86_64", "amd64"} and sys.maxsize > 2**32
    if os.name != "posix" or not is_suitable:
        return None
    try:
        memory = mmap.mmap(
            -1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        )
    except OSError:
        return None
    memory.write(_CODE)
    entry = ctypes.c_char.from_buffer(memory)
    try:
        answer = (ctypes.c_uint32 * 4)()
        function = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p)
        function(ctypes.addressof(entry))(leaf, subleaf, ctypes.addressof(answer))
        return Registers(*answer)
    finally:
        # the mapping can only be closed once nothing points into it
        del entry
        memory.close()
