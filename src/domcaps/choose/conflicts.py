"""What a search learns: what can't be said together, here and on other targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domcaps.language.finding import Finding

    # a question, and the XML that answers it
    Said = tuple[str, str]
    # what is to blame: the code of what was found, and what was said
    Hint = tuple[str, frozenset[Said]]


class Conflict:
    """What can't be said together, question by question, and what was found then."""

    __slots__ = ("findings", "said")

    def __init__(self, said: frozenset[Said], findings: tuple[Finding, ...]) -> None:
        self.said = said
        self.findings = findings

    @property
    def questions(self) -> set[str]:
        """The questions that it is about."""
        return {question for question, _ in self.said}


class Learnt:
    """What was learnt of other targets, and may be so here.

    `hints` are what was to blame, and `helpers` the questions that helped against what was found.
    """

    def __init__(self) -> None:
        self.hints: dict[Hint, None] = {}
        self.helpers: dict[str, set[str]] = {}


class Hopeless(Exception):  # noqa: N818 - tells of the target, no error of its own
    """Even the smallest domain is refused."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__(findings[0].message)
