"""Memory, NUMA, virtual CPUs and their threads, beyond the samples of the rules."""

from __future__ import annotations

import msgspec
import pytest

import domcaps
from domcaps.facts.question import ask
from domcaps.facts.record import Recording
from domcaps.language.quantities import numbers
from domcaps.language.rule import Sample
from domcaps.validate.catalogue.samples import domain_of
from fakes import answer
from sample_hosts import sample_host
from verdicts import Case, fine, wrong

CELLS = "<cell id='0' cpus='0' memory='524288'/><cell id='1' cpus='1' memory='524288'/>"
HOTPLUG = "<maxMemory slots='4'>4194304</maxMemory>"


def numa(inside: str, cells: str = CELLS) -> str:
    return f"<vcpu>2</vcpu>{HOTPLUG}<cpu><numa>{cells}{inside}</numa></cpu>"


def cell(inside: str) -> str:
    return numa("", f"<cell id='0' cpus='0-1' memory='1048576'>{inside}</cell>")


def backing(inside: str, more: str = "") -> str:
    return f"<memoryBacking>{inside}</memoryBacking>{more}"


def module(model: str, target: str, source: str = "", rest: str = "") -> str:
    inside = f"<memory model='{model}'>{source}<target{rest}"
    return numa("") + inside.replace("<target", "<target", 1) + f">{target}</target></memory>"


SIZE = "<size unit='KiB'>524288</size><node>0</node>"
BLOCKS = "<block unit='KiB'>2048</block><requested unit='KiB'>{}</requested>"
ENCLAVE = "<memory model='sgx-epc'>{}<target><size unit='KiB'>16384</size></target>{}</memory>"


def cache(level: int) -> str:
    return (
        f"<cache level='{level}' associativity='direct' policy='writeback'>"
        "<size value='1' unit='KiB'/><line value='8' unit='B'/></cache>"
    )


def way(initiator: int, target: int, more: str = "") -> str:
    return f"<latency initiator='{initiator}' target='{target}'{more} type='access' value='5'/>"


NODES = [
    wrong("cells have different numbers", numa("", CELLS.replace("id='1'", "id='0'")),
          "cpu-numa-cell-id-gap"),
    fine("255 is no way at all", cell("<distances><sibling id='0' value='10'/></distances>")),
    wrong("a cell is near itself", cell("<distances><sibling id='0' value='20'/></distances>"),
          "cpu-numa-cell-distances-sibling-invalid"),
    wrong("another cell is farther", numa("", CELLS.replace(
        "memory='524288'/>", "memory='524288'><distances><sibling id='1' value='10'/></distances>"
        "</cell>", 1)), "cpu-numa-cell-distances-sibling-invalid"),
    wrong("a cell has one cache of a level", cell(cache(1) + cache(1)),
          "cpu-numa-cell-cache-level-out-of-range", "cpu-numa-cell-cache-without-ways"),
    wrong("a way leads to a cache that is there",
          numa(f"<interconnects>{way(0, 1, chr(32) + 'cache=' + chr(39) + '2' + chr(39))}"
               "</interconnects>"), "cpu-numa-interconnect-invalid"),
    wrong("a way back is no other way",
          numa(f"<interconnects>{way(0, 1)}{way(1, 0)}</interconnects>"),
          "cpu-numa-interconnect-duplicate"),
]  # fmt: skip

HUGE = "<hugepages/>"
BACKINGS = [
    fine("the only cell that there is not is all memory",
         backing("<hugepages><page size='2048' unit='KiB' nodeset='0'/></hugepages>")),
    wrong("a QEMU without huge pages in memfd", backing(HUGE + "<source type='memfd'/>"),
          "memory-backing-hugepages-memfd-unsupported", "memory-backing-source-type-unsupported",
          release="bare"),
    wrong("a QEMU that takes memory with one thread",
          backing(HUGE + "<allocation threads='4'/>"), "memory-backing-threads-unsupported",
          release="bare"),
    wrong("shared huge pages of a machine whose memory has no name",
          backing(HUGE + "<access mode='shared'/>"), "memory-backing-access-unsupported",
          release="bare"),
    fine("of cells they can be shared",
         numa("") + backing(HUGE + "<access mode='shared'/>"), release="bare"),
    fine("pages as the system has them are not huge", backing(
        "<hugepages><page size='4' unit='KiB'/></hugepages><access mode='shared'/>"),
        release="bare"),
]  # fmt: skip

