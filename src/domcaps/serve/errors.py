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


class ErrorNumber(enum.IntEnum):
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
    NO_NETWORK = 43
    NO_INTERFACE = 64
    NO_STORAGE_POOL = 49
    NO_STORAGE_VOL = 50
    OPERATION_INVALID = 55
    CONFIG_UNSUPPORTED = 67
    OPERATION_TIMEOUT = 68
    NO_DOMAIN_METADATA = 80
    OPERATION_UNSUPPORTED = 84
    AGENT_UNRESPONSIVE = 86
    STORAGE_VOL_EXIST = 90
    CPU_INCOMPATIBLE = 91
    XML_INVALID_SCHEMA = 92
    DEVICE_MISSING = 99


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
    ErrorNumber.INTERNAL_ERROR: "internal error",
    ErrorNumber.NO_MEMORY: "out of memory",
    ErrorNumber.NO_SUPPORT: "this function is not supported by the connection driver",
    ErrorNumber.NO_CONNECT: "no connection driver available for",
    ErrorNumber.INVALID_CONN: "invalid connection pointer in",
    ErrorNumber.INVALID_ARG: "invalid argument",
    ErrorNumber.OPERATION_FAILED: "operation failed",
    ErrorNumber.XML_ERROR: "XML error",
    ErrorNumber.OPERATION_DENIED: "operation forbidden",
    ErrorNumber.NO_DOMAIN: "Domain not found",
    ErrorNumber.NO_NETWORK: "Network not found",
    ErrorNumber.NO_INTERFACE: "Interface not found",
    ErrorNumber.OPERATION_INVALID: "Requested operation is not valid",
    ErrorNumber.NO_STORAGE_POOL: "Storage pool not found",
    ErrorNumber.NO_STORAGE_VOL: "Storage volume not found",
    ErrorNumber.CONFIG_UNSUPPORTED: "unsupported configuration",
    ErrorNumber.OPERATION_UNSUPPORTED: "Operation not supported",
    ErrorNumber.NO_DOMAIN_METADATA: "metadata not found",
    ErrorNumber.AGENT_UNRESPONSIVE: "Guest agent is not responding",
    ErrorNumber.DEVICE_MISSING: "device not found",
    ErrorNumber.CPU_INCOMPATIBLE: "the CPU is incompatible with host CPU",
    ErrorNumber.XML_INVALID_SCHEMA: "XML document failed to validate against schema",
    ErrorNumber.OPERATION_TIMEOUT: "Timed out during operation",
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

    def __init__(
        self, code: ErrorNumber, detail: str, domain: ErrorDomain = ErrorDomain.QEMU
    ) -> None:
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
        return LibvirtError(ErrorNumber.INVALID_ARG, str(error))
    if isinstance(error, UntrustedProgramError):
        return LibvirtError(ErrorNumber.OPERATION_DENIED, str(error))
    if isinstance(error, EmulatorNotFoundError):
        return LibvirtError(ErrorNumber.SYSTEM_ERROR, str(error))
    if isinstance(error, EmulatorTimeoutError):
        return LibvirtError(ErrorNumber.OPERATION_TIMEOUT, str(error))
    return LibvirtError(ErrorNumber.INTERNAL_ERROR, str(error))
