"""Checking a domain: the form of every field, every choice, every rule; all findings at once."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.facts.emulator import Unanswered
from domcaps.language.at_start import start_doubt, start_failure
from domcaps.language.domain import Domain
from domcaps.language.finding import Finding, Severity, Stage, quoted
from domcaps.language.node_path import tag_of
from domcaps.language.rule import problem
from domcaps.language.truth import Truth
from domcaps.language.wording import one_of
from domcaps.validate import advice, messages
from domcaps.validate.alternatives import LeftBehind, advised, left_behind, likely_first
from domcaps.validate.catalogue.former import current_codes, renamings
from domcaps.validate.checks import FAILS_AT_START, checks_for_code, codes_of_form
from domcaps.validate.consequences import without_consequences
from domcaps.validate.document.comments import may_suppress
from domcaps.validate.document.parse import Source, Unreadable, read
from domcaps.validate.document.repeated import take_away
from domcaps.validate.document.walk import DocumentWalk, placed_kinds
from domcaps.validate.foreign import decided
from domcaps.validate.memo.remaining import remaining_checks
from domcaps.validate.order import in_libvirts_order
from domcaps.validate.schema.vocabulary import nearest
from domcaps.validate.target import TargetNotFound, nearest_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lxml.etree import _Element as Node

    from domcaps.language.finding import VerdictWord
    from domcaps.language.fix import Fix
    from domcaps.language.part import Part
    from domcaps.language.rule import Problem, Rule
    from domcaps.language.table import Choice, Enum
    from domcaps.language.world import World
    from domcaps.validate.checks import Checks, FieldCheck
    from domcaps.validate.target import NearestTarget, OpenWorld

    ChecksOf = Callable[[Domain, DocumentWalk], Iterator[tuple[Part, Checks]]]
    """Gives the parts of a domain, and what is to be checked of each."""

__all__ = ["Validation", "validate"]

MAX_FINDINGS = 1000
"""When that many were found the rest is not looked for."""

MAX_SECONDS = 20.0
"""A document that takes longer is given up; a typical one takes a thousandth of a second."""


STOPPED = "check-stopped"
"""The code of a verdict that was given up."""


class Validation(msgspec.Struct, frozen=True):
    """What came of looking at one domain.

    `accepted` tells whether libvirt would define and start it, `definable` whether it would
    define it. `unknown` lists what could not be decided because the emulator was not asked.
    `notices` are remarks on a domain that works; they are not among the findings.
    """

    findings: tuple[Finding, ...]
    unknown: tuple[str, ...] = ()
    source: bytes = b""
    notices: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        """Give the verdict and numbers: a document may have many thousands of lines."""
        found = f"{len(self.findings)} findings" if self.findings else "no findings"
        return f"<Validation {self.verdict!r}, {found}, of {len(self.source)} bytes>"

    @property
    def is_xml(self) -> bool:
        """Whether the document is XML that is read at all: its codes begin with ``xml-`` if not."""
        return self._root is not None

    @property
    def is_domain(self) -> bool:
        """Whether the document is XML, and its root is ``<domain>``."""
        root = self._root
        return root is not None and root.tag == "domain"

    @property
    def _root(self) -> Node | None:
        try:
            return read(self.source).root
        except Unreadable:
            return None

    def __str__(self) -> str:
        """Give the verdict, then a line for each finding."""
        return "\n".join([self.verdict, *map(str, self.findings)])

    @property
    def verdict(self) -> VerdictWord:
        """``accepted``, ``defined, but not started`` or ``refused``."""
        if self.accepted:
            return "accepted"
        return "defined, but not started" if self.definable else "refused"

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings for which the domain is refused."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings in spite of which the domain is accepted."""
        return tuple(f for f in self.findings if f.severity is Severity.WARNING)

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
    open_world: OpenWorld,
    ignore: frozenset[str] = frozenset(),
    *,
    new: bool = True,
    schema: bool = False,
    seconds: float = MAX_SECONDS,
    checks_of: ChecksOf = remaining_checks,
    only: str = "",
) -> Validation:
    """Validate a domain in the world that `open_world` gives for the target that it names.

    `new` tells whether it is to be defined now, or one that is already defined in libvirt.
    With `schema`, what libvirt's schema refuses is an error: names that it does not know, and all
    that ``validate/schema/check.py`` checks.
    `ignore` names codes that are left out, as does a comment ``<!-- domcaps: ignore CODE -->``
    before an element, for all that is found in it. After `seconds` of work it is given up.
    `checks_of` only makes this faster than `all_checks`: it leaves out what earlier domains showed
    to be right. With `only` it is looked for one code of errors alone.
    """
    ignore = current_codes(ignore) if ignore else ignore
    try:
        source = read(data)
        resolved = nearest_target(source, open_world)
    except (Unreadable, TargetNotFound) as stopped:
        left = () if stopped.finding.code in ignore else (stopped.finding,)
        return Validation(left, source=data)
    world = resolved.world
    domain = Domain(source.root, world, new=new)
    check = DocumentCheck(source, domain, ignore, seconds, schema=schema)
    check.of_target(resolved)
    found = check.one_code(only) if only else check.everything(checks_of)
    if resolved.others and not only:
        found += check.as_other_targets(resolved)
    if resolved.boards:
        found = check.on_every_board(found, resolved, only)
    found = without_consequences(in_libvirts_order(found, source.root))
    notices = tuple(one for one in found if one.severity is Severity.NOTICE)
    findings = tuple(one for one in found if one.severity is not Severity.NOTICE)
    return Validation(findings, decided(world.unknown, world), data, notices)


