"""A probe of programs that are no emulators, or that are not well.

Each must end in time, in the error that says what is wrong, and with nothing left running.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from probe_fakes import WELL_BEHAVED, script, shell_script

from domcaps.errors import (
    EmulatorDiedError,
    EmulatorNotFoundError,
    EmulatorTimeoutError,
    NotAnEmulatorError,
    ProbeError,
)
from domcaps.facts import interrogation, qmp
from domcaps.facts.plan import TYPES, VERSION
from domcaps.facts.probe import probe, probe_emulator
from domcaps.facts.question import QmpCommand, ask, device_properties_of
from domcaps.facts.record import Answer, EmulatorRecord, Failure
from domcaps.facts.trust import vouch
from marked_processes import marked_run, survivors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TABLE = [device_properties_of(f"device-{n:02}") for n in range(20)]
BAD = TABLE[7]

AT_BAD = """
def before(command):
    if command.get("arguments") == {"typename": "device-07"}:
        %s
greet()
serve(before)
"""


@pytest.fixture(autouse=True)
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Mark what is started, and see afterwards that nothing of it is left."""
    yield from marked_run(monkeypatch)


def ask_all(
    path: str,
    questions: Iterable[QmpCommand] = TABLE,
    *,
    accelerators: tuple[str, ...] = ("tcg",),
    deadline: float = 60,
    question_deadline: float = 30,
    inventory: bool = False,
) -> EmulatorRecord:
    return asyncio.run(
        probe_emulator(
            path,
            questions,
            accelerators=accelerators,
            deadline=deadline,
            question_deadline=question_deadline,
            inventory=inventory,
        )
    )


def trouble_with(
    path: str, kind: type[ProbeError], *, deadline: float = 30, question_deadline: float = 15
) -> str:
    """Give the one line that says what is wrong, asked with KVM and TCG."""
    start = time.monotonic()
    with pytest.raises(ProbeError) as caught:
        ask_all(
            path,
            accelerators=("kvm", "tcg"),
            deadline=deadline,
            question_deadline=question_deadline,
        )
    assert time.monotonic() - start < deadline + 5
    assert type(caught.value) is kind
    assert caught.value.where == path
    line = str(caught.value)
    assert line.isprintable()
    return line


def failures(record: EmulatorRecord) -> dict[QmpCommand, Failure]:
    (session,) = record.sessions
    return {answer.question: answer.failure for answer in session.answers if answer.failure}


# -- no emulator at all ------------------------------------------------------------------------


def test_missing(tmp_path: Path) -> None:
    assert "No such file" in trouble_with(str(tmp_path / "nothing"), EmulatorNotFoundError)


@pytest.mark.parametrize("path", ["", "qemu-system-x86_64", "a\0b", "x" * 5000])
def test_paths_that_lead_nowhere(path: str) -> None:
    (result,) = probe([path], [], kvm=False)
    assert isinstance(result, EmulatorNotFoundError)


def test_directory(tmp_path: Path) -> None:
    assert "it is a directory" in trouble_with(str(tmp_path), EmulatorNotFoundError)


def test_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o755)
    assert "regular file" in trouble_with(str(tmp_path / "pipe"), EmulatorNotFoundError)


def test_not_executable(tmp_path: Path) -> None:
    path = Path(script(tmp_path, WELL_BEHAVED))
    path.chmod(0o644)
    assert "executed" in trouble_with(str(path), EmulatorNotFoundError)


def test_garbage_that_claims_to_be_executable(tmp_path: Path) -> None:
    path = tmp_path / "garbage"
    path.write_bytes(os.urandom(100))
    path.chmod(0o755)
    assert "format error" in trouble_with(vouch(str(path)), NotAnEmulatorError)


def test_interpreter_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    assert "can't be started" in trouble_with(vouch(str(path)), NotAnEmulatorError)


def test_cat() -> None:
    line = trouble_with(vouch("/bin/cat"), NotAnEmulatorError)
    assert "status 1" in line
    assert "invalid option" in line


def test_false() -> None:
    assert "status 1" in trouble_with(vouch("/bin/false"), NotAnEmulatorError)


def test_the_last_words_are_made_printable(tmp_path: Path) -> None:
    body = r"printf 'a\033[31mred\033[0m\tb\n\001\377c\n%0500d' 7; exit 3"
    line = trouble_with(shell_script(tmp_path, body), NotAnEmulatorError)
    assert "status 3" in line
    assert line.count("0") < 300
    body = r"printf 'a \033[31mred\033[0m\tb\n\001\377c\n' >&2; exit 3"
    assert "a red b c" in trouble_with(shell_script(tmp_path, body), NotAnEmulatorError)


