"""Explanations: they agree with the report, lead to the source, and name what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import domcaps
from domcaps import RequestError
from domcaps.facts.record import HostRecord
from domcaps.language import ALWAYS, NEVER, Reason, Truth, World
from domcaps.report.answer import EnumAnswer, Section
from domcaps.report.document import build
from domcaps.report.explain import elsewhere, explain, explain_all, other_targets, paths
from domcaps.shipped import open_shipped, shipped_names
from fakes import emulator_record, world
from plain_hosts import open_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPES = ("VGA", "qxl", "virtio-gpu-pci", "usb-redir", "virtio-rng-pci", "rng-random", "pvpanic")


def listed(sections: tuple[Section, ...], prefix: str = "") -> set[str]:
    """Give the paths of all that a report promises."""
    found = set()
    for section in sections:
        path = f"{prefix}{section.name}"
        if section.supported is not False:
            found.add(path)
        for part in section.parts:
            if isinstance(part, EnumAnswer):
                found |= {f"{path}.{part.name}={value}" for value in part.values}
            elif isinstance(part, Section):
                found |= listed((part,), f"{path}.")
    return found


def promised(asked: World) -> set[str]:
    document = build(asked)
    return listed((*document.top, *document.devices, *document.features))


@settings(max_examples=40, deadline=None)
@given(
    types=st.sets(st.sampled_from(TYPES)),
    machine=st.sampled_from(["pc-q35-9.9", "pc-i440fx-9.9", "microvm"]),
    libvirt=st.sampled_from(["11.3", "11.9", "12.8"]),
)
def test_a_yes_is_what_the_report_promises(types: set[str], machine: str, libvirt: str) -> None:
    record = emulator_record(types=tuple(sorted(types)))
    asked = world(record, machine=machine, libvirt=libvirt)
    explained = {e.path for e in explain_all(asked) if e.truth is Truth.YES and e.spoken}
    shown = promised(world(record, machine=machine, libvirt=libvirt))
    # an element that only exists in an unsupported one is not printed, and explained as a no
    assert explained == shown


def test_an_explanation_is_never_empty() -> None:
    for explanation in explain_all(world()):
        assert explanation.reason.statement
        if explanation.truth is Truth.NO:
            assert explanation.changes, explanation.path


def test_a_no_names_the_fewest_changes() -> None:
    (found,) = explain("video.modelType=qxl", world())
    assert found.truth is Truth.NO
    (change,) = found.changes
    assert change.statement == "QEMU has the type 'qxl'"
    assert change.effort == "package"
    assert "--enable-spice" in change.how
    assert found.reason.source == "qom-list-types"


def test_only_what_is_missing_is_named() -> None:
    emulator = emulator_record(types=("vfio-pci",))
    (found,) = explain("hostdev.pciBackend=vfio", world(emulator))
    assert [c.statement for c in found.changes] == ["the host has an IOMMU and VFIO"]
    assert found.changes[0].effort == "host"


def test_what_a_host_asserts_is_the_reason() -> None:
    host = HostRecord(arch="x86_64", asserted={"hostdev.pciBackend": ("vfio",)})
    yes, no = (
        explain(f"hostdev.pciBackend={name}", world(host=host))[0] for name in ("vfio", "default")
    )
    assert (yes.truth, no.truth) == (Truth.YES, Truth.NO)
    assert yes.reason.source == "host facts: asserted"


def test_a_path_may_name_an_enum_or_an_element() -> None:
    names = [e.path for e in explain("video.modelType", world())]
    assert "video.modelType=none" in names
    assert explain("video", world())[0].path == "video"


def test_an_unknown_path_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(RequestError, match=r"video\.modelType=vga"):
        explain("video.modeltype=vga", world())
    assert "video.modelType=vga" in paths()


def test_a_no_of_this_board_may_be_a_yes_of_another() -> None:
    asked = world(machine="microvm")
    wanted = ("disk.bus=ide", "video.modelType=qxl")
    assert elsewhere(wanted, other_targets(asked)) == {
        "disk.bus=ide": ("--machine pc",),
        "video.modelType=qxl": (),
    }
    assert elsewhere((), other_targets(asked)) == {}


def test_every_fact_says_where_it_was_read_and_what_was_there() -> None:
    record = emulator_record(types=("VGA",))
    yes, no = (
        explain(f"video.modelType={name}", world(record))[0].reason for name in ("vga", "qxl")
    )
    assert (yes.source, yes.at, yes.value) == ("qom-list-types", "[].name", "'VGA'")
    assert no.seen == "qom-list-types at [].name: not among 2 types"


def leaves(reason: Reason) -> Iterator[Reason]:
    for inner in reason.because:
        yield from leaves(inner)
    if not reason.because:
        yield reason


@pytest.mark.parametrize("name", shipped_names())
def test_every_fact_of_every_recording_has_a_source_and_a_value(name: str) -> None:
    for explanation in explain_all(open_shipped(name).world()):
        for leaf in leaves(explanation.reason):
            if leaf.source:
                assert leaf.value, (explanation.path, leaf.statement)
            else:  # only what is so of every QEMU was read nowhere
                assert leaf.statement in {ALWAYS.describe(), NEVER.describe()}


@pytest.mark.parametrize("name", [n for n in shipped_names() if not n.startswith("debian13")])
def test_changes_of_the_target_do_make_it_a_yes(name: str) -> None:
    """Where no more than another machine or type is advised, that is enough."""
    asked = open_shipped(name).world()
    targets = {"--machine": "machine", "--virttype": "virttype"}
    for explanation in explain_all(asked):
        orders = [change.how.split() for change in explanation.changes]
        if orders and all(order and order[0] in targets for order in orders):
            machines = {m.alias or m.name: m.name for m in asked.emulator.machines("qemu")}
            changes = {targets[key]: machines.get(value, value) for key, value in orders}
            (changed,) = (
                e for e in explain_all(asked.retargeted(**changes)) if e.path == explanation.path
            )
            assert changed.truth is Truth.YES, (explanation.path, orders)


def test_types_that_are_missing_make_it_a_yes_when_they_are_there() -> None:
    bare = world()
    for explanation in explain_all(bare):
        statements = [change.statement for change in explanation.changes]
        missing = [s.split("'")[1] for s in statements if s.startswith("QEMU has the type")]
        if missing and len(missing) == len(statements):
            with_them = world(emulator_record(types=tuple(missing)))
            (changed,) = (e for e in explain_all(with_them) if e.path == explanation.path)
            assert changed.truth is Truth.YES, (explanation.path, missing)


def test_of_several_ways_the_one_of_least_effort_is_named() -> None:
    # an IDE controller: another board is nearer than another architecture's
    (found,) = explain("disk.bus=ide", world(machine="microvm"))
    assert [change.how for change in found.changes] == ["--machine pc"]
    assert found.changes[0].effort == "machine type"


@pytest.mark.parametrize(
    ("path", "effort", "how"),
    [
        ("launchSecurity.sectype=sev-snp", "QEMU release", "QEMU 9.1"),
        ("tpm.backendModel=emulator", "package", "swtpm"),
        ("os.firmware=efi", "firmware file", "ovmf"),
        ("cpu.host-passthrough", "virtualization type", "--virttype kvm"),
        ("gic.version=3", "architecture", "--arch aarch64"),
        ("hostdev.pciBackend=vfio", "host", "vfio-pci"),
    ],
)
def test_what_helps_is_said_in_its_own_words(path: str, effort: str, how: str) -> None:
    asked = open_plain("debian12-x86_64").world(virttype="qemu")
    for explanation in explain(path, asked):
        assert explanation.truth is Truth.NO
        assert any(c.effort == effort and how in c.how for c in explanation.changes)


def test_what_can_not_be_had_says_so() -> None:
    assert all(
        change.effort == "nothing helps"
        for explanation in explain_all(world())
        for change in explanation.changes
        if change.statement == NEVER.describe()
    )


@pytest.mark.parametrize(
    "path", ["panic.model", "panic.model=isa", "panic", "interface.backendType"]
)
def test_what_a_release_does_not_have_is_not_misspelt(path: str) -> None:
    host = open_plain("debian13-x86_64")
    assert host.explain(path, libvirt="12.8")
    with pytest.raises(RequestError) as caught:
        host.explain(path, libvirt="9.0")
    assert caught.value.message == f"libvirt 9.0 does not have {path!r}"
    assert "--libvirt" in caught.value.remedy


def test_changes_tell_who_makes_them() -> None:
    host = domcaps.Host.open("shipped:debian12-aarch64")
    asked = ("video.modelType", "disk.bus", "tpm.model", "os.firmware")
    found = [c for path in asked for one in host.explain(path, machine="virt") for c in one.changes]
    words = {c.effort: c.is_on_host for c in found}
    assert words["package"] and words["firmware file"] and not words["architecture"]
    assert {*words} <= {*get_args(domcaps.EffortWord)}