def all_checks(domain: Domain, walk: DocumentWalk) -> Iterator[tuple[Part, Checks]]:
    """Give every part of a domain, with all that is declared to be checked of it."""
    for part_checks in walk.part_checks(domain.world.target.dialect):
        for part in domain.all(part_checks.kind):
            yield part, part_checks.checks


class _Stopped(Exception):  # noqa: N818 - ends a check, and is no error
    """Enough was found, or it took too long."""


class DocumentCheck:
    """The validation of one document."""

    def __init__(
        self,
        source: Source,
        domain: Domain,
        ignore: frozenset[str],
        seconds: float,
        *,
        schema: bool,
    ) -> None:
        self.source = source
        self.domain = domain
        self.world = domain.world
        self.ignore = ignore
        self.schema = schema
        self.deadline = time.monotonic() + seconds
        self.most_work = time.thread_time() + seconds if seconds < math.inf else seconds
        self.seconds = seconds
        self.found: list[Finding] = []
        self.malformed: set[tuple[Node, str]] = set()
        self.suppressing = may_suppress(source.data)
        self.as_if = ""

    def of_target(self, resolved: NearestTarget) -> None:
        """Add what could not be resolved of the target."""
        for code, found in resolved.faults:
            # the nearest value is the first of those that are accepted, and the text names it
            self._add(code, found, worded=True)
        self.as_if = resolved.as_if

    def as_other_targets(self, resolved: NearestTarget) -> Iterator[Finding]:
        """Give what is found only if another target is meant; for a rare one it is a notice."""
        known = {(finding.code, finding.path) for finding in self.found}
        for target in resolved.others:
            domain = Domain(self.source.root, target.world, new=self.domain.new)
            other = DocumentCheck(self.source, domain, self.ignore, self.seconds, schema=False)
            other.as_if = target.as_if
            for finding in other.everything(all_checks):
                if (finding.code, finding.path) not in known:
                    known.add((finding.code, finding.path))
                    yield _noticed(finding) if target.is_rare else finding

    def on_every_board(
        self, found: list[Finding], resolved: NearestTarget, only: str
    ) -> list[Finding]:
        """Give the findings that do not follow from a board that the architecture may not have."""
        own = {code for code, _problem in resolved.faults}
        for world in resolved.boards:
            domain = Domain(self.source.root, world, new=self.domain.new)
            other = DocumentCheck(
                self.source, domain, self.ignore, self.seconds, schema=self.schema
            )
            judged = other.one_code(only) if only else other.everything(all_checks)
            there = {(one.code, one.path) for one in judged}
            found = [one for one in found if one.code in own or (one.code, one.path) in there]
        return found

    def everything(self, checks_of: ChecksOf) -> list[Finding]:
        """Give all findings."""
        with self._until_stopped():
            self.set_aside()
            walk = DocumentWalk(self.source.root, self.source.data)
            self._parts(walk, checks_of)
            self.names(walk)
            if self.schema:
                self._compare()
            if self.suppressing:
                self.look_at_comments()
        return self.found

    def names(self, walk: DocumentWalk) -> None:
        """Add a warning for each name that libvirt does not know."""
        for node, attribute, place in walk.unknown:
            self._unknown(node, attribute, nearest(place, attribute, node.tag))

    def one_code(self, code: str) -> list[Finding]:
        """Give the findings of one code."""
        with self._until_stopped():
            self.set_aside()
            for part_checks in checks_for_code(code):
                if self.world.target.dialect.has_between(
                    part_checks.kind.since, part_checks.kind.until
                ):
                    for part in self.domain.all(part_checks.kind):
                        self._part(part, part_checks.checks)
        return self.found

    @contextmanager
    def _until_stopped(self) -> Iterator[None]:
        """Turn what ends a check early into a finding."""
        try:
            yield
        except _Stopped as stopped:
            root = self.source.root
            line, column = self.source.place(root)
            path = self.source.path(root)
            self.found.append(Finding(STOPPED, str(stopped), path=path, line=line, column=column))

    def set_aside(self) -> None:
        """Take away the elements that libvirt does not read because they stand a second time."""
        for number, node in enumerate(take_away(self.domain.root)):
            if not number:
                self.source.keep()  # places and paths, while all elements are there
            text = f"<{tag_of(node)}> is repeated, and libvirt reads only the first one"
            self._passed_over(
                "repeated-element", text, node, hint="; remove it", fate="libvirt ignores this one"
            )

    def _parts(self, walk: DocumentWalk, checks_of: ChecksOf) -> None:
        for part_checks, nodes in walk.nodes.items():
            self.domain.place(part_checks.kind, nodes)
        self.domain.nothing_of(placed_kinds())
        for part, checks in checks_of(self.domain, walk):
            self._part(part, checks)

    def _compare(self) -> None:
        """Add what libvirt's schema refuses, but where something is known to be wrong."""
        # most domains are never compared, and need not wait for this to be read
        from domcaps.validate.schema.check import refusals

        wrong = {
            finding.path
            for finding in self.found
            if finding.severity is Severity.ERROR and finding.stage is Stage.DEFINE
        }
        for code, found in refusals(self.domain.root, self.world.target.dialect):
            self._be_in_time()
            if self.source.path(found.node, found.attribute) not in wrong:
                self._add(code, found)

    def look_at_comments(self) -> None:
        """Add a warning for each code that a comment misspells or spells as it was called before.

        A notice tells of one that leaves nothing out.
        """
        places = self.source.places
        for said, node in places.misspelt_suppressions():
            text = f"the comment before this element says {said}"
            self._add("ignored-code-unknown", problem(text, node), Severity.WARNING)
        used = set(places.used)
        for name, node in places.suppressions().items():
            for text in renamings((name,)):
                found = problem(f"in the comment before this element, {text}", node)
                self._add("ignored-code-renamed", found, Severity.WARNING)
            if name not in used:
                self._unused(name, node)

    def _unused(self, name: str, node: Node) -> None:
        from domcaps.validate.selection import covers, slip

        if wrong := slip((name,)):
            found = problem(f"in the comment before this element, {wrong}", node)
            self._add("ignored-code-unknown", found, Severity.WARNING)
        elif not any(covers(name, code) for code in self.ignore):
            text = f"the comment before this element ignores {name!r}, which was not found"
            self._add("ignored-code-unused", problem(text, node), Severity.NOTICE)

    def _be_in_time(self) -> None:
        # a machine that is busy, or was asleep, says nothing about the document: its own time
        # counts, but is asked for only when it can have passed
        if time.monotonic() > self.deadline and time.thread_time() > self.most_work:
            limit = f"{self.seconds:g} seconds of work"
            raise _Stopped(f"validation stopped after {limit}; the rest is not checked")

    def _part(self, part: Part, checks: Checks) -> None:
        self._be_in_time()
        # what rules read: what is there follows
        part.__dict__.update(checks.values)
        for field_check in checks.fields:
            text = field_check.declared.text(part.node)
            if text is not None:
                self.field(part, field_check, text)
        for field_check in checks.required:
            self.miss(part, field_check)
        if checks.rules:
            self._rules(part, checks.rules)

    def _rules(self, part: Part, rules: tuple[Rule, ...]) -> None:
        is_partial = self.world.emulator.is_partial
        for rule in rules:
            try:
                for found in self._certain(rule, part) if is_partial else rule.check(part):
                    # a value of the wrong form is one finding, whatever rules make of it
                    if (found.node, found.attribute) not in self.malformed:
                        stage = rule.stage_in(self.world.target.dialect)
                        self._add(rule.code, found, rule.severity, stage, rule.fix)
            except _Stopped:
                raise
            except Unanswered as unanswered:
                self._note(rule, f"{unanswered.question} has no answer")
            except Exception as error:  # noqa: BLE001 - one broken rule must not cost the others
                self._note(rule, f"{BROKEN} ({type(error).__name__}: {error})")

    def _certain(self, rule: Rule, part: Part) -> Iterable[Problem]:
        """Give what a rule finds in a partial recording, unless it rests on an unknown fact."""
        world = self.world
        noted = set(world.unknown)
        world.unknown.clear()
        try:
            found = list(rule.check(part))
            if found and world.unknown:
                self._note(rule, UNSURE)
                return ()
            return found
        finally:
            world.unknown |= noted

    def _note(self, rule: Rule, text: str) -> None:
        self.world.unknown.add(f"{rule.code}: {text}")

    def _add(
        self,
        code: str,
        found: Problem,
        severity: Severity = Severity.ERROR,
        stage: Stage = Stage.DEFINE,
        fix: Fix | None = None,
        *,
        worded: bool = False,
    ) -> None:
        if code in self.ignore:
            return
        places = self.source.places
        if self.suppressing and places.suppresses(found.node, code):
            return
        if len(self.found) >= MAX_FINDINGS:
            raise _Stopped(f"more than {MAX_FINDINGS} findings; the rest is not listed")
        line, column = places.of(found.node, found.attribute)
        path = self.source.path(found.node, found.attribute)
        if not worded:
            found = self.worded(repaired_by(found, fix), path)
        self.found.append(
            Finding(
                code,
                found.message,
                severity,
                stage,
                path,
                line,
                column,
                found.accepted,
                found.reason,
                found.fixes,
                self.as_if if self.as_if and code not in codes_of_form() else "",
            )
        )

    def worded(self, found: Problem, path: str) -> Problem:
        """Complete a problem for those who read it.

        Of the accepted values the likeliest one is the first; the message says what to write
        instead, as the first of the repairs, and what the host needs.
        """
        accepted = found.accepted
        message = messages.naming(found.message, self.world)
        is_there = found.attribute and not found.absent
        old = found.node.get(found.attribute) if is_there else None
        if old is not None and len(accepted) > 1:
            accepted = self._likely_first(path, old, accepted)
        if old is not None and old not in accepted and accepted:
            use = self._advised(path, old, accepted)
            message = advice.with_value(message, found.attribute, use, accepted)
        message = advice.with_fix(message, found.fixes, found.node)
        message = advice.with_requirement(message)
        if found.requires is not None:
            message = messages.with_remedy(message, found.requires, self.world)
        return msgspec.structs.replace(found, message=message, accepted=accepted)

    def _likely_first(self, path: str, old: str, known: tuple[str, ...]) -> tuple[str, ...]:
        """Order the values that may stand at a path instead of one, as a repair tries them."""
        arch, root = self.world.target.arch, self.domain.root
        return likely_first(path, old, known, arch, root) if known else ()

    def _advised(self, path: str, old: str, accepted: Sequence[str]) -> str:
        """Give the value to recommend in a message, "" where no value stands in for the old one."""
        return advised(path, old, accepted, self.world.target.arch, self.domain.root)

    def field(self, part: Part, field_check: FieldCheck, text: str) -> None:
        """Check the form of a field, and the choice that it makes."""
        declared = field_check.declared
        if not declared.is_read(part):
            return
        if declared.choice is not None:
            self._choice(part, field_check, declared.choice, text)
            return
        try:
            value = declared.kind.parse(text)
        except ValueError:
            if declared.strict is None or not declared.fits(text, self.world.target.dialect):
                self._invalid(part, field_check, text)
            return
        is_dated = field_check.dated is not None or declared.strict is not None
        if is_dated and not field_check.has_value(text, self.world.target.dialect):
            self._invalid(part, field_check, text)
        if field_check.memoizable:
            part.__dict__[declared.name] = value
        if declared.at_start is not None:
            choice = declared.at_start.find(text, self.world.target.dialect)
            if choice is not None and choice.at_start:
                self._at_start(part, field_check, declared.at_start, choice)

    def _invalid(self, part: Part, field_check: FieldCheck, text: str) -> None:
        declared, dated = field_check.declared, field_check.dated or {}
        has = self.world.target.dialect.has
        names = _expected(field_check)
        known = tuple(n for n in names if n not in dated or has(dated[n]))
        known = self._likely_first(field_check.place, text, known)
        place = messages.place_of(part, declared)
        if names and not known:
            message = messages.of_no_release(place, text, str(self.world.target.dialect))
        else:
            message = messages.invalid(place, text, declared.expected, known)
        at = f"@{declared.path.rpartition('@')[2]}" if "@" in declared.path else ""
        holder = declared.holder(part.node)
        unit = "" if holder is None else holder.get("unit") or ""
        fixes = declared.kind.fixes(text, at, unit)
        wrong = problem(message, part, declared.path, accepted=known, fix=fixes)
        self.malformed.add((wrong.node, wrong.attribute))
        self._add(f"{field_check.code}-invalid", wrong)

    def miss(self, part: Part, field_check: FieldCheck) -> None:
        """Add a finding where a required field is missing."""
        if field_check.declared.text(part.node) is not None:
            return
        declared = field_check.declared
        dialect = self.world.target.dialect
        if declared.before is None and declared.strict and not dialect.has(declared.strict):
            return
        enum = declared.choice
        valid = _expected(field_check) if enum is None else tuple(_offered(enum, self.world))
        known = self._likely_first(field_check.place, "", valid)
        what = declared.said or (one_of(known) if known else declared.expected)
        if enum is not None and not known:
            what = f"but this QEMU supports no value there; remove <{tag_of(part.node)}>"
        message = messages.missing(messages.place_of(part, declared), what)
        fixes = declared.missing(part) if declared.missing is not None else ()
        missing = problem(message, part, declared.path, accepted=known, fix=fixes)
        self._add(f"{field_check.code}-missing", missing)

    def _choice(self, part: Part, field_check: FieldCheck, enum: Enum, text: str) -> None:
        world, declared = self.world, field_check.declared
        dialect = world.target.dialect
        if field_check.memoizable:
            part.__dict__[declared.name] = _parsed(field_check, text)
        choice = enum.find(text, dialect)
        if choice is not None and world.truth(choice.when) is not Truth.NO:
            if choice.at_start:
                self._at_start(part, field_check, enum, choice)
            return
        offered = self._likely_first(field_check.place, text, tuple(_offered(enum, world)))
        place = messages.place_of(part, declared)
        if choice is None:
            code, reason = "unknown", None
            message = messages.unknown_choice(place, text, offered, world)
        else:
            code, reason = "unsupported", world.reason(choice.when)
            use = self._advised(field_check.place, text, offered)
            left = (
                left_behind(field_check.place, text, use, part.node, world) if use else LeftBehind()
            )
            message = messages.unsupported_choice(place, choice, world, use, left)
        wrong = problem(message, part, declared.path, accepted=offered, reason=reason)
        if choice is None:
            self.malformed.add((wrong.node, wrong.attribute))
        moved = code == "unsupported" and declared.defined and not dialect.has(declared.defined)
        stage = Stage.START if moved else Stage.DEFINE
        self._add(f"{field_check.code}-{code}", wrong, stage=stage)

    def _at_start(self, part: Part, field_check: FieldCheck, enum: Enum, choice: Choice) -> None:
        """Add what is known to fail when the domain is started, or note that it may."""
        world, failure = self.world, start_failure(choice, self.world)
        place = messages.place_of(part, field_check.declared)
        spoken = f"{place}: {choice.name!r}"
        if failure is None:
            doubt = start_doubt(choice, world)
            if doubt is not None:
                world.unknown.add(f"{spoken} starts ({doubt.but})")
            return
        starting = self._likely_first(field_check.place, choice.name, tuple(_starting(enum, world)))
        use = self._advised(field_check.place, choice.name, starting)
        instead = f"; use {use!r}" if use else ""
        message = f"{spoken} can be defined, but does not start: {failure.but}{instead}"
        reason = failure.where.explain(world)
        wrong = problem(message, part, field_check.declared.path, accepted=starting, reason=reason)
        self._add(f"{field_check.code}-{FAILS_AT_START}", wrong, stage=Stage.START)

    def _unknown(self, node: Node, attribute: str, known: tuple[str, ...]) -> None:
        hint = f"; did you mean {' or '.join(map(repr, known))}?" if known else ""
        if attribute:
            code = "unknown-attribute"
            what = f"<{tag_of(node)}> has no attribute {quoted(attribute)}"
        else:
            code = "unknown-element"
            parent = node.getparent()
            inside = parent.tag if parent is not None else "domain"
            what = f"<{inside}> has no element <{quoted(str(node.tag))[1:-1]}>"
        self._passed_over(code, what, node, attribute, known, hint)

    def _passed_over(
        self,
        code: str,
        message: str,
        node: Node,
        attribute: str = "",
        known: tuple[str, ...] = (),
        hint: str = "",
        fate: str = "libvirt ignores it",
    ) -> None:
        """Add what libvirt ignores, and rejects where it validates against its schema."""
        wrong = Severity.WARNING
        if self.schema:
            wrong, fate = Severity.ERROR, "libvirt's schema rejects it"
        at = f"@{attribute}" if attribute else ""
        self._add(
            code, problem(f"{message}; {fate}{hint}", node, at, accepted=known), wrong, worded=True
        )