def test_endless_output(tmp_path: Path) -> None:
    body = "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done"
    path = shell_script(tmp_path, body)
    with pytest.raises(NotAnEmulatorError, match="prints without end"):
        ask_all(path, deadline=60)


# -- greetings ---------------------------------------------------------------------------------


def test_silence(tmp_path: Path) -> None:
    path = shell_script(tmp_path, "echo starting up; sleep 100")
    line = trouble_with(path, EmulatorTimeoutError, deadline=2)
    assert "2 s" in line
    assert "starting up" in line


@pytest.mark.parametrize(
    "said",
    [
        b"hello\n",
        b"\n",
        b"[]\n",
        b"{}\n",
        b'{"return": {}}\n',
        b'{"QMP": 3}\n',
        b"\xff\xfe\x00\n",
        b'{"QMP": {"capabilities": ["\xff"]}}\n',
        b'{"x": ' + b"[" * 100_000 + b"\n",
    ],
)
def test_rubbish_for_a_greeting(tmp_path: Path, said: bytes) -> None:
    path = script(tmp_path, f"send({said!r})\ntime.sleep(100)\n")
    trouble_with(path, NotAnEmulatorError)


def test_half_a_greeting_and_silence(tmp_path: Path) -> None:
    path = script(tmp_path, """send(b'{"QMP": {"ver')\ntime.sleep(100)\n""")
    trouble_with(path, EmulatorTimeoutError, deadline=1)


def test_half_a_greeting_and_the_end(tmp_path: Path) -> None:
    path = script(tmp_path, """send(b'{"QMP": {"ver')\nsys.exit("that was it")\n""")
    assert "that was it" in trouble_with(path, NotAnEmulatorError)


def test_a_greeting_and_nothing_more(tmp_path: Path) -> None:
    path = script(tmp_path, "greet()\ntime.sleep(100)\n")
    trouble_with(path, EmulatorTimeoutError, deadline=1)


def test_refused_negotiation(tmp_path: Path) -> None:
    path = script(tmp_path, 'del ANSWERS["qmp_capabilities"]\n' + WELL_BEHAVED)
    assert "capabilities" in trouble_with(path, NotAnEmulatorError)


def test_closed_monitor(tmp_path: Path) -> None:
    path = script(tmp_path, "stream.close()\nmonitor.close()\ntime.sleep(100)\n")
    assert "closed its monitor" in trouble_with(path, NotAnEmulatorError)


# -- while it is asked -------------------------------------------------------------------------


def test_death_at_a_basic_question(tmp_path: Path) -> None:
    body = """
def before(command):
    if command["execute"] == "query-qmp-schema":
        sys.exit("assertion failed: oops")
greet()
serve(before)
"""
    line = trouble_with(script(tmp_path, body), EmulatorDiedError)
    assert "status 1" in line
    assert "query-qmp-schema" in line
    assert "assertion failed: oops" in line


def test_killed_while_it_is_asked(tmp_path: Path) -> None:
    path = script(tmp_path, AT_BAD % "os.kill(os.getpid(), signal.SIGTERM)")
    assert "SIGTERM" in trouble_with(path, EmulatorDiedError)


def test_rubbish_while_it_is_asked(tmp_path: Path) -> None:
    path = script(tmp_path, AT_BAD % 'send(b"Segmentation fault\\n")')
    assert "Segmentation fault" in trouble_with(path, NotAnEmulatorError)


def test_replies_without_content(tmp_path: Path) -> None:
    path = script(tmp_path, AT_BAD % 'send({"id": command["id"]}); return True')
    assert "without content" in trouble_with(path, NotAnEmulatorError)


def test_a_parser_that_gives_up(tmp_path: Path) -> None:
    reply = {"error": {"class": "GenericError", "desc": "JSON parse error"}}
    path = script(tmp_path, AT_BAD % f"send({reply!r}); return True")
    assert "JSON parse error" in trouble_with(path, NotAnEmulatorError)


def test_silence_at_a_basic_question(tmp_path: Path) -> None:
    body = """
def before(command):
    if command["execute"] == "query-version":
        time.sleep(100)
greet()
serve(before)
"""
    line = trouble_with(script(tmp_path, body), EmulatorTimeoutError, question_deadline=2)
    assert "query-version" in line
    assert "2 s" in line


