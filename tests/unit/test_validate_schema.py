"""What libvirt passes over: warnings, and errors where it compares with its schema."""

from __future__ import annotations

import pytest

from domcaps.language.finding import Severity
from sample_hosts import sample_host

PLAIN = (
    "<domain type='qemu'><name>a</name>{}<memory>65536</memory>"
    "<os><type arch='x86_64'>hvm</type></os>{}</domain>"
)


def verdicts(xml: str, dialect: str = "12.8", *, schema: bool = False) -> list[tuple[str, str]]:
    host = sample_host("x86_64", "sid")
    assert host is not None
    found = host.validate(xml, dialect, schema=schema).findings
    return [(finding.code, finding.severity.value) for finding in found]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("<clok offset='utc'/>", "unknown-element"),
        ("<clock offset='utc' ofset='utc'/>", "unknown-attribute"),
        ("<memory>131072</memory>", "repeated-element"),
    ],
)
def test_the_schema_refuses_what_is_passed_over(more: str, code: str) -> None:
    xml = PLAIN.format("", more)
    assert verdicts(xml) == [(code, Severity.WARNING.value)]
    assert verdicts(xml, schema=True) == [(code, Severity.ERROR.value)]


def test_a_second_element_counts_for_nothing() -> None:
    assert verdicts(PLAIN.format("", "<vcpu>1</vcpu><vcpu>none</vcpu>")) == [
        ("repeated-element", "warning")
    ]
    disk = "<disk><source file='/a'/><target dev='vda'/>{}</disk>"
    twice = disk.format("<address type='pci' slot='5'/><address type='moon'/>")
    assert verdicts(PLAIN.format("", f"<devices>{twice}</devices>")) == [
        ("repeated-element", "warning")
    ]


def test_paths_count_what_is_passed_over() -> None:
    host = sample_host("x86_64", "sid")
    assert host is not None
    xml = PLAIN.format("", "<memory>131072</memory>").replace("<memory>", "<memory unit='EiB'>", 1)
    paths = {finding.code: finding.path for finding in host.validate(xml).findings}
    assert paths["memory-too-large"] == "/domain/memory[1]"
    assert paths["repeated-element"] == "/domain/memory[2]"
    os = PLAIN.format("", "<os><bios/><smbios mode='moon'/></os>")
    found = {finding.code: finding.path for finding in host.validate(os).findings}
    assert found["os-smbios-mode-invalid"] == "/domain/os[2]/smbios/@mode"


@pytest.mark.parametrize(
    ("twice", "right", "more"),
    [
        ("memoryBacking", "<access mode='shared'/>", "<allocation threads='moon'/>"),
        ("memtune", "<hard_limit>2</hard_limit>", "<soft_limit>moon</soft_limit>"),
        ("pm", "<suspend-to-mem enabled='no'/>", "<suspend-to-disk enabled='moon'/>"),
        ("iothreads", "2", ""),
    ],
)
def test_a_second_one_gives_what_the_first_has_not(twice: str, right: str, more: str) -> None:
    first = f"<{twice}>{right}</{twice}>"
    wrong = first.replace("shared", "moon").replace("2", "moon").replace("no'", "moon'")
    assert errors(first + wrong) == []
    assert errors(wrong + first) != []
    if more:
        assert errors(first + f"<{twice}>{more}</{twice}>") != []


def test_what_a_cpu_says_a_second_time_is_passed_over() -> None:
    topology = "<topology sockets='{}' cores='1' threads='1'/>"
    limit = "<maxphysaddr mode='emulate' bits='{}'/>"
    both = topology + limit
    assert errors(f"<cpu>{both.format(1, 40)}{both.format('moon', 'moon')}</cpu>") == []
    assert errors(f"<cpu>{topology.format('moon')}{topology.format(1)}</cpu>") != []


def test_several_os_are_read_together() -> None:
    xml = PLAIN.format("", "<os><type arch='s390x'>exe</type><smbios mode='moon'/></os>")
    assert [code for code, _ in verdicts(xml)] == ["os-smbios-mode-invalid", "repeated-element"]


