"""What a search learns: assignments that are refused together, here and on other targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domcaps.language.finding import Finding

    # a variable, and the XML that is its value
    Literal = tuple[str, str]
    # what is to blame: the code of what was found, and its literals
    Hint = tuple[str, frozenset[Literal]]


class Nogood:
    """Assignments that are refused together, as literals, and the findings then."""

    __slots__ = ("findings", "literals")

    def __init__(self, literals: frozenset[Literal], findings: tuple[Finding, ...]) -> None:
        self.literals = literals
        self.findings = findings

    @property
    def variables(self) -> set[str]:
        """The variables that it is about."""
        return {variable for variable, _ in self.literals}


class NogoodStore:
    """What was learnt of other targets, and may be so here.

    `hints` are what was to blame, and `helpers` the variables that helped against what was found.
    """

    def __init__(self) -> None:
        self.hints: dict[Hint, None] = {}
        self.helpers: dict[str, set[str]] = {}


class NothingPossible(Exception):  # noqa: N818 - tells of the target, no error of its own
    """Even the smallest domain is refused."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__(findings[0].message)
