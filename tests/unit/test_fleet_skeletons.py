"""Documents of one structure are judged by their values: each as if it had been judged alone."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from test_fleet_verdicts import assert_true

from domcaps.facts.host_parts import Libvirt
from domcaps.fleet import engine as engine_module
from domcaps.fleet import judging
from domcaps.fleet.fleet import Fleet
from domcaps.fleet.forms import form_of, split_document
from domcaps.fleet.judging import Judge
from domcaps.hosts.host import Host
from fleet_hosts import fleet, replace

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """<domain type='kvm'><name>a</name><memory unit='KiB'>1048576</memory><vcpu>4</vcpu>
<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os>
<features><acpi/><smm state='on'/></features>
<cpu mode='custom' match='exact'><model>EPYC</model>
<topology sockets='1' cores='4' threads='1'/></cpu>
<clock offset='utc'><timer name='tsc' present='no'/></clock>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/a/1'/>
<target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><source file='/a/2'/><target dev='sda' bus='sata'/></disk>
<controller type='scsi' index='0' model='virtio-scsi'/>
<interface type='user'><mac address='52:54:00:00:00:01'/><model type='e1000e'/></interface>
<interface type='user'><mac address='52:54:00:00:00:02'/><model type='virtio'/></interface>
<graphics type='vnc' port='5900'><listen type='address' address='127.0.0.1'/></graphics>
<video><model type='qxl' heads='1' vram='65536'/></video>
<memballoon model='virtio'>
<address type='pci' domain='0' bus='0' slot='5' function='0'/></memballoon>
<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
</devices></domain>"""
OTHERS = (
    "", "0", "1", "-1", "2", "255", "300", "99999999999", "on", "none", "none-such", "pc", "q35",
    "virtio", "ide", "usb", "vga", "host-model", "host-passthrough", "block", "spice", "pcie-root",
    "pci", "qemu", "52:54:00:00:00:01", "53:54:00:00:00:01", "vda", "/a/1",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    found = Fleet.open(tmp_path_factory.mktemp("skeletons"))
    for name, recording in fleet(4, seed=5).items():
        found.add(recording, name)
    return found


@pytest.fixture(scope="module")
def hosts() -> dict[str, Host]:
    return {name: Host.from_recording(found) for name, found in fleet(4, seed=5).items()}


def put_together(structure: tuple[str, ...], values: list[str]) -> bytes:
    pairs = zip(structure, (*values, ""), strict=True)
    return "".join(text for pair in pairs for text in pair).encode()


def test_each_value_counts_where_it_stands(made: Fleet, hosts: dict[str, Host]) -> None:
    split = split_document(TEXT.encode())
    assert split is not None
    rng = random.Random(4)  # noqa: S311 - no secret
    for number in range(70):
        values = list(split.values)
        for slot in rng.sample(range(len(values)), 1 + number % 3 if number > 2 else 0):
            # an emulator's path is written as each host's own, wherever it stands
            values[slot] = rng.choice((*OTHERS, *(v for v in split.values if "qemu-" not in v)))
        assert_true(made, hosts, str(number), put_together(split.structure, values))


def test_a_document_of_a_known_skeleton_is_neither_walked_over_nor_judged_again(
    made: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = made.engine()
    data = TEXT.replace("<memballoon", "<rng model='virtio'/><memballoon").encode()
    first = [engine.ask("a", data) for _ in range(3)]
    monkeypatch.setattr(engine_module, "read", None)
    assert engine.ask("a", data) == first[0] == first[2]


def test_a_name_is_looked_at_only_for_what_rules_want_to_know(
    made: Fleet, hosts: dict[str, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, qxl = made.engine(), "<video><model type='qxl'/></video>"
    names = ("one", "two", "a/b", "macOS", "windows 11", "win-10/x")
    for name in names:
        assert_true(made, hosts, name, AROUND.format(name=name, devices=qxl).encode())
    monkeypatch.setattr(engine_module, "read", None)
    for name in (f"never met {number}" for number in range(40)):
        engine.ask("a", AROUND.format(name=name, devices=qxl).encode())


DEVICES = (
    (
        "<disk type='file'><driver name='qemu' type='{a}'/><source file='/{b}'/>"
        "<target dev='vd{c}' bus='virtio'/></disk>"
    ),
    "<disk type='file' device='cdrom'><source file='/{b}'/><target dev='sd{c}' bus='{a}'/></disk>",
    "<interface type='user'><mac address='52:54:00:00:00:{n}'/><model type='{a}'/></interface>",
    "<graphics type='{a}' port='{n}' autoport='{b}'/>",
    "<video><model type='{a}' heads='{n}' vram='{c}'/></video>",
    (
        "<filesystem type='mount'><driver type='{a}'/><source dir='/{b}'/><target dir='{c}'/>"
        "</filesystem>"
    ),
    "<memballoon model='virtio'><address type='pci' slot='{n}'/></memballoon>",
    "<controller type='scsi' index='{c}' model='{a}'/>",
)
WORDS = ("virtio", "qcow2", "vnc", "virtiofs", "virtio-scsi", "none-such", "yes", "no", "scsi")
AROUND = """<domain type='kvm'><name>{name}</name><memory>1048576</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{devices}</devices></domain>"""


def drawn(rng: random.Random, number: int) -> bytes:
    """Give a domain of some of the devices, with values of which some are never met again."""
    devices = "".join(
        device.format(
            a=rng.choice(WORDS), b=rng.choice((f"{number}", "yes", "x", "perhaps")),
            c=rng.choice("abc012"), n=rng.choice((f"{number}", "01", "5900", "-1", "x")),
        )
        for device in rng.sample(DEVICES, rng.randrange(1, 6))
    )  # fmt: skip
    return AROUND.format(name=rng.choice((f"n{number}", "a/b")), devices=devices).encode()


def test_parts_that_look_alike_share_what_was_found_and_it_is_true(
    made: Fleet, hosts: dict[str, Host]
) -> None:
    rng = random.Random(11)  # noqa: S311 - no secret
    for number in range(100):
        data = drawn(rng, number)
        if number % 5:
            made.engine().ask(str(number), data)
        else:
            assert_true(made, hosts, str(number), data)


def test_a_new_skeleton_of_known_parts_costs_few_looks_at_traces(
    made: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, calls = Judge.judge, []

    def counted(self: Judge, check: Any, part: Any, looks: Any) -> object:
        # those of the domain itself look at all of it
        if part.node.getparent() is not None:
            calls.append(check)
        return judge(self, check, part, looks)

    monkeypatch.setattr(Judge, "judge", counted)
    engine, values = made.engine("12.8"), {"a": "virtio", "b": "x", "c": "a", "n": "01"}
    costs = []
    for some in ((0, 2, 4), (1, 6), (4, 2, 0)):
        calls.clear()
        devices = "".join(DEVICES[number] for number in some)
        engine.ask("a", AROUND.format(name="a", devices=devices.format(**values)).encode())
        costs.append(len(calls))
    # those that look at other devices
    assert 0 < costs[2] < 0.75 * costs[0], costs


def test_checks_that_read_all_devices_keep_no_traces_and_it_is_true(
    tmp_path: Path, hosts: dict[str, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_MANY", 3)
    made, rng = Fleet.open(tmp_path), random.Random(12)  # noqa: S311 - no secret
    for name, recording in fleet(4, seed=5).items():
        made.add(recording, name)
    engine, grown = made.engine(), []
    for number in range(60):
        before = engine.remembered
        data = drawn(rng, number)
        if number % 6:
            engine.ask(str(number), data)
        else:
            assert_true(made, hosts, str(number), data)
        grown.append(engine.remembered - before)
    kept = [one for checks in engine._judge._checks.values() for one in checks]
    assert any(one.is_of_one for one in kept)
    assert sum(grown[-20:]) < sum(grown[:20]) / 4, grown


def test_hosts_with_different_libvirt_find_what_their_own_finds(tmp_path: Path) -> None:
    recordings = {
        name: replace(one, host=replace(one.host, libvirt=Libvirt(version)))
        for (name, one), version in zip(
            fleet(3, seed=6).items(), ("9.0.0", "12.8.0", "12.8.0"), strict=True
        )
    }
    made = Fleet.open(tmp_path)
    for name, recording in recordings.items():
        made.add(recording, name)
    hosts = {name: Host.from_recording(found) for name, found in recordings.items()}
    engine = made.engine()
    for number in range(40):
        text = "".join(DEVICES[n] for n in (0, 3, 5)).format(a="vnc", b=number, c="a", n=number)
        data = AROUND.format(name=f"n{number}", devices=text).encode()
        if number < 36:
            engine.ask(str(number), data)
        else:
            assert_true(made, hosts, str(number), data)


@pytest.mark.parametrize(
    "text",
    [
        "<d><!-- a --><e b='1'/></d>", "<d>&lt;</d>", "<?xml version='1.0'?><d/>", "<d>\r</d>",
        "<!DOCTYPE d><d/>", "<d><![CDATA[x]]></d>",
    ],
)  # fmt: skip
def test_what_a_parser_may_read_otherwise_has_no_structure(text: str) -> None:
    assert split_document(text.encode()) is None


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("<d a='1' b=\"2\"><e>3</e><f g=''/></d>", ["1", "2", "3", ""]),
        ("<d>\n <e>it's</e>\n <f g='x>y=\"z'/></d>", ["it's", 'x>y="z']),
        ("<d xmlns:q='urn:x'><q:e a='1'/></d>", ["urn:x", "1"]),
        ("<d a='ü'>ß</d>", ["ü", "ß"]),
    ],
)
def test_values_stand_where_the_parser_finds_them(text: str, values: list[str]) -> None:
    split = split_document(text.encode())
    assert split is not None
    assert list(split.values) == values
    assert put_together(split.structure, values) == text.encode()
    assert form_of(split, etree.fromstring(text)) is not None


@pytest.mark.parametrize(
    "text",
    ["<d>'x'</d>", "<d>'x'='y'</d>", "<d>a<e/>b</d>", "<d a = '1'/>", "<d a='1\n2'/>"],
)
def test_what_looks_like_a_value_and_is_none_has_no_form(text: str) -> None:
    split = split_document(text.encode())
    assert split is None or form_of(split, etree.fromstring(text)) is None


def test_two_structures_are_never_taken_for_one() -> None:
    texts = ("<d a=''/>", '<d a=""/>', "<d a='1'>1</d>", "<d a='1'> </d>", "<d a='1'></d>")
    assert len({split_document(text.encode()).structure for text in texts}) == len(texts)  # type: ignore[union-attr]
