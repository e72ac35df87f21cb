"""Checking a domain: the form of every field, every choice, every rule; all findings at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from lxml import etree

from domcaps.facts.emulator import Unanswered
from domcaps.language.domain import Domain
from domcaps.language.finding import Finding, Severity, Stage
from domcaps.language.rule import problem
from domcaps.language.truth import Truth
from domcaps.validate.catalogue import parts, rules
from domcaps.validate.settle import Unsettled, settle
from domcaps.validate.source import Source, Unreadable, path_of, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.language.part import Field, Part
    from domcaps.language.rule import Problem, Rule
    from domcaps.language.table import Enum
    from domcaps.language.world import World

_SUPPRESSION = re.compile(r"domcaps:\s*ignore\s+([a-z0-9, -]+)")


class Validation(msgspec.Struct, frozen=True):
    """What came of looking at one domain.

    `accepted` tells whether libvirt would define and start it, `definable` whether it would
    define it. `unknown` lists what could not be decided because the emulator was not asked.
    """

    findings: tuple[Finding, ...]
    unknown: tuple[str, ...] = ()
    source: bytes = b""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings for which the domain is refused."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def accepted(self) -> bool:
        """Whether the domain would be defined and started."""
        return not self.errors

    @property
    def definable(self) -> bool:
        """Whether the domain would be defined."""
        return not any(f.stage is Stage.DEFINE for f in self.errors)


def validate(
    data: bytes,
    open_world: Callable[[str | None, str | None, str | None, str], World],
    ignore: frozenset[str] = frozenset(),
    *,
    new: bool = True,
) -> Validation:
    """Look at a domain in the world that `open_world` gives for the target that it names.

    `new` tells whether it is to be defined now, or one that libvirt has known for long.
    `ignore` names codes that are left out, as does a comment ``<!-- domcaps: ignore CODE -->``.
    """
    try:
        source = read(data)
        world = settle(source, open_world)
    except (Unreadable, Unsettled) as stopped:
        return Validation((stopped.finding,), source=data)
    domain = Domain(source.root, world, new=new)
    ignored = ignore | _suppressed(source)
    found = [f for f in _findings(domain, source) if f.code not in ignored]
    found.sort(key=lambda f: (f.line, f.column, f.code))
    return Validation(tuple(found), tuple(sorted(world.unknown)), data)


def _suppressed(source: Source) -> frozenset[str]:
    if b"domcaps:" not in source.data:
        return frozenset()
    codes: set[str] = set()
    for comment in source.root.iter(etree.Comment):
        for listed in _SUPPRESSION.findall(comment.text or ""):
            codes.update(listed.replace(",", " ").split())
    return frozenset(codes)


def _findings(domain: Domain, source: Source) -> Iterator[Finding]:
    by_part = rules()
    for kind in parts():
        applying = [rule for base in kind.__mro__ for rule in by_part.get(base, ())]
        for part in domain.all(kind):
            for declared in kind.fields():
                yield from _field(part, declared, source)
            for rule in applying:
                yield from _rule(rule, part, source)


def _rule(rule: Rule, part: Part, source: Source) -> Iterator[Finding]:
    try:
        problems = list(rule.check(part))
    except Unanswered as unanswered:
        part.domain.world.unknown.add(f"{rule.code}: {unanswered.question} has no answer")
        return
    for found in problems:
        yield _finding(rule.code, found, source, rule.severity, rule.stage)


def _finding(
    code: str, found: Problem, source: Source, severity: Severity, stage: Stage
) -> Finding:
    line, column = source.place(found.node, found.attribute)
    return Finding(
        code,
        found.message,
        severity,
        stage,
        path_of(found.node, found.attribute),
        line,
        column,
        found.accepted,
        found.reason,
    )


def _field(part: Part, declared: Field[Any], source: Source) -> Iterator[Finding]:
    text = declared.text(part.node)
    name = f"{kebab(type(part).__name__)}-{declared.name.replace('_', '-').strip('-')}"
    if text is None:
        if declared.required:
            message = f"{_spoken(part, declared)} is missing"
            missing = problem(message, part, declared.path, accepted=_expected(declared))
            yield _finding(f"{name}-missing", missing, source, Severity.ERROR, Stage.DEFINE)
        return
    if declared.choice is not None:
        yield from _choice(part, declared, declared.choice, name, text, source)
        return
    try:
        declared.kind.parse(text)
    except ValueError:
        message = f"{_spoken(part, declared)} is {_quoted(text)}, not {declared.kind.expected}"
        wrong = problem(message, part, declared.path, accepted=_expected(declared))
        yield _finding(f"{name}-invalid", wrong, source, Severity.ERROR, Stage.DEFINE)


def _choice(
    part: Part, declared: Field[Any], enum: Enum, name: str, text: str, source: Source
) -> Iterator[Finding]:
    world = part.domain.world
    dialect = world.target.dialect
    choice = enum.find(text, dialect)
    if choice is not None and world.truth(choice.when) is not Truth.NO:
        return
    offered = tuple(
        c.name for c in enum.choices if dialect.speaks(c.since, c.until) and world.truth(c.when)
    )
    listed = ", ".join(offered) or "nothing"
    if choice is None:
        code, message = "unknown", f"is {_quoted(text)}, which is no known value"
        reason = None
    else:
        code, message = "unsupported", f"{_quoted(text)} can't be used here"
        reason = choice.when.explain(world)
    message = f"{_spoken(part, declared)} {message}: this one offers {listed}"
    wrong = problem(message, part, declared.path, accepted=offered, reason=reason)
    yield _finding(f"{name}-{code}", wrong, source, Severity.ERROR, Stage.DEFINE)


def _expected(declared: Field[Any]) -> tuple[str, ...]:
    return tuple(getattr(declared.kind, "names", ()))


def _spoken(part: Part, declared: Field[Any]) -> str:
    return f"<{part.node.tag}> {declared.path}"


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")


def kebab(name: str) -> str:
    """Write a class's name as codes are written: ``TpmBackend`` becomes ``tpm-backend``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
