"""Looks at a document without a host, for checks that a table of traces does not pay for.

A name or a path is another one in every document. Most rules that read it look at no host and find
nothing, which costs a tenth of a look that notes all that is read. Of hosts they may read what is
the same on all of them: the dialect, and that nothing is known of a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.fleet.units import SILENT, UnitOutcome, UnitTrace
from domcaps.language.domain import Domain
from domcaps.language.world import World
from domcaps.validate.document.walk import placed_kinds

if TYPE_CHECKING:
    from domcaps.fleet.hosts import WorldTable
    from domcaps.fleet.tracking.recorder import ReadKey
    from domcaps.fleet.units import FleetDocument
    from domcaps.language.dialect import Dialect
    from domcaps.language.part import Part
    from domcaps.language.rule import Rule


class TouchedHost(BaseException):
    """A check wants to see the host; no check may catch this."""


class FoundSomething(Exception):  # noqa: N818 - a look that notes what is read says what
    """A check finds something, or can't be made in this way."""


class _NoHost:
    """Stands where a rule looks for facts."""

    def __getattr__(self, name: str) -> Any:
        raise TouchedHost(name)


class _NoTarget(_NoHost):
    """Stands where a rule looks for the target, of which all hosts have one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.is_read = False

    @property
    def dialect(self) -> Dialect:
        """The dialect. What was worked out from it may be used again: it stays noted."""
        self.is_read = True
        return self._dialect


class _NoWorld(World):
    """A world of which nothing may be read but what all hosts of a table have."""

    __slots__ = ("_table", "files")

    def __init__(self, table: WorldTable, dialect: Dialect) -> None:
        self.target: Any = _NoTarget(dialect)
        self.emulator: Any = _NoHost()
        self.host: Any = self.emulator
        self.unknown = set()
        self.kept = {}
        self.look = None
        self._truths = {}
        self._table = table
        self.files: dict[str, None] | None = None

    def truth(self, predicate: Any) -> Any:
        """Evaluate nothing."""
        raise TouchedHost(predicate)

    def keep(self, name: Any, compute: Any) -> Any:  # noqa: ARG002 - nothing is computed
        """Keep nothing."""
        raise TouchedHost(name)

    def file_state(self, path: str) -> None:
        """Say that nothing is known of a file, where no host knows more."""
        if self.files is None or path in self._table.known_images:
            raise TouchedHost(path)
        self.files[path] = None

    def reads(self) -> tuple[tuple[ReadKey, Any], ...]:
        """Give what was read of hosts."""
        found: list[tuple[ReadKey, Any]] = [
            (("host", ("image_state", path)), None) for path in self.files or ()
        ]
        if self.target.is_read:
            found.append((("target", "dialect"), str(self.target.dialect)))
        return tuple(found)


class PlainLook:
    """A look at a document without a host: most rules need no more, and find nothing."""

    def __init__(self, document: FleetDocument, table: WorldTable) -> None:
        self._document, self._table = document, table
        self._domains: list[tuple[_NoWorld, Domain]] = []

    def traces(self, rule: Rule, kind: type[Part], number: int) -> list[UnitTrace]:
        """Give what a rule reads of hosts and leaves undecided, for each dialect that hosts have.

        Raises `TouchedHost` where it reads more, and `FoundSomething`.
        """
        if not self._domains:
            self._domains = [self._domain(dialect) for dialect in self._table.dialects]
        return [self._trace(rule, kind, number, *one) for one in self._domains]

    def _domain(self, dialect: Dialect) -> tuple[_NoWorld, Domain]:
        document = self._document
        world = _NoWorld(self._table, dialect)
        domain = Domain(document.source.root, world, new=document.new)
        for part_checks, nodes in document.walk.nodes.items():
            domain.place(part_checks.kind, nodes)
        domain.nothing_of(placed_kinds())
        return world, domain

    @staticmethod
    def _trace(
        rule: Rule, kind: type[Part], number: int, world: _NoWorld, domain: Domain
    ) -> UnitTrace:
        world.unknown = set()
        # those of other rules may be worked out once, and used again
        world.files = {} if rule.live else None
        try:
            finds = any(True for _ in rule.check(domain.all(kind)[number]))
        except Exception as error:
            # what a broken rule says is found by a real look
            raise FoundSomething from error
        if finds:
            raise FoundSomething
        unknown = tuple(sorted(world.unknown))
        return UnitTrace(world.reads(), UnitOutcome((), unknown) if unknown else SILENT)