def test_a_unit_without_a_number_is_not_looked_at() -> None:
    limit = "<memtune><hard_limit unit='moon'>{}</hard_limit></memtune>"
    assert verdicts(PLAIN.format("", limit.format(""))) == []
    assert verdicts(PLAIN.format("", limit.format("5"))) == [
        ("memtune-hard-limit-unit-invalid", "error")
    ]


def test_what_a_libvirt_does_not_know_it_does_not_look_at() -> None:
    xml = PLAIN.format("<hwuuid>moon</hwuuid>", "<iommufd enabled='moon'/>")
    assert [code for code, _ in verdicts(xml, "12.8")] == [
        "domain-hwuuid-invalid",
        "iommufd-enabled-invalid",
    ]
    assert verdicts(xml, "11.3") == []


def test_an_emulator_of_another_architecture_needs_its_name() -> None:
    host = sample_host("s390x", "sid")
    assert host is not None
    path = host.default_emulator("s390x")
    xml = f"<devices><emulator>{path}</emulator></devices>"
    bare = PLAIN.format("", xml).replace(" arch='x86_64'", "")
    expected = [] if host.facts.arch == "s390x" else ["os-arch-missing"]
    assert [f.code for f in host.validate(bare).errors] == expected
    named = PLAIN.format("", xml).replace("x86_64", "s390x")
    assert [f.code for f in host.validate(named).errors] == []


def errors(inside: str, dialect: str = "12.8", arch: str = "x86_64") -> list[str]:
    host = sample_host(arch, "sid")
    assert host is not None
    xml = (
        "<domain type='qemu'><name>a</name><memory>65536</memory>"
        f"<os><type arch='{arch}'>hvm</type></os>{inside}</domain>"
    )
    return [finding.code for finding in host.validate(xml, dialect).errors]


def test_cells_of_every_cpu_are_read() -> None:
    cpu = "<cpu><numa>{}</numa></cpu>"
    cell = "<cell id='{}' memory='1024'/>"
    assert errors("<cpu/>" + cpu.format("")) == ["cpu-numa-empty"]
    assert errors("<cpu/><cpu mode='moon'/>") == []
    assert errors(cpu.format(cell.format(0)) * 2) == ["cpu-numa-cell-id-gap"]
    assert errors(cpu.format(cell.format(0)) + cpu.format(cell.format(1))) == []
    ways = (
        "<interconnects><latency initiator='0' target='0' type='moon' value='5'/></interconnects>"
    )
    assert errors(cpu.format(cell.format(0) + "<interconnects/>") + cpu.format(ways)) == [
        "cpu-numa-interconnects-latency-type-invalid"
    ]


def test_distances_of_a_cell_are_read_once() -> None:
    distances = "<distances><sibling id='0' value='{}'/></distances>"
    cell = "<cpu><numa><cell id='0' memory='1024'>{}</cell></numa></cpu>"
    assert errors(cell.format(distances.format(10) + distances.format(11))) == []
    assert errors(cell.format(distances.format(11) + distances.format(10))) == [
        "cpu-numa-cell-distances-sibling-invalid"
    ]


@pytest.mark.parametrize(
    "metadata",
    [
        "<address/>",
        "<address type='pci' slot='0x21'/>",
        "<address type='pci' slot='1'/>",
        "<acpi index='moon'/><rom bar='moon'/>",
    ],
)
def test_a_balloon_that_is_not_there_has_no_metadata(metadata: str) -> None:
    balloon = "<devices><memballoon model='{}'>{}</memballoon></devices>"
    assert errors(balloon.format("none", metadata)) == []
    assert errors(balloon.format("virtio", metadata)) != []


