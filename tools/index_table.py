"""Write what is made of the table beforehand: ``python tools/index_table.py [--check]``.

These are ``elements/index.txt``, ``elements/questions.txt`` and ``elements/schema/names.txt``. With
``--check`` they are compared with the table, and the exit code is 1 where they differ.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from importlib import import_module
from pathlib import Path

from domcaps import elements
from domcaps.elements.index import FILE, QUESTIONS, IndexedModule, list_of_questions
from domcaps.language.rule import Rule
from domcaps.validate.catalogue.codes import codes_of_part
from domcaps.validate.catalogue.rules import parts, rules
from domcaps.validate.schema import names
from domcaps.validate.schema.vocabulary import fingerprint, made_vocabulary

INDEX = Path(elements.__file__).with_name(FILE)
ASKED = INDEX.with_name(QUESTIONS)
NAMES = Path(elements.__file__).parent / "schema" / names.FILE


def lines() -> str:
    """Give the content of the file."""
    return "".join(module.line() for module in indexed())


def indexed() -> list[IndexedModule]:
    """Give every module in which elements, rules or parts stand, in the order of their names."""
    codes, places = _codes(), _elements()
    names = sorted({*codes, *places})
    return [
        IndexedModule(name, tuple(places.get(name, ())), tuple(sorted(codes.get(name, ()))))
        for name in names
    ]


def _codes() -> dict[str, set[str]]:
    """Give the codes of each module: of the rules at its top, and of the parts that it defines."""
    known = {id(rule) for of_part in rules().values() for rule in of_part}
    found: dict[str, set[str]] = defaultdict(set)
    for name in _modules():
        for value in vars(import_module(name)).values():
            if isinstance(value, Rule) and id(value) in known:
                found[name].add(value.code)
    for part in parts():
        found[part.__module__].update(code.name for code in codes_of_part(part))
    return found


def _elements() -> dict[str, list[tuple[str, str]]]:
    """Give the elements of the report by module, each with the name that it has there."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    left = {id(element): element for element in elements.made_table()}
    for name in _modules():
        for variable, value in vars(import_module(name)).items():
            element = left.pop(id(value), None)
            if element is not None:
                found[name].append((element.name, variable))
    return found


def _modules() -> list[str]:
    return [name for name in elements.module_names() if not name.endswith("_command_line")]


def name_list() -> str:
    """Give the content of the list of names."""
    return names.list_of(made_vocabulary(), fingerprint())


def main() -> int:
    """Write the files, or compare them."""
    asked = list_of_questions(elements.made_questions())
    made = {INDEX: lines(), ASKED: asked, NAMES: name_list()}
    if "--check" not in sys.argv[1:]:
        for file, text in made.items():
            file.write_text(text)
        return 0
    old = [file.name for file, text in made.items() if not _has(file, text)]
    if old:
        print(f"{' and '.join(old)} is not up to date; run python tools/index_table.py")
    return int(bool(old))


def _has(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
