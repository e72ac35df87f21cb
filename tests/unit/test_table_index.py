"""The index of the table: it is up to date, and what it leads to is what the whole table has."""

import subprocess
import sys
from pathlib import Path

import pytest

from domcaps import elements
from domcaps.elements import index
from domcaps.validate.catalogue.codes import code_named, codes
from domcaps.validate.schema import names, vocabulary

ROOT = Path(__file__).parents[2]


def test_it_is_what_the_tool_writes() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/index_table.py", "--check"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_code_is_the_same_as_in_the_whole_catalogue() -> None:
    for name, code in codes().items():
        assert code_named(name) == code


def test_no_code_of_a_rule_or_field_is_missing() -> None:
    indexed = {name for name, code in codes().items() if code.kind in {"rule", "field"}}
    assert {name for name in indexed if not index.modules_with_code(name)} == set()


def test_a_code_that_does_not_exist_is_none() -> None:
    assert code_named("no-such-code") is None


def test_elements_of_each_name_are_those_of_the_table() -> None:
    for name in {element.name for element in elements.table()}:
        assert index.places_of_element(name)
        found = elements.elements_named((name,))
        assert found == tuple(one for one in elements.table() if one.name == name)


def test_an_element_that_does_not_exist_is_not_found() -> None:
    assert elements.elements_named(("no-such-element",)) == ()


def test_what_is_not_where_the_index_says_is_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = "domcaps.elements.display.sound"
    code, element = "video-none-not-alone", "video"
    expected = codes()[code], elements.elements_named((element,))
    line = f"{elsewhere}\t{element}=VIDEO\t{code}\n"
    monkeypatch.setattr(index, "_text", lambda _: line)
    code_named.cache_clear()
    assert index.modules_with_code(code) == (elsewhere,)
    assert (code_named(code), elements.elements_named((element,))) == expected


def test_the_table_by_the_index_is_the_whole_table() -> None:
    assert list(map(id, elements.table())) == list(map(id, elements.made_table()))
    assert elements.questions() == elements.made_questions()


def test_without_the_files_all_modules_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_text", lambda _: "")
    assert index.modules_with_elements() == ()
    assert elements.table.__wrapped__() == elements.made_table()
    assert elements.questions.__wrapped__() == elements.made_questions()


@pytest.mark.parametrize(
    "program",
    [
        "from domcaps.validate.catalogue.codes import code_named; code_named('{}')".format(
            "video-none-not-alone"
        ),
        "from domcaps.elements import elements_named; elements_named(('video',))",
    ],
)
def test_what_it_leads_to_loads_a_small_part_of_the_table(program: str) -> None:
    assert _loaded(program) < len(elements.module_names()) / 4


def test_a_report_loads_a_part_of_the_table_and_the_questions_nothing() -> None:
    assert _loaded("from domcaps.elements import questions; questions()") < 5
    report = "from domcaps.elements import table; table()"
    assert _loaded(report) < len(elements.module_names()) / 3


def _loaded(program: str) -> int:
    """Count the modules of the table that a program loads."""
    count = "import sys; print(sum(m.startswith('domcaps.elements.') for m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{count}"],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    return int(done.stdout)


def test_the_list_of_names_has_all_places() -> None:
    listed, made = vocabulary.vocabulary(), vocabulary.made_vocabulary()
    mark = vocabulary.fingerprint()
    assert names.listed_places(mark) is not None
    assert names.list_of(listed, mark) == names.list_of(made, mark)


def test_a_list_of_other_names_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_text", lambda: "/domain/hologram @depth\n")
    vocabulary.pieces.cache_clear()
    vocabulary.vocabulary.cache_clear()
    try:
        assert names.listed_places(vocabulary.fingerprint()) is None
        assert vocabulary.vocabulary().children["hologram"].attributes == {"depth"}
    finally:
        vocabulary.pieces.cache_clear()
        vocabulary.vocabulary.cache_clear()
