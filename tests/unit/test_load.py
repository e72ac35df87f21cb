"""What a program loads for a first verdict: nothing that only running programs or writers need."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

from domcaps import elements
from domcaps.elements import contents, modules
from domcaps.language import Element
from domcaps.language.fix import Substitutes
from domcaps.language.part import Part
from domcaps.language.preference import Decision
from domcaps.language.rule import Rule
from domcaps.language.table import WideDrift

FOUND_BY_TYPE = (Element, Rule, Decision, Substitutes, WideDrift)

FIRST_VERDICT = """
import sys, domcaps
host = domcaps.Host.load(sys.argv[1])
host.validate("<domain type='kvm'><name>a</name><os><type>hvm</type></os></domain>")
print(*sorted(sys.modules))
"""
# what starts programs, what makes a report, and what writes most command lines
NOT_NEEDED = {
    "subprocess",
    "zipfile",
    "domcaps.facts.process",
    "domcaps.facts.trust",
    "domcaps.report.document",
    "domcaps.elements.network.interface_command_line",
    "domcaps.elements.storage.disk_command_line",
}


def test_a_verdict_loads_only_what_it_needs() -> None:
    recording = str(files("domcaps") / "recordings" / "sid-x86_64.domcaps")
    command = [sys.executable, "-c", FIRST_VERDICT, recording]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    loaded = set(shown.split())
    assert "domcaps.elements.display.video" in loaded
    assert loaded & NOT_NEEDED == set()


def test_modules_that_write_command_lines_state_nothing_of_the_table() -> None:
    """They are not loaded with the table, so nothing in them could be found."""
    listed = set(map(id, contents()))
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, FOUND_BY_TYPE) or (
                isinstance(value, type) and issubclass(value, Part)
            ):
                assert id(value) in listed, f"{module.__name__}: {name}"


def test_questions_of_command_lines_are_asked_too() -> None:
    names = elements.module_names()
    assert {module.__name__ for module in modules()} == set(names)
    assert any(name.endswith("_command_line") for name in names)
