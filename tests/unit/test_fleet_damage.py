"""Damaged content of one host: it is not read, and named, and the other hosts are answered."""

from __future__ import annotations

import errno
import json
import os
import zlib
from typing import TYPE_CHECKING

import msgspec
import pytest
from test_fleet_cli import DOMAIN, WHOLE, run

from command_runner import CliRunner
from domcaps.cli.fleet import command
from domcaps.errors import DomcapsError, FleetError
from domcaps.facts.node import Leaf, Node
from domcaps.fleet.ask import UnitCounts, ask
from domcaps.fleet.content import key_of
from domcaps.fleet.fleet import Fleet
from fleet_hosts import replace, shipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from domcaps.facts.record import Answer, Recording
    from domcaps.fleet.manifest import Manifest
    from domcaps.fleet.store import FleetStore


def content_of(store: FleetStore, which: str, manifest: Manifest) -> str:
    """Give the key of content that only this host has, or that decides nothing."""
    if which == "an answer":
        session = manifest.emulators[0].sessions[0]
        rows = [name for part in session.lists for name in store.content.named_by_list(part)]
        return key_of(rows[0])
    if which == "a list of answers":
        return key_of(manifest.emulators[0].sessions[0].lists[0])
    if which == "a fact":
        return key_of(manifest.facts["arch"])
    assert manifest.node is not None
    return key_of(manifest.node["cpuid"])


def _instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Give what makes something else in the place of a file."""

    def damage(path: Path) -> None:
        data = path.read_bytes()
        path.unlink()
        make(path)
        if path.is_file() and not path.is_symlink():
            assert path.read_bytes() != data

    return damage


DAMAGES: dict[str, Callable[[Path], None]] = {
    "removed": _instead(lambda path: None),  # noqa: ARG005
    "empty": _instead(lambda path: path.write_bytes(b"")),
    "cut off": lambda path: os.truncate(path, path.stat().st_size - 3),
    "another content": _instead(lambda path: path.write_bytes(zlib.compress(b"{}"))),
    "a folder": _instead(lambda path: path.mkdir()),
    "a link": _instead(lambda path: path.symlink_to("/dev/zero")),
    "a pipe": _instead(os.mkfifo),
}


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    """Give a store of two hosts that share no fact and no answer."""
    made = Fleet.open(tmp_path / "store")
    made.add(shipped(), "good")
    made.add(other_recording(), "hurt")
    for name, kind in (("a", "vga"), ("b", "virtio")):
        text = DOMAIN.replace(" firmware='efi'", "").format("q35", kind)
        (tmp_path / f"{name}.xml").write_text(text)
    return tmp_path


def other_recording() -> Recording:
    """Give a host with another architecture, processor and answers than `shipped` has."""
    host = replace(shipped().host, arch="riscv64")
    (emulator,) = shipped().emulators
    sessions = tuple(
        replace(session, answers=tuple(map(_marked, session.answers)))
        for session in emulator.sessions
    )
    node = Node(cpuid=(Leaf(0, 0, 1, 2, 3, 4),))
    return replace(
        shipped(), host=host, emulators=(replace(emulator, sessions=sessions),), node=node
    )


def _marked(answer: Answer) -> Answer:
    # blanks around a reply change its content and nothing that it says
    return replace(answer, reply=msgspec.Raw(bytes(answer.reply) + b" " * 300))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("which", ["an answer", "a list of answers", "a fact", "the processor"])
def test_damaged_content_of_one_host_stops_no_other_answer(
    spoilt: Path, which: str, damage: str
) -> None:
    store = Fleet.open(spoilt / "store").store
    key = store.latest()["hurt"]
    DAMAGES[damage](spoilt / "store" / content_of(store, which, store.manifest(key)))
    for words in (("accepts", "STORE", "a.xml"), ("classes", "STORE"), ("drift", "STORE")):
        real = [
            spoilt / word.lower() if word.endswith((".xml", "STORE")) else word for word in words
        ]
        found = json.loads(run(*real, "--format", "json", code=2).stdout)
        assert [(one["host"], one["key"]) for one in found["unread"]] == [("hurt", key)]
        assert "hurt" not in json.dumps(found["results"])
    with pytest.raises(FleetError):
        Fleet.open(spoilt / "store").host("hurt")
    if damage != "a folder":
        Fleet.open(spoilt / "store").add(other_recording(), "hurt")
        assert Fleet.open(spoilt / "store").unread == ()
        assert Fleet.open(spoilt / "store").host("hurt").facts.arch == "riscv64"


@pytest.mark.parametrize("form", ["text", "json", "csv", "html"])
@pytest.mark.parametrize("words", WHOLE, ids=lambda words: "-".join(words[:1]))
def test_a_host_with_damaged_content_is_named_and_the_others_are_answered(
    spoilt: Path, words: tuple[str, ...], form: str
) -> None:
    store = Fleet.open(spoilt / "store").store
    key = store.latest()["hurt"]
    (spoilt / "store" / content_of(store, "an answer", store.manifest(key))).write_bytes(b"x")
    real = [spoilt / word.lower() if word.endswith((".xml", "STORE")) else word for word in words]
    done = run(*real, "--format", form, code=2)
    assert key in done.output
    assert "does not match its hash" in done.output
    assert "Traceback" not in done.output
    counts = UnitCounts()
    (found,) = ask(str(spoilt / "store"), [("a", (spoilt / "a.xml").read_bytes())], counts=counts)
    assert [one.host for one in counts.unread] == ["hurt"]
    assert found.of(0) is not None


def test_content_that_decides_nothing_may_be_damaged(spoilt: Path) -> None:
    store = Fleet.open(spoilt / "store").store
    for key in store.latest().values():
        for name in store.manifest(key).aside.values():
            (spoilt / "store" / key_of(name)).write_bytes(b"x")
    for words in WHOLE:
        real = [
            spoilt / word.lower() if word.endswith((".xml", "STORE")) else word for word in words
        ]
        done = CliRunner().invoke(command, list(map(str, real)))
        assert done.exit_code in {0, 1}, done.output
        assert "Traceback" not in done.output
    assert run("baseline", spoilt / "store").stdout.startswith("<")


def test_files_of_the_process_are_no_fault_of_the_store(
    spoilt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Fleet.open(spoilt / "store")

    def refuse(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises((OSError, DomcapsError), match="open"):
        print(fleet.unread)
