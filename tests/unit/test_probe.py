"""A probe of emulators that answer as they should."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec
import pytest
from probe_fakes import WELL_BEHAVED, script

from domcaps.errors import EmulatorNotFoundError, ProbeError
from domcaps.facts.plan import BASICS, SCHEMA, VERSION
from domcaps.facts.probe import accelerators, probe, probe_emulator
from domcaps.facts.question import (
    QmpCommand,
    ask,
    cpu_expansion_of,
    device_properties_of,
    object_properties_of,
)
from domcaps.facts.record import Answer, EmulatorRecord, ProbeSession

HOST = cpu_expansion_of("host", "static")
MAX = cpu_expansion_of("max", "static")
PASSTHROUGH = cpu_expansion_of("host", "full", {"migratable": False, "hv-passthrough": True})


def record_of(path: str, *questions: QmpCommand, kvm: bool = False) -> EmulatorRecord:
    (result,) = probe([path], questions, kvm=kvm)
    assert isinstance(result, EmulatorRecord), result
    return result


def answers(session: ProbeSession) -> dict[QmpCommand, Answer]:
    return {answer.question: answer for answer in session.answers}


def test_the_record_says_which_file_was_asked(tmp_path: Path) -> None:
    real = script(tmp_path, WELL_BEHAVED)
    link = tmp_path / "qemu-kvm"
    link.symlink_to(real)
    record = record_of(str(link))
    assert record.path == str(link)
    status = Path(real).stat()
    assert (record.size, record.mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert not record.inventory


def test_without_kvm_only_tcg_is_asked(tmp_path: Path) -> None:
    record = record_of(script(tmp_path, WELL_BEHAVED))
    assert [session.accelerator for session in record.sessions] == ["tcg"]
    asked = answers(record.sessions[0])
    assert set(BASICS) <= set(asked)
    assert MAX in asked
    assert HOST not in asked


def test_with_kvm_the_second_session_holds_what_differs(tmp_path: Path) -> None:
    record = record_of(script(tmp_path, WELL_BEHAVED), device_properties_of("vfio-pci"), kvm=True)
    assert [session.accelerator for session in record.sessions] == ["kvm", "tcg"]
    first, second = map(answers, record.sessions)
    assert {HOST, PASSTHROUGH, SCHEMA, device_properties_of("vfio-pci")} <= set(first)
    assert {MAX, ask("query-machines"), ask("query-cpu-definitions")} <= set(second)
    assert not {SCHEMA, device_properties_of("vfio-pci"), HOST} & set(second)


def test_the_questions_may_come_while_the_emulator_starts(tmp_path: Path) -> None:
    started = tmp_path / "started"
    path = script(tmp_path, f"open({str(started)!r}, 'w').close()\n{WELL_BEHAVED}")
    wanted = device_properties_of("vfio-pci")
    before: list[bool] = []

    def questions() -> list[QmpCommand]:
        before.append(_comes(started))
        return [wanted]

    (late,) = probe([path], questions, kvm=True)
    assert before == [True]
    assert isinstance(late, EmulatorRecord)
    early = record_of(path, wanted, kvm=True)
    assert list(map(answers, late.sessions)) == list(map(answers, early.sessions))


def _comes(file: Path) -> bool:
    """Wait until there is a file."""
    for _ in range(1000):
        if file.exists():
            return True
        time.sleep(0.01)
    return False


def test_a_fault_of_what_gives_the_questions_is_raised(tmp_path: Path) -> None:
    def questions() -> list[QmpCommand]:
        raise LookupError("no table")

    with pytest.raises(LookupError, match="no table"):
        probe([script(tmp_path, WELL_BEHAVED)], questions, kvm=False)


def test_late_questions_survive_an_emulator_that_ends_at_one(tmp_path: Path) -> None:
    deadly, other = ask("query-cpu-definitions"), device_properties_of("b")
    body = (
        "greet()\nserve(lambda command: os._exit(1) if command['execute'] == "
        f"{deadly.command!r} else None)\n"
    )
    (record,) = probe([script(tmp_path, body)], lambda: [other], kvm=False)
    assert isinstance(record, EmulatorRecord)
    asked = answers(record.sessions[0])
    failure = asked[deadly].failure
    assert failure is not None and failure.kind == "died"
    assert asked[other].failure is None


@pytest.mark.parametrize("name", ["qemu-system-x86_64", "qemu-system-s390x", "qemu-kvm"])
def test_an_emulator_that_falls_back_to_tcg_has_one_session(tmp_path: Path, name: str) -> None:
    body = f'ANSWERS["query-kvm"]["enabled"] = False\n{WELL_BEHAVED}'
    record = record_of(script(tmp_path, body, name), kvm=True)
    assert [session.accelerator for session in record.sessions] == ["tcg"]
    asked = answers(record.sessions[0])
    assert MAX in asked
    assert HOST not in asked
    assert SCHEMA in asked


@pytest.mark.parametrize(("name", "starts"), [("s390x", ["kvm:tcg"]), ("kvm", ["kvm:tcg", "tcg"])])
def test_what_is_for_foreign_guests_is_started_once(
    tmp_path: Path, name: str, starts: list[str]
) -> None:
    log = tmp_path / "starts"
    said = f'with open({str(log)!r}, "a") as log: print(accelerator.split("=")[1], file=log)\n'
    body = f'{said}ANSWERS["query-kvm"]["enabled"] = {name == "kvm"}\n{WELL_BEHAVED}'
    path = script(tmp_path, body, f"qemu-system-{name}" if name != "kvm" else "qemu-kvm")
    record = record_of(path, kvm=True)
    assert sorted(log.read_text().split()) == starts
    assert len(record.sessions) == len(starts)


def test_a_reply_is_kept_as_it_came(tmp_path: Path) -> None:
    body = """
