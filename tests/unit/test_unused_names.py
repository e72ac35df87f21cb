"""Every name at the top of a module is used: in the source, or because it is part of the table."""

from __future__ import annotations

import ast
import functools
import importlib
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import domcaps
from domcaps import elements
from domcaps.language import Element
from domcaps.language.change import LibvirtChange
from domcaps.language.conversion import OnBoard
from domcaps.language.fix import Substitutes
from domcaps.language.part import Part
from domcaps.language.preference import Decision
from domcaps.language.rule import PartReason, Rule
from domcaps.language.table import WideDrift
from domcaps.validate.catalogue.codes import WELL_FORMED

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(domcaps.__file__).parent
# what is found in the table by its type: nobody names it
FOUND = (Element, Decision, Rule, Substitutes, WideDrift, LibvirtChange, OnBoard, PartReason)
# what tests hold the source to: the form of codes, every check without what only saves time
# what pytest calls by name
HOOKS = {"pytest_addoption"}
FOR_TESTS = {"WELL_FORMED", "all_checks"}


# not at the top: that is run by every process that lists the tests
@functools.cache
def source() -> dict[Path, ast.Module]:
    """Give the package's modules."""
    return {path: ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}


def tools() -> Iterator[ast.Module]:
    """Give the tools."""
    return (ast.parse(path.read_text()) for path in (ROOT.parents[1] / "tools").glob("*.py"))


def used() -> Counter[str]:
    """Count how often each name is read, also in annotations that are text."""
    counted: Counter[str] = Counter()
    for tree in (*source().values(), *tools()):
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                counted[node.id] += 1
            elif isinstance(node, ast.Attribute):
                counted[node.attr] += 1
            elif isinstance(node, ast.Constant) and is_reference(node.value):
                counted.update(re.findall(r"\w+", node.value))
    return counted


def is_reference(value: object) -> TypeGuard[str]:
    """Tell whether a constant may name something: an annotation that is text, ``module:name``."""
    return isinstance(value, str) and bool(re.fullmatch(r"[\w.:\[\], |]{1,80}", value))


def defined() -> Iterator[tuple[Path, str]]:
    """Give every name that a module defines at its top, but for decorated functions."""
    for path, tree in source().items():
        for node in tree.body:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        yield path, target.id
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield path, node.target.id
            elif isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list:
                yield path, node.name


def is_found(path: Path, name: str) -> bool:
    """Tell whether a name is part of a table that is searched by type."""
    module = importlib.import_module(
        "domcaps." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
    )
    value = getattr(module, name, None)
    several = value if isinstance(value, tuple) else (value,)
    if several and all(isinstance(one, FOUND) for one in several):
        return True
    return isinstance(value, type) and issubclass(value, Part)


def test_no_name_is_unused() -> None:
    counted = used()
    public = set(domcaps.__all__) | FOR_TESTS | HOOKS
    unused = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, name in defined()
        if not counted[name]
        and name not in public
        and not name.startswith("__")
        and not is_found(path, name)
    ]
    assert unused == []


def test_the_pattern_of_codes_is_there_for_a_test() -> None:
    assert WELL_FORMED.fullmatch("disk-bus-unsupported")


def test_predicates_in_tables_are_asked_about() -> None:
    """A predicate need not have a name of its own for the probe to ask what it wants to know."""
    from domcaps.elements.controllers.models import USB_DEVICES
    from domcaps.elements.placement.pci_controllers import DEVICES

    for table in (USB_DEVICES, DEVICES):
        for predicate in table.values():
            assert set(predicate.questions()) <= elements.questions()
