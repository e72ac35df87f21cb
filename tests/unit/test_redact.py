"""A redacted recording tells not whose host it is, and gives the same verdicts and reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

import domcaps
from command_runner import CliRunner
from domcaps.cli import _root
from domcaps.facts.node import Leaf, Node
from domcaps.facts.question import QmpCommand
from domcaps.facts.record import (
    Answer,
    EmulatorRecord,
    Failure,
    FirmwareDescriptor,
    Helper,
    HostRecord,
    Kvm,
    ProbeSession,
    Recording,
)
from domcaps.facts.recording import load, save
from domcaps.facts.redact import IDENTIFIES_HOST, redact
from domcaps.shipped import open_shipped, shipped_names
from linter import BAD, GOOD, LACKING, ODD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from msgspec.structs import FieldInfo

ROOT = Path(__file__).parents[2]
UUID = "4c4c4544-0032-3510-8052-b4c04f4d3132"


def recording() -> Recording:
    sev = b'{"pdh": "c2VjcmV0", "cert-chain": "Y2hhaW4=", "cpu0-id": "aWQ=", "cbitpos": 51}'
    answers = (
        Answer(QmpCommand("query-sev-capabilities"), msgspec.Raw(sev)),
        Answer(
            QmpCommand("query-cpus"),
            failure=Failure("died", "alice at web7.example.org, 10.1.2.3, 52:54:00:12:34:56"),
        ),
    )
    return Recording(
        HostRecord(
            "x86_64",
            kernel="6.1.0.18 #1",
            qemu_user="alice",
            kvm=Kvm(reason=f"of host {UUID}, seen from fe80:1:2:3:4:5:6:7"),
            firmware=(
                FirmwareDescriptor(
                    "/home/alice/.config/qemu/firmware", "60.json", '{"a": "/home/bob/x.fd"}'
                ),
            ),
            images=("/home/bob/x.fd", "/usr/share/OVMF/OVMF_CODE.fd"),
            helpers=(Helper("swtpm", "/home/alice/bin/swtpm"),),
        ),
        (
            EmulatorRecord(
                "/home/alice/qemu/bin/qemu-system-x86_64", (ProbeSession("tcg", answers),)
            ),
        ),
        Node(UUID, cpuid=(Leaf(1, 0, 5), Leaf(3, 0, 1, 2, 3, 4))),
        comment="web7 of alice, aa:bb:cc:dd:ee:ff",
    )


def texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for one in content:
            yield from texts(one)
    elif isinstance(content, dict):
        for value in content.values():
            yield from texts(value)


class TestIdentity:
    def test_nothing_of_it_is_left(self) -> None:
        done = redact(recording(), "web7.example.org")
        told = "\n".join(texts(msgspec.json.decode(msgspec.json.encode(done))))
        for word in ("alice", "bob", "web7", UUID, "10.1.2.3", "52:54:00", "aa:bb", "fe80"):
            assert word not in told, word
        for secret in ("c2VjcmV0", "Y2hhaW4=", "aWQ="):
            assert secret not in told, secret
        assert done.redacted
        assert done.node is not None
        assert [leaf.leaf for leaf in done.node.cpuid] == [1]

    def test_the_same_is_replaced_by_the_same(self) -> None:
        done = redact(recording())
        (emulator,) = done.emulators
        user = done.host.qemu_user
        assert emulator.path == f"/home/{user}/qemu/bin/qemu-system-x86_64"
        assert done.host.firmware[0].directory == f"/home/{user}/.config/qemu/firmware"
        other = done.host.images[0]
        assert other != "/home/bob/x.fd"
        assert done.host.firmware[0].text == f'{{"a": "{other}"}}'

    def test_what_decides_stays(self) -> None:
        done = redact(recording())
        assert done.host.kernel == "6.1.0.18 #1"
        assert done.host.images[1] == "/usr/share/OVMF/OVMF_CODE.fd"
        reply = msgspec.json.decode(done.emulators[0].sessions[0].answers[0].reply)
        assert reply["cbitpos"] == 51
        assert len(reply["pdh"]) == len("c2VjcmV0")

    @pytest.mark.parametrize("account", ["", "root", "libvirt-qemu", "qemu"])
    def test_accounts_of_the_system_stay(self, account: str) -> None:
        one = recording()
        host = msgspec.structs.replace(one.host, qemu_user=account)
        assert redact(msgspec.structs.replace(one, host=host)).host.qemu_user == account

    def test_twice_is_once(self) -> None:
        once = redact(recording())
        assert redact(once).host == once.host


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_recording_says_the_same(name: str) -> None:
    host = open_shipped(name)
    assert host.recording is not None
    other = domcaps.Host.from_recording(redact(host.recording), host.origin)
    for emulator in host.emulators.paths()[:3]:
        assert other.domain_capabilities(emulator).xml == host.domain_capabilities(emulator).xml
    arch = host.guest_arch
    for text in (GOOD, BAD, LACKING, ODD):
        domain = text.replace("x86_64", arch).replace(" machine='q35'", "")
        assert other.validate(domain) == host.validate(domain)


class TestCommands:
    def test_a_file_that_was_made_before(self, tmp_path: Path) -> None:
        save(recording(), tmp_path / "mine.domcaps")
        words = ["--redact", "--from", str(tmp_path / "mine.domcaps")]
        target = tmp_path / "out.domcaps"
        done = CliRunner().invoke(_root, ["record", *words, "-o", str(target)])
        assert done.exit_code == 0, done.output
        assert load(target).redacted
        assert CliRunner().invoke(_root, ["record", *words[1:], "-o", str(target)]).exit_code == 2

    def test_host_shows_what_a_recording_holds(self, tmp_path: Path) -> None:
        save(recording(), tmp_path / "mine.domcaps")
        shown = CliRunner().invoke(_root, ["host", "--host", str(tmp_path / "mine.domcaps")]).stdout
        assert UUID in shown
        assert re.search(r"account of QEMU +alice", shown)
        assert re.search(r"redacted +no", shown)
        assert "2 answers" in shown


def test_the_manual_lists_all_that_a_recording_holds() -> None:
    text = (ROOT / "docs" / "internals" / "recordings.md").read_text()
    listed = text.partition("## All that a recording holds")[2].partition("\n## ")[0]
    kinds = (
        ("host.", HostRecord),
        ("node.", Node),
        ("", EmulatorRecord),
        ("", Recording),
    )
    for prefix, kind in kinds:
        for field in kind.__struct_fields__:
            known = {f"`{prefix}{field}`", f"`emulators.{field}`"}
            parts = field in {"host", "node", "emulators"}
            assert parts or any(one in listed for one in known), f"{kind.__name__}.{field}"


@pytest.mark.parametrize("field", msgspec.structs.fields(HostRecord), ids=lambda f: f.name)
def test_it_is_known_of_every_text_whether_it_tells_whose_host_it_is(field: FieldInfo) -> None:
    """A new fact with texts needs an entry: the manual says what becomes of each."""
    has_text = '"type":"string"' in msgspec.json.encode(msgspec.json.schema(field.type)).decode()
    # keys of mappings are no "string" in a schema
    assert field.name in IDENTIFIES_HOST or not (has_text or "dict" in str(field.type))


def test_what_is_said_of_texts_is_about_fields_that_there_are() -> None:
    fields = set(HostRecord.__struct_fields__)
    assert fields >= set(IDENTIFIES_HOST)
