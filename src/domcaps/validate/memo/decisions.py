"""What a rule decides by: a tree of what it reads of a part, learned from trials.

A rule reads one thing after the other, and what it read so far determines what it reads next. So
each trial on a part is a path in a tree: every `ReadStep` names a read, and has an edge for each
answer that was met. At the end of a path stands whether the rule was silent. For the next part the
tree is followed: where it leads to `SILENT`, the rule would end without a finding, and is not
called.

A rule can be followed as long as it reads the part's element and what is inside (names, and values
of attributes that have only a few), the target, and the world, which counts as one answer. One that
reads more is called each time that it comes so far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domcaps.language.struct import Struct
from domcaps.patterns import late_pattern
from domcaps.validate.document.shape_ids import TELLING, names_of
from domcaps.validate.document.walk import NO_VALUES
from domcaps.validate.memo.tracked import NotVisible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.part import Part
    from domcaps.language.rule import Rule
    from domcaps.language.world import World
    from domcaps.validate.document.walk import SchemaPosition

    _Key = tuple[SchemaPosition | None, str, Callable[..., Any]]

INSIDE, GET, NAMES, TEXT, ARCH, MACHINE, VIRTTYPE, WORLD = range(8)
"""What is read: elements inside, by name; an attribute; the names of all; the text; the target."""

SILENT, CALLED = "silent", "called"
"""Ends of a path: the rule found nothing; it found something or wants to see more."""

ANY = "*"
_ANY_VALUE: Final = None
_MOST_STEPS = 40_000
_NAMES = late_pattern(r"(?:(?:\{[^}]*\})?[\w-]+|\*)(?:/(?:(?:\{[^}]*\})?[\w-]+|\*))*")
_NAME = late_pattern(r"(?:\{[^}]*\})?[^/{}]+")


class Read(Struct, frozen=True):
    """One read: what, of the element with that number, by which name, and which values count.

    Elements are numbered as they are met; 0 is the part's own. `values` is None where all count.
    """

    what: int
    number: int = 0
    name: str = ""
    values: frozenset[str] | None = None


class ReadStep:
    """A read, and where each answer leads to: another step, or an end."""

    __slots__ = ("edges", "read")

    def __init__(self, read: Read) -> None:
        self.read = read
        self.edges: dict[Any, ReadStep | str] = {}


class DecisionTrees:
    """The trees of all rules; `steps` counts how large they are together."""

    def __init__(self) -> None:
        self._trees: dict[_Key, ReadStep | str] = {}
        self._steps = 0

    def clear(self) -> None:
        """Forget all."""
        self._trees.clear()
        self._steps = 0

    def may_find(
        self,
        rule: Rule,
        kind: type[Part],
        node: Node,
        position: SchemaPosition | None,
        world: World,
    ) -> bool:
        """Tell whether a rule may find something in the part of an element."""
        key = position, node.tag, rule.check
        tree = self._trees.get(key)
        end = None if tree is None else _followed(tree, node, world)
        if end is None:
            end = self._learn(key, rule, kind, node, world)
        return end is not SILENT

    def _learn(
        self,
        key: _Key,
        rule: Rule,
        kind: type[Part],
        node: Node,
        world: World,
    ) -> str:
        """Try a rule, and add to its tree what it read."""
        log = _Log(world)
        part = kind(log.element(node, key[0]), log.domain)  # type: ignore[arg-type]
        end = _tried(rule, part, log)
        if self._steps > _MOST_STEPS:
            self.clear()
        self._steps += 1 + len(log.reads)
        branch: dict[Any, Any] = self._trees
        edge: Any = key
        for read, answer in log.reads:
            step = branch.get(edge)
            if step is None:
                step = branch[edge] = ReadStep(read)
            branch, edge = step.edges, answer
        branch[edge] = end
        return end


def _followed(step: ReadStep | str, node: Node, world: World) -> str | None:
    """Follow a tree for an element; None where it does not lead on."""
    nodes = [node]
    while isinstance(step, ReadStep):
        read = step.read
        what = read.what
        answer: Any
        if what == GET:
            answer = nodes[read.number].get(read.name)
            if answer is not None and read.values is not None and answer not in read.values:
                return CALLED
        elif what == INSIDE:
            found = _inside(nodes[read.number], read.name)
            nodes += found
            answer = len(found)
        elif what == NAMES:
            answer = tuple(names_of(nodes[read.number]))
        elif what == TEXT:
            answer = nodes[read.number].text or None
            if answer is not None and answer not in (read.values or NO_VALUES):
                return CALLED
        else:
            answer = _answer(what, world)
        known = step.edges.get(answer)
        if known is None:
            return None
        step = known
    return step


def _inside(node: Node, name: str) -> list[Node]:
    return list(node) if name == ANY else [child for child in node if child.tag == name]


def _answer(what: int, world: World) -> object:
    target = world.target
    if what == ARCH:
        return target.arch
    if what == MACHINE:
        return target.machine
    if what == VIRTTYPE:
        return target.virttype
    return world.kept.setdefault("identity", object())


def _tried(rule: Rule, part: Part, log: _Log) -> str:
    try:
        found = next(rule.check(part), None)
    except NotVisible:
        return CALLED
    except Exception:  # noqa: BLE001 - whoever calls it in earnest tells what is wrong
        return CALLED
    # what could not be decided is noted for each domain
    return CALLED if found is not None or log.world.unknown else SILENT


class _Log:
    """What one trial reads, with the answers."""

    def __init__(self, world: World) -> None:
        self.reads: list[tuple[Read, Any]] = []
        self.world = world.again()
        self.domain: Any = _LoggedDomain(self)
        self._elements = 0

    def element(self, node: Node, position: SchemaPosition | None) -> _LoggedNode:
        """Number an element that was met."""
        number = self._elements
        self._elements += 1
        return _LoggedNode(self, number, node, position)

    def add(self, read: Read, answer: Any) -> None:
        """Note a read."""
        self.reads.append((read, answer))


class _LoggedDomain:
    """The target and the world of a domain, and nothing of its document."""

    def __init__(self, log: _Log) -> None:
        self._log = log
        self._known: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        raise NotVisible(name)

    def _note(self, what: int) -> None:
        if what not in self._known:
            self._known.add(what)
            self._log.add(Read(what), _answer(what, self._log.world))

    @property
    def world(self) -> World:
        """The world."""
        self._note(WORLD)
        return self._log.world

    @property
    def arch(self) -> str:
        """The guest's architecture."""
        self._note(ARCH)
        return self._log.world.target.arch

    @property
    def machine(self) -> str:
        """The machine type, by its canonical name."""
        self._note(MACHINE)
        return self._log.world.target.machine

    @property
    def virttype(self) -> str:
        """The virtualization type."""
        self._note(VIRTTYPE)
        return self._log.world.target.virttype


