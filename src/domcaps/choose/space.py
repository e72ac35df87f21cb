"""What can be decided about a domain for one target: questions, and what may answer them.

A question's answers stand in the order in which they are wanted: first those that suit the guest,
then the others, last what is not known to hold. What is known not to hold is no answer; why not is
kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domcaps.choose.catalogue import decisions, enums, xml_of
from domcaps.errors import RequestError
from domcaps.language.preference import Decision, Option
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.choose.wishes import Wish
    from domcaps.language import World
    from domcaps.language.preference import Guest


NARROWING = frozenset({"set", "narrow"})
"""Wishes that leave fewer answers to a question."""


@dataclass(frozen=True, eq=False)
class Answer:
    """One way to answer a question: the XML that says it, and why it is wanted."""

    question: str
    value: str
    why: str
    xml: str
    given: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dev: str = ""
    shortcoming: str = ""

    @property
    def signature(self) -> tuple[str, str]:
        """What it says to which question, whatever the target."""
        return self.question, self.xml


@dataclass(frozen=True, eq=False)
class Excluded:
    """A value that is no answer, and why not."""

    value: str
    why: str


@dataclass(eq=False)
class Question:
    """One thing to decide. `wish` is the one that it is there for, if any."""

    name: str
    title: str
    decision: Decision
    answers: list[Answer] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)
    wish: Wish | None = None
    lacking: dict[str, str] = field(default_factory=dict)
    """What the guest would need for a value, where it does not have it."""


class Space:
    """All questions for a target, the same objects for every subset of the wishes."""

    def __init__(self, worlds: Sequence[World], guest: Guest, wishes: Sequence[Wish]) -> None:
        self.worlds = worlds
        self.guest = guest
        self.wishes = wishes
        self._values: dict[str, list[str]] = {}
        for wish in wishes:
            if wish.kind in NARROWING:
                self._values.setdefault(wish.name, []).extend(wish.values)
        self.questions = list(self._questions())

    def _questions(self) -> list[Question]:
        found = [self._plain(wish) for wish in self.wishes if wish.kind in {"memory", "vcpus"}]
        for decision in decisions():
            if decision.name == "os.machine":
                continue
            if not decision.each:
                found.append(self._question(decision, decision.name, None))
                continue
            items = [w for w in self.wishes if w.kind == "item" and w.name == decision.each]
            for number, wish in enumerate(items):
                name = f"{decision.name}[{number}]" if len(items) > 1 else decision.name
                found.append(self._question(decision, name, wish))
        known = {decision.name for decision in decisions()}
        found += [self._setting(w) for w in self.wishes if w.kind == "set" and w.name not in known]
        return found

    def _plain(self, wish: Wish) -> Question:
        xml = {
            "memory": f"<memory unit='KiB'>{wish.values[0]}</memory>",
            "vcpus": f"<vcpu>{wish.values[0]}</vcpu>",
        }[wish.kind]
        question = Question(wish.kind, wish.kind, Decision(wish.kind), wish=wish)
        question.answers.append(Answer(wish.kind, wish.values[0], "wanted", xml))
        return question

    def _setting(self, wish: Wish) -> Question:
        """Make a question of a value that no decision is about."""
        enum = enums().get(wish.name)
        if enum is None:
            import difflib

            near = difflib.get_close_matches(wish.name, enums(), n=4)
            raise RequestError(
                f"the table has no {wish.name!r}", remedy=f"near it are {', '.join(near)}" if near
                else "'domcaps explain' lists what it has",
            )  # fmt: skip
        value = wish.values[0]
        xml = xml_of(enum, value)
        if xml is None:
            raise RequestError(f"no domain says {wish.name!r}: it can't be set")
        decision = Decision(wish.name, enum, xml=xml, options=(Option(value, "wanted", xml=xml),))
        return self._question(decision, wish.name, wish)

    def _question(self, decision: Decision, name: str, wish: Wish | None) -> Question:
        question = Question(name, decision.title or decision.name, decision, wish=wish)
        tiers: list[list[Answer]] = [[], [], []]
        seen: set[tuple[str, str]] = set()
        for option in self._options(decision, wish):
            if not self._applies(option):
                continue
            xml, dev = _filled(decision, option, wish)
            if (option.value, xml) in seen and not option.given:
                continue
            refusal, unknown = self._refusal(decision, option)
            if refusal:
                question.excluded.append(Excluded(option.value, refusal))
                continue
            lacking = "" if option.guest is None or option.guest.holds(self.guest) else (
                option.guest.text
            )  # fmt: skip
            answer = Answer(name, option.value, option.why, xml, option.given, dev, lacking)
            if lacking:
                question.lacking.setdefault(option.value, lacking)
            elif not option.given:
                seen.add((option.value, xml))
            tiers[2 if unknown else 1 if lacking else 0].append(answer)
        question.answers = _distinct([answer for tier in tiers for answer in tier])
        return question

    def _options(self, decision: Decision, wish: Wish | None) -> list[Option]:
        """Give the options, and what somebody wants that none of them is."""
        options = list(decision.options)
        wanted = list(self._values.get(decision.name, ()))
        if wish is not None and wish.bus:
            wanted.append(wish.bus)
        known = {option.value for option in options}
        # what is asked for by name is not held to what it usually goes with
        known -= {w.values[0] for w in self.wishes if w.kind == "set" and w.name == decision.name}
        for value in wanted:
            if value not in known and (decision.xml or decision.enum is not None):
                xml = None if decision.xml else xml_of(decision.enum, value)
                options.append(Option(value, "wanted", xml=xml))
        if wish is not None and wish.implied:
            options.append(Option("", "there is none that the board could have", xml=""))
        return options

    def _applies(self, option: Option) -> bool:
        return all(world.truth(option.when) is not Truth.NO for world in self.worlds)

    def _refusal(self, decision: Decision, option: Option) -> tuple[str, bool]:
        """Tell why a value is none of the enum's, and whether it is unknown that it is."""
        if decision.enum is None or not option.value:
            return "", False
        unknown = False
        for world in self.worlds:
            dialect = world.target.dialect
            if not dialect.speaks(decision.enum.since, decision.enum.until):
                unknown = True
                continue
            choice = decision.enum.find(option.value, dialect)
            if choice is None:
                return f"libvirt {dialect} knows no such value", False
            truth = world.truth(choice.when)
            if truth is Truth.NO:
                return _because(choice.when.explain(world)), False
            unknown = unknown or truth is Truth.UNKNOWN
        return "", unknown

    def active(self, wishes: Sequence[Wish]) -> list[tuple[Question, list[Answer]]]:
        """Give the questions that some of the wishes leave, each with the answers they leave."""
        chosen = {id(wish) for wish in wishes}
        values: dict[str, set[str]] = {}
        for wish in wishes:
            if wish.kind in NARROWING:
                allowed = values.setdefault(wish.name, set(wish.values))
                allowed &= set(wish.values)
        found = []
        for question in self.questions:
            there_for = question.wish
            if there_for is not None and id(there_for) not in chosen:
                continue
            left = values.get(question.decision.name)
            answers = question.answers
            if left is not None:
                answers = [answer for answer in answers if answer.value in left]
            if there_for is not None and there_for.bus:
                answers = [answer for answer in answers if answer.value == there_for.bus]
            found.append((question, answers))
        return found