UNSURE = "not checked, since it depends on facts that are not known"
"""How `Validation.unknown` describes a finding that would rest on what is not known."""

BROKEN = "internal error in this rule, please report it"
"""How `Validation.unknown` describes a rule that raised an unexpected exception."""


def repaired_by(found: Problem, fix: Fix | None) -> Problem:
    """Give a problem with the fix of its rule, unless it has one of its own."""
    if found.fixes or fix is None:
        return found
    return msgspec.structs.replace(found, fixes=(fix,))


def _offered(enum: Enum, world: World) -> Iterator[str]:
    dialect = world.target.dialect
    for choice in enum.choices:
        spoken = choice.name and dialect.has_between(choice.since, choice.until)
        if not spoken:
            continue
        if world.may_have(choice.when):
            yield choice.name


def _starting(enum: Enum, world: World) -> Iterator[str]:
    for name in _offered(enum, world):
        choice = enum.find(name, world.target.dialect)
        if choice is not None and start_failure(choice, world) is None:
            yield name


def _parsed(field_check: FieldCheck, text: str) -> Any:
    try:
        return field_check.declared.kind.parse(text)
    except ValueError:
        return field_check.declared.default


def _expected(field_check: FieldCheck) -> tuple[str, ...]:
    return tuple(getattr(field_check.declared.kind, "names", ()))


def _noticed(finding: Finding) -> Finding:
    """Give a finding as a notice: the target for which it counts is hardly the one meant."""
    return msgspec.structs.replace(finding, severity=Severity.NOTICE)