class _LoggedNode:
    """An element whose reads are noted; what is not visible ends the trial."""

    def __init__(self, log: _Log, number: int, node: Node, position: SchemaPosition | None) -> None:
        self._log = log
        self._number = number
        self._node = node
        self._position = position
        self._known: dict[Any, Any] = {}

    def __getattr__(self, name: str) -> Any:
        raise NotVisible(name)

    @property
    def tag(self) -> Any:
        """The element's name: it was found by it."""
        return self._node.tag

    @property
    def text(self) -> str | None:
        """The text, where there is none or it counts."""
        text = self._node.text or None
        values = NO_VALUES if self._position is None else self._position.texts
        if TEXT not in self._known:
            self._known[TEXT] = text
            self._log.add(Read(TEXT, self._number, "", values), text)
        if text is not None and text not in values:
            raise NotVisible("text")
        return text

    def keys(self) -> list[str]:
        """Give the names of the attributes."""
        names = names_of(self._node)
        if NAMES not in self._known:
            self._known[NAMES] = names
            self._log.add(Read(NAMES, self._number), tuple(names))
        return names

    def get(self, name: str, default: Any = None) -> Any:
        """Give an attribute, where it is absent or its value counts."""
        key = GET, name
        text = self._node.get(name)
        values = self._values(name)
        if key not in self._known:
            self._known[key] = text
            self._log.add(Read(GET, self._number, name, values), text)
        if text is None:
            return default
        if values is not None and text not in values:
            raise NotVisible(name)
        return text

    def _values(self, name: str) -> frozenset[str] | None:
        if name in TELLING:
            return _ANY_VALUE
        return NO_VALUES if self._position is None else self._position.values.get(name, NO_VALUES)

    def iterchildren(self, tag: str = ANY) -> Iterator[_LoggedNode]:
        """Give what is inside, of that name."""
        found = self._known.get(tag)
        if found is None:
            nodes = _inside(self._node, tag)
            self._log.add(Read(INSIDE, self._number, tag), len(nodes))
            if tag == ANY and nodes:
                # their names would be read as well
                raise NotVisible(ANY)
            position = self._position
            inner = None if position is None or not nodes else position.enter(tag)
            found = self._known[tag] = [self._log.element(node, inner) for node in nodes]
        return iter(found)

    def find(self, path: str) -> _LoggedNode | None:
        """Give the first element at a path."""
        return next(self.iterfind(path), None)

    def findall(self, path: str) -> list[_LoggedNode]:
        """Give all elements at a path."""
        return list(self.iterfind(path))

    def findtext(self, path: str, default: str | None = None) -> str | None:
        """Give the text of the first element at a path."""
        found = self.find(path)
        return default if found is None else found.text or ""

    def iterfind(self, path: str) -> Iterator[_LoggedNode]:
        """Give all elements at a path."""
        if not _NAMES.fullmatch(path):
            raise NotVisible(path)
        found = [self]
        for name in _NAME.findall(path):
            found = [inner for node in found for inner in node.iterchildren(name)]
        return iter(found)

    def __iter__(self) -> Iterator[_LoggedNode]:
        """Give what is inside."""
        return self.iterchildren()

    def __len__(self) -> int:
        """Count what is inside: it is as good as a look at all."""
        if len(self._node):
            raise NotVisible(ANY)
        return len(list(self.iterchildren()))
