"""The commands of a fleet, in every form, over one small fleet."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from command_runner import CliRunner
from domcaps.cli.fleet import command
from domcaps.errors import FleetError, RequestError
from domcaps.facts.recording import save
from domcaps.fleet.ask import UnitCounts, ask
from domcaps.fleet.compare import history as changes_of
from domcaps.fleet.fleet import Fleet
from fleet_hosts import fleet, replace, shipped

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

DOMAIN = """<domain type='qemu'><name>a</name><memory>1048576</memory>
<os firmware='efi'><type arch='x86_64' machine='{}'>hvm</type></os>
<devices><video><model type='{}'/></video></devices></domain>"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    recordings = folder / "recordings"
    recordings.mkdir()
    for name, recording in fleet(5, seed=4).items():
        save(recording, recordings / f"{name}.domcaps")
    (folder / "efi.xml").write_text(DOMAIN.format("q35", "virtio"))
    (folder / "plain.xml").write_text(DOMAIN.replace(" firmware='efi'", "").format("q35", "vga"))
    none = DOMAIN.replace(" firmware='efi'", "").format("none-such", "virtio")
    (folder / "none.xml").write_text(none)
    done = run("add", folder / "store", recordings)
    assert "host-3" in done.output
    return folder


def run(*words: object, code: int = 0) -> Result:
    done = CliRunner().invoke(command, [str(word) for word in words])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def results(*words: object, code: int = 0) -> Any:
    return json.loads(run(*words, "--format", "json", code=code).stdout)["results"]


def test_accepts_counts_reasons(place: Path) -> None:
    made = Fleet.open(place / "store")
    for name in ("efi", "plain", "none"):
        data = (place / f"{name}.xml").read_bytes()
        expected = {h for h in made.hosts.names if made.host(h).validate(data).accepted}
        code = 0 if expected else 1
        (found,) = results("accepts", place / "store", place / f"{name}.xml", code=code)
        assert set(found["answer"]["accepted"]) == expected
        assert sum(reason["alone"] for reason in found["answer"]["reasons"]) <= 5
        text = run("accepts", place / "store", place / f"{name}.xml", code=code).stdout
        assert f"{len(expected)} of 5 hosts accept it" in text


def test_each_pair_has_host_domain_errors_warnings(place: Path) -> None:
    found = results("accepts", place / "store", "--each", place / "none.xml")
    assert len(found) == 5
    assert {*found[0]} == {"host", "domain", "errors", "warnings"}
    assert found[0]["errors"][0]["code"] == "os-machine-unsupported"


def test_the_least_change_opens_hosts(place: Path) -> None:
    (found,) = results("accepts", place / "store", "--least", place / "none.xml", code=1)
    change = next(one for one in found["changes"] if one["of"] == "domain")
    assert change["more"] > 0


@pytest.mark.parametrize(
    "words",
    [
        ("accepts", "efi.xml"), ("matrix", "efi.xml", "plain.xml"), ("classes",), ("drift",),
        ("history", "host-1"), ("history", "host-1", "video.modelType=qxl"), ("check",), ("gc",),
        ("where", "plain.xml", "--from", "host-1"), ("diff", "host-1", "host-1"),
        ("rehearse", "--with", "shipped:debian12-x86_64", "plain.xml"),
        ("rehearse", "--libvirt", "9.0", "--now", "12.8", "plain.xml"),
    ],
)  # fmt: skip
def test_every_form(place: Path, words: tuple[str, ...]) -> None:
    named = [str(place / word) if word.endswith(".xml") else word for word in words[1:]]
    done = {}
    for form in ("text", "json", "csv", "html"):
        found = CliRunner().invoke(
            command, [words[0], str(place / "store"), *named, "--format", form]
        )
        assert found.exit_code in {0, 1}, (found.output, found.exception)
        assert not isinstance(found.exception, Exception) or found.exit_code == 1
        done[form] = found.stdout
    assert json.loads(done["json"])["version"] == 1
    assert done["html"].startswith("<!DOCTYPE html>")
    widths = {len(row) for row in csv.reader(io.StringIO(done["csv"]))}
    assert len(widths) == 1