@pytest.mark.parametrize(
    "end", ["sys.exit('oops')", "os.abort()", "stream.close(), monitor.close()"]
)
def test_a_question_that_kills_costs_that_answer_only(tmp_path: Path, end: str) -> None:
    record = ask_all(script(tmp_path, AT_BAD % end))
    failed = failures(record)
    assert failed[BAD].kind == "died"
    assert not failed[BAD].is_answer
    assert [q for q in TABLE if q in failed] == [BAD]
    assert {a.question for a in record.sessions[0].answers} >= {*TABLE, VERSION, TYPES}


def test_a_question_that_hangs_costs_that_answer_only(tmp_path: Path) -> None:
    path = script(tmp_path, AT_BAD % "time.sleep(100)")
    record = ask_all(path, question_deadline=2)
    failed = failures(record)
    assert failed[BAD].kind == "timeout"
    assert "2 s" in failed[BAD].text
    assert [q for q in TABLE if q in failed] == [BAD]


def test_an_emulator_that_dies_at_every_question_can_not_be_asked(tmp_path: Path) -> None:
    body = """
def before(command):
    if command["execute"] == "device-list-properties":
        sys.exit("again")
greet()
serve(before)
"""
    assert "again" in trouble_with(script(tmp_path, body), EmulatorDiedError)


def test_the_inventory_ends_where_too_many_questions_kill(tmp_path: Path) -> None:
    body = """
def before(command):
    arguments = command.get("arguments", {})
    if arguments.get("implements") == "device":
        send({"return": [{"name": f"type-{n}"} for n in range(50)], "id": command["id"]})
        return True
    if arguments.get("typename", "").startswith("type-"):
        sys.exit("again")
greet()
serve(before)
"""
    record = ask_all(script(tmp_path, body), inventory=True)
    kinds = [f.kind for q, f in failures(record).items() if "type-" in q.arguments]
    assert len(kinds) == 50
    assert 0 < kinds.count("died") <= interrogation.FRESH_STARTS
    assert kinds.count("not-asked") == 50 - kinds.count("died")
    asked = {answer.question: answer for answer in record.sessions[0].answers}
    assert all(asked[question].failure is None for question in TABLE)


def test_the_inventory_ends_at_the_deadline(tmp_path: Path) -> None:
    body = """
def before(command):
    arguments = command.get("arguments", {})
    if arguments.get("implements") == "device":
        send({"return": [{"name": f"type-{n}"} for n in range(50)], "id": command["id"]})
        return True
    if arguments.get("typename", "").startswith("type-"):
        time.sleep(0.2)
greet()
serve(before)
"""
    record = ask_all(script(tmp_path, body), inventory=True, deadline=4)
    failed = failures(record)
    kinds = [f.kind for q, f in failed.items() if "type-" in q.arguments]
    assert len(kinds) >= 20
    assert set(kinds) == {"not-asked"}


# -- accelerators ------------------------------------------------------------------------------


def test_an_accelerator_that_kills_leaves_tcg(tmp_path: Path) -> None:
    body = 'if "kvm" in accelerator: sys.exit("no KVM for you")\n' + WELL_BEHAVED
    record = ask_all(script(tmp_path, body), accelerators=("kvm", "tcg"))
    first, second = record.sessions
    assert (first.accelerator, first.answers) == ("kvm", ())
    assert first.failure is not None
    assert "no KVM for you" in first.failure.text
    assert second.accelerator == "tcg"
    assert set(TABLE) <= {answer.question for answer in second.answers}


def test_an_emulator_without_tcg_has_the_accelerated_answers(tmp_path: Path) -> None:
    body = 'if "kvm" not in accelerator: sys.exit("no TCG in here")\n' + WELL_BEHAVED
    record = ask_all(script(tmp_path, body), accelerators=("kvm", "tcg"))
    first, second = record.sessions
    assert first.failure is None
    assert set(TABLE) <= {answer.question for answer in first.answers}
    assert second.failure is not None
    assert "no TCG in here" in second.failure.text


def test_an_accelerator_that_hangs_leaves_tcg(tmp_path: Path) -> None:
    body = 'if "kvm" in accelerator: time.sleep(100)\n' + WELL_BEHAVED
    record = ask_all(script(tmp_path, body), accelerators=("kvm", "tcg"), deadline=4)
    first, second = record.sessions
    assert first.failure is not None
    assert first.failure.kind == "timeout"
    assert set(TABLE) <= {answer.question for answer in second.answers}


# -- size --------------------------------------------------------------------------------------


ENDLESS_LINE = """
monitor.settimeout(5)
chunk = b"x" * 65536
sent = 0
while sent < 10_000_000_000:
    monitor.sendall(chunk)
    sent += len(chunk)
"""


