"""What can't be kept for the next call is asked once in a call, whatever the call is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

import fresh_fakes as fakes
from domcaps.choose.quick_fixes import quick_fixes
from domcaps.errors import ProbeError
from domcaps.one_call import calls_apart, one_call
from fresh_fakes import PretendedHost, emulator_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOMAIN = """<domain type='qemu'>
  <name>d</name>
  <memory unit='MiB'>512</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <video><model type='virtio'/></video>
    <graphics type='spice'/>
    <sound model='ich9'/>
    <watchdog model='itco' action='reset'/>
  </devices>
</domain>
"""


@pytest.fixture
def host(tmp_path: Path) -> PretendedHost:
    """Give a host whose emulator is a script that might read anything."""
    made = PretendedHost(tmp_path / "root")
    made.write(fakes.EMULATOR, f"#!/bin/sh\nX=$(date)\nexec {fakes.REAL_EMULATOR} $@\n", 0o755)
    # what was written just now is asked again, until a change would show
    for _ in range(100):
        made.prober.asked = 0
        made.host.domain_capabilities(machine="q35")
        if made.prober.asked == 1:
            break
    made.prober.asked = 0
    return made


CALLS: dict[str, Callable[[Any], object]] = {
    "validate": lambda host: host.validate(DOMAIN),
    "repair": lambda host: host.repair(DOMAIN),
    "choose": lambda host: host.choose("guest"),
    "native": lambda host: host.native(DOMAIN),
    "explain": lambda host: host.explain("video.modelType", machine="q35"),
    "explain_domain": lambda host: host.explain_domain(DOMAIN),
    "convert": lambda host: host.convert(DOMAIN, to="pc"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_asks_once(name: str, host: PretendedHost) -> None:
    CALLS[name](host.host)
    assert host.prober.asked == 1
    CALLS[name](host.host)
    assert host.prober.asked == 2


def test_all_within_a_call_asks_once(host: PretendedHost) -> None:
    with one_call():
        found = host.host.validate(DOMAIN)
        assert found.findings
        for finding in found.findings:
            quick_fixes(host.host, DOMAIN.encode(), finding, "auto")
        host.host.domain_capabilities(machine="pc")
    assert host.prober.asked == 1
    with one_call():
        calls_apart()
        host.host.validate(DOMAIN)
        host.host.validate(DOMAIN)
    assert host.prober.asked == 3


def test_a_change_counts_within_a_call(host: PretendedHost) -> None:
    with one_call():
        before = host.remembered(machine="q35")
        host.write(fakes.REAL_EMULATOR, emulator_text("VGA"), 0o755)
        host.write(fakes.LIBRARY, "")
        assert host.remembered(machine="q35") != before


def test_a_failure_stands_within_a_call(host: PretendedHost, monkeypatch: Any) -> None:
    asked = []

    def fail(*_: object) -> None:
        asked.append(1)
        raise ProbeError("it ends at once")

    monkeypatch.setattr(type(host.prober), "__call__", fail)
    with one_call():
        for _ in range(5):
            with pytest.raises(ProbeError):
                host.host.domain_capabilities(machine="q35")
    assert len(asked) == 1


def test_another_call_does_not_take_what_was_asked_before_it_began(host: PretendedHost) -> None:
    asked_by_others: list[int] = []

    def other() -> None:
        with one_call():
            host.host.domain_capabilities(machine="q35")
            begun.set()
            go_on.wait(10)
            # proves it once more in its own call, after the other one began
            host.host.domain_capabilities(machine="q35")
            proven.set()
            end.wait(10)

    begun, go_on, proven, end = (threading.Event() for _ in range(4))
    thread = threading.Thread(target=other)
    thread.start()
    assert begun.wait(10)
    with one_call():
        # the call begins when it looks at the machine for the first time
        host.host.machine.find("qemu-system-none")
        go_on.set()
        assert proven.wait(10)
        asked_by_others.append(host.prober.asked)
        host.host.domain_capabilities(machine="q35")
    end.set()
    thread.join()
    assert asked_by_others == [1]
    assert host.prober.asked == 2
