"""domcaps: what can a virtual machine be given here, by which QEMU, on which host?

::

    import domcaps

    host = domcaps.Host.local()
    caps = host.domain_capabilities(machine="q35")
    caps.devices.video.enums["modelType"]

What ``__all__`` lists is public. It is imported when it is first used, so that a command line
tool that needs one of them does not wait for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from domcaps._version import __version__

if TYPE_CHECKING:
    from domcaps.errors import (
        DomainError,
        DomcapsError,
        EmulatorDiedError,
        EmulatorNotFoundError,
        EmulatorTimeoutError,
        HostFactsError,
        InputError,
        NoEmulatorError,
        NotAnEmulatorError,
        ProbeError,
        RecordingError,
        RequestError,
        TranscriptError,
        UnansweredError,
        UnknownDialectError,
        UnmetWishesError,
        UnsupportedTargetError,
        UntoldError,
        UntrustedProgramError,
    )
    from domcaps.facts.host import read_host_facts
    from domcaps.facts.record import Recording
    from domcaps.facts.transcript import read_transcript
    from domcaps.hosts.host import Host
    from domcaps.hosts.several import baseline, choose_for
    from domcaps.report.capabilities import DomainCapabilities

__all__ = [
    "DomainCapabilities",
    "DomainError",
    "DomcapsError",
    "EmulatorDiedError",
    "EmulatorNotFoundError",
    "EmulatorTimeoutError",
    "Host",
    "HostFactsError",
    "InputError",
    "NoEmulatorError",
    "NotAnEmulatorError",
    "ProbeError",
    "Recording",
    "RecordingError",
    "RequestError",
    "TranscriptError",
    "UnansweredError",
    "UnknownDialectError",
    "UnmetWishesError",
    "UnsupportedTargetError",
    "UntoldError",
    "UntrustedProgramError",
    "__version__",
    "baseline",
    "choose_for",
    "read_host_facts",
    "read_transcript",
]

_HOMES = {
    "baseline": "domcaps.hosts.several",
    "choose_for": "domcaps.hosts.several",
    "DomainCapabilities": "domcaps.report.capabilities",
    "Host": "domcaps.hosts.host",
    "Recording": "domcaps.facts.record",
    "read_host_facts": "domcaps.facts.host",
    "read_transcript": "domcaps.facts.transcript",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "domcaps.errors")), name)


def __dir__() -> list[str]:
    """List what is public."""
    return sorted(__all__)
