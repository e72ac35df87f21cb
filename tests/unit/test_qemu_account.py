"""Whose rights count: the account that runs QEMU, not the one that asks."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

import pytest

import domcaps
from command_runner import CliRunner
from domcaps.cli import report, serve, verify, watch
from domcaps.cli.host import command
from domcaps.errors import DomcapsError
from domcaps.facts import qemu_account
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.hostprobe import read_host
from domcaps.facts.kvm import DEVICE, read_kvm
from domcaps.facts.qemu_account import CONFIGURATION, SYSTEM, account, system_account
from domcaps.facts.question import ask
from domcaps.facts.record import HostRecord, Recording
from domcaps.facts.record import Kvm as KvmFacts
from domcaps.fresh.report_cache import options_of
from fakes import emulator_record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from click import Command

ME = pwd.getpwuid(os.geteuid())
NOBODY = pwd.getpwnam("nobody")


def with_configuration(root: Path, text: str) -> HostFiles:
    path = root / CONFIGURATION.lstrip("/")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return HostFiles(root)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('user = "nobody"', "nobody"),
        (f'user = "+{NOBODY.pw_uid}"', "nobody"),
        (f'  user="{NOBODY.pw_uid}"\n', "nobody"),
        ('user = "root"\nuser = "nobody"', "nobody"),
        ('user = "no-such-account"', "no-such-account"),
    ],
)
def test_the_configuration_names_the_account(tmp_path: Path, text: str, name: str) -> None:
    assert system_account(with_configuration(tmp_path, text)) == name


@pytest.mark.parametrize("known", ["libvirt-qemu", "qemu", ""])
def test_without_one_it_is_the_distributions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    monkeypatch.setattr(qemu_account, "account", lambda name: ME if name == known else None)
    assert system_account(with_configuration(tmp_path, '#user = "nobody"')) == (known or "root")


def test_accounts_by_name_and_number() -> None:
    assert account("nobody") == account(str(NOBODY.pw_uid)) == NOBODY
    assert account("no-such-account") is None
    assert account("99999999999999999999") is None


class Kvm(HostFiles):
    """A device that this process may open, or not."""

    def __init__(self, root: Path, *, opens: bool, mode: int) -> None:
        super().__init__(root)
        self.opens = opens
        path = root / DEVICE.lstrip("/")
        path.parent.mkdir(parents=True)
        path.touch()
        path.chmod(mode)

    def control(self, path: str, requests: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        if not self.opens:
            raise PermissionError(13, "Permission denied", path)
        return tuple(12 for _ in requests)


def test_another_accounts_rights_decide(tmp_path: Path) -> None:
    files = Kvm(tmp_path, opens=True, mode=0o600)
    assert read_kvm(files, "x86_64").usable
    assert not read_kvm(files, "x86_64", "nobody").usable
    assert "nobody has no permission" in read_kvm(files, "x86_64", "nobody").reason


def test_what_the_caller_may_not_open_others_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Kvm(tmp_path, opens=False, mode=0o666)
    monkeypatch.setattr(os, "access", lambda _, mode: mode == os.F_OK)
    assert not read_kvm(files, "x86_64").usable
    found = read_kvm(files, "x86_64", "nobody")
    # what only opening it tells is unknown, not no
    assert (found.usable, found.max_vcpus, found.smm) == (True, 0, None)


def test_a_recording_keeps_the_account(tmp_path: Path) -> None:
    with_configuration(tmp_path, 'user = "nobody"')
    assert read_host(tmp_path, run_helpers=False, qemu_user=SYSTEM).qemu_user == "nobody"
    assert read_host(tmp_path, run_helpers=False).qemu_user == ""


@pytest.mark.parametrize(
    "asked",
    [command, verify.command, watch.command, report.command, serve.command],
    ids=["host", "verify", "watch", "report", "serve"],
)
def test_the_command_line_refuses_an_account_that_is_not_there(asked: Command) -> None:
    result = CliRunner().invoke(asked, ["--as", "no-such-account"])
    assert result.exit_code == 2
    assert "unknown user" in result.stderr


def test_reports_of_two_accounts_are_kept_apart() -> None:
    question = {"emulator": None, "arch": None, "virttype": None}
    kept = {options_of({**question, "as": user}) for user in ("system", "session")}
    assert len(kept) == 2


def test_a_report_and_its_server_are_for_the_account_of_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def local(*, qemu_user: str = "", **_more: object) -> None:
        asked.append(qemu_user)
        raise DomcapsError("far enough")

    monkeypatch.setattr("domcaps.hosts.host.Host.local", local)
    monkeypatch.setattr(report, "recall", lambda _options: None)
    for one in (report.command, serve.command):
        CliRunner().invoke(one, ["--as", "nobody"])
    CliRunner().invoke(report.command, ["--as", "nobody", "--truth"])
    assert asked == ["nobody"] * 3


def _unseen(*, present: bool, usable: bool = True) -> domcaps.Host:
    """Give a host whose KVM was out of reach of the process that probed."""
    state = {ask("query-kvm"): {"enabled": False, "present": present}}
    facts = HostRecord("x86_64", kvm=KvmFacts(usable=usable, reason="" if usable else "no /dev"))
    return domcaps.Host.from_recording(Recording(facts, (emulator_record(answers=state),)))


_DOMAIN = (
    "<domain type='kvm'><name>a</name><memory>65536</memory><os><type>hvm</type></os>"
    "<cpu mode='custom'><model>Nehalem</model></cpu><features><acpi/><hyperv>"
    "<synic state='on'/></hyperv><smm state='on'/></features></domain>"
)


def test_what_only_kvm_tells_is_unknown_to_a_caller_without_it() -> None:
    found = _unseen(present=True).validate(_DOMAIN)
    codes = {finding.code for finding in found.findings}
    assert not codes & {"domain-type-unsupported", "features-hyperv-unavailable"}
    unknown = " ".join(found.unknown)
    assert "query-cpu-definitions" in unknown
    assert "KVM supports <synic>" in unknown


@pytest.mark.parametrize(("present", "usable"), [(False, True), (True, False)])
def test_a_kvm_that_nobody_may_use_is_missing(present: bool, usable: bool) -> None:
    found = _unseen(present=present, usable=usable).validate(_DOMAIN)
    assert "domain-type-unsupported" in {finding.code for finding in found.findings}


def test_a_report_does_not_tell_a_limit_of_cpus_that_kvm_was_not_asked_for() -> None:
    host = _unseen(present=True)
    assert "<vcpu max=" in host.domain_capabilities(virttype="qemu").xml
    assert "<vcpu" not in host.domain_capabilities(virttype="kvm").xml
