"""Changes of the table's source that concern a predicate, as cosmic-ray makes them.

Of all the changes that cosmic-ray could make to the table, those are kept that change

* a statement at module level which makes a predicate, or an enum or element of predicates,
* a function that gives one to such a statement,
* a function that such a predicate looks with, and what that calls in turn.

Left out are operators that predicates don't have (a predicate has no quotient: the module could not
even be imported), more than one way to turn a comparison round, annotations, places in the document
(``order``), which have room between them, and what decides nothing of a report or a verdict: how
QEMU is told of something, advice, and drifts.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from domcaps.language import Choice, Element, Enum, Predicate

Place = tuple[int, int]
Span = tuple[Place, Place]

_FOREIGN = re.compile(
    r"ReplaceBinaryOperator_Bit(Or|And)_(?!BitOr|BitAnd)|ReplaceUnaryOperator_Invert_"
    r"|ReplaceBinaryOperator_(Add|Pow)"
    r"|ReplaceComparisonOperator_(Eq_(?!NotEq)|NotEq_(?!Eq)|Is_(?!IsNot)|IsNot_(?!Is$)|Gt_(?!GtE|LtE))"
)
_NO_PREDICATES = {"order", "told", "trials", "alone", "advice", "bios", "drifts", "at_start"}
"""Keywords whose values decide nothing of a report or a verdict."""
_MAKERS = {"Predicate", "Choice", "Enum", "Element"}
"""What a function gives that makes a part of the table."""
NOT_JUDGED = {"os_command_line", "fragments", "chardev_command_line", "drifts"}
"""Modules on which no report and no verdict depends: how QEMU is told of something, and drifts."""


class Mutant(NamedTuple):
    """One change: which operator of cosmic-ray, and at which of the places that it finds."""

    path: str
    operator: str
    occurrence: int
    start: Place
    end: Place

    @property
    def source(self) -> str:
        """The module as it is."""
        return Path(self.path).read_text()

    def changed(self) -> str:
        """Give the module's text with the change."""
        from cosmic_ray.mutating import mutate_code
        from cosmic_ray.plugins import get_operator

        text = mutate_code(self.source, get_operator(self.operator)(), self.occurrence)
        return str(text)

    @property
    def identity(self) -> str:
        """Stays the same as long as module and change do."""
        of = f"{self.operator} {self.occurrence} {self.source}"
        return f"{Path(self.path).stem}-{hashlib.sha256(of.encode()).hexdigest()[:16]}"


def mutants(spans: dict[str, list[Span]]) -> Iterator[Mutant]:
    """Give every change within some places of modules."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    for path, wanted in sorted(spans.items()):
        nodes = list(ast_nodes(get_ast(Path(path).read_text())))
        for name in operator_names():
            operator = get_operator(name)
            if _FOREIGN.search(name) or operator.arguments():
                continue
            found = (place for node in nodes for place in operator().mutation_positions(node))
            for occurrence, (start, end) in enumerate(found):
                if any(first <= start < last for first, last in wanted):
                    yield Mutant(path, name, occurrence, start, end)


def short_name(module: ModuleType) -> str:
    """Give the last part of a module's name."""
    return module.__name__.rpartition(".")[2]


def spans_of_predicates() -> dict[str, list[Span]]:
    """Give the places of the table's modules that concern predicates. Imports the table."""
    import domcaps.elements

    found: dict[str, list[Span]] = {}
    functions: set[FunctionType] = set()
    for loaded in domcaps.elements.modules():
        if short_name(loaded) in NOT_JUDGED:
            continue
        for value in vars(loaded).values():
            functions.update(_looks(value))
        tree = ast.parse(inspect.getsource(loaded))
        made = [node for node in tree.body if _makes(node, loaded)]
        found[inspect.getfile(loaded)] = _outside(made)
    for function in called(functions):
        path = function.__code__.co_filename
        if Path(path).stem not in NOT_JUDGED and "elements" in Path(path).parts:
            lines, first = inspect.getsourcelines(function)
            tree = ast.parse(Path(path).read_text())
            inside = range(first, first + len(lines))
            found.setdefault(path, []).extend(
                _outside([node for node in ast.walk(tree) if _is_function(node, inside)])
            )
    return {path: spans for path, spans in found.items() if spans}


def _is_function(node: ast.AST, lines: range) -> bool:
    return isinstance(node, ast.FunctionDef) and node.lineno in lines


def _makes(node: ast.stmt, module: ModuleType) -> bool:
    """Tell whether a statement makes a predicate, or what holds some."""
    if isinstance(node, ast.FunctionDef):
        made = ast.unparse(node.returns) if node.returns else ""
        return bool(set(re.findall(r"\w+", made)) & _MAKERS) and "Callable" not in made
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = (n for target in targets for n in ast.walk(target) if isinstance(n, ast.Name))
    return any(_is_of_predicates(getattr(module, name.id, None)) for name in names)


def _is_of_predicates(value: Any) -> bool:
    from domcaps.language import Choice, Element, Enum, Predicate

    if isinstance(value, dict):
        return any(map(_is_of_predicates, value.values()))
    if isinstance(value, tuple):
        return any(map(_is_of_predicates, value))
    return isinstance(value, Predicate | Choice | Enum | Element)


def _outside(nodes: list[ast.stmt] | list[ast.AST]) -> list[Span]:
    """Give the places of nodes without those parts of them that say nothing of predicates."""
    spans: list[Span] = []
    for node in nodes:
        first, last = _span(node)
        for hole_first, hole_last in sorted(_holes(node)):
            if hole_first >= first:
                spans.append((first, hole_first))
                first = hole_last
        spans.append((first, last))
    return spans


def _holes(node: ast.AST) -> Iterator[Span]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.keyword) and inner.arg in _NO_PREDICATES:
            yield _span(inner.value)
        if isinstance(inner, ast.AnnAssign):
            yield _span(inner.annotation)
        if isinstance(inner, ast.FunctionDef) and "Remedy" in ast.unparse(inner.returns or inner):
            yield _span(inner)
        elif isinstance(inner, ast.FunctionDef):
            # from the name to the body: parameters, annotations, and the docstring
            yield (inner.lineno, inner.col_offset), _span(inner.body[0])[0]


def _span(node: Any) -> Span:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def _looks(value: Predicate | Element | Enum | Choice | object) -> Iterator[FunctionType]:
    """Give the functions by which the predicates in a value look at the facts."""
    from domcaps.language import Element, Enum, Predicate

    if isinstance(value, Element):
        for predicate in value.predicates():
            yield from _looks(predicate)
    elif isinstance(value, Enum):
        for choice in value.choices:
            yield from _looks(choice.when)
    elif isinstance(value, dict | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _looks(inner)
    elif isinstance(value, Predicate):
        for part in (*getattr(value, "parts", ()), getattr(value, "part", None)):
            yield from _looks(part)
        yield from _functions(getattr(value, "look", None))


def _functions(value: object) -> Iterator[FunctionType]:
    if isinstance(value, partial):
        value = value.func
    value = getattr(value, "__wrapped__", value)
    if isinstance(value, FunctionType) and value.__module__.startswith("domcaps.elements"):
        yield value


def called(functions: set[FunctionType]) -> set[FunctionType]:
    """Give functions of the table with those that they call."""
    known: set[FunctionType] = set()
    left = list(functions)
    while left:
        function = left.pop()
        if function in known:
            continue
        known.add(function)
        for cell in function.__closure__ or ():
            left.extend(_functions(cell.cell_contents))
        for name in function.__code__.co_names:
            left.extend(_functions(function.__globals__.get(name)))
    return known
