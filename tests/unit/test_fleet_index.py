"""An index of verdicts: a second run asks only what no earlier one tells."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import pytest
from test_fleet_verdicts import samples

from domcaps.errors import FleetError
from domcaps.fleet.ask import UnitCounts, ask
from domcaps.fleet.fleet import Fleet, verdicts_of
from domcaps.fleet.portable import kept_traces
from fleet_hosts import fleet, replace

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """<domain type='{}'><name>guest-{}</name><memory>{}</memory><vcpu>{}</vcpu>
<os{}><type arch='x86_64' machine='{}'>hvm</type></os><devices>{}
<disk type='file'><source file='/a/{}'/><target dev='vda' bus='virtio'/></disk></devices>
</domain>"""
DEVICES = (
    "", "<video><model type='qxl'/></video>", "<graphics type='vnc' port='x'/>",
    "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>",
)  # fmt: skip


def documents(count: int = 12) -> list[tuple[str, bytes]]:
    found = []
    for n in range(count):
        kind, machine = ("kvm", "qemu", "kvm", "xen")[n % 4], ("q35", "pc", "none-such")[n % 3]
        efi = " firmware='efi'" if n % 5 == 0 else ""
        text = TEXT.format(kind, n, 1 << (n % 30), n * 20, efi, machine, DEVICES[n // 2 % 4], n)
        found.append((f"d{n}", text.encode()))
    return [*found, ("broken", b"<domain"), ("same", found[0][1])]


@pytest.fixture
def made(tmp_path: Path) -> Fleet:
    found = Fleet.open(tmp_path / "store")
    for name, recording in fleet(4, seed=9).items():
        found.add(recording, name)
    return found


def told(made: Fleet, answers: Any) -> dict[str, Any]:
    """Give all verdicts as text, and the hosts that accept."""
    data = dict(documents())
    hosts = Fleet.open(made.store.place).hosts
    return {
        answer.name: (
            answer.accepting,
            sorted(map(str, verdicts_of(answer, hosts, data[answer.name]))),
        )
        for answer in answers
    }


def run(made: Fleet, index: Path | None) -> tuple[dict[str, Any], int]:
    counts = UnitCounts()
    return told(made, ask(made.store.place, documents(), counts=counts, index=index)), counts.units


def test_a_second_run_gives_the_same_and_asks_only_what_has_no_plan(
    made: Fleet, tmp_path: Path
) -> None:
    plain, _ = run(made, None)
    first, units = run(made, tmp_path / "index")
    assert first == plain
    assert units
    again, units = run(made, tmp_path / "index")
    assert again == plain
    # a broken document, and those of a type that is near to none
    assert units == 1


def test_what_checks_read_can_be_kept(made: Fleet) -> None:
    """A read that has no form in bytes would have its domains asked again each time."""
    engine, texts = made.engine(), samples()
    for number, data in enumerate(random.Random(5).sample(texts, 90)):  # noqa: S311
        _, plan = engine.planned(str(number), data)
        for partition, _, _ in plan.results if plan is not None else ():
            assert kept_traces(partition, {}) is not None, data


def test_a_second_run_makes_no_check(
    made: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [one for one in documents() if b"'xen'" not in one[1] and b"none-such" not in one[1]]
    first = list(ask(made.store.place, asked, index=tmp_path / "index"))
    monkeypatch.setattr("domcaps.fleet.judging.Judge.judged", None)
    again = {
        answer.name: answer.accepting
        for answer in ask(made.store.place, asked, index=tmp_path / "index")
    }
    assert again == {answer.name: answer.accepting for answer in first}


def test_a_host_that_changed_is_asked_alone(made: Fleet, tmp_path: Path) -> None:
    run(made, tmp_path / "index")
    name, recording = next(iter(fleet(1, seed=77).items()))
    kvm = replace(recording.host.kvm, max_vcpus=7)
    made.add(replace(recording, host=replace(recording.host, kvm=kvm)), name)
    plain, _ = run(made, None)
    changed, _ = run(made, tmp_path / "index")
    assert changed == plain
    again, units = run(made, tmp_path / "index")
    assert again == plain
    assert units == 1


def test_a_host_that_became_like_another_costs_nothing(made: Fleet, tmp_path: Path) -> None:
    run(made, tmp_path / "index")
    names = list(fleet(4, seed=9))
    made.add(fleet(4, seed=9)[names[3]], names[1])
    plain, _ = run(made, None)
    changed, units = run(made, tmp_path / "index")
    assert changed == plain
    assert units == 1


def test_hosts_that_come_and_go(made: Fleet, tmp_path: Path) -> None:
    few = list(made.hosts.names[:2])
    index = tmp_path / "index"
    list(ask(made.store.place, documents(), hosts=few, index=index))
    plain, _ = run(made, None)
    assert run(made, index)[0] == plain
    hosts = list(made.hosts.names[3:])
    answers = ask(made.store.place, documents(), hosts=hosts, index=index)
    want = {a.name: a.accepting for a in ask(made.store.place, documents(), hosts=hosts)}
    assert {a.name: a.accepting for a in answers} == want


def _fill(place: str, index: str) -> None:
    for _ in ask(place, documents(), index=index, size=1):
        time.sleep(0.01)


def test_an_index_whose_writer_was_killed_is_whole(made: Fleet, tmp_path: Path) -> None:
    index = tmp_path / "index"
    plain, _ = run(made, None)
    for wait in (1.0, 2.0):
        writer = multiprocessing.get_context("spawn").Process(
            target=_fill, args=(made.store.place, str(index))
        )
        writer.start()
        deadline = time.monotonic() + 60
        while not index.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(wait)
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
    assert run(made, index)[0] == plain


def test_a_file_that_is_no_index_is_an_error(made: Fleet, tmp_path: Path) -> None:
    (tmp_path / "index").write_bytes(b"no database" * 1000)
    with pytest.raises(FleetError, match="is no index of verdicts"):
        list(ask(made.store.place, documents(1), index=tmp_path / "index"))


def test_what_only_one_document_has_is_kept_too(made: Fleet, tmp_path: Path) -> None:
    """Names and paths that no other document has are no reason to ask again."""
    asked = [
        (f"d{n}", TEXT.format("kvm", n, 1 << 20, 2, "", "q35", "", f"image-{n}").encode())
        for n in range(150)
    ]
    first = {a.name: a.sets for a in ask(made.store.place, asked, index=tmp_path / "index")}
    counts = UnitCounts()
    answers = ask(made.store.place, asked, counts=counts, index=tmp_path / "index")
    assert {a.name: a.accepting for a in answers} == {
        name: sum(one.hosts for one in sets if one.accepted) for name, sets in first.items()
    }
    assert counts.units == 0
    names = list(made.hosts.names)
    recording = made.store.recording(made.store.manifest(made.store.latest()[names[0]]))
    made.add(replace(recording, host=replace(recording.host, hugepage_sizes_kib=(4,))), names[1])
    answers = ask(made.store.place, asked, index=tmp_path / "index")
    want = {a.name: a.accepting for a in ask(made.store.place, asked)}
    assert {a.name: a.accepting for a in answers} == want


def test_an_index_of_another_format_is_begun_anew(made: Fleet, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "index") as base:
        base.execute("CREATE TABLE domains (old INTEGER)")
    assert run(made, tmp_path / "index") == run(made, None)
