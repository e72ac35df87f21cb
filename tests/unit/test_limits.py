"""What others wrote is read within limits of bytes, values, nesting and time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from command_runner import CliRunner
from domcaps import RecordingError, TranscriptError, read_transcript
from domcaps.errors import HostFactsError, InputError
from domcaps.facts import bounded, recording
from domcaps.facts.descriptors import LIMIT
from domcaps.facts.emulator import EmulatorFacts, Unanswered
from domcaps.facts.firmware import FirmwareIndex
from domcaps.facts.host import read_host_facts
from domcaps.facts.record import FirmwareDescriptor
from domcaps.validate.config import ignored

HEAD = '{"format":"domcaps recording","version":1,"recording":{"host":{"arch":"x86_64"'
BOMBS = {
    "numa": (',"numa":[', '{"id":0}', "]}}}"),
    "emulators": ('},"emulators":[', '{"path":""}', "]}}"),
    "links": ('},"node":{"links":[', "[0,0,0,0,0,0]", "]}}}"),
    "pages": ('},"node":{"cells":[{"id":0,"pages":[', "[0,0]", "]}]}}}"),
    "integers": (',"hugepage_sizes_kib":[', "9", "]}}}"),
    "answers": (
        '},"emulators":[{"path":"/a","sessions":[{"accelerator":"tcg","answers":[',
        '{"question":{"command":""}}',
        "]}]}]}}",
    ),
    "strings": (',"images":[', '"\\u20ac"', "]}}}"),
    "asserted": (',"asserted":{', '"a":[]', "}}}}"),
}

MEASURE = """
import resource, sys
from domcaps.errors import DomcapsError
from domcaps.facts.recording import loads
data = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    loads(data, "bomb")
except DomcapsError as error:
    print(error, file=sys.stderr)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


def text_of(name: str, size: int) -> bytes:
    begin, item, end = BOMBS[name]
    number = size // (len(item) + 1)
    return (HEAD + begin + f"{item}," * number + item + end).encode()


def gzipped(text: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(text) + packer.flush()


@pytest.mark.parametrize(
    ("name", "packed"), [*((name, False) for name in BOMBS), ("numa", True), ("answers", True)]
)
def test_a_small_recording_never_takes_much_memory(name: str, packed: bool) -> None:
    text = text_of(name, 24 << 20)
    data = gzipped(text) if packed else text
    done = subprocess.run([sys.executable, "-c", MEASURE], input=data, capture_output=True)
    assert int(done.stdout) < 350, done.stderr.decode()


@pytest.mark.parametrize("name", BOMBS)
def test_a_recording_of_too_many_values_is_refused(name: str) -> None:
    with pytest.raises(RecordingError, match="values"):
        recording.loads(text_of(name, 15 << 20), "bomb")


def test_what_is_only_in_replies_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "VALUES", 100)
    reply = json.dumps([{"name": f"device-{i}"} for i in range(200)])
    text = (
        f'{HEAD}}},"emulators":[{{"path":"/a","sessions":[{{"accelerator":"tcg","answers":['
        f'{{"question":{{"command":"qom-list-types"}},"reply":{reply}}}]}}]}}]}}}}'
    )
    assert len(recording.loads(text.encode(), "x").emulators) == 1


def test_a_string_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "STRING", 1000)
    text = f'{HEAD},"kernel":"{"a" * 2000}"}}}}}}'
    with pytest.raises(RecordingError, match="string of more than"):
        recording.loads(text.encode(), "x")


def test_a_reply_of_too_many_values_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    types = [{"name": str(i)} for i in range(1000)]
    record = read_transcript(
        documents(("qmp_capabilities", {}), ("qom-list-types", types)), where="x", emulator="/q"
    )
    monkeypatch.setattr(bounded, "VALUES", 1000)
    with pytest.raises(Unanswered):
        _ = EmulatorFacts(record).qom_types