def before(command):
    if command["execute"] == "query-version":
        send(b'{"id": %d, "return": {"b":  1.0, "a": "\\\\u00e4 \\xc3\\xa4"}}\\n' % command["id"])
        return True
greet()
serve(before)
"""
    record = record_of(script(tmp_path, body))
    reply = answers(record.sessions[0])[VERSION].reply
    assert bytes(reply) == '{"b":  1.0, "a": "\\u00e4 ä"}'.encode()


def test_a_refused_question_is_an_answer(tmp_path: Path) -> None:
    question = ask("query-nothing")
    record = record_of(script(tmp_path, WELL_BEHAVED), question)
    failure = answers(record.sessions[0])[question].failure
    assert failure is not None
    assert (failure.kind, failure.text) == ("CommandNotFound", "no query-nothing here")
    assert failure.is_answer


def test_platform_features_are_asked_for_where_the_schema_has_the_command(tmp_path: Path) -> None:
    asked = answers(record_of(script(tmp_path, WELL_BEHAVED)).sessions[0])
    assert ask("query-sev-capabilities") in asked
    # in the schema, but not as a command
    assert ask("query-sgx-capabilities") not in asked
    assert ask("query-gic-capabilities") not in asked


def test_abstract_machine_types_are_asked_for_their_properties(tmp_path: Path) -> None:
    asked = answers(record_of(script(tmp_path, WELL_BEHAVED)).sessions[0])
    assert object_properties_of("generic-pc-machine") in asked
    # QEMU would have to make such a machine to answer
    assert object_properties_of("pc-machine") not in asked


def test_inventory_asks_for_every_device_type(tmp_path: Path) -> None:
    body = """
def before(command):
    if command.get("arguments", {}).get("implements") == "device":
        send({"return": [{"name": f"device{n}"} for n in range(300)], "id": command["id"]})
        return True
greet("oob")
serve(before)
"""
    path = script(tmp_path, body)
    (record,) = probe([path], [device_properties_of("device7")], kvm=True, inventory=True)
    assert isinstance(record, EmulatorRecord)
    assert record.inventory
    wanted = {device_properties_of(f"device{n}") for n in range(300)}
    assert wanted <= set(answers(record.sessions[0]))
    assert not wanted & set(answers(record.sessions[1]))
    questions = [answer.question for answer in record.sessions[0].answers]
    assert len(questions) == len(set(questions))


def test_events_and_replies_to_nobody_are_passed_over(tmp_path: Path) -> None:
    body = """