MODULES = [
    fine("memory is requested block by block", module("virtio-mem", SIZE + BLOCKS.format(4096))),
    wrong("half a block can't be requested", module("virtio-mem", SIZE + BLOCKS.format(3072)),
          "memory-virtio-mem-requested-invalid"),
    wrong("a QEMU whose memory comes in one piece",
          module("virtio-mem", SIZE + BLOCKS.format(4096), rest=" dynamicMemslots='yes'"),
          "memory-virtio-mem-dynamic-memslots-unsupported", "memory-model-unsupported",
          release="bare"),
    wrong("the host has two nodes", module(
        "dimm", SIZE, "<source><pagesize unit='KiB'>4</pagesize><nodemask>0,7</nodemask></source>"),
        "memory-dimm-nodemask-unavailable", "memory-without-acpi"),
    wrong("memory of enclaves has no address", ENCLAVE.format("", "<address type='pci'/>"),
          "memory-address-unsupported", "memory-sgx-epc-section-too-small",
          "memory-unpluggable"),
    wrong("memory that outlives the host needs libpmem", numa("") + "<memory model='nvdimm'>"
          "<source><path>/a</path><pmem/></source><target><size unit='KiB'>524288</size>"
          "<node>0</node></target></memory>", "memory-nvdimm-pmem-unsupported",
          "memory-model-unsupported", "memory-without-acpi", release="bare"),
]  # fmt: skip


def vcpus(count: int, *states: str) -> str:
    listed = "".join(f"<vcpu id='{number}' {state}/>" for number, state in enumerate(states))
    return f"<vcpu current='1'>{count}</vcpu><vcpus>{listed}</vcpus>"


X2APIC = "<cpu mode='maximum'/>"
OFF = "<vcpu>288</vcpu><iommu model='intel'><driver eim='off'/></iommu>"
COLD, HOT = "enabled='yes' hotpluggable='no'", "enabled='yes' hotpluggable='yes'"
COUNTS = [
    fine("some CPUs are there from the beginning", vcpus(2, COLD, "enabled='no'")),
    wrong("the first CPU stays", vcpus(2, HOT, HOT), "vcpus-vcpu-first-invalid"),
    wrong("the first CPU is the first", vcpus(2, COLD + " order='2'", COLD + " order='1'"),
          "vcpus-vcpu-first-invalid", "vcpus-vcpu-order-incomplete"),
    wrong("CPUs that stay come first", vcpus(3, COLD, HOT, COLD), "vcpus-vcpu-order-incomplete"),
    wrong("CPUs that stay are in order", vcpus(
        3, COLD + " order='1'", COLD + " order='3'", COLD + " order='2'"),
        "vcpus-vcpu-order-incomplete"),
    fine("extended interrupts can be left off", OFF + X2APIC, machine="q35", dialect="12.2"),
    wrong("before 12.2 they could not", OFF + X2APIC, "vcpu-count-without-eim", machine="q35",
          dialect="12.1"),
    fine("libvirt adds what many CPUs need", "<vcpu>288</vcpu>" + X2APIC, machine="q35"),
    wrong("but not the CPU", "<vcpu>288</vcpu>", "vcpu-count-x2apic", machine="q35"),
    wrong("to a definition that it knew before it adds nothing", "<vcpu>288</vcpu>" + X2APIC,
          "vcpu-count-without-eim", machine="q35", new=False),
]  # fmt: skip


def shares(inside: str) -> str:
    return f"<vcpu>4</vcpu><cputune>{inside}</cputune>"


L3 = "<cache id='0' level='3' type='both' size='3' unit='MiB'/>"


