"""Documents of one structure are judged by their values: each as if it had been judged alone."""

from __future__ import annotations

import random

import pytest
from lxml import etree
from test_fleet_verdicts import assert_true

from domcaps.fleet import engine as engine_module
from domcaps.fleet.fleet import Fleet
from domcaps.fleet.forms import form_of, split_document
from domcaps.hosts.host import Host
from fleet_hosts import fleet

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