def before(command):
    send({"event": "RESUME", "data": {}, "timestamp": {"seconds": 1, "microseconds": 2}})
    if "id" in command:
        send({"return": "whose?", "id": 4711})
greet()
serve(before)
"""
    asked = answers(record_of(script(tmp_path, body)).sessions[0])
    assert msgspec.json.decode(asked[ask("query-target")].reply) == {"arch": "x86_64"}


def test_out_of_band_mode_is_used_where_it_is_offered(tmp_path: Path) -> None:
    body = """
first = []
def before(command):
    first.append(command)
    ANSWERS["query-version"] = first[0]
greet(*sys.argv[0].endswith("kvm") * ["oob"])
serve(before)
"""
    for name, wanted in (
        ("qemu-kvm", {"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}),
        ("qemu-system-x86_64", {"execute": "qmp_capabilities"}),
    ):
        record = record_of(script(tmp_path, body, name))
        reply = answers(record.sessions[0])[VERSION].reply
        assert msgspec.json.decode(reply) == wanted


def test_a_chatty_emulator_is_heard(tmp_path: Path) -> None:
    body = """
print("warning: " * 20000, flush=True)
print("more warnings " * 5000, file=sys.stderr, flush=True)
greet()
serve()
"""
    assert record_of(script(tmp_path, body)).sessions[0].answers


def test_many_emulators_give_their_results_in_order(tmp_path: Path) -> None:
    paths = [script(tmp_path, WELL_BEHAVED, f"qemu-system-{n}") for n in range(5)]
    paths.insert(2, str(tmp_path / "missing"))
    seen: dict[str, EmulatorRecord | ProbeError] = {}
    results = probe(paths, [], kvm=False, progress=seen.__setitem__)
    assert [getattr(result, "path", "") for result in results] == [
        "" if path.endswith("missing") else path for path in paths
    ]
    assert isinstance(results[2], EmulatorNotFoundError)
    assert [seen[path] for path in paths] == results


def test_no_more_processes_than_jobs_run_at_once(tmp_path: Path) -> None:
    body = f"""
folder = {str(tmp_path / "running")!r}
os.makedirs(folder, exist_ok=True)
mine = os.path.join(folder, str(os.getpid()))
open(mine, "w").close()
ANSWERS["query-version"] = len(os.listdir(folder))
greet()
def before(command):
    if command.get("arguments") == {{"typename": "last"}}:
        time.sleep(0.05)
        os.unlink(mine)
serve(before)
"""
    paths = [script(tmp_path, body, f"qemu-system-{n}") for n in range(4)]
    results = probe(paths, [device_properties_of("last")], kvm=False, jobs=1)
    for result in results:
        assert isinstance(result, EmulatorRecord)
        assert bytes(answers(result.sessions[0])[VERSION].reply) == b"1"


def test_no_questions_and_no_emulators() -> None:
    assert probe([], [], kvm=True) == []


def test_probe_emulator_takes_the_accelerators_it_is_given(tmp_path: Path) -> None:
    path = script(tmp_path, WELL_BEHAVED)
    record = asyncio.run(probe_emulator(path, [], accelerators=["hvf"]))
    assert [session.accelerator for session in record.sessions] == ["hvf"]
    assert HOST in answers(record.sessions[0])


@pytest.mark.parametrize(
    ("kvm", "device", "expected"),
    [
        (True, True, ("kvm", "tcg")),
        (False, True, ("mshv", "tcg")),
        (False, False, ("tcg",)),
    ],
)
def test_hyper_v_is_asked_where_kvm_is_not_and_its_device_is(
    monkeypatch: pytest.MonkeyPatch, kvm: bool, device: bool, expected: tuple[str, ...]
) -> None:
    monkeypatch.setattr("os.access", lambda path, _: device and path == "/dev/mshv")
    assert accelerators(kvm=kvm) == expected


def test_nothing_stays_open(tmp_path: Path) -> None:
    path = script(tmp_path, WELL_BEHAVED)
    record_of(path, kvm=True)
    before = sorted(fd.name for fd in Path("/proc/self/fd").iterdir())
    record_of(path, kvm=True)
    probe([str(tmp_path), "/bin/false"], [], kvm=True)
    assert sorted(fd.name for fd in Path("/proc/self/fd").iterdir()) == before