def test_devices_that_are_not_there_have_no_device_number() -> None:
    number = "<address type='ccw' cssid='0xfe' ssid='0' devno='0'/>"
    usb = f"<controller type='usb'{{}}>{number}</controller>"
    disk = f"<disk type='block'><source dev='/a'/><target dev='vda'/>{number}</disk>"
    for model, dialect, expected in (
        (" model='none'", "11.3", []),
        ("", "12.8", []),
        ("", "11.3", ["address-ccw-duplicate"]),
        (" model='qemu-xhci'", "12.8", ["address-ccw-duplicate"]),
    ):
        found = errors(f"<devices>{usb.format(model)}{disk}</devices>", dialect, "s390x")
        assert [code for code in found if "duplicate" in code] == expected


def test_other_places_are_taken_for_registers_of_virtual_io() -> None:
    scsi = "<controller type='scsi' index='{}'><address {}/></controller>"

    def found(*places: str) -> list[str]:
        controllers = "".join(scsi.format(n, place) for n, place in enumerate(places))
        return errors(f"<devices>{controllers}</devices>", arch="ppc64")

    assert found("type='pci' slot='5'") == []
    assert found("type='ccw'") == []
    assert found("type='pci' bus='1' slot='5'") == ["address-taken-for-register"]
    assert found("type='usb' bus='0' port='1.2'") == ["address-taken-for-register"]
    assert found("type='pci' slot='5'", "type='pci' slot='6'") == ["address-reg-duplicate"]


def test_the_emulator_is_pinned_once_in_all() -> None:
    pin = "<cputune><emulatorpin cpuset='0'/></cputune>"
    assert errors(pin) == []
    assert errors(pin + pin) == ["cputune-emulator-duplicate"]


def test_beside_a_socket_nothing_is_passed_through_by_default() -> None:
    share = (
        "<devices><filesystem{}><driver type='mtp'/><source {}='/s'/><target dir='b'/>"
        "</filesystem></devices>"
    )
    assert errors(share.format("", "dir")) == []
    # to start, MTP needs a folder in any case
    start = "filesystem-socket-unusable"
    assert errors(share.format("", "socket")) == ["filesystem-driver-access", start]
    assert errors(share.format(" accessmode='passthrough'", "socket")) == [start]


def test_an_empty_size_is_missing_where_it_must_be_there() -> None:
    assert errors("<cpu><numa><cell memory=''/></numa></cpu>") == ["cpu-numa-cell-memory-invalid"]


def test_lists_are_read_in_every_os_and_clock() -> None:
    clock = "<clock offset='utc'/><clock {}>{}</clock>"
    assert errors(clock.format("offset='moon'", "")) == []
    assert errors(clock.format("adjustment='moon'", "")) == ["clock-adjustment-invalid"]
    assert errors(clock.format("", "<timer name='moon'/>")) == ["clock-timer-name-invalid"]
    assert errors("<os><boot dev='hd'/></os><os><boot dev='moon'/></os>") == ["os-boot-dev-invalid"]


@pytest.mark.parametrize(
    "xml",
    [
        "<os><type>hvm</type><loader>/a</loader><loader readonly='foo'>/b</loader></os>",
        "<os><type>hvm</type><nvram>/a</nvram><nvram format='foo'>/b</nvram></os>",
        "<defaultiothread thread_pool_max='1'/><defaultiothread thread_pool_max='foo'/>",
        (
            "<devices><controller type='usb' index='0' model='ich9-ehci1'/><controller type='usb' "
            "index='0' model='ich9-uhci1'><master startport='0'/><master startport='foo'/>"
            "</controller></devices>"
        ),
        (
            "<devices><interface type='user'><model type='virtio'/><rom bar='on'/><rom bar='foo'/>"
            "</interface></devices>"
        ),
        (
            "<devices><disk type='file'><source file='/a'/><target dev='vda'/><iotune>"
            "<total_bytes_sec>1</total_bytes_sec><total_bytes_sec>foo</total_bytes_sec></iotune>"
            "</disk></devices>"
        ),
    ],
)
def test_second_copies_are_not_judged(xml: str) -> None:
    assert not [code for code in errors(xml) if code.endswith("-invalid")]


