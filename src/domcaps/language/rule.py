"""Constraints: what must hold of a part beyond the form of its fields.

::

    @rule("video-none-not-alone", Video, bad=..., good=...)
    def alone(video: Video) -> Problems:
        '''A video of type 'none' must be the only one: it says that there is no display.'''
        if video.model == "none" and len(video.domain.all(Video)) > 1:
            yield problem("'none' can't stand beside another video device", video, "model/@type")

The docstring is the manual page of the code; `bad` and `good` are the XML of a part that triggers
it and one that does not, and tests hold both to their word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from domcaps.language.finding import Severity, Stage
from domcaps.language.part import Part

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.truth import Reason

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class Problem:
    """One place where a rule does not hold. `attribute` narrows the place down."""

    message: str
    node: Node
    attribute: str = ""
    accepted: tuple[str, ...] = ()
    reason: Reason | None = None


Problems = Iterator[Problem]


@dataclass(frozen=True, slots=True)
class Sample:
    """A domain that shows a rule at work.

    `xml` is a whole ``<domain>``, or children of it that are put into a plain one; devices may be
    given without ``<devices>`` around them. `arch`, `machine` and `virttype` make up its target.
    The host is of the guest's architecture unless `host` names another, and has all that a host can
    have, but for what `lacking` names, such as ``vfio`` or ``kvm.secure_guest``.
    """

    xml: str
    arch: str = "x86_64"
    machine: str = ""
    virttype: str = "qemu"
    host: str = ""
    lacking: tuple[str, ...] = ()

    @property
    def circumstances(self) -> str:
        """Say for which guest and on which host: "for an aarch64 guest, machine type 'virt'"."""
        article = "an" if self.arch[0] in "aeix" else "a"
        words = [f"for {article} {self.arch} guest"]
        if self.virttype != "qemu":
            words.append(f"type '{self.virttype}'")
        if self.machine:
            words.append(f"machine type '{self.machine}'")
        if self.host:
            words.append(f"on {self.host}")
        if self.lacking:
            words.append(f"on a host without {', '.join(self.lacking)}")
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint on parts of one class."""

    code: str
    part: type[Part]
    check: Callable[[Any], Problems]
    stage: Stage
    severity: Severity
    bad: Sample | None
    good: Sample | None

    @property
    def manual(self) -> str:
        """What it is about, in words."""
        return self.check.__doc__ or ""


def rule(
    code: str,
    part: type[P],
    *,
    bad: Sample | str = "",
    good: Sample | str = "",
    stage: Stage = Stage.DEFINE,
    severity: Severity = Severity.ERROR,
) -> Callable[[Callable[[P], Problems]], Rule]:
    """Make a rule of a function; `code` is stable and begins with the element's name."""

    def decorate(check: Callable[[P], Problems]) -> Rule:
        return Rule(code, part, check, stage, severity, _sample(bad), _sample(good))

    return decorate


def _sample(given: Sample | str) -> Sample | None:
    if isinstance(given, Sample):
        return given
    return Sample(given) if given else None


def problem(
    message: str,
    part: Part | Node,
    at: str = "",
    *,
    accepted: Iterable[str] = (),
    reason: Reason | None = None,
) -> Problem:
    """Point to a place: `at` is a path below the part, such as ``model/@type``."""
    node: Node = part.node if isinstance(part, Part) else part
    steps, _, attribute = at.rpartition("@") if "@" in at else (at, "", "")
    steps = steps.rstrip("/")
    inner = node.find(steps) if steps else node
    return Problem(message, node if inner is None else inner, attribute, tuple(accepted), reason)
