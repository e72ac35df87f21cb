"""Predicates that rules of domains share: cards of either bus, and what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from test_report_boards import holds
from test_report_choices import xml
from test_report_rules import SWTPM, promised

from domcaps.elements.devices import iommu
from domcaps.elements.features import features, launch_security, sgx
from domcaps.elements.hostdevs import hostdev
from domcaps.elements.network import interface_driver
from domcaps.elements.placement import pci_controllers
from domcaps.elements.storage import disk_driver, disk_lun
from domcaps.facts.question import ask, device_properties_of, object_properties_of
from domcaps.facts.record import HostRecord, Kvm, Presence
from domcaps.language.truth import Truth
from fakes import emulator_record, world

if TYPE_CHECKING:
    from domcaps.language import Predicate


def test_an_iommu_of_virtio_needs_its_property() -> None:
    (virtio,) = (choice.when for choice in iommu.MODEL.choices if choice.name == "virtio")
    question = device_properties_of("virtio-iommu-pci")
    for names in (["boot-bypass"], []):
        answers = {question: [{"name": name, "type": "bool"} for name in names]}
        assert holds(virtio, "virtio-iommu-pci", answers=answers) is bool(names)


def test_controllers_that_fit_some_boards_only() -> None:
    models = pci_controllers._MODELS
    assert "port" in models["pcie-root-port"].options
    assert "memReserve" in models["pcie-root-port"].options


def test_a_version_of_gic_that_qemu_lacks_is_not_promised() -> None:
    answers: dict[Any, Any] = {
        ask("query-gic-capabilities"): [{"version": 2, "emulated": True, "kernel": True}]
    }
    assert promised("gic.version=2", answers=answers, arch="aarch64", machine="virt")
    assert not promised("gic.version=3", answers=answers, arch="aarch64", machine="virt")


@pytest.mark.parametrize(
    ("predicate", "card", "name"),
    [
        (disk_driver.QUEUE_SIZE, "virtio-blk", "queue-size"),
        (disk_lun.VIRTIO_SCSI, "virtio-blk", "scsi"),
        (interface_driver.RSS, "virtio-net", "rss"),
    ],
)
@pytest.mark.parametrize("bus", ["pci", "ccw"])
def test_a_card_of_either_bus_will_do(predicate: Predicate, card: str, name: str, bus: str) -> None:
    question = device_properties_of(f"{card}-{bus}")
    answers: dict[Any, Any] = {question: [{"name": name, "type": "bool"}]}
    assert holds(predicate, f"{card}-{bus}", answers=answers)
    assert not holds(predicate, f"{card}-{bus}", answers={question: []})


def test_a_class_of_boards_has_properties_though_it_is_not_listed() -> None:
    question = object_properties_of("generic-pc-machine")
    ps2 = features.PS2.supported
    assert ps2 is not None
    assert holds(ps2, answers={question: [{"name": "i8042", "type": "bool"}]}, machine="pc")
    assert not holds(ps2, answers={question: []}, machine="pc")
    # whoever was not asked did not say no
    assert world(emulator_record(), machine="pc").truth(ps2) is Truth.UNKNOWN


def test_models_of_usb_disks_may_be_written_though_no_report_lists_them() -> None:
    for name in ("usb-storage", "usb-bot"):
        assert not promised(f"disk.model={name}", name)


def seen(predicate: Predicate, answers: Any = None, host: HostRecord | None = None) -> list[str]:
    """Give what an explanation says was found."""
    reason = predicate.explain(world(emulator_record(answers=answers), host))
    return [part.value for part in (reason, *reason.because)]


def test_what_was_found_is_told_in_explanations() -> None:
    sev = {"cbitpos": 51, "reduced-phys-bits": 1, "cert-chain": "", "pdh": ""}
    answers: dict[Any, Any] = {ask("query-sev-capabilities"): sev}
    assert "cbitpos 51" in seen(launch_security.SEV_PLATFORM, answers)
    for first, second, said in ((True, False, "yes"), (False, True, "yes"), (False, False, "no")):
        capabilities = {"flc": False, "sgx1": first, "sgx2": second}
        answers = {ask("query-sgx-capabilities"): capabilities}
        assert f"sgx {said}" in seen(sgx.SGX_PLATFORM, answers)


@pytest.mark.parametrize(
    ("name", "predicate"), [("vfio", hostdev.HOST_VFIO), ("iommufd", hostdev.HOST_IOMMUFD)]
)
def test_what_a_host_lacks_is_told_in_explanations(name: str, predicate: Predicate) -> None:
    for reason in ("no device node", ""):
        host = HostRecord("x86_64", **{name: Presence(not reason, reason)})  # type: ignore[arg-type]
        assert seen(predicate, host=host) == [reason or "there"]


def test_whether_kvm_has_trust_domains_is_told_in_explanations() -> None:
    for tdx, said in ((True, "Y"), (False, "not Y, or not there")):
        host = HostRecord("x86_64", kvm=Kvm(usable=True, tdx=tdx))
        assert said in seen(launch_security.TDX, host=host)


def test_whether_a_mainframe_protects_guests_is_told_in_explanations() -> None:
    for secure, said in ((True, "yes"), (False, "not switched on, or not there")):
        host = HostRecord("s390x", kvm=Kvm(usable=True, secure_guest=secure))
        assert seen(launch_security.S390_PV_HOST, host=host) == [said]


def test_versions_of_tpm_are_not_spoken_of_where_there_are_none() -> None:
    assert "backendVersion" in xml("tpm-tis", host=HostRecord("x86_64", helpers=SWTPM))
    assert "backendVersion" not in xml("tpm-tis")