def _because(reason: object) -> str:
    """Give the innermost statement that decided, in a few words."""
    from domcaps.language.truth import Reason

    assert isinstance(reason, Reason)  # noqa: S101 - for the type checker
    texts = _deciding(reason)
    return "; ".join(f"not so: {text}" for text in texts[:3])


def _deciding(reason: object) -> list[str]:
    inner = [r for r in reason.because if r.truth is reason.truth]  # type: ignore[attr-defined]
    if not inner:
        return [reason.statement]  # type: ignore[attr-defined]
    return [text for one in inner for text in _deciding(one)]


def _filled(decision: Decision, option: Option, wish: Wish | None) -> tuple[str, str]:
    """Give the XML of an option with its blanks filled, but the name of the disk's target."""
    xml = option.xml if option.xml is not None else decision.xml if option.value else ""
    blanks = dict(wish.blanks) if wish is not None and wish.kind == "item" else {}
    settings = dict(option.settings)
    for name, text in ({"value": option.value} | blanks).items():
        xml = xml.replace("{" + name + "}", text)
    return xml, settings.get("dev", "sd" if "{dev}" in xml else "")


def _distinct(answers: list[Answer]) -> list[Answer]:
    seen = set()
    found = []
    for answer in answers:
        key = (answer.value, answer.xml, answer.given)
        if key not in seen:
            seen.add(key)
            found.append(answer)
    return found
