"""What checks found, by what they read of documents: a tree of traces for each check.

An inner node of a tree is an operation on the document, its branches are the answers, and at each
node are the traces of hosts that hold for all documents which lead there. Elements have *handles*:
numbers in the order in which operations first answered with them. So a document is judged by a few
operations, whatever else it consists of; a check runs only where an answer was never met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.fleet.tracking.reads import ONE, PLAIN, DocumentReads, Operation, is_in_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.fleet.partitions import Partition
    from domcaps.fleet.tracking.recorder import Asked, ReadFrame
    from domcaps.fleet.units import UnitOutcome, UnitTrace

_FIRST_ANSWERS, _PER_HIT = 16, 4
"""Answers to an operation that are learned before any is met again, and more for each that is: a
name or a path is met once."""

_MOST_TEXTS = 64
"""Answers to an operation after which a check that reads no host is sooner made than looked up."""

_MOST_ANSWERS = 128

PART = 1
"""The handle of the part's own element: 0 is the document, 2 is the domain's element."""


class Handles:
    """The elements of one document that a trace has come to, by handle."""

    __slots__ = ("_document", "_numbers", "nodes")

    def __init__(self, document: DocumentReads, part: Node) -> None:
        self._document = document
        self.nodes: list[Node | None] = [None, part, document.root]
        self._numbers: dict[Node | None, int] = {None: 0, document.root: 2, part: PART}

    def of(self, node: Node | None) -> int:
        """Give the handle of an element; raises `KeyError` where no operation gave it."""
        return self._numbers[node]

    def _handle(self, node: Node) -> int:
        known = self._numbers.get(node)
        if known is None:
            known = self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return known

    def answer(self, operation: Operation, handle: int, argument: Any) -> Any:
        """Make an operation; elements are answered by their handles."""
        found = operation.ask(self._document, self.nodes[handle], argument)
        if operation.answers == PLAIN:
            return found
        if operation.answers == ONE:
            return None if found is None else self._handle(found)
        return tuple([self._handle(node) for node in found])


class TraceNode:
    """One node of a tree; `found` has for each table what is found on all of its hosts.

    `beyond` tells that more was read on the way than the shape of the part, `hits` how often a
    document had an answer that was known.
    """

    __slots__ = ("argument", "beyond", "branches", "found", "handle", "hits", "operation", "traces")

    def __init__(self, *, beyond: bool) -> None:
        self.operation: Operation | None = None
        self.handle = 0
        self.argument: Any = None
        self.branches: dict[Any, TraceNode] = {}
        self.traces: list[UnitTrace] = []
        self.found: dict[int, Partition] = {}
        self.beyond = beyond
        self.hits = 0

    def can_grow(self, most: int) -> bool:
        """Tell whether one more answer may be learned."""
        return len(self.branches) < min(most, _FIRST_ANSWERS + _PER_HIT * self.hits)


class Followed(NamedTuple):
    """Where a document leads to, by the operations of the `trail`.

    `can_grow` tells whether one more answer may be learned there.
    """

    at: TraceNode
    partition: Partition | None
    can_grow: bool
    trail: list[Asked]


class TraceTree:
    """The traces of one check of the parts of one class."""

    def __init__(self) -> None:
        self._root = TraceNode(beyond=False)
        self._reads_hosts = False
        self.size = 1

    def clear(self) -> None:
        """Forget all."""
        self._root = TraceNode(beyond=False)
        self.size = 1

    def follow(self, handles: Handles, table: int) -> Followed:
        """Follow a document, as far as its answers are known, or all hosts of a table are."""
        at, nodes = self._root, handles.nodes
        trail: list[Asked] = []
        while True:
            known = at.found.get(table)
            operation = at.operation
            if known is not None or operation is None:
                return Followed(at, known, can_grow=True, trail=trail)
            trail.append((operation, nodes[at.handle], at.argument))
            inner = at.branches.get(handles.answer(operation, at.handle, at.argument))
            if inner is None:
                most = _MOST_ANSWERS if self._reads_hosts else _MOST_TEXTS
                return Followed(at, None, at.can_grow(most), trail)
            at.hits += 1
            at = inner

    def path(self, handles: Handles) -> Iterator[TraceNode]:
        """Give all nodes that a document leads to."""
        at: TraceNode | None = self._root
        while at is not None:
            yield at
            if at.operation is None:
                return
            at = at.branches.get(handles.answer(at.operation, at.handle, at.argument))

    def add(
        self, handles: Handles, frame: ReadFrame, trace: Callable[[Handles], UnitTrace]
    ) -> UnitTrace:
        """Add what was found for a document; raises `KeyError` for an element without a handle.

        What others read on the way is asked of this document, too: it decides where it leads.
        """
        left, at = dict(frame.document), self._root
        while left:
            if at.operation is None:
                operation, node, argument = next(iter(left))
                at.handle, at.argument = handles.of(node), argument
                at.operation = operation
            left.pop((at.operation, handles.nodes[at.handle], at.argument), None)
            at = self._branch(at, handles)
        made = trace(handles)
        self._reads_hosts |= bool(made.reads)
        at.traces.append(made)
        return made

    def _branch(self, at: TraceNode, handles: Handles) -> TraceNode:
        operation, node = at.operation, handles.nodes[at.handle]
        assert operation is not None  # noqa: S101 - for the type checker
        answer = handles.answer(operation, at.handle, at.argument)
        inner = at.branches.get(answer)
        if inner is None:
            part: Any = handles.nodes[PART]
            beyond = at.beyond or not is_in_shape(operation, node, at.argument, part)
            inner = at.branches[answer] = TraceNode(beyond=beyond)
            self.size += 1
        return inner


def with_handles(outcome: UnitOutcome, nodes: list[Node], handles: Handles) -> UnitOutcome:
    """Give an outcome with the handles of its elements; `nodes` are those of its findings."""
    if not outcome.found:
        return outcome
    pairs = zip(outcome.found, nodes, strict=True)
    return outcome._replace(
        found=tuple([one._replace(element=handles.of(node)) for one, node in pairs])
    )
