"""Attempts are tried in few runs, and each gets the verdict that it deserves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from domcaps.elements.display import video
from domcaps.errors import RequestError
from domcaps.language import ALWAYS, NEVER, Choice, Drift, Element, Enum, Predicate
from domcaps.language.qemu_args import QemuArgs
from domcaps.verify import engine
from domcaps.verify.as_html import to_html, to_matrix
from domcaps.verify.as_json import from_json, to_json
from domcaps.verify.as_text import to_lines
from domcaps.verify.engine import TOGETHER, verify_target
from domcaps.verify.many import verify_all
from domcaps.verify.plan import Attempt
from domcaps.verify.result import NOT_TRIED, REFUSED, STARTS, Counts, Verification
from domcaps.verify.trying import Outcome
from fakes import emulator_record, world

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.language import World


class PretendedTrier:
    """Refuses what is told with certain words."""

    def __init__(self, *refused: str, doubtful: str = "?") -> None:
        self.refused = refused
        self.doubtful = doubtful
        self.runs: list[int] = []

    async def attempt(self, world: World, alternatives: Sequence[QemuArgs]) -> Outcome:
        self.runs.append(len(alternatives))
        await asyncio.sleep(0)
        for alternative in alternatives:
            if alternative.args in self.refused:
                return Outcome(REFUSED, f"{alternative.args}: no", (alternative.args,))
            if alternative.args == self.doubtful:
                return Outcome(NOT_TRIED, "who knows")
        return Outcome(STARTS)


MACHINE = Attempt("machine", True, (QemuArgs(),))


def attempt(name: str, promised: bool = True, *more: str, alone: bool = False) -> Attempt:
    alternatives = tuple(QemuArgs(words, alone=alone) for words in (name, *more))
    return Attempt(f"x.y={name}", promised, alternatives)


def verified(trier: PretendedTrier, *attempts: Attempt) -> Verification:
    return asyncio.run(verify_target(world(emulator_record()), (MACHINE, *attempts), trier))


def verdicts(found: Verification) -> dict[str, str]:
    return {tried.path.rpartition("=")[2]: tried.verdict for tried in found.tried}


def test_an_element_that_names_nothing_is_refused_before_anything_starts() -> None:
    with pytest.raises(RequestError, match="nothing to try of 'vidoe'") as refused:
        verify_all([world(emulator_record())], elements=["machine", "vidoe"])
    assert "video" in refused.value.remedy


def test_each_of_the_four_counts() -> None:
    trier = PretendedTrier("lie", "honest")
    found = verified(
        trier,
        attempt("kept"),
        attempt("lie"),
        attempt("honest", False),
        attempt("chance", False),
        Attempt("x.y=untried", True, (), "no such thing here"),
    )
    assert found.counts == Counts(kept=2, lies=1, refused=1, chances=1, not_tried=1)
    (lie,) = found.lies
    assert (lie.path, lie.message, lie.added) == ("x.y=lie", "lie: no", "lie")
    assert [one.path for one in found.chances] == ["x.y=chance"]
    assert found.unknown_lies == found.lies


def test_promises_share_runs_until_one_fails() -> None:
    trier = PretendedTrier()
    found = verified(trier, *(attempt(f"a{n}") for n in range(2 * TOGETHER)))
    assert trier.runs == [1, TOGETHER, TOGETHER]
    assert set(verdicts(found).values()) == {STARTS}


@pytest.mark.parametrize("culprit", range(TOGETHER))
def test_the_culprit_of_a_shared_run_is_found(culprit: int) -> None:
    trier = PretendedTrier(f"a{culprit}")
    found = verdicts(verified(trier, *(attempt(f"a{n}") for n in range(TOGETHER))))
    assert [name for name, verdict in found.items() if verdict == REFUSED] == [f"a{culprit}"]
    assert len(trier.runs) < TOGETHER


def test_what_is_not_promised_or_stands_alone_shares_no_run() -> None:
    trier = PretendedTrier()
    verified(trier, *(attempt(f"a{n}", False) for n in range(5)))
    assert trier.runs == [1] * 6
    trier = PretendedTrier()
    verified(trier, *(attempt(f"a{n}", alone=True) for n in range(5)))
    assert trier.runs == [1] * 6


def test_every_way_is_tried_until_one_starts() -> None:
    trier = PretendedTrier("pci", "ccw")
    assert verdicts(verified(trier, attempt("pci", True, "mmio")))["pci"] == STARTS
    assert verdicts(verified(trier, attempt("pci", True, "ccw")))["pci"] == REFUSED


def test_a_doubt_is_no_refusal() -> None:
    trier = PretendedTrier("pci", doubtful="slow")
    assert verdicts(verified(trier, attempt("pci", True, "slow")))["pci"] == NOT_TRIED


def test_a_machine_that_does_not_start_proves_nothing_else() -> None:
    found = verified(PretendedTrier("", doubtful="?"), attempt("a"), attempt("b", False))
    assert verdicts(found) == {"machine": REFUSED, "a": NOT_TRIED, "b": NOT_TRIED}
    assert "the machine itself does not start" in found.tried[1].message
    assert found.counts.lies == 1


def test_what_can_not_be_used_for_another_reason_is_refused() -> None:
    refuted = Attempt("x.y=a", True, (), "no program", refuted=True)
    found = verified(PretendedTrier(), refuted)
    assert verdicts(found)["a"] == REFUSED
    assert found.lies[0].message == "no program"


def test_progress_counts_every_attempt() -> None:
    qemu_args: list[int] = []
    attempts = (MACHINE, *(attempt(f"a{n}") for n in range(5)), attempt("b", False))
    target = world(emulator_record())
    asyncio.run(verify_target(target, attempts, PretendedTrier("a3"), qemu_args.append))
    assert sum(qemu_args) == len(attempts)


def _drifting(where: Predicate) -> Element:
    drift = Drift("listed", "refused", "seen", where=where)
    choices = (
        Choice("a", at_start=(drift,), qemu_args=QemuArgs("a")),
        Choice("b", qemu_args=QemuArgs("b")),
    )
    return Element("x", content=(Enum("y", choices),), at_start=(replace(drift, says="a limit"),))


@pytest.mark.parametrize(("where", "known"), [(ALWAYS, True), (NEVER, False)])
def test_a_lie_is_known_where_the_drift_list_has_it(
    where: Predicate, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domcaps.report.drift.table", lambda: (_drifting(where),))
    refused = attempt("a"), attempt("b"), Attempt("x limit", True, (QemuArgs("limit"),))
    found = verified(PretendedTrier("a", "b", "limit"), *refused)
    assert {tried.path: tried.known for tried in found.lies} == {
        "x.y=a": known,
        "x.y=b": False,
        "x limit": known,
    }
    assert ("x.y=a" in {t.path for t in found.unknown_lies}) is not known


def test_a_planted_promise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table says that QEMU has QXL, and it has not: that is what all of this is for."""
    from domcaps.elements import table
    from domcaps.verify.plan import plan

    planted = tuple(
        replace(choice, when=ALWAYS) if choice.name == "qxl" else choice
        for choice in video.MODEL_TYPE.choices
    )
    element = replace(video.ELEMENT, content=(replace(video.MODEL_TYPE, choices=planted),))
    monkeypatch.setattr(video, "ELEMENT", element)
    table.cache_clear()
    try:
        target = world(emulator_record(types=("VGA",)))
        attempts = plan(target, ["video"])
        refusing = PretendedTrier("-device qxl", "-device bochs-display")
        found = asyncio.run(verify_target(target, attempts, refusing))
    finally:
        monkeypatch.undo()
        table.cache_clear()
    assert [lie.path for lie in found.unknown_lies] == ["video.modelType=qxl"]


