"""Constraints: what must hold of a part beyond the form of its fields.

::

    @rule("hologram-none-not-alone", Hologram, bad=..., good=...)
    def alone(hologram: Hologram) -> Problems:
        '''``<hologram>`` of type ``none`` must be the only hologram.'''
        if hologram.model == "none" and len(hologram.domain.all(Hologram)) > 1:
            yield problem("type 'none' excludes other holograms", hologram, "model/@type")

The docstring is the manual page of the code; its first line, the title, says what is required or
forbidden. `bad` and `good` are XML that does and does not trigger the rule; tests check both.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from domcaps.language.finding import Severity, Stage
from domcaps.language.fix import Fix
from domcaps.language.part import Part
from domcaps.language.struct import Struct

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.change import LibvirtChange
    from domcaps.language.dialect import Dialect
    from domcaps.language.predicate import Predicate
    from domcaps.language.truth import Reason

P = TypeVar("P", bound=Part)


class Problem(Struct, frozen=True):
    """One place where a rule does not hold. `attribute` narrows the place down.

    `fixes` are what would make the rule hold, the likeliest first. `requires` is what QEMU or the
    host lack: the validator adds how to enable it to the message.
    """

    message: str
    node: Node
    attribute: str = ""
    accepted: tuple[str, ...] = ()
    reason: Reason | None = None
    fixes: tuple[Fix, ...] = ()
    requires: Predicate | None = None
    absent: bool = False
    """Whether the place is in an element that is not there: `node` is the one around it."""


Problems = Iterator[Problem]


class PartReason(Struct, frozen=True):
    """What ``domcaps explain FILE`` tells of a part beyond its choices, under a name.

    `explain` gives the reason, None for a part of which there is nothing to tell.
    """

    name: str
    kind: type[Part]
    explain: Callable[[Any], Reason | None]


class Sample(Struct, frozen=True):
    """A domain that shows a rule at work.

    `xml` is a whole ``<domain>``, or children of it that are put into a plain one; devices may be
    given without ``<devices>`` around them. `arch`, `machine` and `virttype` make up its target.
    The host is of the guest's architecture unless `host` names another, and has all that a host can
    have, but for what `lacking` names, such as ``vfio``, ``kvm.secure_guest``, a file's path, or
    ``helpers.FEATURE`` for a feature of helper programs.
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


Phase = Literal[
    "parse",
    "post-parse",
    "post-parse-devices",
    "complete",
    "addresses",
    "driver",
    "devices",
    "domain",
]
"""A pass of libvirt over a definition, see ``validate/catalogue/order.txt``."""


class Rule(Struct, frozen=True):
    """A constraint on parts of one class.

    It counts where libvirt has the change `since`, and not the change `until`: a rule that changed
    is two rules of one code. One with `defined` is checked at definition since that change, and
    before it only when the domain is started. One that is `live` looks at what may change between
    two domains, such as files: nothing that it said is remembered. One that is `on_host` finds
    what has to be repaired on the host: the domain is right, and no edit is looked for.
    """

    code: str
    part: type[Part]
    check: Callable[[Any], Problems]
    stage: Stage
    severity: Severity
    bad: Sample | None
    good: Sample | None
    since: LibvirtChange | None = None
    until: LibvirtChange | None = None
    fix: Fix | None = None
    live: bool = False
    defined: LibvirtChange | None = None
    phase: Phase | None = None
    on_host: bool = False

    def stage_in(self, dialect: Dialect) -> Stage:
        """Give the stage at which a dialect of libvirt makes the check."""
        moved = self.defined is not None and not dialect.has(self.defined)
        return Stage.START if moved else self.stage

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
    since: LibvirtChange | None = None,
    until: LibvirtChange | None = None,
    defined: LibvirtChange | None = None,
    fix: Fix | None = None,
    live: bool = False,
    phase: Phase | None = None,
    on_host: bool = False,
) -> Callable[[Callable[[P], Problems]], Rule]:
    """Make a rule of a function; `code` is stable and begins with the element's name.

    `since` and `until` are the changes of libvirt that brought it and took it away, `defined` the
    one since which libvirt checks it when a domain is defined, not only at start.
    `fix` is what repairs every problem of the rule; a test repairs `bad` by it. `live` tells that
    the rule looks at files (`World.file_state`), or at else that may have changed a moment later;
    `on_host` that no edit of the domain is to repair it.
    `phase` is the pass of libvirt that makes the check, where the last word of `code` does not tell
    it: ``-invalid``, ``-missing`` and ``-unknown`` are found when libvirt parses, ``-unsupported``
    when it validates. Where a position within the pass is known, it stands in ``order.txt``.
    """

    def decorate(check: Callable[[P], Problems]) -> Rule:
        dated = check if since is until is None else _dated(check, since, until)
        return Rule(
            code,
            part,
            dated,
            stage,
            severity,
            _sample(bad),
            _sample(good),
            since,
            until,
            fix,
            live,
            defined,
            phase,
            on_host,
        )

    return decorate


def _dated(
    check: Callable[[P], Problems], since: LibvirtChange | None, until: LibvirtChange | None
) -> Callable[[P], Problems]:
    """Have a check find nothing in dialects that do not make it."""

    @functools.wraps(check)
    def dated(part: P) -> Problems:
        if part.domain.world.target.dialect.has_between(since, until):
            yield from check(part)

    return dated


def undated(rule: Rule) -> Rule:
    """Give a rule as it is in dialects that have it, for callers that have checked that."""
    check = getattr(rule.check, "__wrapped__", None)
    if check is None or rule.since is rule.until is None:
        return rule
    return msgspec.structs.replace(rule, check=check)


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
    fix: Fix | Iterable[Fix] = (),
    requires: Predicate | None = None,
) -> Problem:
    """Make a problem at a place: `at` is a path below the part, such as ``model/@type``.

    `accepted` lists valid values, the likeliest first. Where QEMU or the host do not support
    something, `requires` is the predicate that fails; it explains itself.
    """
    if requires is not None and reason is None and isinstance(part, Part):
        reason = requires.explain(part.domain.world)
    node: Node = part.node if isinstance(part, Part) else part
    steps, _, attribute = at.rpartition("@") if "@" in at else (at, "", "")
    steps = steps.rstrip("/")
    inner = node.find(steps) if steps else node
    place = node if inner is None else inner
    fixes = (fix,) if isinstance(fix, Fix) else tuple(fix)
    absent = inner is None
    return Problem(message, place, attribute, tuple(accepted), reason, fixes, requires, absent)
