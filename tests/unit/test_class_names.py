"""One class name has one meaning: a name that a second class takes is refused."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import domcaps

ROOT = Path(domcaps.__file__).parent


def class_names() -> Counter[str]:
    """Count the classes of each name that modules of the package define at their top."""
    return Counter(
        node.name
        for path in ROOT.rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )


def test_no_other_class_takes_a_name() -> None:
    twice = {name for name, number in class_names().items() if number > 1}
    assert twice == set(), "another class has this name: choose one that tells them apart"
