"""Looks at a document without a host, for checks that a table of traces does not pay for.

A name or a path is another one in every document. Most rules that read it look at no host and find
nothing, which costs a tenth of a look that notes all that is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.language.domain import Domain
from domcaps.language.world import World
from domcaps.validate.document.walk import placed_kinds

if TYPE_CHECKING:
    from domcaps.fleet.units import FleetDocument
    from domcaps.language.part import Part
    from domcaps.language.rule import Rule


class _Touched(BaseException):
    """A check wants to see the host; no check may catch this."""


class _NoHost:
    """Stands where a rule looks for the target or for facts."""

    def __getattr__(self, name: str) -> Any:
        raise _Touched(name)


class _NoWorld(World):
    """A world of which nothing may be read."""

    def __init__(self) -> None:
        self.target: Any = _NoHost()
        self.emulator: Any = self.target
        self.host: Any = self.target
        self.unknown = set()
        self.kept = {}
        self.look = None
        self._truths = {}

    def truth(self, predicate: Any) -> Any:
        """Evaluate nothing."""
        raise _Touched(predicate)

    def keep(self, name: Any, compute: Any) -> Any:  # noqa: ARG002 - nothing is computed
        """Keep nothing."""
        raise _Touched(name)


class PlainLook:
    """A look at a document without a host: most rules need no more, and find nothing."""

    def __init__(self, document: FleetDocument) -> None:
        self._domain = Domain(document.source.root, _NoWorld(), new=document.new)
        for part_checks, nodes in document.walk.nodes.items():
            self._domain.place(part_checks.kind, nodes)
        self._domain.nothing_of(placed_kinds())

    def finds_nothing(self, rule: Rule, kind: type[Part], number: int) -> bool | None:
        """Tell whether a rule finds nothing on any host; None where it looks at the host."""
        try:
            return not any(True for _ in rule.check(self._domain.all(kind)[number]))
        except _Touched:
            return None
        except Exception:  # noqa: BLE001 - what a broken rule says is found by a real look
            return False