def test_a_message_without_end(tmp_path: Path) -> None:
    body = ENDLESS_LINE.replace("\n", "\n        ")
    with pytest.raises(NotAnEmulatorError, match="more than 16777216 bytes"):
        ask_all(script(tmp_path, AT_BAD % body))


def test_a_greeting_without_end(tmp_path: Path) -> None:
    with pytest.raises(NotAnEmulatorError, match="more than"):
        ask_all(script(tmp_path, ENDLESS_LINE))


def test_messages_without_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qmp, "TOTAL_LIMIT", 1 << 20)
    body = AT_BAD % 'while True: send({"event": "SPAM", "data": "x" * 10000})'
    with pytest.raises(NotAnEmulatorError, match="more than 1048576 bytes"):
        ask_all(script(tmp_path, body))


def test_an_emulator_that_does_not_read(tmp_path: Path) -> None:
    body = """
greet()
stream.readline()
answer({"execute": "qmp_capabilities"})
time.sleep(100)
"""
    questions = [ask("query-" + "x" * 5000, number=n) for n in range(500)]
    with pytest.raises(EmulatorTimeoutError):
        ask_all(script(tmp_path, body), questions, question_deadline=2)


# -- nothing is left behind (see the fixture) --------------------------------------------------


CHILD = "subprocess.Popen(['sleep', '1000'], start_new_session=%s, close_fds=%s)\n"


@pytest.mark.parametrize("own_session", [False, True])
@pytest.mark.parametrize("after", ["sys.exit(3)\n", "time.sleep(100)\n"])
def test_children_of_what_is_no_emulator(tmp_path: Path, own_session: bool, after: str) -> None:
    with pytest.raises(ProbeError):
        ask_all(script(tmp_path, CHILD % (own_session, True) + after), deadline=1)


def test_a_child_that_keeps_the_monitor_open(tmp_path: Path) -> None:
    body = "os.set_inheritable(monitor.fileno(), True)\n" + CHILD % (True, False) + "sys.exit(3)"
    with pytest.raises(EmulatorTimeoutError):
        ask_all(script(tmp_path, body), deadline=1)


def test_children_of_an_emulator(tmp_path: Path) -> None:
    record = ask_all(script(tmp_path, CHILD % (False, True) + WELL_BEHAVED))
    assert record.sessions[0].answers


ESCAPES = {
    "a session of its own": 'setsid -w {python} {emulator} "$@"',
    "a session for a helper": (
        'setsid sleep {seconds} >/dev/null 2>&1 &\nexec {python} {emulator} "$@"'
    ),
    "no parent": '(setsid sleep {seconds} >/dev/null 2>&1 &)\nexec {python} {emulator} "$@"',
    "no mark": 'env -i setsid sleep {seconds} >/dev/null 2>&1 &\nexec {python} {emulator} "$@"',
    "neither parent nor mark": (
        '(env -i setsid sleep {seconds} >/dev/null 2>&1 &)\nexec {python} {emulator} "$@"'
    ),
    "ends at once": "(env -i setsid sleep {seconds} >/dev/null 2>&1 &)\nexit 3",
    "hangs in a session of its own": "exec env -i setsid sleep {seconds}",
}


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux")
@pytest.mark.parametrize(
    ("name", "how"),
    [
        *((name, "in the end") for name in ESCAPES),
        # without a mark, nobody is left who would know of it
        *((name, "killed") for name, text in ESCAPES.items() if "env -i" not in text),
    ],
)
def test_nobody_escapes(name: str, how: str, tmp_path: Path) -> None:
    seconds = f"98{os.getpid()}.{list(ESCAPES).index(name)}"
    body = AT_BAD % "time.sleep(100)" if how == "killed" else WELL_BEHAVED
    emulator = script(tmp_path, body, f"emulator-{seconds}")
    text = ESCAPES[name].format(python=sys.executable, emulator=emulator, seconds=seconds)
    program = """
        import sys
        from domcaps.facts.descendants import ADOPTION
        from domcaps.facts.probe import probe
        from domcaps.facts.question import device_properties_of
        from domcaps.facts.trust import vouch
        ADOPTION.is_alone = True
        probe([vouch(sys.argv[1])], [device_properties_of("device-07")], kvm=False)
    """
    arguments = [sys.executable, "-c", textwrap.dedent(program), shell_script(tmp_path, text)]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL) as running:
        if how == "killed":
            time.sleep(1.0)
            assert called(seconds)
            running.kill()
        running.wait(60)
    limit = time.monotonic() + 3
    while called(seconds) and time.monotonic() < limit:
        time.sleep(0.02)
    assert called(seconds) == []


