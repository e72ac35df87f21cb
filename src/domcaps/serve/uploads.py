"""Uploads to volumes of a sandbox: what a client sends is taken, and not kept.

After the reply to ``virStorageVolUpload`` the client sends messages of the type *stream* with the
number of that call: parts of the content with the status *continue*, then one with the status *ok*,
which is answered by another one. Source: libvirt's document *RPC infrastructure*.
"""

from __future__ import annotations

from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.frames import Frame, ReplyStatus, Type

_CONTINUE = 2
_MOST = 16


class Uploads:
    """The uploads that are open over one connection, by the numbers of their calls."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def begin(self, frame: Frame) -> None:
        """Take note of a call that was answered; raises `LibvirtError` if there are too many."""
        if len(self._open) >= _MOST:
            detail = f"{_MOST} uploads are open over this connection"
            raise LibvirtError(ErrorNumber.OPERATION_FAILED, detail, ErrorDomain.RPC)
        self._open.add(frame.serial)

    def answer(self, frame: Frame) -> Frame | None:
        """Take a message of a stream; gives the answer to the last one of an upload."""
        if frame.serial not in self._open or frame.status == _CONTINUE:
            return None
        self._open.discard(frame.serial)
        program, version, procedure = frame.program, frame.version, frame.procedure
        return Frame(program, version, procedure, Type.STREAM, frame.serial, ReplyStatus.OK)
