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
    """``<backend type='external'>`` needs a ``<source type='unix' mode='connect'>`` with a
    ``path``.
    """
    if tpm.backend != "external":
        return
    source = tpm.find("backend/source")
    if source is None or source.get("type") is None:
        yield problem(f"<backend type='external'> needs a socket: add {_SOCKET}", tpm, "backend")
    elif source.get("type") != "unix":
        yield problem(f"<source> of an external TPM needs type='unix': {_SOCKET}", source, "@type")
    elif source.get("mode") not in {None, "connect"}:
        yield problem("<source> of an external TPM needs mode='connect'", source, "@mode")
    elif source.get("path") is None:
        yield problem(f"<source> of an external TPM needs a path: {_SOCKET}", source)