def test_json_there_and_back() -> None:
    found = verified(PretendedTrier("lie"), attempt("kept"), attempt("lie"))
    text = to_json([found])
    document = msgspec.json.decode(text)
    (one,) = document["verifications"]
    assert one["counts"]["lies"] == 1
    assert [t["disagreement"] for t in one["tried"] if "disagreement" in t] == ["lie"]
    assert from_json(text) == (found,)


def test_a_page_has_a_column_for_each_target_and_qemus_words() -> None:
    trier = PretendedTrier("lie", "no")
    tried = attempt("kept"), attempt("lie"), attempt("no", False), attempt("more", False)
    found = verified(trier, *tried), verified(trier, attempt("kept"))
    matrix = to_matrix(found)
    (machine, group) = matrix.groups
    states = {row.name: [cell.state for cell in row.cells] for row in group.rows}
    assert states["x.y=kept"] == ["advertised, works", "advertised, works"]
    assert states["x.y=lie"] == ["lie", "not in report"]
    assert states["x.y=no"] == ["not advertised, fails", "not in report"]
    assert states["x.y=more"] == ["missed chance", "not in report"]
    assert machine.name == "machine"
    assert len(matrix.columns) == 2
    html = to_html(found)
    assert html.startswith("<!DOCTYPE html>")
    assert "lie: no" in html


def test_text_says_what_disagrees_and_with_all_the_rest_too() -> None:
    found = verified(
        PretendedTrier("lie", "no"), attempt("kept"), attempt("lie"), attempt("no", False)
    )
    text = "\n".join(line for _, line in to_lines(found))
    assert "x.y=lie" in text
    assert "lie: no" in text
    assert "x.y=kept" not in text
    assert "1 promised and refused" in text
    everything = "\n".join(line for _, line in to_lines(found, everything=True))
    assert "x.y=kept" in everything
    assert "x.y=no" in everything
    assert engine.TOGETHER > 1
