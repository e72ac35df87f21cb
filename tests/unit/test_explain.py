"""Explanations: they agree with the report, lead to the source, and name what would help."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domcaps import RequestError
from domcaps.facts.record import HostRecord
from domcaps.language import Truth, World
from domcaps.report.answer import EnumAnswer, Section
from domcaps.report.document import build
from domcaps.report.explain import elsewhere, explain, explain_all, other_targets, paths
from fakes import emulator_record, world

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
    assert found.changes == ("QEMU has the type 'qxl'",)
    assert found.reason.source == "qom-list-types"


def test_only_what_is_missing_is_named() -> None:
    emulator = emulator_record(types=("vfio-pci",))
    (found,) = explain("hostdev.pciBackend=vfio", world(emulator))
    assert found.changes == ("the host has an IOMMU and VFIO",)


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
    assert elsewhere("disk.bus=ide", other_targets(asked)) == ("--machine pc",)
    assert elsewhere("video.modelType=qxl", other_targets(asked)) == ()
