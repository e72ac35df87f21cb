"""Leave to cosmic-ray only what concerns predicates: ``mutation_filter.py SESSION``.

Of all the changes that cosmic-ray could make to the table, those are kept that change a statement
at module level which makes a predicate, or an enum or element of predicates, or a function that
such a predicate looks with. Left out are operators that predicates don't have (a predicate has no
quotient: the module could not even be imported), more than one way to turn a comparison round, and
places in the document (``order``), which have room between them: one more changes nothing.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import logging
import pkgutil
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmic_ray.tools.filters.filter_app import FilterApp
from cosmic_ray.work_item import WorkerOutcome, WorkResult

import domcaps.elements
from domcaps.language import Choice, Element, Enum, Predicate

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOREIGN = re.compile(
    r"ReplaceBinaryOperator_Bit(Or|And)_(?!BitOr|BitAnd)|ReplaceUnaryOperator_Invert_"
    r"|ReplaceBinaryOperator_(Add|Pow)|ReplaceComparisonOperator_(Eq_(?!NotEq)|Gt_(?!GtE|LtE))"
)


def predicate_lines() -> dict[str, set[int]]:
    """Give the lines of each module of the table that make predicates."""
    found: dict[str, set[int]] = {}
    for module in pkgutil.iter_modules(domcaps.elements.__path__):
        name = f"{domcaps.elements.__name__}.{module.name}"
        loaded = importlib.import_module(name)
        path = Path(inspect.getfile(loaded))
        lines: set[int] = set()
        for statement in ast.parse(path.read_text()).body:
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                values = [getattr(loaded, target, None) for target in _targets(statement)]
                if any(_is_of_predicates(value) for value in values):
                    lines.update(range(statement.lineno, (statement.end_lineno or 0) + 1))
        found.setdefault(str(path), set()).update(lines)
        for value in vars(loaded).values():
            for look in _looks(value):
                code = look.__code__
                body, first = inspect.getsourcelines(code)
                found.setdefault(code.co_filename, set()).update(range(first, first + len(body)))
    return found


def places(path: Path) -> set[tuple[int, int]]:
    """Give where a module says at which place of the document something stands."""
    return {
        (node.value.lineno, node.value.col_offset)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.keyword) and node.arg == "order"
    }


def _targets(statement: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                yield node.id


def _is_of_predicates(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_of_predicates, value.values()))
    if isinstance(value, tuple):
        return any(map(_is_of_predicates, value))
    return isinstance(value, Predicate | Choice | Enum | Element)


def _looks(value: Any) -> Iterator[Any]:
    """Give the functions by which the predicates in a value look at the facts."""
    if isinstance(value, Element):
        for predicate in value.predicates():
            yield from _looks(predicate)
    elif isinstance(value, Enum):
        for choice in value.choices:
            yield from _looks(choice.when)
    elif isinstance(value, Predicate):
        for part in (*getattr(value, "parts", ()), getattr(value, "part", None)):
            yield from _looks(part)
        if inspect.isfunction(look := getattr(value, "look", None)):
            yield look


class PredicateFilter(FilterApp):  # type: ignore[misc]
    """Skips all mutations of anything else."""

    def description(self) -> str:
        """Say what it does."""
        return __doc__ or ""

    def filter(self, work_db: Any, _args: Any) -> None:
        """Mark what is not to be run as skipped."""
        lines = {Path(path).resolve(): numbers for path, numbers in predicate_lines().items()}
        orders = {path: places(path) for path in lines}
        kept = 0
        for item in list(work_db.pending_work_items):
            mutation = item.mutations[0]
            path = Path(mutation.module_path).resolve()
            concerned = mutation.start_pos[0] in lines.get(path, set())
            foreign = _FOREIGN.search(mutation.operator_name)
            if concerned and not foreign and mutation.start_pos not in orders[path]:
                kept += 1
                continue
            work_db.set_result(
                item.job_id, WorkResult(output="no predicate", worker_outcome=WorkerOutcome.SKIPPED)
            )
        logging.getLogger(__name__).warning("%d mutations of predicates", kept)


if __name__ == "__main__":
    sys.exit(PredicateFilter().main(sys.argv[1:]))