def watched(*cpus: str, group: str = "0-2", inside: str = "") -> str:
    monitors = "".join(f"<monitor level='3' vcpus='{some}'/>" for some in cpus)
    return shares(f"<cachetune vcpus='{group}'>{inside}{monitors}</cachetune>")


KVM = {"virttype": "kvm"}
SHARES = [
    fine("an empty group is none", shares(f"<cachetune vcpus='0'/><cachetune vcpus='0'>{L3}"
                                          "</cachetune>"), **KVM),
    wrong("a group is told once", shares(f"<cachetune vcpus='0'>{L3}</cachetune>" * 2),
          "cputune-resctrl-overlap", **KVM),
    fine("parts of a group are watched", watched("0", "1-2", "0-2", inside=L3), **KVM),
    wrong("what is watched is a set of CPUs", watched("x"), "cputune-resctrl-overlap", **KVM),
    wrong("only CPUs of the group are watched", watched("3"), "cputune-resctrl-overlap", **KVM),
    wrong("CPUs are watched once", watched("0", "0"), "cputune-resctrl-overlap", **KVM),
    wrong("a CPU is in one part", watched("0-1", "1-2"), "cputune-resctrl-overlap", **KVM),
    wrong("a CPU is in one part of a group with a share", watched("0-1", "1-2", inside=L3),
          "cputune-resctrl-overlap", **KVM),
    wrong("a node has one share", shares(
        "<memorytune vcpus='0'><node id='0' bandwidth='60'/><node id='0' bandwidth='50'/>"
        "</memorytune>"), "cputune-resctrl-share-duplicate", **KVM),
]  # fmt: skip


def mapped(threads: str, driver: str = "queues='2'") -> str:
    return (
        "<iothreads>2</iothreads><disk type='file'>"
        f"<driver name='qemu' type='raw' {driver}><iothreads>{threads}</iothreads></driver>"
        "<source file='/a'/><target dev='vda' bus='virtio'/></disk>"
    )


def thread(number: int, *queues: int) -> str:
    return f"<iothread id='{number}'>{''.join(f'<queue id={chr(39)}{q}{chr(39)}/>' for q in queues)}</iothread>"  # noqa: E501


THREADS = [
    fine("every queue is served", mapped(thread(1, 0) + thread(2, 1))),
    wrong("there is a number of queues", mapped(thread(1, 0) + thread(2, 1), ""),
          "disk-queue-invalid"),
    wrong("all threads are given queues or none", mapped(thread(1, 0, 1) + thread(2)),
          "disk-queue-invalid"),
    wrong("a queue is served once", mapped(thread(1, 0, 1) + thread(2, 1)),
          "disk-queue-invalid"),
    fine("a thread that is listed is there", "<iothreadids><iothread id='7'/></iothreadids>"
         "<disk type='file'><driver name='qemu' iothread='7'/><source file='/a'/>"
         "<target dev='vda' bus='virtio'/></disk>"),
    wrong("a pool has room", "<iothreadids><iothread id='1' thread_pool_max='0'/></iothreadids>",
          "iothread-pool-invalid"),
]  # fmt: skip


@pytest.mark.parametrize("case", [*NODES, *BACKINGS, *MODULES, *COUNTS, *SHARES, *THREADS])
def test_what_is_found_of_memory_and_cpus(case: Case) -> None:
    assert case.found() == case.codes


@pytest.mark.parametrize("text", ["", "0", "0-3", "0-3,8", "1,3,5-6,63"])
def test_members_of_a_set(text: str) -> None:
    members = [
        number
        for item in text.split(",")
        if item
        for number in range(int(item.split("-")[0]), int(item.split("-")[-1]) + 1)
    ]
    mask = sum(1 << number for number in members)
    assert list(numbers(mask)) == members


