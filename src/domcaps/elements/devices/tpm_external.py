"""A TPM that another program emulates: QEMU connects to its socket."""

from __future__ import annotations

from domcaps.elements.devices.tpm import Tpm
from domcaps.language.rule import Problems, problem, rule

_EXTERNAL = "<devices><tpm><backend type='external'>{}</backend></tpm></devices>"
_SOCKET = "<source type='unix' mode='connect' path='…'/>"


@rule(
    "tpm-source-invalid",
    Tpm,
    bad=_EXTERNAL.format(""),
    good=_EXTERNAL.format("<source type='unix' mode='connect' path='/run/tpm.sock'/>"),
)
def external_has_a_socket(tpm: Tpm) -> Problems:
    """An external TPM has a ``<source>`` of type unix with the path to connect to."""
    if tpm.backend != "external":
        return
    source = tpm.find("backend/source")
    if source is None or source.get("type") is None:
        yield problem(f"an external TPM needs a socket: add {_SOCKET}", tpm, "backend")
    elif source.get("type") != "unix":
        yield problem(f"an external TPM has a source of type='unix': {_SOCKET}", source, "@type")
    elif source.get("mode") not in {None, "connect"}:
        yield problem("QEMU can only connect to an external TPM: mode='connect'", source, "@mode")
    elif source.get("path") is None:
        yield problem(f"the socket has no path: {_SOCKET}", source)