@pytest.mark.parametrize(
    ("devices", "code"),
    [
        ("<graphics type='vnc' listen='::1'><listen type='address' address=''/></graphics>",
         "graphics-listen-conflict"),
        ("<rng model='virtio'><backend model='egd' type=''/></rng>", "rng-egd-type-missing"),
        ("<disk type='file'><source file='/a'/><target dev='' bus='virtio'/></disk>",
         "disk-target-unknown"),
        (("<disk type='network'><source protocol='iscsi' name=''><host name='a'/></source>"
         "<target dev='vda' bus='virtio'/></disk>"), "disk-source-name-invalid"),
        ("<input type='tablet'><address type='usb' bus='0' port='+1'/></input>", ""),
        ("<input type='tablet'><address type='usb' bus='0' port='-1'/></input>",
         "address-usb-port-invalid"),
    ],
)  # fmt: skip
def test_empty_values_and_numbers_as_libvirt_reads_them(devices: str, code: str) -> None:
    assert errors(f"<devices>{devices}</devices>")[:1] == ([code] if code else [])


@pytest.mark.parametrize(
    ("inside", "is_right"),
    [
        ("<iothreads>-0</iothreads>", False),
        ("<cputune><period>-0</period></cputune>", False),
        ("<devices><input type='tablet' bus='usb'><address type='usb' bus='-0'/></input></devices>",
         False),
        ("<devices><controller type='virtio-serial' ports='-0'/></devices>", True),
        ("<cpu><maxphysaddr mode='emulate' bits='-0'/></cpu>", True),
        (("<devices><controller type='pci' model='pci-root'><pcihole64>0x1</pcihole64></controller>"
         "</devices>"), False),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_negative_have_no_minus_sign(inside: str, is_right: bool) -> None:
    assert any(code.endswith("-invalid") for code in errors(inside)) != is_right


_HOST_PART = {
    "s": "<source><address domain='0' bus='3' slot='0' function='0'/></source>",
    "d": "<driver name='vfio'/>",
    "a": "<address type='pci' bus='0' slot='9'/>",
    "l": "<alias name='ua-x'/>",
}


@pytest.mark.parametrize(
    ("order", "is_right"),
    [("sda", True), ("dsa", True), ("ads", True), ("ldsa", True), ("das", False), ("sad", False),
     ("dls", False)],
)  # fmt: skip
def test_the_parts_of_a_host_device_stand_side_by_side(order: str, is_right: bool) -> None:
    inside = "".join(_HOST_PART[letter] for letter in order)
    device = f"<devices><hostdev mode='subsystem' type='pci'>{inside}</hostdev></devices>"
    assert ("schema-order" not in schema_errors("", device)) == is_right


_OF_DOMAIN = {
    "m": "<memory>65536</memory>",
    "v": "<vcpu>1</vcpu>",
    "r": "<on_reboot>restart</on_reboot>",
    "x": "<on_crash>destroy</on_crash>",
    "o": "<os><type arch='x86_64'>hvm</type></os>",
}


@pytest.mark.parametrize(
    ("order", "is_right"),
    [("mvorx", True), ("rmoxv", True), ("rvmxo", True), ("movrx", True), ("mrvox", False),
     ("mrxvo", False)],
)  # fmt: skip
def test_resources_do_not_go_on_after_events(order: str, is_right: bool) -> None:
    inside = "".join(_OF_DOMAIN[letter] for letter in order)
    assert ("schema-order" not in schema_errors(inside)) == is_right


def test_an_empty_uuid_is_none() -> None:
    domain = _OF_DOMAIN["m"] + _OF_DOMAIN["o"]
    assert "schema-value" in schema_errors("<uuid/>" + domain)
    assert "schema-value" not in schema_errors("<genid/>" + domain)


def schema_errors(inside: str, devices: str = "") -> list[str]:
    host = sample_host("x86_64", "sid")
    assert host is not None
    inside = inside or _OF_DOMAIN["m"] + _OF_DOMAIN["o"]
    xml = f"<domain type='qemu'><name>a</name>{inside}{devices}</domain>"
    return [finding.code for finding in host.validate(xml, "12.8", schema=True).errors]
