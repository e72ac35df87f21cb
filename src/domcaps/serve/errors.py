"""Errors as clients get them: libvirt's codes, and its words for each class of error.

Source: ``virterror.h`` for the numbers, ``remote_error`` of the protocol for the form. Clients
look at the code; some, against good advice, at the first words, so these are libvirt's own.
"""

from __future__ import annotations

import enum

from domcaps.errors import (
    DomcapsError,
    EmulatorNotFoundError,
    EmulatorTimeoutError,
    RequestError,
    UntrustedProgramError,
)
from domcaps.serve.xdr import INT, OPTIONAL_STRING, STRING, UUID, Optional, Record, pack


class Code(enum.IntEnum):
    """``virErrorNumber``, those that are used here."""

    INTERNAL_ERROR = 1
    NO_MEMORY = 2
    NO_SUPPORT = 3
    NO_CONNECT = 5
    INVALID_CONN = 6
    INVALID_ARG = 8
    OPERATION_FAILED = 9
    XML_ERROR = 27
    OPERATION_DENIED = 29
    XML_DETAIL = 35
    SYSTEM_ERROR = 38
    RPC = 39
    NO_DOMAIN = 42
    NO_STORAGE_POOL = 49
    NO_STORAGE_VOL = 50
    CONFIG_UNSUPPORTED = 67
    OPERATION_TIMEOUT = 68
    OPERATION_UNSUPPORTED = 84
    CPU_INCOMPATIBLE = 91
    XML_INVALID_SCHEMA = 92


class ErrorDomain(enum.IntEnum):
    """``virErrorDomain``: the part that an error comes from."""

    RPC = 7
    QEMU = 10
    STORAGE = 18
    NETWORK = 19
    DOMAIN = 20
    NODE_DEVICE = 22
    INTERFACE = 26
    SECRET = 30
    NETWORK_FILTER = 33
    SNAPSHOT = 35
    CHECKPOINT = 69


_WORDS = {
    Code.INTERNAL_ERROR: "internal error",
    Code.NO_MEMORY: "out of memory",
    Code.NO_SUPPORT: "this function is not supported by the connection driver",
    Code.NO_CONNECT: "no connection driver available for",
    Code.INVALID_CONN: "invalid connection pointer in",
    Code.INVALID_ARG: "invalid argument",
    Code.OPERATION_FAILED: "operation failed",
    Code.XML_ERROR: "XML error",
    Code.OPERATION_DENIED: "operation forbidden",
    Code.NO_DOMAIN: "Domain not found",
    Code.NO_STORAGE_POOL: "Storage pool not found",
    Code.NO_STORAGE_VOL: "Storage volume not found",
    Code.CONFIG_UNSUPPORTED: "unsupported configuration",
    Code.OPERATION_UNSUPPORTED: "Operation not supported",
    Code.CPU_INCOMPATIBLE: "the CPU is incompatible with host CPU",
    Code.XML_INVALID_SCHEMA: "XML document failed to validate against schema",
    Code.OPERATION_TIMEOUT: "Timed out during operation",
}

_LEVEL_ERROR = 2
_LONGEST = 16384

_NETWORK = Record(STRING, UUID)
_DOMAIN = Record(STRING, UUID, INT)
ERROR = Record(
    INT,  # code
    INT,  # domain
    OPTIONAL_STRING,
    INT,  # level
    Optional(_DOMAIN),
    OPTIONAL_STRING,
    OPTIONAL_STRING,
    OPTIONAL_STRING,
    INT,
    INT,
    Optional(_NETWORK),
)
"""``remote_error``."""


class LibvirtError(Exception):
    """A call that is answered with an error."""

    def __init__(self, code: Code, detail: str, domain: ErrorDomain = ErrorDomain.QEMU) -> None:
        self.code = code
        self.detail = detail
        self.domain = domain
        super().__init__(detail)

    @property
    def message(self) -> str:
        """What the client shows: the class of the error, and what is wrong."""
        words = _WORDS.get(self.code)
        text = f"{words}: {self.detail}" if words else self.detail
        return text[:_LONGEST]

    def encode(self) -> bytes:
        """Give the payload of the reply."""
        message = self.message
        return pack(
            ERROR,
            (self.code, self.domain, message, _LEVEL_ERROR, None, None, None, None, -1, -1, None),
        )


def libvirt_error(error: DomcapsError) -> LibvirtError:
    """Say in libvirt's classes what went wrong."""
    if isinstance(error, RequestError):
        return LibvirtError(Code.INVALID_ARG, str(error))
    if isinstance(error, UntrustedProgramError):
        return LibvirtError(Code.OPERATION_DENIED, str(error))
    if isinstance(error, EmulatorNotFoundError):
        return LibvirtError(Code.SYSTEM_ERROR, str(error))
    if isinstance(error, EmulatorTimeoutError):
        return LibvirtError(Code.OPERATION_TIMEOUT, str(error))
    return LibvirtError(Code.INTERNAL_ERROR, str(error))
