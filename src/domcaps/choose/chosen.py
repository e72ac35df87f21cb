"""A chosen domain, and its explanation: every decision, what was skipped and what came next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from domcaps.checked import checked
from domcaps.choose.variables import Rejected
from domcaps.errors import RequestError
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from domcaps.choose.target_search import TargetSearch
    from domcaps.choose.variables import Assignment, Variable, VariableDomain
    from domcaps.language import Target
    from domcaps.language.preference import Guest


@dataclass(frozen=True)
class Step:
    """One decision about a domain.

    `name` is the feature that it decides (``video.modelType``, as `Host.explain` takes it), or the
    part of the domain (``memory``), and `title` is that in words. `value` was chosen, "" if it is
    left out, because of `why`; `wanted` names the wishes that it follows, "" if it follows none.
    `next` is what would have been chosen otherwise, and `passed` has each better value with the
    reason why it was skipped; values that are worse, or not considered, are in neither. A value
    that is left out is called ``nothing`` in both. `unit` is what a number counts, such as KiB.
    """

    name: str
    title: str
    value: str
    why: str
    next: str = ""
    passed: tuple[tuple[str, str], ...] = ()
    wanted: str = ""
    unit: str = ""


@dataclass(frozen=True)
class RankedValue:
    """One value that a decision could have, "" for leaving it out.

    `is_possible` tells whether it could be set in the place of the chosen one, all other decisions
    being the same. `why` says what speaks for it, `why_not` why it is impossible, or not proposed.
    """

    value: str
    is_possible: bool
    why: str = ""
    why_not: str = ""

    def __str__(self) -> str:
        """Give one line."""
        told = f"{self.value or 'nothing'}: {self.why_not or self.why or 'never proposed'}"
        return told if self.is_possible else f"{told} (not possible)"


@dataclass
class Chosen:
    """A domain in which everything holds. `xml` is its definition; `steps` explain it."""

    xml: str
    target: Target
    machine: str
    guest: Guest
    notes: tuple[str, ...] = ()
    looks: int = 0
    _case: TargetSearch | None = field(default=None, repr=False)
    _assignments: tuple[Assignment, ...] = field(default=(), repr=False)
    _active: tuple[VariableDomain, ...] = field(default=(), repr=False)
    _others: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        """Give the domain's XML."""
        return self.xml

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every decision, the most important first."""
        return _steps(self)

    @checked
    def step(self, name: str) -> Step:
        """Give the decision about a feature, such as ``video.modelType``.

        Of several of a kind (``disk[1].bus``) the name has the number. Raises `RequestError` for a
        name that no step has, with the nearest one.
        """
        found = {step.name: step for step in self.steps}
        if name not in found:
            near = close_matches(name, found, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"steps are {', '.join(found)}"
            raise RequestError(f"no step is named {name!r}", remedy=remedy)
        return found[name]

    @checked
    def ranked(self, name: str) -> tuple[RankedValue, ...]:
        """Give every value that a decision could have, the best first, whether or not possible.

        First are the better values that are not possible (`Step.passed`), then the chosen one, the
        next best (`Step.next`), and all others that are possible: those with a `why_not`, such as
        'the guest does not have a driver', come after those without. Last are the values that are
        not possible, and no better.

        They are every value of the enum that the release of libvirt knows, as `Host.explain` lists
        them, also those that are never proposed, such as the video model 'vmvga'.
        Each value that is possible takes a validation. `name` is as in `step`.
        """
        step = self.step(name)
        for number, left in enumerate(self._active):
            if left.name == name:
                return _as_passed(step, left.variable, _ranked(self, left.variable, number))
        others = (RankedValue(value, False, why_not=why) for value, why in step.passed)
        return (*others, RankedValue(step.value, True, step.why))

    @checked
    def elements(self, name: str) -> tuple[str, ...]:
        """Give the XML of the elements of a name, such as each ``<disk>``, in their order.

        They are those of ``<domain>`` and ``<devices>``; empty where the domain has none. Raises
        `RequestError` for a name that no such element has, with the nearest one.
        """
        from domcaps.choose.element_texts import elements_of

        return elements_of(self.xml, name)

    @property
    def pins(self) -> dict[str, str]:
        """What was decided, as `pinned` takes it: the machine type has its version."""
        values = {"os.machine": self.target.machine, "virttype": self.target.virttype}
        return values | {
            step.name: step.value
            for step in self.steps
            if step.name != "os.machine" and "[" not in step.name
        }


def _steps(chosen: Chosen) -> tuple[Step, ...]:
    """Give the steps by which a domain was chosen."""
    case = chosen._case  # noqa: SLF001 - private to this module
    assert case is not None  # noqa: S101
    target = chosen.target
    first = Step(
        "os.machine",
        "machine type, and what runs it",
        f"{chosen.machine or target.machine} by {target.virttype}",
        "the first that all wishes go with",
        passed=chosen._others,  # noqa: SLF001
    )
    assignments = chosen._assignments  # noqa: SLF001
    steps = [first]
    for number, left in enumerate(chosen._active):  # noqa: SLF001
        steps.append(_step(chosen, left.variable, left.assignments, assignments, number))
    return tuple(steps)


def _step(
    chosen: Chosen,
    variable: Variable,
    left: list[Assignment],
    assignments: tuple[Assignment, ...],
    number: int,
) -> Step:
    assignment = assignments[number]
    place = left.index(assignment)
    passed = {
        _named(e.value): e.why for e in variable.rejected if _before(variable, e.value, assignment)
    }
    for other in left[:place]:
        why = _why_not(chosen, other, assignments, number)
        if why and other.value != assignment.value:
            passed.setdefault(_named(other.value), why)
    for value, lacking in variable.lacking.items():
        if value != assignment.value and _before(variable, value, assignment):
            passed.setdefault(_named(value), lacking)
    if any(not other.value for other in left[place + 1 :]):
        # leaving it out is not better if that is also what remains when nothing else works
        passed.pop(_named(""), None)
    order = [_named(option.value) for option in variable.decision.options]
    passed = dict(sorted(passed.items(), key=lambda one: _place(order, one[0])))
    following = ""
    for other in left[place + 1 :]:
        if other.value != assignment.value and not _why_not(chosen, other, assignments, number):
            following = _named(other.value)
            break
    return Step(
        variable.name,
        variable.title,
        assignment.value,
        "wanted" if _is_named(chosen, variable, assignment) else assignment.why,
        following,
        tuple(passed.items()),
        _wanted(chosen, variable),
        variable.decision.unit,
    )


def _ranked(chosen: Chosen, variable: Variable, number: int) -> tuple[RankedValue, ...]:
    own = chosen._assignments[number]  # noqa: SLF001 - private to this module
    rejected = list(variable.rejected)
    found: dict[str, RankedValue] = {}
    for other in variable.assignments():
        known = found.get(other.value)
        if known is None or not known.is_possible:
            # behind the first way to have a value may come a better one
            found.pop(other.value, None)
            found[other.value] = _rank(chosen, other, own, number)
    for one in variable.named():
        known = found.get(one.value)
        if isinstance(one, Rejected):
            rejected.append(one)
        elif known is None or not known.is_possible:
            rank = _rank(chosen, one, own, number)
            why_not = rank.why_not if known is None or not rank.is_possible else known.why_not
            found[one.value] = replace(rank, why=known.why if known else "", why_not=why_not)
    for refused in rejected:
        found.setdefault(refused.value, RankedValue(refused.value, False, "", refused.why))
    return tuple(found.values())


def _as_passed(
    step: Step, variable: Variable, ranks: tuple[RankedValue, ...]
) -> tuple[RankedValue, ...]:
    """Say of each value what the step says of it, and what the guest lacks for it; in order.

    Better values that are not possible come first, then the chosen one: wishes may have led to it.
    After it come the next best, the others, and those of which there is something to say.
    """
    passed, lacking = dict(step.passed), variable.lacking
    told = []
    for one in ranks:
        why_not = passed.get(_named(one.value)) or one.why_not
        if not why_not and one.is_possible and one.value != step.value:
            why_not = lacking.get(one.value, "")
        told.append(replace(one, why_not=why_not))
    better = list(passed)

    def place(one: RankedValue) -> tuple[int, int]:
        name = _named(one.value)
        if one.value == step.value:
            return 1, 0
        if not one.is_possible:
            return (0, better.index(name)) if name in passed else (6, 0)
        if name == step.next:
            return 2, 0
        # of a value that is never proposed there is nothing to say
        return (4 if one.why_not else 3 if one.why else 5), 0

    return tuple(sorted(told, key=place))


def _rank(chosen: Chosen, other: Assignment, own: Assignment, number: int) -> RankedValue:
    assignments = chosen._assignments  # noqa: SLF001 - private to this module
    why_not = "" if other is own else _why_not(chosen, other, assignments, number)
    return RankedValue(other.value, not why_not, other.why, why_not or other.shortcoming)


def _wanted(chosen: Chosen, variable: Variable) -> str:
    """Name the wishes that a decision is made for, or that limit it; "" where none does."""
    case = chosen._case  # noqa: SLF001 - private to this module
    assert case is not None  # noqa: S101
    wish = variable.wish
    own = [wish.text] if wish is not None and not wish.implied else []
    named = [one.text for one in case.space.narrowing(variable.decision.name)]
    # a need of the guest is written as an insertion: "--os win11, which needs a TPM 2.0,"
    return ", ".join(dict.fromkeys(text.rstrip(",") for text in [*own, *named]))


def _is_named(chosen: Chosen, variable: Variable, assignment: Assignment) -> bool:
    """Tell whether a wish names the value, so that nothing else was asked for."""
    case = chosen._case  # noqa: SLF001 - private to this module
    assert case is not None  # noqa: S101
    narrowing = case.space.narrowing(variable.decision.name)
    return any(wish.values == (assignment.value,) for wish in narrowing)


def _named(value: str) -> str:
    return value or "nothing"


def _place(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _before(variable: Variable, value: str, assignment: Assignment) -> bool:
    """Tell whether a value is wanted more than the chosen one, by the table's order."""
    values = [option.value for option in variable.decision.options]
    if value not in values:
        return False
    return assignment.value not in values or values.index(value) < values.index(assignment.value)


def _why_not(
    chosen: Chosen, other: Assignment, assignments: tuple[Assignment, ...], number: int
) -> str:
    """Say why another assignment in the place of one is refused, "" where it is not."""
    names = {assignment.variable: assignment.value for assignment in assignments}
    for name, values in other.given:
        if names.get(name) not in values:
            return f"goes with {name} {' or '.join(v or 'nothing' for v in values)} only"
    changed = [*assignments[:number], other, *assignments[number + 1 :]]
    case = chosen._case  # noqa: SLF001
    assert case is not None  # noqa: S101
    found = case.search.refusals(changed)
    return found[0][0].message if found else ""
