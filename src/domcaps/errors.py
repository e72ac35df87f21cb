"""Every error that a caller may meet, split by who must act.

::

    DomcapsError
    ├── RequestError            the caller asked for something that does not exist: ask otherwise
    │   ├── UnknownDialectError     no such libvirt dialect
    │   ├── UnmetWishesError        no domain is all that is wanted: wish for less
    │   ├── WrongTypeError          an argument has a wrong type (a TypeError, too): correct it
    │   └── UnsupportedTargetError  no such emulator, architecture, machine or virtualization type
    │       └── NoEmulatorError     the host has no emulator: install one
    ├── InputError              a file is not what it claims to be: repair or replace the file
    │   ├── DomainError             a domain that can't be read, or without a target on this host
    │   ├── RecordingError          a recording (truncated, foreign, too new, too large)
    │   ├── TranscriptError         a QMP transcript given to ``domcaps import``
    │   ├── HostFactsError          a JSON file of host facts
    │   └── FleetError              a fleet store, or something in it
    ├── ProbeError              an emulator misbehaved: look at the emulator
    │   ├── EmulatorNotFoundError   no file there, or not one that can be executed
    │   ├── UntrustedProgramError   nobody vouches for the program, or others could change it
    │   ├── NotAnEmulatorError      it runs, but it does not speak QMP
    │   ├── EmulatorDiedError       it ended while it was being asked
    │   └── EmulatorTimeoutError    it did not answer in time
    ├── UnansweredError         an emulator was not asked, or did not answer: record it again
    └── UntoldError             a domain has something that `Host.native` can't tell QEMU of

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
    """The question itself has no answer; the caller must ask otherwise."""


class UnknownDialectError(RequestError):
    """The libvirt version asked for is not one whose dialect is known."""


class UnsupportedTargetError(RequestError):
    """No emulator here serves that combination of architecture, machine and type.

    `about` is what can't be resolved: ``arch``, ``emulator``, ``machine``, ``virttype`` or
    ``dialect``; `nearest` what could be named instead, "" where that is the default.
    """

    def __init__(
        self, message: str, *, where: str = "", remedy: str = "", about: str = "", nearest: str = ""
    ) -> None:
        super().__init__(message, where=where, remedy=remedy)
        self.about = about
        self.nearest = nearest


class NoEmulatorError(UnsupportedTargetError):
    """There is no emulator at all on the host: no domain can be judged there."""


class UnmetWishesError(RequestError):
    """No domain is all that was wanted.

    `wishes` are the fewest that can't be met together, `reasons` tell why.
    """

    def __init__(self, wishes: tuple[str, ...], reasons: tuple[str, ...]) -> None:
        self.wishes = wishes
        self.reasons = reasons
        if not wishes:
            text = "no domain at all can be had here"
        elif len(wishes) == 1:
            text = f"{wishes[0]} can't be met here"
        else:
            text = f"{', '.join(wishes[:-1])} and {wishes[-1]} can't be met together"
        super().__init__(text, remedy=reasons[0] if reasons else "")


class WrongTypeError(RequestError, TypeError):
    """An argument has a wrong type, such as one text where a list is wanted."""


class InputError(DomcapsError):
    """A file is not what it claims to be."""


class DomainError(InputError):
    """A domain that can't be read, or that names no target that the host has."""


class UnansweredError(DomcapsError):
    """What is wanted depends on a question that an emulator was not asked, or did not answer."""


class UntoldError(DomcapsError):
    """A domain has something of which QEMU can't be told here."""


class RecordingError(InputError):
    """A recording that can't be used: truncated, foreign, too new or too large."""


class TranscriptError(InputError):
    """A QMP transcript that can't be imported."""


class HostFactsError(InputError):
    """A JSON file of host facts that can't be used."""


class FleetError(InputError):
    """A fleet store that can't be used, or a part of it that is missing or damaged."""


class ProbeError(DomcapsError):
    """An emulator could not be asked."""


class EmulatorNotFoundError(ProbeError):
    """There is no executable file at that path."""


class UntrustedProgramError(ProbeError):
    """The operator did not name that program, or others than root and this user can change it."""


class NotAnEmulatorError(ProbeError):
    """The program runs but does not greet as QEMU does."""


class EmulatorDiedError(ProbeError):
    """The emulator ended while it was being asked."""


class EmulatorTimeoutError(ProbeError):
    """The emulator did not answer before its deadline."""
