"""The table: every file reads alone, and adding to one changes the report and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from msgspec.structs import replace

import domcaps.elements
from domcaps.elements import choices, made_questions, modules, questions, table
from domcaps.elements.display import video
from domcaps.facts.question import device_properties_of
from domcaps.language import Choice, Element, Enum, parse_dialect
from domcaps.language.changes.boot import FIRMWARE_REWORKED
from domcaps.language.observed import device, device_property
from domcaps.report.answer import EnumAnswer, evaluate
from fakes import emulator_record, world

ROOT = Path(domcaps.elements.__file__).parent
FILES = sorted(ROOT.rglob("[a-z]*.py"))
ELEMENT_FILES = [path for path in FILES if "Element(" in path.read_text()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert len(docstring) > 30


@pytest.mark.parametrize("path", ELEMENT_FILES, ids=lambda path: path.stem)
def test_every_element_shows_what_a_domain_writes(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert "::" in docstring
    assert "<" in docstring


def test_every_element_file_is_found() -> None:
    found = {Path(str(module.__file__)): module for module in modules()}
    assert set(found) == set(FILES)
    listed = set(map(id, table()))
    for path in ELEMENT_FILES:
        elements = [value for value in vars(found[path]).values() if isinstance(value, Element)]
        assert any(id(element) in listed for element in elements), path


def test_no_two_elements_claim_the_same_place_in_one_dialect() -> None:
    for dialect in (parse_dialect("11.3"), parse_dialect("12.8")):
        spoken = [e for e in table() if dialect.has_between(e.since, e.until)]
        places = [(element.place, element.order) for element in spoken]
        assert len(places) == len(set(places))
        assert len({element.name for element in spoken}) == len(spoken)


def test_every_choice_has_a_path_of_its_own_in_each_dialect() -> None:
    for text in ("11.3", "12.8"):
        dialect = parse_dialect(text)
        paths = [
            path
            for element in table()
            if dialect.has_between(element.since, element.until)
            for path, choice in element.choices()
            if dialect.has_between(choice.since, choice.until)
        ]
        assert len(paths) == len(set(paths))
        assert "video.modelType=virtio" in paths


def test_drift_carries_its_evidence() -> None:
    noted = {path: (*choice.drifts, *choice.at_start) for path, choice in choices()}
    assert noted["filesystem.driverType=handle"]
    assert noted["tpm.backendVersion=1.2"]
    assert all(d.says and d.but and d.evidence for drifts in noted.values() for d in drifts)


def test_a_new_device_is_one_line_in_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a model that needs a new property: the report follows, and what a probe is to ask."""
    when = device("hologram") & device_property("hologram", "depth")
    model_type = replace(
        video.MODEL_TYPE, choices=(*video.MODEL_TYPE.choices, Choice("hologram", when))
    )
    monkeypatch.setattr(video, "ELEMENT", replace(video.ELEMENT, content=(model_type,)))
    table.cache_clear()
    questions.cache_clear()
    try:
        assert device_properties_of("hologram") in made_questions()
        (element,) = (element for element in table() if element.name == "video")
        answers = {device_properties_of("hologram"): [{"name": "depth"}]}
        emulator = emulator_record(types=("VGA", "hologram"), answers=answers)
        section = evaluate(element, world(emulator))
        assert section is not None
        assert section.parts == (EnumAnswer("modelType", ("vga", "none", "hologram")),)
    finally:
        monkeypatch.undo()
        table.cache_clear()
        questions.cache_clear()


OBSERVING = {"device", "device_property", "object_property", "qom_type", "qapi", "option"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_predicates_stand_where_a_probe_finds_them(path: Path) -> None:
    """A predicate made inside a rule would not be asked about: it must stand at the top."""
    tree = ast.parse(path.read_text())
    for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
        returns = ast.unparse(function.returns) if function.returns else ""
        if returns in {"Predicate", "Choice"}:
            continue  # makes predicates for the top of a module
        made = {
            call.func.id
            for call in ast.walk(function)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        }
        assert not made & OBSERVING, f"{function.name} makes a predicate"


def test_an_element_that_is_not_supported_says_so_and_no_more() -> None:
    (tpm,) = (element for element in table() if element.name == "tpm")
    section = evaluate(tpm, world())
    assert section is not None
    assert section.supported is False
    assert section.parts == ()


def test_an_enum_that_older_libvirt_lacks_is_left_out() -> None:
    element = Element("x", content=(Enum("new", (Choice("a"),), since=FIRMWARE_REWORKED),))
    older, newer = (evaluate(element, world(libvirt=text)) for text in ("11.10", "12.0"))
    assert older is not None
    assert newer is not None
    assert older.parts == ()
    assert newer.parts == (EnumAnswer("new", ("a",)),)
