"""Every exception that domcaps raises on purpose, grouped by who must act.

::

    DomcapsError
    ├── RequestError            the request names something that does not exist: change it
    │   ├── UnknownDialectError     no such libvirt dialect
    │   ├── UnmetWishesError        no domain satisfies all wishes: drop one of them
    │   ├── WrongTypeError          an argument has a wrong type (a TypeError, too): correct it
    │   └── UnsupportedTargetError  no such emulator, architecture, machine or virtualization type
    │       └── NoEmulatorError     the host has no emulator: install one
    ├── InputError              a file is invalid: repair or replace it
    │   ├── DomainError             a domain that cannot be parsed, or whose target this host lacks
    │   ├── RecordingError          a recording (truncated, foreign, too new, too large)
    │   ├── TranscriptError         a QMP transcript given to ``domcaps import``
    │   ├── HostFactsError          a JSON file of host facts
    │   └── FleetError              a fleet store, or something in it
    ├── ProbeError              an emulator misbehaved: check the emulator
    │   ├── EmulatorNotFoundError   no executable file at that path
    │   ├── UntrustedProgramError   the program is not allowed, or other users can change it
    │   ├── NotAnEmulatorError      it runs, but it does not speak QMP
    │   ├── EmulatorDiedError       it exited during the probe
    │   └── EmulatorTimeoutError    it did not answer in time
    ├── LibvirtCallError        a libvirt that runs cannot be reached, or refuses a call
    ├── UnansweredError         the recording lacks an answer: record the emulator again
    └── UntoldError             a domain uses something that `Host.native` cannot translate

Each carries `message` (what is wrong), `where` (the file, option or emulator at fault) and
`remedy` (what to do about it). ``str(error)`` is one line made of the three.
"""

from __future__ import annotations


class DomcapsError(Exception):
    """Root of every error that domcaps raises on purpose."""

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        self.message = message
        self.where = where
        self.remedy = remedy
        super().__init__(message)

    def __str__(self) -> str:
        """Give one line: the place, what is wrong, what to do."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        text = f"{text} ({self.remedy})" if self.remedy else text
        return " ".join(text.split())


class RequestError(DomcapsError):
    """The request itself is invalid; the caller must change it."""


class UnknownDialectError(RequestError):
    """The requested libvirt version has no known dialect."""


class UnsupportedTargetError(RequestError):
    """No emulator here serves that combination of architecture, machine and type.

    `about` is what can't be resolved: ``arch``, ``emulator``, ``machine``, ``virttype`` or
    ``dialect``; `nearest` is the likeliest replacement, "" where that is the default; `offered`
    lists the supported values, the likeliest first.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        remedy: str = "",
        about: str = "",
        nearest: str = "",
        offered: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, where=where, remedy=remedy)
        self.about = about
        self.nearest = nearest
        self.offered = offered


class NoEmulatorError(UnsupportedTargetError):
    """The host has no emulator, so no domain can be validated."""


class UnmetWishesError(RequestError):
    """No domain satisfies all wishes together.

    `wishes` is a smallest set of conflicting wishes, `reasons` explain the conflict. `remedy` is ""
    because only the caller knows which wish to drop; ``str(error)`` has the first reason instead.
    """

    def __init__(self, wishes: tuple[str, ...], reasons: tuple[str, ...]) -> None:
        self.wishes = wishes
        self.reasons = reasons
        if not wishes:
            text = "no virtual machine can be created on this host"
        elif len(wishes) == 1:
            text = f"{wishes[0]} is not possible on this host"
        else:
            text = f"{', '.join(wishes[:-1])} and {wishes[-1]} are not possible together"
        super().__init__(text)

    def __str__(self) -> str:
        """Give one line: what is not possible, and the first reason."""
        text = super().__str__()
        return " ".join(f"{text} ({self.reasons[0]})".split()) if self.reasons else text


class WrongTypeError(RequestError, TypeError):
    """An argument has a wrong type, such as one text where a list is wanted."""


class InputError(DomcapsError):
    """A file has invalid content."""


class DomainError(InputError):
    """A domain that cannot be parsed, or whose target the host does not have."""


class UnansweredError(DomcapsError):
    """The result depends on a question that the emulator was not asked, or did not answer."""


class UntoldError(DomcapsError):
    """A domain uses something that `Host.native` cannot translate into QEMU arguments.

    `where` is the path of that part, `line` its line in the domain, 0 where that is unknown.
    """

    def __init__(self, message: str, *, where: str = "", remedy: str = "", line: int = 0) -> None:
        self.line = line
        super().__init__(message, where=where, remedy=remedy)


class LibvirtCallError(DomcapsError):
    """A libvirt that runs cannot be reached, or refuses a call."""


class RecordingError(InputError):
    """A recording that cannot be used: truncated, foreign, too new or too large."""


class TranscriptError(InputError):
    """A QMP transcript that cannot be imported."""


class HostFactsError(InputError):
    """A JSON file of host facts that cannot be used."""


class FleetError(InputError):
    """A fleet store that can't be used, or a part of it that is missing or damaged."""


class ProbeError(DomcapsError):
    """An emulator could not be probed."""


class EmulatorNotFoundError(ProbeError):
    """There is no executable file at that path."""


class UntrustedProgramError(ProbeError):
    """The program is not allowed, or a user other than root and this one can change it."""


class NotAnEmulatorError(ProbeError):
    """The program runs, but does not send a QMP greeting."""


class EmulatorDiedError(ProbeError):
    """The emulator exited during the probe."""


class EmulatorTimeoutError(ProbeError):
    """The emulator did not answer before its deadline."""
