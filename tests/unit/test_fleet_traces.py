"""What a check found in one document is known in every other one in which it reads the same."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from test_fleet_verdicts import assert_true

from domcaps.fleet.fleet import Fleet
from domcaps.fleet.units import Look
from domcaps.hosts.host import Host
from fleet_hosts import fleet

if TYPE_CHECKING:
    from pathlib import Path

DEVICES = (
    "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>",
    "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>",
    "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='e1000e'/></interface>",
    "<video><model type='qxl' heads='2'/></video>",
    "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>",
    "<graphics type='vnc' port='-5'><listen type='address' address='x'/></graphics>",
    "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
    "<controller type='scsi' index='1' model='virtio-scsi'/>",
)
TEXT = """<domain type='{kind}'><name>a</name><memory>1048576</memory>{before}
<os{efi}><type arch='x86_64' machine='{machine}'>hvm</type></os>{after}<devices>{devices}</devices>
</domain>"""
PLAIN = {"kind": "kvm", "efi": "", "machine": "q35", "before": "", "after": ""}


@pytest.fixture
def made(tmp_path: Path) -> Fleet:
    found = Fleet.open(tmp_path)
    for name, recording in fleet(5, seed=7).items():
        found.add(recording, name)
    return found


def text(*devices: str, **values: str) -> bytes:
    return TEXT.format(**{**PLAIN, **values}, devices="".join(devices)).encode()


def test_documents_that_differ_in_structure_only(made: Fleet) -> None:
    alone = {name: Host.from_recording(record) for name, record in fleet(5, seed=7).items()}
    chosen = [*itertools.combinations(DEVICES, 2), *itertools.combinations(DEVICES, 6)]
    for number, devices in enumerate(chosen[::3]):
        turned = devices[::-1] if number % 2 else devices
        assert_true(made, alone, str(number), text(*turned, machine=("q35", "pc")[number % 2]))


@pytest.mark.parametrize(
    "values",
    [
        {"before": "<vcpu>300</vcpu>"}, {"after": "<vcpu>300</vcpu>"}, {"kind": "qemu"},
        {"efi": " firmware='efi'"}, {"after": "<cpu><model>EPYC</model><vendor/></cpu>"},
        {"before": "<strange/><uuid>x</uuid>"}, {"after": "<clock><timer name='tsc'/></clock>"},
        {"before": "<iothreads>2</iothreads>", "after": "<features><smm state='on'/></features>"},
    ],
)  # fmt: skip
def test_findings_have_their_places_wherever_an_element_stands(
    made: Fleet, values: dict[str, str]
) -> None:
    alone = {name: Host.from_recording(record) for name, record in fleet(5, seed=7).items()}
    for devices in ((), DEVICES[2:4], DEVICES[3:1:-1], DEVICES[3:6], DEVICES[3:4] * 3):
        assert_true(made, alone, "placed", text(*devices, **values))


def test_one_more_element_costs_the_checks_that_look_at_it(
    made: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, runs = Look.run, []

    def counted(look: Look, *arguments: object) -> object:
        runs.append(arguments)
        return run(look, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Look, "run", counted)
    engine = made.engine()

    def cost(*devices: str) -> int:
        before = len(runs)
        engine.ask("a", text(*devices))
        return len(runs) - before

    first = cost(DEVICES[4])
    for device in DEVICES[:2]:
        cost(device)
    assert cost(*DEVICES[:2]) < first / 2
    assert cost(*DEVICES[:2]) < first / 20


def test_a_refused_value_is_looked_up_the_next_time(
    made: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, refused = made.engine(), "<video><model type='none-such'/></video>"
    engine.ask("a", text(*DEVICES[3:5], refused))
    monkeypatch.setattr(Look, "run", None)
    again = engine.ask("b", text(*DEVICES[3:5], refused))
    assert any(found.code == "video-model-type-unknown" for found in again.sets[0].errors)


def test_texts_that_are_never_met_again_are_not_kept(made: Fleet) -> None:
    disk = "<disk type='file'><source file='/srv/{0}'/><target dev='vda' bus='virtio'/></disk>"
    engine, sizes = made.engine(), []
    for number in range(200):
        data = text(disk.format(number)).replace(b"<name>a<", f"<name>guest-{number}<".encode())
        engine.ask("a", data)
        sizes.append(engine.remembered)
    assert sizes[5] > sizes[0]
    assert sizes[-1] == sizes[100]
