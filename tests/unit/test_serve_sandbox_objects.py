"""Networks, volumes and devices of a sandbox, and what a host has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from lxml import etree

from domcaps.facts.host_objects import read_host_objects
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.node import Node
from domcaps.facts.redact import redact
from domcaps.hosts.host import Host
from domcaps.serve.access import Peer
from domcaps.serve.background import serving
from domcaps.serve.calls.edit import CONFIG, LIVE, MAXIMUM
from domcaps.serve.host_objects import served_objects
from domcaps.serve.hosts import FixedHost
from domcaps.serve.networks import network_of
from domcaps.serve.typed import TYPED, Typed
from domcaps.serve.xdr import (
    INT,
    OPTIONAL_STRING,
    STRING,
    UHYPER,
    UINT,
    UUID,
    XML,
    Array,
    Record,
    unpack,
)
from domcaps.shipped import open_shipped
from sandbox_client import (
    DOMAIN,
    HOST,
    Watching,
    create,
    define,
    failure,
    names,
    on,
    state,
    warm,
    xml,
)
from serve_client import CallError, Client, message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OBJECT = Record(STRING, UUID)
VOLUME = Record(STRING, STRING, STRING)
OBJECTS = Record(Array(OBJECT, 100), UINT)
INFO = Record(UINT, UHYPER, UHYPER, UINT, UHYPER)
GIB = 1024**3

NETWORK = """<network><name>{name}</name><forward mode='nat'/>
<ip address='10.0.{net}.1' netmask='255.255.255.0'><dhcp>
<range start='10.0.{net}.5' end='10.0.{net}.9'/></dhcp></ip></network>"""
DISK = "<disk type='file'><source file='{path}'/><target dev='{dev}' bus='virtio'/></disk>"
CARD = "<interface type='network'><source network='{net}'/><model type='virtio'/></interface>"


@pytest.fixture(scope="module", autouse=True)
def _warmed() -> None:
    warm()


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    with serving(HOST, tmp_path / "s", sandbox="user"):
        yield tmp_path / "s"


@pytest.fixture
def client(path: Path) -> Iterator[Watching]:
    with Watching(path) as connected:
        yield connected


def document(client: Client, domain: Any, flags: int = 0) -> etree._Element:
    return etree.fromstring(client.ask(14, STRING, (DOMAIN, domain), (UINT, flags)))


def devices(client: Client, domain: Any, kind: str, flags: int = 0) -> list[str]:
    found = document(client, domain, flags).findall(f"devices/{kind}/target")
    return [str(node.get("dev")) for node in found]


# -- networks --------------------------------------------------------------------------------------


def test_a_recorded_host_has_libvirts_default_network(tmp_path: Path) -> None:
    with serving(HOST, tmp_path / "s"), Client(tmp_path / "s") as client:
        network = client.ask(46, OBJECT, (STRING, "default"))
        assert client.ask(283, OBJECTS, (INT, 1), (UINT, 0)) == ([network], 1)
        assert client.ask(283, OBJECTS, (INT, 1), (UINT, 1)) == ([], 0)
        assert client.ask(38, Array(STRING, 9), (INT, 9)) == ["default"]
        assert client.ask(36, Array(STRING, 9), (INT, 9)) == []
        assert [client.ask(n, INT, (OBJECT, network)) for n in (44, 152, 153)] == [1, 1, 1]
        assert client.ask(45, STRING, (OBJECT, network)) == "virbr0"
        text = client.ask(43, STRING, (OBJECT, network), (UINT, 0))
        assert "192.168.122.254" in text
        # it is the host's, and is only listed
        for number, name in ((42, "virNetworkDestroy"), (49, "virNetworkUndefine")):
            assert failure(client, number, (OBJECT, network)).endswith(f"driver: {name}")
        xml_of_one = NETWORK.format(name="n", net=1)
        assert failure(client, 41, (STRING, xml_of_one), gives=OBJECT).startswith("3: ")
        assert failure(client, 46, (STRING, "other"), gives=OBJECT).startswith("43: Network not f")


def test_a_network_of_a_sandbox_is_defined_started_stopped_and_undefined(client: Watching) -> None:
    callback = client.ask(313, INT, (INT, 0), (INT, 0))
    network = client.ask(41, OBJECT, (STRING, NETWORK.format(name="n", net=1)))
    assert client.ask(152, INT, (OBJECT, network)) == 0
    client.ask(39, Record(), (OBJECT, network))
    assert failure(client, 39, (OBJECT, network)).startswith("55: ")
    client.ask(48, Record(), (OBJECT, network), (INT, 1))
    assert client.ask(44, INT, (OBJECT, network)) == 1
    assert client.ask(45, STRING, (OBJECT, network)) == "virbr1"
    client.ask(42, Record(), (OBJECT, network))
    client.ask(49, Record(), (OBJECT, network))
    assert client.ask(38, Array(STRING, 9), (INT, 9)) == ["default"]
    client.hostname()
    form = Record(INT, OBJECT, INT, INT)
    seen = [unpack(form, data) for number, data in client.events if number == 315]
    assert {one[0] for one in seen} == {callback}
    assert [one[2] for one in seen] == [0, 2, 3, 1]


def test_a_network_needs_a_name_a_uuid_and_a_bridge_of_its_own(client: Watching) -> None:
    client.ask(40, OBJECT, (STRING, NETWORK.format(name="n", net=1)))
    again = NETWORK.format(name="n", net=2)
    assert "already exists with uuid" in failure(client, 41, (STRING, again), gives=OBJECT)
    other = "<network><name>o</name><bridge name='virbr0'/></network>"
    client.ask(46, OBJECT, (STRING, "default"))
    assert "already in use" in failure(client, 41, (STRING, other), gives=OBJECT)
    for text in ("<network/>", "<network><name>a/b</name></network>", "<pool/>", "no xml"):
        assert failure(client, 41, (STRING, text), gives=OBJECT)[:3] in {"27:", "35:"}


def test_network_cards_get_addresses_of_their_network(client: Watching) -> None:
    client.ask(40, OBJECT, (STRING, NETWORK.format(name="n", net=7)))
    domain = create(client, xml(more=f"<devices>{CARD.format(net='n')}</devices>"))
    lease = Record(STRING, UHYPER, INT, OPTIONAL_STRING, OPTIONAL_STRING, STRING, UINT,
                   OPTIONAL_STRING, OPTIONAL_STRING)  # fmt: skip
    leases = Record(Array(lease, 9), UINT)
    network = client.ask(46, OBJECT, (STRING, "n"))
    asked = ((OBJECT, network), (OPTIONAL_STRING, None), (INT, 1), (UINT, 0))
    found, count = client.ask(341, leases, *asked)
    assert count == 1
    mac, address = found[0][3], found[0][5]
    assert address in {f"10.0.7.{last}" for last in range(5, 10)}
    form = Array(Record(STRING, OPTIONAL_STRING, Array(Record(INT, STRING, UINT), 9)), 9)
    addresses = client.ask(353, form, (DOMAIN, domain), (UINT, 0), (UINT, 0))
    assert addresses == [("vnet0", mac, [(0, address, 24)])]
    assert failure(client, 353, (DOMAIN, domain), (UINT, 1), (UINT, 0)).startswith("86: ")
    on(client, 12, domain)
    assert client.ask(341, leases, *asked) == ([], 0)


def test_objects_of_a_live_host_are_read_from_its_files(tmp_path: Path) -> None:
    networks, links = tmp_path / "etc/libvirt/qemu/networks", tmp_path / "sys/class/net"
    (networks / "autostart").mkdir(parents=True)
    for name, bridge in (("default", "virbr0"), ("off", "virbr9")):
        text = f"<network><name>{name}</name><bridge name='{bridge}'/></network>"
        (networks / f"{name}.xml").write_text(text)
    (networks / "broken.xml").write_text("<network>")
    (networks / "autostart" / "default.xml").symlink_to("../default.xml")
    pools = tmp_path / "etc/libvirt/storage"
    pools.mkdir()
    (pools / "images.xml").write_text(
        "<pool type='dir'><name>images</name><target><path>/srv</path></target></pool>"
    )
    for name, kind in (("virbr0", "bridge"), ("eth0", "device"), ("lo", "none")):
        (links / name / kind).mkdir(parents=True)
        (links / name / "address").write_text("52:54:00:00:00:01\n")
        (links / name / "operstate").write_text("up\n")
    recorded = read_host_objects(HostFiles(tmp_path))
    found = served_objects(recorded, "host", Peer(), real=True)
    seen = {one.name: (one.active, one.autostart) for one in found.networks}
    assert seen == {"default": (True, True), "off": (False, False)}
    assert [(one.name, one.path) for one in found.pools] == [("images", "/srv")]
    assert [(one.name, one.kind) for one in found.interfaces] == [
        ("eth0", "ethernet"), ("virbr0", "bridge")
    ]  # fmt: skip
    # where definitions can't be read, the bridge tells of libvirt's own network
    (tmp_path / "etc/libvirt/qemu").rename(tmp_path / "hidden")
    found = served_objects(read_host_objects(HostFiles(tmp_path)), "host", Peer(), real=True)
    assert [one.name for one in found.networks] == ["default"]
    # and of a recording that has them
    recording = open_shipped("debian13-x86_64").recording
    assert recording is not None
    node = msgspec.structs.replace(recording.node or Node(), objects=recorded)
    host = Host.from_recording(msgspec.structs.replace(recording, node=node), origin="test")
    with serving(FixedHost(host, "r"), tmp_path / "s"), Client(tmp_path / "s") as client:
        assert client.ask(38, Array(STRING, 9), (INT, 9)) == ["default"]
        assert client.ask(36, Array(STRING, 9), (INT, 9)) == ["off"]
        assert client.ask(127, Array(STRING, 9), (INT, 9)) == ["eth0", "virbr0"]
        assert client.ask(84, OBJECT, (STRING, "images"))[0] == "images"
    hidden = redact(host.recording or recording)
    assert hidden.node is not None and hidden.node.objects is None


@pytest.mark.parametrize("wrong", ["10.0.0.300", "x", ""])
def test_addresses_of_a_network_that_are_none_are_refused(wrong: str) -> None:
    with pytest.raises(Exception, match="addresses of the network"):
        network_of(NETWORK.format(name="n", net=1).replace("10.0.1.5", wrong).encode())


# -- volumes ---------------------------------------------------------------------------------------


def pool(client: Client, kind: str = "dir", more: str = "") -> Any:
    text = f"<pool type='{kind}'><name>p</name>{more}<target><path>/pool</path></target></pool>"
    return client.ask(76, OBJECT, (STRING, text), (UINT, 0))


def volume(client: Client, within: Any, name: str, more: str = "") -> Any:
    text = f"<volume><name>{name}</name><capacity unit='GiB'>2</capacity>{more}</volume>"
    return client.ask(93, VOLUME, (OBJECT, within), (STRING, text), (UINT, 0))


def test_volumes_of_a_sandbox_are_made_copied_grown_and_removed(client: Watching) -> None:
    within = pool(client)
    made = volume(client, within, "a.qcow2", "<target><format type='qcow2'/></target>")
    assert made == ("p", "a.qcow2", "/pool/a.qcow2")
    assert client.ask(97, VOLUME, (STRING, "/pool/a.qcow2")) == made
    root = etree.fromstring(client.ask(99, STRING, (VOLUME, made), (UINT, 0)))
    assert root.xpath("string(target/format/@type)") == "qcow2"
    copied = client.ask(
        125, VOLUME, (OBJECT, within), (STRING, "<volume><name>b</name></volume>"),
        (VOLUME, made), (UINT, 0),
    )  # fmt: skip
    sizes = Record(INT, UHYPER, UHYPER)
    assert client.ask(98, sizes, (VOLUME, copied))[1] == 2 * GIB
    client.ask(260, Record(), (VOLUME, copied), (UHYPER, 3 * GIB), (UINT, 0))
    assert client.ask(98, sizes, (VOLUME, copied))[1] == 3 * GIB
    assert failure(client, 260, (VOLUME, copied), (UHYPER, GIB), (UINT, 0)).startswith("8: ")
    assert client.ask(92, Array(STRING, 9), (OBJECT, within), (INT, 9)) == ["a.qcow2", "b"]
    text = "<volume><name>b</name><capacity>1</capacity></volume>"
    again = failure(client, 93, (OBJECT, within), (STRING, text), (UINT, 0), gives=VOLUME)
    assert again.startswith("90: ")
    client.ask(94, Record(), (VOLUME, copied), (UINT, 0))
    assert client.ask(91, INT, (OBJECT, within)) == 1
    assert failure(client, 94, (VOLUME, copied), (UINT, 0)).startswith("50: ")


def test_what_is_uploaded_is_taken_and_confirmed(client: Watching) -> None:
    made = volume(client, pool(client), "a")
    asked = ((VOLUME, made), (UHYPER, 0), (UHYPER, 0), (UINT, 0))
    client.ask(208, Record(), *asked)
    for _ in range(3):
        client.send(message(208, bytes(50_000), status=2, kind=3, serial=client.serial))
    client.send(message(208, status=0, kind=3, serial=client.serial))
    head, data = client.receive() or ((), b"x")
    assert (head[2:], data) == ((208, 3, client.serial, 0), b"")
    # one that was not opened is ignored
    client.send(message(208, status=0, kind=3, serial=7))
    assert client.hostname() == "test"


def test_pools_of_all_types_can_be_made_and_have_room(client: Watching) -> None:
    within = pool(client, "logical", "<source><name>vg</name></source>")
    assert "<name>vg</name>" in client.ask(88, STRING, (OBJECT, within), (UINT, 0))
    _, capacity, taken, free = client.ask(
        87, Record(UINT, UHYPER, UHYPER, UHYPER), (OBJECT, within)
    )
    assert capacity == free > taken == 0
    made = volume(client, within, "lv")
    assert client.ask(98, Record(INT, UHYPER, UHYPER), (VOLUME, made))[0] == 1


def test_a_volume_is_made_in_a_sandbox_alone(tmp_path: Path) -> None:
    with serving(HOST, tmp_path / "s"), Client(tmp_path / "s") as client:
        within = pool(client)
        with pytest.raises(CallError, match="driver: virStorageVolCreateXML"):
            volume(client, within, "a")


# -- devices, CPUs, memory -------------------------------------------------------------------------


def test_a_device_comes_and_goes_where_the_flags_say(client: Watching) -> None:
    domain = define(client, xml())
    first, second = (DISK.format(path=f"/{dev}", dev=dev) for dev in ("vda", "vdb"))
    on(client, 160, domain, (XML, first.encode()), (UINT, 0))
    on(client, 9, domain)
    on(client, 8, domain, (XML, second.encode()))
    assert devices(client, domain, "disk") == ["vda", "vdb"]
    assert devices(client, domain, "disk", 2) == ["vda"]
    on(client, 161, domain, (XML, first.encode()), (UINT, LIVE | CONFIG))
    assert (devices(client, domain, "disk"), devices(client, domain, "disk", 2)) == (["vdb"], [])
    gone = failure(client, 161, (DOMAIN, domain), (XML, first.encode()), (UINT, LIVE))
    assert gone.startswith("99: device not found")
    assert failure(client, 161, (DOMAIN, domain), (XML, b"<disk"), (UINT, LIVE))[:3] == "35:"


def test_a_device_that_libvirt_would_refuse_is_refused_with_its_findings(client: Watching) -> None:
    domain = define(client, xml(more=f"<devices>{DISK.format(path='/a', dev='vda')}</devices>"))
    same = DISK.format(path="/b", dev="vda").encode()
    assert "vda" in failure(client, 160, (DOMAIN, domain), (XML, same), (UINT, CONFIG))
    wrong = same.replace(b"virtio", b"nothing").replace(b"vda", b"vdb")
    assert "nothing" in failure(client, 160, (DOMAIN, domain), (XML, wrong), (UINT, CONFIG))
    assert devices(client, domain, "disk") == ["vda"]


def test_a_device_is_replaced_and_found_by_its_alias(client: Watching) -> None:
    alias = "<alias name='ua-one'/></disk>"
    disk = DISK.format(path="/a", dev="vda").replace("</disk>", alias)
    domain = define(client, xml(more=f"<devices>{disk}</devices>"))
    on(client, 174, domain, (XML, disk.replace("/a", "/b").encode()), (UINT, CONFIG))
    assert document(client, domain).xpath("string(devices/disk/source/@file)") == "/b"
    on(client, 392, domain, (STRING, "ua-one"), (UINT, CONFIG))
    assert devices(client, domain, "disk") == []


def test_events_tell_of_devices_of_a_machine_that_runs(client: Watching) -> None:
    for event in (15, 19):
        client.ask(316, INT, (INT, event), (INT, 0))
    domain = create(client, xml())
    card = CARD.format(net="default").encode()
    on(client, 8, domain, (XML, card))
    on(client, 13, domain, (XML, card))
    client.hostname()
    assert [number for number, _ in client.events] == [318, 354, 333]


def test_cpus_and_memory_change_within_their_limits(client: Watching) -> None:
    domain = define(client, xml())
    info = client.ask(16, INFO, (DOMAIN, domain))
    assert info[1:4] == (65536, 65536, 3)
    on(client, 199, domain, (UINT, 2), (UINT, CONFIG))
    assert client.ask(200, INT, (DOMAIN, domain), (UINT, CONFIG)) == 2
    assert client.ask(200, INT, (DOMAIN, domain), (UINT, CONFIG | MAXIMUM)) == 3
    assert failure(client, 199, (DOMAIN, domain), (UINT, 4), (UINT, CONFIG)).startswith("8: ")
    on(client, 199, domain, (UINT, 8), (UINT, CONFIG | MAXIMUM))
    assert failure(client, 18, (DOMAIN, domain), gives=INT).startswith("55: ")
    assert client.ask(200, INT, (DOMAIN, domain), (UINT, MAXIMUM)) == 8
    on(client, 30, domain, (UHYPER, 131072))
    on(client, 204, domain, (UHYPER, 100000), (UINT, CONFIG))
    assert client.ask(16, INFO, (DOMAIN, domain))[1:3] == (131072, 100000)
    assert failure(client, 31, (DOMAIN, domain), (UHYPER, 1000)).startswith("55: ")
    on(client, 9, domain)
    on(client, 31, domain, (UHYPER, 70000))
    assert client.ask(16, INFO, (DOMAIN, domain))[1:4] == (131072, 70000, 2)
    assert failure(client, 204, (DOMAIN, domain), (UHYPER, 200000), (UINT, LIVE))[:2] == "8:"


def test_metadata_is_set_read_and_removed(client: Watching) -> None:
    domain = define(client, xml())
    none = (OPTIONAL_STRING, None)
    on(client, 264, domain, (INT, 1), (OPTIONAL_STRING, "A title"), none, none, (UINT, 0))
    assert client.ask(265, STRING, (DOMAIN, domain), (INT, 1), none, (UINT, 0)) == "A title"
    uri = (OPTIONAL_STRING, "http://example.org/")
    own = (OPTIONAL_STRING, "<mine a='1'/>")
    on(client, 264, domain, (INT, 2), own, (OPTIONAL_STRING, "my"), uri, (UINT, 0))
    assert "my:mine" in client.ask(265, STRING, (DOMAIN, domain), (INT, 2), uri, (UINT, 0))
    on(client, 264, domain, (INT, 2), none, none, uri, (UINT, 0))
    missing = failure(client, 265, (DOMAIN, domain), (INT, 2), uri, (UINT, 0), gives=STRING)
    assert missing.startswith("80: ")


def test_a_domain_gets_another_name(client: Watching) -> None:
    domain = define(client, xml())
    other = define(client, xml("b"))
    assert client.ask(358, INT, (DOMAIN, domain), (OPTIONAL_STRING, "c"), (UINT, 0)) == 0
    assert names(client) == ["c", "b"]
    assert document(client, domain).findtext("name") == "c"
    assert client.lives(4)[2:] == [("a", (1, 1)), ("c", (0, 2))]
    taken = failure(client, 358, (DOMAIN, other), (OPTIONAL_STRING, "c"), (UINT, 0), gives=INT)
    assert taken.startswith("55: ")


def test_statistics_are_of_the_domains_that_are_asked_for(client: Watching) -> None:
    domain = create(client, xml())
    define(client, xml("b"))
    form = Array(Record(DOMAIN, Array(TYPED, 99)), 9)
    found = client.ask(344, form, (Array(DOMAIN, 9), []), (UINT, 0), (UINT, 0))
    assert [one[0][0] for one in found] == ["a", "b"]
    values = dict(found[0][1])
    assert values["state.state"] == Typed(1, 1)
    assert values["balloon.maximum"] == Typed(4, 65536)
    asked = client.ask(344, form, (Array(DOMAIN, 9), [domain]), (UINT, 8), (UINT, 0))
    assert asked[0][1] == [("vcpu.current", Typed(2, 3)), ("vcpu.maximum", Typed(2, 3))]
    single = define(client, xml("c").replace("<vcpu>3</vcpu>", ""))
    asked = client.ask(344, form, (Array(DOMAIN, 9), [single]), (UINT, 8), (UINT, 0))
    assert [value.value for _, value in asked[0][1]] == [1, 1]
    cpus = client.ask(
        20, Record(Array(Record(UINT, INT, UHYPER, INT), 9), XML), (DOMAIN, domain), (INT, 2),
        (INT, 1),
    )  # fmt: skip
    assert len(cpus[0]) == 2
    assert state(client, domain) == (1, 1)


def test_memory_of_a_recorded_host_is_used_by_the_domains_that_run(client: Watching) -> None:
    form = Record(Array(Record(STRING, UHYPER), 16), INT)
    asked = ((INT, 4), (INT, -1), (UINT, 0))
    before = dict(client.ask(228, form, *asked)[0])
    assert before["total"] == before["free"] == 64 * 1024 * 1024
    create(client, xml())
    assert dict(client.ask(228, form, *asked)[0])["free"] == before["free"] - 65536
    assert client.ask(102, UHYPER) == (before["free"] - 65536) * 1024
    assert client.ask(228, form, (INT, 0), (INT, -1), (UINT, 0)) == ([], 4)
    times = dict(client.ask(227, form, (INT, -1), (INT, 4), (UINT, 0))[0])
    assert set(times) == {"kernel", "user", "idle", "iowait"}
