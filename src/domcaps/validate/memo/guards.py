"""Which rules of a domain need not be called, because what they look for first is absent.

Most rules of the domain itself look for something that most domains do not have: an element, a kind
of device. Each is tried once on a domain that has nothing at all, and what it looked for is noted.
One that ended without a finding would do the same in every domain that has nothing of that, and is
called only in the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.language.domain import OfTarget, split_path
from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern
from domcaps.validate.checks import Checks, rules_in
from domcaps.validate.document.shape_ids import names_of
from domcaps.validate.memo.tracked import NotVisible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.part import Part
    from domcaps.language.rule import Rule
    from domcaps.language.world import World
    from domcaps.validate.checks import PartChecks

SOME_TEXT = "#"
ANY_INSIDE = "*"

_PATH = late_pattern(r"(?:(?:\{[^}]*\})?[\w-]+|\*)(?:/(?:(?:\{[^}]*\})?[\w-]+|\*))*")
_NAME = late_pattern(r"(?:\{[^}]*\})?[^/{}]+")


class _Guarded(NamedTuple):
    """A rule, and what it looks for; None where it has to be called in any case."""

    rule: Rule
    sought: frozenset[object] | None


def contents(root: Node, kinds: Iterable[type[Part]]) -> set[object]:
    """Give what a domain has: elements inside, attributes, text, and classes of parts.

    Attributes are ``@name``, devices ``devices/name``, text is `SOME_TEXT`.
    """
    found: set[object] = {child.tag for child in root}
    found.update(f"@{name}" for name in names_of(root))
    found.update(f"devices/{child.tag!s}" for child in root.iterfind("devices/*"))
    found.update(kinds)
    found.add(ANY_INSIDE)
    if root.text:
        found.add(SOME_TEXT)
    return found


class DomainGuards:
    """The rules of the domain itself with what they look for, in one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[PartChecks, tuple[_Guarded, ...]] = {}

    def remaining(self, part_checks: PartChecks, there: set[object]) -> Checks:
        """Give the checks of a domain that has what is there."""
        checks = part_checks.checks
        known = self._known.get(part_checks)
        if known is None:
            listed = rules_in(part_checks, self._world.target.dialect)
            tried = [
                _Guarded(rule, _sought(part_checks.kind, rule, self._world)) for rule in listed
            ]
            known = self._known[part_checks] = tuple(one for one in tried if one.sought != NOTHING)
        rules = [
            one.rule for one in known if one.sought is None or not one.sought.isdisjoint(there)
        ]
        fields = [one for one in checks.fields if not one.sought or one.sought in there]
        return Checks(checks.values, tuple(fields), checks.required, tuple(rules))


NOTHING: frozenset[object] = frozenset()


def _sought(kind: type[Part], rule: Rule, world: World) -> frozenset[object] | None:
    """Try a rule on a domain that has nothing, and give what it looked for."""
    domain: Any = _AbsentDomain(world)
    try:
        found = next(rule.check(kind(domain.root, domain)), None)
    except NotVisible:
        return None
    except Exception:  # noqa: BLE001 - whoever calls it in earnest tells what is wrong
        return None
    silent = found is None and not domain.world.unknown
    return frozenset(domain.sought) if silent else None


class _AbsentNode:
    """The element of a domain that has nothing; it notes what is sought."""

    tag = "domain"

    def __init__(self, sought: set[object]) -> None:
        self._sought = sought

    def __getattr__(self, name: str) -> Any:
        raise NotVisible(name)

    @property
    def text(self) -> None:
        """No text."""
        self._sought.add(SOME_TEXT)

    def get(self, name: str, default: Any = None) -> Any:
        """Give the default."""
        self._sought.add(f"@{name}")
        return default

    def find(self, path: str) -> None:
        """Find nothing."""
        self._note(path)

    def findtext(self, path: str, default: str | None = None) -> str | None:
        """Find nothing."""
        self._note(path)
        return default

    def findall(self, path: str) -> list[Any]:
        """Find nothing."""
        self._note(path)
        return []

    def iterfind(self, path: str) -> Iterator[Any]:
        """Find nothing."""
        self._note(path)
        return iter(())

    def iterchildren(self, tag: str = ANY_INSIDE) -> Iterator[Any]:
        """Find nothing."""
        self._note(tag)
        return iter(())

    def __iter__(self) -> Iterator[Any]:
        """Find nothing."""
        return self.iterchildren()

    def __len__(self) -> int:
        """Count nothing."""
        self._note(ANY_INSIDE)
        return 0

    def _note(self, path: str) -> None:
        if not _PATH.fullmatch(path):
            raise NotVisible(path)
        first, *inside = _NAME.findall(path)
        self._sought.add(f"{first}/{inside[0]}" if first == "devices" and inside else first)


class _AbsentChildren:
    """What stands in an element that has nothing, by name; it notes what is sought."""

    def __init__(self, sought: set[object], above: str) -> None:
        self._sought = sought
        self._above = above

    def __getattr__(self, name: str) -> Any:
        raise NotVisible(name)

    def __contains__(self, tag: str) -> bool:
        """Find nothing."""
        self._sought.add(f"{self._above}{tag}")
        return False

    def get(self, tag: str, default: Any = None) -> Any:
        """Give the default."""
        self._sought.add(f"{self._above}{tag}")
        return default


class _AbsentDomain(OfTarget):
    """A domain without anything: what it has of each class of parts is sought as well."""

    def __init__(self, world: World) -> None:
        self.sought: set[object] = set()
        self.root: Any = _AbsentNode(self.sought)
        self.world = world.again()

    def __getattr__(self, name: str) -> Any:
        raise NotVisible(name)

    def all(self, kind: type[Part]) -> tuple[Part, ...]:
        """Find no part."""
        if kind.path is None or split_path(kind.path) is None:
            raise NotVisible(kind.__name__)
        self.sought.add(kind)
        return ()

    def first(self, kind: type[Part]) -> None:
        """Find no part."""
        self.all(kind)

    def firsts(self, kind: type[Part], attribute: str) -> dict[Any, Part]:  # noqa: ARG002
        """Find no part."""
        self.all(kind)
        return {}

    def once(self, make: Callable[[Any], Any]) -> Any:
        """Make it anew: what it looks for counts for each that asks."""
        return make(self)

    def inside(self, path: str) -> _AbsentChildren:
        """Find nothing: in the domain itself, or among the devices."""
        if path not in {"", "devices"}:
            raise NotVisible(path)
        return _AbsentChildren(self.sought, f"{path}/" if path else "")

    def find(self, path: str) -> list[Any]:
        """Find nothing."""
        found: list[Any] = self.root.findall(path)
        return found
