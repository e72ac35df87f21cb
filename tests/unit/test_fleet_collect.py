"""What another machine answers is checked; the agents' scripts are what old systems run."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domcaps.errors import FleetError
from domcaps.facts.hostfiles import HostFiles
from domcaps.files import package_text
from domcaps.fleet.collect import facts, ssh
from domcaps.fleet.collect import pull as pulling
from domcaps.fleet.collect.files import RemoteFiles
from domcaps.fleet.collect.pull import PullSource, source_of
from domcaps.fleet.collect.requests import PYTHON, SHELL, Reply, Request, replies, script
from domcaps.fleet.collect.ssh import ssh_host
from fleet_hosts import replace, shipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.facts.record import Recording
    from domcaps.fleet.collect.facts import RemoteFacts

MARK = "DOMCAPS_0"


def run(requests: list[Request], agent: str = "") -> list[Reply]:
    done = subprocess.run(
        ["/bin/sh"], input=script(requests, MARK, agent).encode(), capture_output=True, check=False
    )
    return replies(done.stdout, MARK, len(requests))[1]


def test_the_agent_is_python_3_6() -> None:
    ast.parse(package_text("domcaps.fleet.collect", "agent_python.txt"), feature_version=(3, 6))


@pytest.mark.parametrize("agent", ["", SHELL])
def test_files_of_another_machine_are_those_of_this_one(agent: str, tmp_path: Path) -> None:
    odd = tmp_path / "it's $(odd) \\ *"
    odd.mkdir()
    (odd / "a b").write_bytes(b"\0\xff'\n" * 100)
    (odd / "-n").write_text("")
    (odd / "run").write_text('#!/bin/sh\necho \'{"features": ["one"]}\'\n')
    (odd / "run").chmod(0o755)
    (tmp_path / "fifo").symlink_to("/dev/null")
    requests: list[Request] = [
        ("read_file", f"{odd}/a b", "150"), ("read_file", f"{odd}/-n", "10"),
        ("read_file", f"{tmp_path}/fifo", "10"), ("read_file", f"{odd}/none", "10"),
        ("names", str(odd)), ("names", f"{odd}/a b"), ("status", f"{odd}/run"),
        ("status", "/none"), ("features", f"{odd}/run"), ("hello",),
    ]  # fmt: skip
    files = RemoteFiles()
    files.known = dict(zip(requests, run(requests, agent), strict=True))
    here = HostFiles()
    assert files.read(f"{odd}/a b", 150) == here.read(f"{odd}/a b", 150)
    assert files.read(f"{odd}/-n", 10) == b""
    assert files.names(str(odd)) == here.names(str(odd)) == ("-n", "a b", "run")
    found, own = files.status(f"{odd}/run"), here.status(f"{odd}/run")
    assert (found.st_mode, found.st_size) == (own.st_mode, own.st_size)
    assert found.st_mtime_ns // 10**9 == own.st_mtime_ns // 10**9
    assert files.program(f"{odd}/run") is not None
    assert json.loads(files.ask("features", f"{odd}/run")) == {"features": ["one"]}
    for wrong in (("read_file", f"{tmp_path}/fifo", "10"), ("names", f"{odd}/a b")):
        with pytest.raises(OSError):
            files.ask(*wrong)
    with pytest.raises(FileNotFoundError):
        files.read(f"{odd}/none", 10)
    assert not files.exists("/none")
    assert not files.missed
    assert files.known[("hello",)].data.decode().split("\n")[0] == str(os.geteuid())


def test_a_shell_says_that_it_can_t_read_registers() -> None:
    requests: list[Request] = [
        ("cpuid", "1", "0"), ("register", "266"), ("counter", ""), ("control", "/dev/kvm", "[]")
    ]  # fmt: skip
    assert run(requests, SHELL) == [Reply(error="ENOSYS")] * 4


def test_what_is_not_known_is_noted_and_absent() -> None:
    files = RemoteFiles()
    assert files.text("/proc/cpuinfo") == ""
    assert files.names_or_none("/sys") == ()
    assert not files.exists("/dev/kvm")
    assert list(files.missed) == [
        ("read_file", "/proc/cpuinfo", "65536"), ("names", "/sys"), ("status", "/dev/kvm")
    ]  # fmt: skip
    assert not files.is_live
    with pytest.raises(OSError, match="Invalid"):
        files.read("/a\n/b")


@pytest.mark.parametrize(
    "output",
    [
        b"", b"\xff\xfe\x00", MARK.encode(), f"{MARK} {PYTHON}\n".encode(),
        f"{MARK} {PYTHON}\nok YQ==\n".encode(), f"{MARK} Perl\nok YQ==\n{MARK}\n".encode(),
        f"{MARK} {PYTHON}\nok Y\n{MARK}\n".encode(), f"{MARK} {PYTHON}\nno such\n{MARK}\n".encode(),
        f"{MARK} {PYTHON}\nok YQ==\nok YQ==\n{MARK}\n".encode(),
        f"{MARK} {PYTHON}\n{MARK}\n".encode(),
        f"{MARK} {PYTHON}\nok \xe4\xe4\n{MARK}\n".encode(),
    ],
)  # fmt: skip
def test_other_output_is_refused(output: bytes) -> None:
    with pytest.raises(FleetError):
        replies(output, MARK, 1)


def test_lines_around_the_replies_do_not_matter() -> None:
    output = f"Welcome\nok YQ==\n{MARK} {PYTHON}\nok YQ==\n{MARK}\nBye\n".encode()
    assert replies(output, MARK, 1) == (PYTHON, [Reply(b"a")])


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (("status", "/a"), "81a4 x"), (("status", "/a"), "81a4 1 2 3 z 0 -r"),
        (("status", "/a"), ""), (("cpuid", "1", "0"), "{}"),
        (("status", "/a"), "-1 1 0 0 0 0 -r"), (("status", "/a"), "fffffffff 1 0 0 0 0 -r"),
        (("status", "/a"), f"81a4 {2**64} 0 0 0 0 -r"), (("status", "/a"), "81a4 1 -2 0 0 0 -r"),
        (("status", "/a"), f"81a4 1 0 {2**40} 0 0 -r"),
        (("status", "/a"), f"81a4 1 0 0 {10**30} 0 -r"),
        (("cpuid", "1", "0"), "[1, 2, \"x\", 4]"), (("cpuid", "1", "0"), "[" * 100_000),
        (("cpuid", "1", "0"), "[1e400]"), (("cpuid", "1", "0"), "[true]"),
    ],
)  # fmt: skip
def test_replies_of_a_wrong_form_are_refused(request_: Request, text: str) -> None:
    files = RemoteFiles()
    files.known[request_] = Reply(text.encode())
    with pytest.raises(FleetError, match="form"):
        if request_[0] == "status":
            files.status(request_[1])
        else:
            files.number(*request_)


def test_no_name_becomes_an_option_of_ssh() -> None:
    assert ssh_host("admin@node-1").destination == "admin@node-1"
    for name in ("-oProxyCommand=x", "", "a b", "a;b", "a\nb", "$(x)"):
        with pytest.raises(FleetError):
            ssh_host(name)
    command = ssh_host("node-1", ["-p", "22"]).command("exec /bin/sh")
    assert command.arguments[-3:] == ("--", "node-1", "exec /bin/sh")


def test_an_ssh_that_closes_its_outputs_and_does_not_end_takes_its_time_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def silent(*_: object, **__: object) -> subprocess.Popen[bytes]:
        words = ["/bin/sh", "-c", "exec >&- 2>&-; sleep 60"]
        pipe = subprocess.PIPE
        made = subprocess.Popen(words, stdout=pipe, stderr=pipe, start_new_session=True)
        started.append(made)
        return made

    monkeypatch.setattr(ssh, "start", silent)
    monkeypatch.setattr(ssh, "_program", lambda: "/usr/bin/ssh")
    with pytest.raises(FleetError, match="time for this host"):
        ssh.run(ssh_host("node-1"), "exec /bin/sh", "", time.monotonic() + 0.3)
    assert started[0].returncode is not None


def test_a_host_that_prints_errors_without_end_takes_its_time_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def noisy(*_: object, **__: object) -> subprocess.Popen[bytes]:
        words = ["timeout", "3", "sh", "-c", "exec yes >&2"]
        pipe = subprocess.PIPE
        return subprocess.Popen(words, stdout=pipe, stderr=pipe, start_new_session=True)

    monkeypatch.setattr(ssh, "start", noisy)
    monkeypatch.setattr(ssh, "_program", lambda: "/usr/bin/ssh")
    with pytest.raises(FleetError, match="time for this host"):
        ssh.run(ssh_host("node-1"), "exec /bin/sh", "", time.monotonic() + 0.3)


HELLO = ["0", "0", "/root", "-", "/usr/bin", "x86_64", "6.1", "#1"]


def read_of(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Request], Reply]) -> RemoteFacts:
    """Read the facts of a host that answers in this way."""

    def answers(requests: list[Request], *_: object) -> str:
        asked[:] = requests
        return ""

    def given(*_: object) -> tuple[str, list[Reply]]:
        return PYTHON, [answer(one) for one in asked]

    asked: list[Request] = []
    monkeypatch.setattr(facts, "script", answers)
    monkeypatch.setattr(facts, "replies", given)
    monkeypatch.setattr(facts, "run", lambda *_: b"")
    return facts.read_facts(ssh_host("node-1"), time.monotonic() + 60)


def hello(*changes: tuple[int, str]) -> Reply:
    lines = dict(enumerate(HELLO)) | dict(changes)
    return Reply("\n".join(lines.values()).encode())


@pytest.mark.parametrize("number", ["-1", str(2**32), str(2**80), "x"])
@pytest.mark.parametrize("line", [0, 1])
def test_a_user_that_can_not_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, line: int, number: str
) -> None:
    def answer(request: Request) -> Reply:
        return hello((line, number)) if request == ("hello",) else Reply(error="ENOENT")

    with pytest.raises(FleetError, match="form"):
        read_of(monkeypatch, answer)


def test_the_files_of_a_host_have_a_limit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: Request) -> Reply:
        return hello() if request == ("hello",) else Reply(b"x" * 40_000)

    monkeypatch.setattr(facts, "LARGEST", 100_000)
    with pytest.raises(FleetError, match="the host's files have more than"):
        read_of(monkeypatch, answer)


def test_a_host_that_answers_what_no_file_holds_fails_for_itself_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = shipped()

    def recorded(host: ssh.SshHost, *_: object) -> Recording:
        if host.destination == "odd":
            return replace(good, made_by="\udcff")
        if host.destination == "broken":
            raise KeyError("a\x1b[31m")
        return good

    monkeypatch.setattr(pulling, "record_over_ssh", recorded)
    sources = [PullSource(name, name) for name in ("odd", "broken", "good")]
    found = {one.source.name: one for one in pulling.pull(sources)}
    assert found["good"].recording == good
    assert "can't be written" in found["odd"].error
    assert found["broken"].error == "the host's answers can't be used: KeyError: 'a\\x1b[31m'"


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("node-1", PullSource("node-1", "node-1")),
        ("root@node-1", PullSource("node-1", "root@node-1")),
        ("a=root@10.0.0.1", PullSource("a", "root@10.0.0.1")),
        ("ssh://root@[::1]:22", PullSource("::1", "ssh://root@[::1]:22")),
        ("a=ssh://h:1", PullSource("a", "ssh://h:1")),
    ],
)
def test_names_of_hosts(text: str, source: PullSource) -> None:
    assert source_of(text) == source


def test_a_python_of_this_machine_runs_the_agent() -> None:
    text = script([("names", "/")], MARK).split("<<'")[1].split("\n", 1)[1].split(f"\n{MARK}\n")[0]
    done = subprocess.run(
        [sys.executable, "-"], input=text.encode(), capture_output=True, check=True
    )
    _, (reply,) = replies(done.stdout, MARK, 1)
    assert set(reply.data.decode().split("\n")) <= {p.name for p in Path("/").iterdir()}
