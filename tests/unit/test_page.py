"""Pages: all of a matrix is in them, nothing of it can become script, and they fetch nothing."""

from __future__ import annotations

import json
import re

import pytest

from domcaps.facts.record import HostRecord
from domcaps.page.html import to_html
from domcaps.page.matrix import (
    Block,
    Column,
    Matrix,
    MatrixCell,
    MatrixGroup,
    MatrixRow,
    ReasonNode,
    State,
)
from domcaps.report.flat import flatten
from domcaps.report.matrix import Asked, capability_matrix
from domcaps.text import harmless
from fakes import emulator_record, world
from pages import data_of
from plain_hosts import open_plain

HOSTILE = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(1)> & \u2028 \" ' \ud800"


def matrix_of(text: str) -> Matrix:
    tree = ReasonNode("yes", text, text, (ReasonNode("no", text),))
    cell = MatrixCell("yes", text, (Block(text, (text,), tree),))
    return Matrix(
        title=text,
        states=(State("yes", "✓", "good"), State("no", "✗", "bad")),
        columns=(Column(text, ((text, text),)),),
        groups=(MatrixGroup(text, (MatrixRow(text, (cell,)),)),),
        about=text,
    )


def test_no_string_can_become_script() -> None:
    page = to_html(matrix_of(HOSTILE))
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page
    assert "\u2028" not in page.split("<main")[1]
    # half a character can't be written as UTF-8, and a line separator is no look of its own
    assert harmless(HOSTILE) in data_of(page)["texts"]
    page.encode()


def test_nothing_is_fetched_and_only_what_is_named_by_its_hash_has_an_effect() -> None:
    page = to_html(matrix_of("plain"))
    assert not re.search(r"(src|href)=|url\(|@import|https?:", page.split("<main")[0])
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src &#x27;none&#x27;" in policy[1]
    assert "unsafe" not in policy[1]
    assert len(re.findall("sha256-", policy[1])) == 2


def test_the_same_matrix_gives_the_same_page() -> None:
    assert to_html(matrix_of("plain")) == to_html(matrix_of("plain"))


def test_what_is_alike_is_written_once() -> None:
    one = Asked(world(emulator_record(types=("VGA",))), "one")
    pages = [to_html(capability_matrix([one] * count)) for count in (1, 20)]
    assert len(pages[1]) < 2 * len(pages[0])
    content = data_of(pages[1])
    assert len(content["columns"]) == 20
    for name in ("cells", "nodes", "texts"):
        written = [json.dumps(thing) for thing in content[name]]
        assert len(written) == len(set(written)), name


def test_a_node_is_written_after_what_is_below_it() -> None:
    nodes = data_of(to_html(capability_matrix([Asked(world())])))["nodes"]
    assert any(below for *_, below in nodes)
    for number, (*_, below) in enumerate(nodes):
        assert all(inner < number for inner in below)


@pytest.mark.parametrize("name", ["debian12-x86_64", "sid-s390x"])
def test_the_matrix_says_what_the_report_says(name: str) -> None:
    host = open_plain(name)
    matrix = capability_matrix([Asked(host.world())])
    cells = {row.name: row.cells[0] for group in matrix.groups for row in group.rows}
    statements = flatten(host.domain_capabilities().document)
    for path, value in statements.items():
        assert value in {cells[path].state, cells[path].text}, path
    # and there is nothing said to be so that the report does not say
    said = {path for path, cell in cells.items() if cell.state in {"yes", "value"}}
    assert said <= set(statements) | {path for path, cell in cells.items() if cell.blocks}


def test_every_yes_and_no_has_its_reason_and_a_no_what_would_help() -> None:
    matrix = capability_matrix([Asked(world())])
    cells = [cell for group in matrix.groups for row in group.rows for cell in row.cells]
    reasoned = [cell for cell in cells if cell.blocks]
    assert len(reasoned) > 100
    for cell in reasoned:
        assert cell.blocks[-1].tree is not None
        if cell.state == "no":
            assert cell.blocks[0].lines


def test_columns_are_named_by_what_tells_them_apart() -> None:
    pc, q35 = (world(machine=name) for name in ("pc-i440fx-9.9", "pc-q35-9.9"))

    def names(*columns: Asked) -> list[str]:
        return [column.name for column in capability_matrix(columns).columns]

    assert names(Asked(pc, "a"), Asked(q35, "a")) == ["pc-i440fx-9.9", "pc-q35-9.9"]
    assert names(Asked(pc, "/x/a.domcaps"), Asked(q35, "shipped:b")) == ["a", "b"]
    assert len(set(names(*(Asked(w, h) for w in (pc, q35) for h in "ab")))) == 4


def test_what_a_hostile_host_asserts_stays_text() -> None:
    host = HostRecord(arch="x86_64", asserted={"os.loader": ("</script><b>",)})
    page = to_html(capability_matrix([Asked(world(host=host), "<b>")]))
    assert "<b>" not in page
    assert "os.loader: </script><b>" in data_of(page)["texts"]