def test_a_real_recording_is_far_below_the_limits() -> None:
    shipped = Path(recording.__file__).parents[1] / "recordings" / "sid-x86_64.domcaps"
    text = zlib.decompress(shipped.read_bytes(), 31)
    assert text.count(b",") + text.count(b"[") + text.count(b"{") < bounded.VALUES / 10


def test_host_facts_of_too_many_values_are_refused() -> None:
    with pytest.raises(HostFactsError, match="values"):
        read_host_facts(b'{"arch":"x86_64","numa":[' + b"{}," * 2_000_000 + b"{}]}", "facts.json")


def test_a_descriptor_in_a_recording_is_limited_as_on_a_host() -> None:
    large = FirmwareDescriptor("/d", "1.json", text='{"a":"' + "a" * LIMIT + '"}')
    assert "larger than 1 MiB" in FirmwareIndex((large,), ()).invalid[0].reason


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 50_000 + " = 1",
        "a = " + "[" * 50_000,
        "a = 1" + "1" * 5000,
        "a = {" * 300,
        "\N{SNOWMAN}",
        "a = 1 #" + "x" * 300_000,
    ],
)
def test_a_configuration_is_read_quickly_or_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / ".domcaps.toml").write_text(text)
    begun = time.process_time()
    with pytest.raises(InputError):
        ignored(tmp_path / "guest.xml")
    assert time.process_time() - begun < 2


# -- transcripts -------------------------------------------------------------------------------


def documents(*pairs: tuple[str, object]) -> bytes:
    return "".join(
        json.dumps({"execute": command}) + json.dumps({"return": reply}) for command, reply in pairs
    ).encode()


@pytest.mark.parametrize("unit", ['"', '\\"', '{"', '"\\', '{"a":"\\"', "\n"])
def test_splitting_takes_time_in_proportion_to_the_length(unit: str) -> None:
    def seconds(size: int) -> float:
        data = b"{" + (unit * (size // len(unit))).encode()
        begun = time.process_time()
        with pytest.raises(TranscriptError):
            read_transcript(data, where="x", emulator="/q")
        return time.process_time() - begun

    # quadratic, 400,000 characters took minutes
    assert seconds(400_000) < 2


@pytest.mark.parametrize("depth", [500, 990, 5000, 100_000])
@pytest.mark.parametrize("place", ["arguments", "return"])
def test_deep_nesting_is_an_error_with_its_place(depth: int, place: str) -> None:
    nested = b"[" * depth + b"]" * depth
    command = b'{"execute":"x","arguments":{"a":%b}}' % (nested if place == "arguments" else b"1")
    reply = b'{"return":%b}' % (nested if place == "return" else b"1")
    data = documents(("qmp_capabilities", {})) + b"\n" + command + reply
    try:
        read_transcript(data, where="x.replies", emulator="/q")
    except TranscriptError as error:
        assert error.where == "x.replies:2"


def test_arguments_may_have_any_name() -> None:
    pair = b'{"execute":"a","arguments":{"command":1,"self":2}}{"return":{}}'
    record = read_transcript(documents(("qmp_capabilities", {})) + pair, where="x", emulator="/q")
    assert record.sessions[0].answers[0].question.arguments == '{"command":1,"self":2}'


@pytest.mark.parametrize("reply", [[("query-version", {})], [("query-target", {"arch": 1})]])
@pytest.mark.parametrize("options", [[], ["--emulatorbin", "/q"]])
def test_importing_what_names_no_architecture_says_what_is_missing(
    tmp_path: Path, reply: list[tuple[str, object]], options: list[str]
) -> None:
    from domcaps.cli.import_ import command

    (tmp_path / "x.replies").write_bytes(documents(("qmp_capabilities", {}), *reply))
    done = CliRunner().invoke(
        command, [str(tmp_path / "x.replies"), "-o", str(tmp_path / "out"), *options]
    )
    assert isinstance(done.exception, TranscriptError)
    assert "query-target" in str(done.exception)
    assert not os.path.exists(tmp_path / "out")  # noqa: PTH110