def test_a_matrix_with_an_index_makes_no_check_twice(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("matrix", place / "store", place / "efi.xml", place / "plain.xml")
    plain = results(*words)
    index = tmp_path / "index"
    assert results(*words, "--index", index) == plain
    monkeypatch.setattr("domcaps.fleet.judging.Judge.judged", None)
    assert results(*words, "--index", index) == plain


def test_a_rehearsal_names_what_breaks(place: Path, tmp_path: Path) -> None:
    (tmp_path / "old.xml").write_text(
        DOMAIN.replace(" firmware='efi'", "").format("pc-i440fx-2.4", "vga")
    )
    store = tmp_path / "store"
    made = Fleet.open(store)
    made.add(shipped("debian12-x86_64"), "a")
    (found,) = results(
        "rehearse", store, "--with", "shipped:sid-x86_64", "--now", "12.8", tmp_path, code=1
    )
    assert found["breaks"] == ["a"]
    assert "pc-i440fx-2.4" in found["reasons"][0]["message"]
    assert Fleet.open(store).hosts.names == ["a"]


def test_history_finds_since_when_and_by_what(tmp_path: Path) -> None:
    made = Fleet.open(tmp_path)
    one = shipped()
    for number in range(7):
        types = one if number < 5 else replace(one, emulators=shipped("sid-x86_64").emulators)
        host = replace(types.host, hugepage_sizes_kib=(number,))
        made.add(replace(types, host=host), "a")
    changes = results("history", tmp_path, "a")
    assert len(changes) == 7
    assert changes[5]["facts"] == ["/usr/bin/qemu-system-x86_64", "hugepage_sizes_kib"]


def test_the_history_of_a_host_that_is_not_there_is_an_error_with_the_nearest_names(
    tmp_path: Path,
) -> None:
    made = Fleet.open(tmp_path)
    for name in ("node-1", "node-2", "rack"):
        made.add(shipped(), name)
    with pytest.raises(FleetError, match="no host 'nodde-1'") as error:
        changes_of(made, "nodde-1")
    assert error.value.remedy.startswith("it has node-1, node-2")
    for words in (
        ("history", tmp_path, "nodde-1"),
        ("history", tmp_path, "nodde-1", "video.modelType=qxl"),
        ("diff", tmp_path, "rack", "nodde-1"),
        ("export", tmp_path, "--host", "nodde-1", "--format", "json"),
    ):
        with pytest.raises(FleetError, match=r"no host 'nodde-1'.*it has node-1"):
            CliRunner().invoke(command, list(map(str, words)), catch_exceptions=False)
    with pytest.raises(FleetError, match="there is no store"):
        changes_of(Fleet.open(tmp_path / "none"), "a")
    (tmp_path / "none/hosts").mkdir(parents=True)
    with pytest.raises(FleetError, match="the store is empty"):
        changes_of(Fleet.open(tmp_path / "none"), "a")


def test_the_history_of_a_choice_that_there_is_not_is_an_error(tmp_path: Path) -> None:
    made = Fleet.open(tmp_path)
    made.add(shipped(), "a")
    with pytest.raises(RequestError, match="hologram"):
        changes_of(made, "a", "video.modelType=hologram")


def test_where_compares_what_the_guest_sees(tmp_path: Path) -> None:
    one = shipped()
    made = Fleet.open(tmp_path / "store")
    for name in ("a", "same", "newer"):
        made.add(shipped("sid-x86_64") if name == "newer" else one, name)
    domain = tmp_path / "a.xml"
    domain.write_text(DOMAIN.replace(" firmware='efi'", "").format("q35", "vga"))
    found = results("where", tmp_path / "store", domain, "--from", "a")
    going = {d["host"]: d["differences"] for d in found["destinations"]}
    assert going.get("same") == []
    assert found["machine"].startswith("pc-q35-")


def test_what_hosts_are_called_does_no_harm_in_a_page_or_a_table(tmp_path: Path) -> None:
    made = Fleet.open(tmp_path / "store")
    made.add(shipped(), "<script>alert(1)</script>")
    made.add(shipped(), "=1+1")
    page = run("classes", tmp_path / "store", "--format", "html").stdout
    assert "<script" not in page
    domain = tmp_path / "a.xml"
    domain.write_text(DOMAIN.format("none-such", "vga"))
    found = run("accepts", tmp_path / "store", "--each", domain, "--format", "csv").stdout
    assert all(not row[1].startswith("=") for row in csv.reader(io.StringIO(found)))


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Give a store of which one host's newest manifest is damaged."""
    made = Fleet.open(tmp_path / "store")
    for name in ("good", "hurt"):
        made.add(shipped(), name)
        made.add(replace(shipped(), comment="later"), name)
    (tmp_path / "store" / made.store.latest()["hurt"]).write_bytes(b"{")
    for name, kind in (("a", "vga"), ("b", "virtio")):
        text = DOMAIN.replace(" firmware='efi'", "").format("q35", kind)
        (tmp_path / f"{name}.xml").write_text(text)
    return tmp_path


WHOLE = (
    ("accepts", "STORE", "a.xml"),
    ("accepts", "STORE", "a.xml", "--each"),
    ("accepts", "STORE", "a.xml", "b.xml", "--least"),
    ("matrix", "STORE", "a.xml", "b.xml"),
    ("rehearse", "STORE", "--libvirt", "12.8", "a.xml"),
    ("where", "STORE", "a.xml", "--from", "good"),
    ("classes", "STORE"),
    ("drift", "STORE"),
)


@pytest.mark.parametrize("form", ["text", "json", "csv", "html"])
@pytest.mark.parametrize("words", WHOLE, ids=lambda words: "-".join(words[:1]))
def test_a_host_that_can_t_be_read_is_named_and_the_others_are_answered(
    damaged: Path, words: tuple[str, ...], form: str
) -> None:
    key = Fleet.open(damaged / "store").store.latest()["hurt"]
    real = [damaged / word.lower() if word.endswith((".xml", "STORE")) else word for word in words]
    done = run(*real, "--format", form, code=2)
    assert key in done.output
    assert "not a manifest" in done.output
    assert "Traceback" not in done.output
    if form == "json":
        found = json.loads(done.stdout)
        assert [one["host"] for one in found["unread"]] == ["hurt"]
        assert "hurt" not in json.dumps(found["results"])


def test_a_question_about_a_host_that_can_t_be_read_is_an_error(damaged: Path) -> None:
    store = damaged / "store"
    for words in (
        ("history", store, "hurt"),
        ("diff", store, "good", "hurt"),
        ("where", store, damaged / "a.xml", "--from", "hurt"),
        ("rehearse", store, "--libvirt", "12.8", "--hosts", "hurt", damaged / "a.xml"),
    ):
        with pytest.raises(FleetError, match="not a manifest"):
            CliRunner().invoke(command, list(map(str, words)), catch_exceptions=False)
    words = ("rehearse", store, "--libvirt", "12.8", "--hosts", "good", damaged / "a.xml")
    assert "hurt" not in run(*words).output
    key = Fleet.open(store).store.latest()["hurt"]
    assert key in run("check", store, code=1).output
    assert "hurt" in run("baseline", store, code=2).stderr


def test_units_of_work_leave_out_a_host_that_can_t_be_read(damaged: Path) -> None:
    counts = UnitCounts()
    place = str(damaged / "store")
    (found,) = ask(place, [("a", (damaged / "a.xml").read_bytes())], counts=counts)
    assert [one.host for one in counts.unread] == ["hurt"]
    assert found.of(0) is not None
    with pytest.raises(FleetError):
        list(ask(place, [("a", b"<domain/>")], hosts=["hurt"]))
