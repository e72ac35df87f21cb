"""Predicates that rules of domains share: groups of boards, cards of either bus, what was seen."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from test_report_boards import holds
from test_report_choices import xml
from test_report_rules import SWTPM, promised

from domcaps.facts.question import ask, device_properties_of, object_properties_of
from domcaps.facts.record import HostRecord, Kvm, Presence
from fakes import emulator_record, world

if TYPE_CHECKING:
    from domcaps.language import Enum, Predicate

Places = list[tuple[str, str]]

VIRTS: Places = [("aarch64", "virt"), ("loongarch64", "virt"), ("riscv64", "virt")]
S390X = ("s390x", "s390-ccw-virtio")
PC, Q35, ISAPC = ("x86_64", "pc"), ("x86_64", "q35"), ("x86_64", "isapc")
PSERIES = ("ppc64", "pseries")


def named_enum(module: str) -> Enum:
    """Give the models of a device."""
    found: Enum = import_module(f"domcaps.elements.{module}").MODEL
    return found


def named(path: str) -> Predicate:
    """Give what a module of the table calls so."""
    module, name = path.rsplit(".", 1)
    found: Predicate = getattr(import_module(f"domcaps.elements.{module}"), name)
    return found


@pytest.mark.parametrize(
    ("path", "here", "elsewhere"),
    [
        ("hardware._REALVIEW", [("armv7l", "realview-pb-a8")],
         [("armv7l", "virt"), ("x86_64", "realview-eb")]),
        ("hardware._REALVIEW_EB", [("armv7l", "realview-eb-mpcore")],
         [("armv7l", "realview-pb-a8"), ("x86_64", "realview-eb")]),
        ("hardware._VERSATILE", [("armv7l", "versatilepb")],
         [("armv7l", "virt"), ("x86_64", "versatilepb")]),
        ("hardware._NO_USB_PC", [ISAPC], [PC, ("ppc64", "isapc")]),
        ("hardware._MICROVM", [("x86_64", "microvm")], [PC, ("riscv64", "microvm")]),
        ("hardware._MALTA", [("mips", "malta")], [("mips", "magnum"), ("x86_64", "malta")]),
        ("hardware._ALWAYS_PCI_ROOT",
         [PC, ("armv7l", "versatilepb"), ("mips", "malta"), ("alpha", "clipper"), PSERIES],
         [Q35, *VIRTS, S390X, ISAPC]),
        ("hardware._PCIE_ROOT", [Q35, ("aarch64", "virt"), ("riscv64", "virt")],
         [PC, S390X, ("loongarch64", "virt")]),
        ("hardware.WITH_BUS",
         [PC, Q35, *VIRTS, S390X, PSERIES, ("mips", "malta"), ("armv7l", "versatilepb")],
         [ISAPC, ("sparc", "SS-5"), ("armv7l", "vexpress-a9")]),
        ("controller_models.BUILTIN_ESP",
         [("sparc", "SS-5"), ("mips64", "magnum"), ("mips64el", "pica61"), ("m68k", "q800")],
         [("mips64", "malta"), ("m68k", "virt"), ("x86_64", "q800"), ("x86_64", "magnum")]),
        ("pci_devices._BALLOON", [PSERIES, S390X, ("alpha", "clipper"), ("mips", "malta")],
         [PC, *VIRTS]),
        ("interface._VERSATILE", [("armv7l", "versatilepb")],
         [("armv7l", "virt"), ("x86_64", "versatilepb")]),
        ("interface._MODERN", [*VIRTS, S390X], [PC, Q35, PSERIES]),
        ("serial._SYSTEM", VIRTS, [PC, S390X, PSERIES]),
        ("osloader.SECURE_MACHINE", [Q35], [PC, ("i686", "q35"), VIRTS[0]]),
        ("parallel.HAS_PARALLEL", [PC, *VIRTS], [S390X, PSERIES]),
        ("disk._VIRTUAL", [*VIRTS, S390X, PSERIES], [PC, Q35]),
        ("boardfeatures.VIRTUALIZATION", [("aarch64", "virt")], [("armv7l", "virt"), PC]),
        ("video._VIRTUAL", [*VIRTS, S390X], [PC, PSERIES]),
        ("video.DEFAULT_KNOWN", [*VIRTS, S390X, PSERIES], [PC, ("sparc", "SS-5")]),
    ],
)  # fmt: skip
def test_groups_of_boards(path: str, here: Places, elsewhere: Places) -> None:
    for arch, machine in here:
        assert holds(named(path), arch=arch, machine=machine), (arch, machine)
    for arch, machine in elsewhere:
        assert not holds(named(path), arch=arch, machine=machine), (arch, machine)


def test_the_adapter_that_is_not_named_depends_on_the_board() -> None:
    defaults = import_module("domcaps.elements.video")._DEFAULTS
    meant = {kind: when for kind, when in defaults if kind == "virtio"}
    for arch, machine in (*VIRTS, S390X):
        assert holds(meant["virtio"], arch=arch, machine=machine), arch
    for arch, machine in (PC, PSERIES):
        assert not holds(meant["virtio"], arch=arch, machine=machine), arch


def test_which_boards_an_iommu_is_for() -> None:
    boards = import_module("domcaps.elements.iommu")._MACHINES
    for model, expected in (
        ("intel", [Q35]),
        ("amd", [Q35]),
        ("smmuv3", [VIRTS[0]]),
        ("virtio", [Q35, VIRTS[0]]),
    ):
        places = (PC, Q35, VIRTS[0], S390X)
        assert [p for p in places if holds(boards[model], arch=p[0], machine=p[1])] == expected


def test_an_iommu_of_virtio_needs_its_property() -> None:
    (virtio,) = (choice.when for choice in named_enum("iommu").choices if choice.name == "virtio")
    question = device_properties_of("virtio-iommu-pci")
    for names in (["boot-bypass"], []):
        answers = {question: [{"name": name, "type": "bool"} for name in names]}
        assert holds(virtio, "virtio-iommu-pci", answers=answers) is bool(names)


def test_controllers_that_fit_some_boards_only() -> None:
    models = import_module("domcaps.elements.controller_pci")._MODELS
    assert "port" in models["pcie-root-port"].options
    assert "memReserve" in models["pcie-root-port"].options


def test_a_version_of_gic_that_qemu_lacks_is_not_promised() -> None:
    answers: dict[Any, Any] = {
        ask("query-gic-capabilities"): [{"version": 2, "emulated": True, "kernel": True}]
    }
    assert promised("gic.version=2", answers=answers, arch="aarch64", machine="virt")
    assert not promised("gic.version=3", answers=answers, arch="aarch64", machine="virt")


def test_a_port_of_vmware_is_one_of_a_pc() -> None:
    for arch, machine in (PC, Q35, ISAPC):
        assert holds(named("boardfeatures.VMPORT"), "vmport", arch=arch, machine=machine)
        assert not holds(named("boardfeatures.VMPORT"), arch=arch, machine=machine)
    assert not holds(named("boardfeatures.VMPORT"), "vmport", machine="microvm")


def test_timers_of_arm_are_those_of_kvm() -> None:
    for virttype, machine, expected in (
        ("kvm", "virt", True),
        ("qemu", "virt", False),
        ("kvm", "raspi3b", False),
    ):
        target = {"arch": "aarch64", "machine": machine, "virttype": virttype}
        assert holds(named("timer._ARM_KVM"), **target) is expected, target


@pytest.mark.parametrize(
    ("path", "card", "name"),
    [
        ("controller.SCSI_IOTHREADS", "virtio-scsi", "iothread-vq-mapping"),
        ("disk_driver.QUEUE_SIZE", "virtio-blk", "queue-size"),
        ("disk_lun.VIRTIO_SCSI", "virtio-blk", "scsi"),
        ("interface_driver.RSS", "virtio-net", "rss"),
    ],
)
@pytest.mark.parametrize("bus", ["pci", "ccw"])
def test_a_card_of_either_bus_will_do(path: str, card: str, name: str, bus: str) -> None:
    question = device_properties_of(f"{card}-{bus}")
    answers: dict[Any, Any] = {question: [{"name": name, "type": "bool"}]}
    assert holds(named(path), f"{card}-{bus}", answers=answers)
    assert not holds(named(path), f"{card}-{bus}", answers={question: []})


def test_a_class_of_boards_has_properties_though_it_is_not_listed() -> None:
    question = object_properties_of("generic-pc-machine")
    ps2 = import_module("domcaps.elements.features").PS2.supported
    assert holds(ps2, answers={question: [{"name": "i8042", "type": "bool"}]}, machine="pc")
    assert not holds(ps2, answers={question: []}, machine="pc")


def seen(predicate: Predicate, answers: Any = None, host: HostRecord | None = None) -> list[str]:
    """Give what an explanation says was found."""
    reason = predicate.explain(world(emulator_record(answers=answers), host))
    return [part.value for part in (reason, *reason.because)]


def test_what_was_found_is_told_in_explanations() -> None:
    sev = {"cbitpos": 51, "reduced-phys-bits": 1, "cert-chain": "", "pdh": ""}
    answers: dict[Any, Any] = {ask("query-sev-capabilities"): sev}
    assert "cbitpos 51" in seen(named("launchsecurity.SEV_PLATFORM"), answers)
    for first, second, said in ((True, False, "yes"), (False, True, "yes"), (False, False, "no")):
        sgx = {"flc": False, "sgx1": first, "sgx2": second}
        answers = {ask("query-sgx-capabilities"): sgx}
        assert f"sgx {said}" in seen(named("sgx.SGX_PLATFORM"), answers)


@pytest.mark.parametrize("name", ["vfio", "iommufd"])
def test_what_a_host_lacks_is_told_in_explanations(name: str) -> None:
    predicate = named(f"hostdev.HOST_{name.upper()}")
    for reason in ("no device node", ""):
        host = HostRecord("x86_64", **{name: Presence(not reason, reason)})  # type: ignore[arg-type]
        assert seen(predicate, host=host) == [reason or "there"]


def test_whether_kvm_has_trust_domains_is_told_in_explanations() -> None:
    for tdx, said in ((True, "Y"), (False, "not Y, or not there")):
        host = HostRecord("x86_64", kvm=Kvm(usable=True, tdx=tdx))
        assert said in seen(named("launchsecurity.TDX"), host=host)


def test_versions_of_tpm_are_not_spoken_of_where_there_are_none() -> None:
    assert "backendVersion" in xml("tpm-tis", host=HostRecord("x86_64", helpers=SWTPM))
    assert "backendVersion" not in xml("tpm-tis")