START_BESIDE = """
    import subprocess, sys, threading, time
    from domcaps.facts import launch
    from domcaps.facts.descendants import ADOPTION

    # a start that is slow after its child is there, and before that is known
    was_forked, made = threading.Event(), subprocess.Popen
    def slowly(*args, **kinds):
        child = made(*args, **kinds)
        was_forked.set()
        time.sleep(0.3)
        return child
    subprocess.Popen = slowly

    ADOPTION.is_alone = True
    ADOPTION.begin(1)
    started = []
    beside = threading.Thread(
        target=lambda: started.append(launch.start(launch.shell(("-c", "sleep 0.6; exit 7"))))
    )
    beside.start()
    was_forked.wait()
    ADOPTION.end(1)
    beside.join()
    sys.exit(started[0].wait())
"""


def test_what_is_being_started_is_no_orphan() -> None:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(START_BESIDE)], check=False)
    assert done.returncode == 7


FORKED = """
    import os, sys
    from domcaps.facts import launch
    from domcaps.facts.descendants import ADOPTION, starting

    ADOPTION.is_alone = True
    ADOPTION.begin(1)
    with starting():
        child = os.fork()
        if not child:
            # neither the lock nor the emulator is one of this process
            launch.start(launch.shell(("-c", "exit 0"))).wait()
            ADOPTION.begin(2)
            orphan = os.fork()
            if not orphan:
                os.execv("/bin/sleep", ["sleep", "100"])
            ADOPTION.end(2)
            try:
                os.kill(orphan, 0)
            except ProcessLookupError:
                os._exit(7)
            os._exit(1)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_ends_its_own_orphans() -> None:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(FORKED)], check=False, timeout=60)
    assert done.returncode == 7


def called(text: str) -> list[str]:
    """Give the command lines that hold a text."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and "-c import" not in line:
            found.append(line)
    return found


def test_cancelled_while_it_asks(tmp_path: Path, mark: str) -> None:
    path = script(tmp_path, AT_BAD % "time.sleep(100)")

    async def run() -> None:
        task = asyncio.create_task(probe_emulator(path, TABLE, accelerators=("kvm", "tcg")))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # at once, not only when the loop has ended
        assert survivors(mark, patience=0) == []

    asyncio.run(run())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_program_is_killed_while_it_asks(
    tmp_path: Path, mark: str, number: signal.Signals
) -> None:
    path = script(tmp_path, AT_BAD % "open(sys.argv[0] + '.there', 'w'); time.sleep(100)")
    program = """
        import sys
        from domcaps.facts.probe import probe
        from domcaps.facts.question import device_properties_of
        from domcaps.facts.trust import vouch
        probe(list(map(vouch, sys.argv[1:])), [device_properties_of("device-07")], kvm=True)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), path], stderr=subprocess.DEVNULL
    ) as running:
        limit = time.monotonic() + 10
        while not Path(path + ".there").exists() and time.monotonic() < limit:
            time.sleep(0.02)
        assert len(survivors(mark, patience=0)) >= 3
        running.send_signal(number)
        running.wait(60)
    assert survivors(mark) == []


def test_ctrl_c_lets_each_emulator_end_before_the_probe_does(tmp_path: Path) -> None:
    paths = [
        script(
            tmp_path, AT_BAD % "open(sys.argv[0] + '.there', 'w'); time.sleep(100)", f"emulator-{n}"
        )
        for n in range(4)
    ]
    program = """
        import sys
        from domcaps.facts.probe import probe
        from domcaps.facts.question import device_properties_of
        from domcaps.facts.trust import vouch
        try:
            paths = list(map(vouch, sys.argv[1:]))
            probe(paths, [device_properties_of("device-07")], kvm=False, jobs=4)
        except KeyboardInterrupt:
            sys.exit(130)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *paths], stderr=subprocess.PIPE, text=True
    ) as running:
        limit = time.monotonic() + 20
        while time.monotonic() < limit and not all(Path(f"{p}.there").exists() for p in paths):
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, printed = running.communicate(timeout=60)
    assert (running.returncode, printed) == (130, "")


def test_a_record_is_made_of_answers(tmp_path: Path) -> None:
    (session,) = ask_all(script(tmp_path, WELL_BEHAVED)).sessions
    assert all(isinstance(answer, Answer) for answer in session.answers)