def enclaves(sections: list[dict[str, int]], guest: str) -> set[str]:
    """Give the errors of a guest with enclaves, on a platform that sets memory aside for them."""
    known = sample_host("x86_64", "sid")
    assert known is not None
    record = known.emulators.get(known.default_emulator("x86_64")).record
    told = {"flc": True, "sgx1": True, "sgx2": False, "sections": sections}
    sgx = answer(ask("query-sgx-capabilities"), told)
    sessions = tuple(
        msgspec.structs.replace(
            session,
            answers=(*(a for a in session.answers if a.question != sgx.question), sgx),
        )
        for session in record.sessions
    )
    emulators = (msgspec.structs.replace(record, sessions=sessions),)
    host = domcaps.Host.from_recording(
        Recording(host=known.facts.record, emulators=emulators), origin="enclaves"
    )
    text = domain_of(Sample(guest, machine="q35", virttype="kvm"))
    return {finding.code for finding in host.validate(text).errors}


MIB = 1 << 20
TOO_SMALL = "memory-sgx-epc-section-too-small"


@pytest.mark.parametrize(
    ("sections", "source", "fits"),
    [
        ([], "", False),
        ([{"node": 0, "size": 16 * MIB}], "", True),
        ([{"node": 0, "size": 8 * MIB}], "", False),
        ([{"node": 0, "size": 8 * MIB}, {"node": 1, "size": 16 * MIB}], "1", True),
        ([{"node": 0, "size": 8 * MIB}, {"node": 1, "size": 16 * MIB}], "0-1", False),
    ],
)
def test_memory_of_enclaves_is_set_aside_by_node(
    sections: list[dict[str, int]], source: str, fits: bool
) -> None:
    nodes = f"<source><nodemask>{source}</nodemask></source>" if source else ""
    assert (TOO_SMALL not in enclaves(sections, ENCLAVE.format(nodes, ""))) is fits


@pytest.mark.parametrize(
    ("memory", "code"),
    [
        ("<memory>abc</memory>", "memory-invalid"),
        ("<memory unit='moon'>5</memory>", "memory-unit-invalid"),
        ("<memory unit='EiB'>8</memory>", "memory-too-large"),
        ("<memory>0</memory>", "memory-missing"),
        ("<memory/>", "memory-missing"),
        ("", "memory-missing"),
    ],
)
def test_one_fault_of_memory_is_one_finding(memory: str, code: str) -> None:
    host = sample_host("x86_64", "sid")
    assert host is not None
    xml = f"<domain type='qemu'><name>a</name>{memory}<os><type>hvm</type></os></domain>"
    assert [finding.code for finding in host.validate(xml).findings] == [code]


@pytest.mark.parametrize(
    ("memory", "is_right"),
    [
        ("<memory>1048576</memory>", True), ("<memory unit='GiB'>1</memory>", True),
        ("<memory unit='MiB'>1024</memory>", True), ("<memory unit='b'>1073741824</memory>", True),
        ("<memory>1</memory>", False), ("<memory unit='GiB'>2</memory>", False),
        ("<memory unit='MiB'>1048576</memory>", False),
    ],
)  # fmt: skip
def test_memory_of_a_board_in_any_unit(memory: str, is_right: bool) -> None:
    host = domcaps.Host.open("shipped:debian13-aarch64")
    text = (
        f"<domain type='qemu'><name>a</name>{memory}"
        "<os><type arch='aarch64' machine='raspi3b'>hvm</type></os></domain>"
    )
    found = [one for one in host.validate(text).errors if one.code == "memory-size-fixed"]
    assert bool(found) is not is_right
    for finding in found:
        assert finding.accepted == ("1 GiB",)
        assert "memory-size-fixed" not in {
            one.code for one in host.validate(host.repair(text).data).errors
        }


def test_messages_give_sizes_in_the_largest_unit() -> None:
    host = domcaps.Host.open("shipped:debian13-x86_64")
    (large,) = host.validate(b"<domain>" + b" " * (5 << 20)).findings
    assert "limit of 4 MiB" in large.message
    text = (
        "<domain type='kvm'><name>a</name><memory unit='GiB'>4</memory>"
        "<maxMemory slots='2' unit='GiB'>2</maxMemory><vcpu>1</vcpu>"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>"
        "<cpu><numa><cell id='0' cpus='0' memory='4' unit='GiB'/></numa></cpu></domain>"
    )
    messages = [one.message for one in host.validate(text).findings]
    assert any("less than the memory of the domain, 4 GiB" in message for message in messages)
