"""Where two answers differ, in words of the table, with the reason on each side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.language import Reason
from domcaps.report.document import build
from domcaps.report.explain import explain_all
from domcaps.report.flat import flatten

if TYPE_CHECKING:
    from domcaps.language import World


class Difference(msgspec.Struct, frozen=True):
    """One statement that only one side makes, or that they make differently.

    `before` and `after` are the values, "" where that side does not make the statement. The
    reasons tell why, where the table says it in a predicate.
    """

    path: str
    before: str
    after: str
    reason_before: Reason | None = None
    reason_after: Reason | None = None

    @property
    def sign(self) -> str:
        """Give ``+`` for what is new, ``-`` for what is gone, ``~`` for what is otherwise."""
        if not self.before or (self.before, self.after) == ("no", "yes"):
            return "+"
        if not self.after or (self.before, self.after) == ("yes", "no"):
            return "-"
        return "~"

    def __str__(self) -> str:
        """Give one line."""
        if self.sign == "~":
            return f"~ {self.path}: {self.before} → {self.after}"
        value = self.after if self.sign == "+" else self.before
        return f"{self.sign} {self.path}" + ("" if value in {"yes", "no"} else f": {value}")


def diff(before: World, after: World) -> tuple[Difference, ...]:
    """Compare the answers for two targets, which may be of different hosts."""
    old, new = flatten(build(before)), flatten(build(after))
    why_old = {e.path: e.reason for e in explain_all(before)}
    why_new = {e.path: e.reason for e in explain_all(after)}
    return tuple(
        Difference(path, old.get(path, ""), new.get(path, ""), why_old.get(path), why_new.get(path))
        for path in dict.fromkeys((*old, *new))
        if old.get(path, "") != new.get(path, "")
    )
