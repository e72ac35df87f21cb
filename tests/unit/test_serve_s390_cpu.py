"""CPUs of mainframes, for which the emulator is asked again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cpu_fakes import definition, expanded
from domcaps.facts.dialogue import Talk, talk_with_emulator
from domcaps.facts.question import QmpCommand, ask, cpu_expansion_of
from domcaps.facts.record import Failure, HostRecord, Recording
from domcaps.hosts.host import Host
from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost
from domcaps.serve.xdr import INT, OPTIONAL_STRING, STRING, UINT, Array
from fakes import emulator_record
from serve_client import CallError, Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("query-cpu-model-expansion", "query-cpu-model-baseline", "query-cpu-model-comparison")
COMMANDS = [{"name": name, "meta-type": "command"} for name in NAMES]
MACHINE = {"name": "s390-ccw-virtio-9.9", "alias": "s390-ccw-virtio", "cpu-max": 248}
OURS: dict[str, Any] = {"name": "gen16a-base", "props": {"vx": True, "nnpa": False}}
Z14 = {"name": "z14", "props": {"vx": False}}
Z13 = {"name": "z13"}
INVALID, UNSUPPORTED, INTERNAL, INCOMPATIBLE = 8, 84, 1, 91


def verdict(other: dict[str, Any], result: str) -> dict[QmpCommand, Any]:
    return {ask(NAMES[2], modela=OURS, modelb=other): {"result": result}}


ANSWERS: dict[QmpCommand, Any] = {
    ask("query-qmp-schema"): COMMANDS,
    ask("query-cpu-definitions"): [definition(name) for name in ("z13", "z14", "gen16a", "host")],
    cpu_expansion_of("host", "static"): expanded(OURS["props"], "gen16a-base"),
    cpu_expansion_of("z14", "static", {"vx": False}): expanded({"b": True, "a": True}, "z14-base"),
    cpu_expansion_of("z13", "static"): Failure("GenericError", "no such thing"),
    ask(NAMES[1], modela=Z14, modelb=Z13): expanded({"edat": True, "te": False}, "z13-base"),
    cpu_expansion_of("z13-base", "full", {"edat": True}): expanded({"b": True, "a": True}, "z13"),
    **verdict(Z13, "superset"),
    **verdict(Z14, "incompatible"),
    **verdict({"name": "host"}, "identical"),
    **verdict({"name": "gen16a", "props": {"vx": True}}, "subset"),
}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    record = emulator_record(
        target="s390x", types=(), machines=(MACHINE,), kvm=True, answers=ANSWERS
    )
    host = Host.from_recording(Recording(HostRecord(arch="s390x"), (record,)), origin="test")
    path = tmp_path / "s"
    with serving(FixedHost(host, "test"), path), Client(path) as connected:
        yield connected


TARGET = [(OPTIONAL_STRING, name) for name in (None, "s390x", None, "kvm")]


def baseline(client: Client, *models: str, flags: int = 0) -> str:
    cpus = [f"<cpu>{model}</cpu>" for model in models]
    found: str = client.ask(394, STRING, *TARGET, (Array(STRING, 256), cpus), (UINT, flags))
    return found


def compared(client: Client, cpu: str, flags: int = 0) -> int:
    found: int = client.ask(393, INT, *TARGET, (STRING, cpu), (UINT, flags))
    return found


WITHOUT_VX = "<model>z14</model><feature name='vx' policy='disable'/>"


def test_one_cpu_is_expanded_to_one_that_means_the_same_everywhere(client: Client) -> None:
    assert baseline(client, WITHOUT_VX) == (
        "<cpu>\n  <model>z14-base</model>\n  <feature name='b'/>\n  <feature name='a'/>\n</cpu>\n"
    )


def test_several_are_brought_together(client: Client) -> None:
    assert baseline(client, WITHOUT_VX, "<model>z13</model>") == (
        "<cpu>\n  <model>z13-base</model>\n  <feature name='edat'/>\n</cpu>\n"
    )


def test_all_features_are_sorted_and_the_narrowest_address_is_kept(client: Client) -> None:
    narrow = "<maxphysaddr mode='passthrough' limit='40'/>"
    assert baseline(client, WITHOUT_VX + narrow, f"<model>z13</model>{narrow}", flags=1) == (
        "<cpu>\n  <model>z13</model>\n  <maxphysaddr mode='passthrough' limit='40'/>\n"
        "  <feature name='a'/>\n  <feature name='b'/>\n</cpu>\n"
    )


@pytest.mark.parametrize(
    ("model", "code", "said"),
    [
        ("<model>nope</model>", INVALID, "nope"),
        ("", INVALID, "no model"),
        ("<model>z13</model>", INTERNAL, "no such thing"),
        # nobody asked that when the recording was made
        ("<model>gen16a</model>", UNSUPPORTED, "query-cpu-model-expansion"),
    ],
)
def test_what_can_not_be_had_is_an_error(client: Client, model: str, code: int, said: str) -> None:
    with pytest.raises(CallError) as caught:
        baseline(client, model)
    assert caught.value.code == code
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("cpu", "result"),
    [
        ("<cpu><model>z13</model></cpu>", 2),
        (f"<cpu>{WITHOUT_VX}</cpu>", 0),
        ("<cpu mode='host-passthrough'/>", 1),
        ("<cpu><model>gen16a</model><feature name='vx' policy='force'/></cpu>", 0),
    ],
)
def test_qemu_says_how_cpus_compare(client: Client, cpu: str, result: int) -> None:
    assert compared(client, cpu) == result


def test_an_incompatible_one_is_an_error_where_that_is_wanted(client: Client) -> None:
    with pytest.raises(CallError) as caught:
        compared(client, f"<cpu>{WITHOUT_VX}</cpu>", flags=1)
    assert caught.value.code == INCOMPATIBLE
    with pytest.raises(CallError) as caught:
        compared(client, "<cpu mode='host-model'/>")
    assert caught.value.code == INVALID


def test_a_talk_without_questions_needs_no_emulator() -> None:
    def talk() -> Talk[int]:
        if not COMMANDS:
            yield ask("query-version")
        return 5

    assert talk_with_emulator("/bin/true", talk()) == 5
