"""What people read of findings: accepted values, advice, reasons, and what to do next."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import domcaps.cli
from command_runner import CliRunner
from domcaps.choose.change import added_after, removed_besides
from domcaps.choose.repair import repair
from domcaps.language.reason_lines import FACT, FAILED, MET, reason_lines
from domcaps.language.truth import ALL, ANY, Reason, Truth
from domcaps.language.value_types import OneOf
from domcaps.language.wording import denied, one_of
from domcaps.validate import messages
from domcaps.validate.checks import all_part_checks
from domcaps.validate.messages import cause_of
from plain_hosts import open_plain, plain

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import make_truth

DOMAIN = (
    "<domain type='qemu'>\n  <name>a</name>\n  <memory>1048576</memory>\n"
    "  <os><type arch='x86_64' machine='{}'>hvm</type></os>\n  <devices>\n    {}\n"
    "  </devices>\n</domain>\n"
)
DISK = "<disk type='file' device='disk'><source file='/a'/><target dev='{}' bus='{}'/></disk>"
HOST = ("--host", plain("sid-x86_64"))

CLOSED = {
    field_check.code: tuple(field_check.declared.kind.names)
    for part_checks in all_part_checks()
    for field_check in part_checks.checks.fields
    if isinstance(field_check.declared.kind, OneOf)
}


def run(*words: str) -> tuple[str, str]:
    result = CliRunner().invoke(domcaps.cli._root, list(words))
    return result.stdout, result.stderr


@pytest.fixture
def refused(tmp_path: Path) -> str:
    file = tmp_path / "refused.xml"
    file.write_text(DOMAIN.format("q35", DISK.format("sda", "ide")))
    return str(file)


def test_a_message_of_a_closed_set_lists_its_values() -> None:
    assert len(CLOSED) > 150
    for code, names in CLOSED.items():
        for text in (messages.invalid("x", "?", "", names), messages.missing("x", one_of(names))):
            assert [name for name in names if name and repr(name) not in text] == [], code


@pytest.mark.parametrize(
    ("machine", "device", "value"),
    [
        ("pc", "<graphics type='spice' autoport='yes'/>", "vnc"),
        ("pc", "<video><model type='qxl'/></video>", "virtio"),
        ("q35", DISK.format("sda", "ide"), "sata"),
        ("pc", "<graphics type='vcn'/>", "vnc"),
        ("pc", "<watchdog model='ib701' action='reset'/>", "ib700"),
    ],
)
def test_the_first_accepted_value_is_what_a_repair_writes(
    machine: str, device: str, value: str
) -> None:
    host = open_plain("sid-x86_64")
    data = DOMAIN.format(machine, device).encode()
    (finding,) = host.validate(data).errors
    assert finding.accepted[0] == value
    assert repr(value) in finding.message
    assert f"'{value}'".encode() in repair([host], data, "auto").data


def test_a_reason_names_the_requirement_and_what_was_found() -> None:
    def machine(names: str) -> Reason:
        statement = f"the guest's machine type is {names} (here: q35)"
        return Reason(Truth.NO, statement, "target", at="machine", value="q35")

    x86 = Reason(Truth.YES, "the guest's architecture is x86_64 (here: x86_64)", "target")
    both = Reason(Truth.NO, ALL, because=(x86, machine("pc or pc-*")))
    some = Reason(Truth.NO, ANY, because=(both, machine("malta")))
    (line,) = reason_lines(some)
    assert (line.mark, line.text) == (
        FAILED, "requires machine type pc, pc-* or malta (here: q35)",
    )  # fmt: skip
    # below an error there is no tick: what holds is a fact
    held = Reason(Truth.YES, ALL, because=(x86, Reason(Truth.YES, "KVM has no SMM")))
    shown = reason_lines(held, of_error=True)
    assert [line.mark for line in shown] == [FACT, FACT]
    assert shown[0].text == "the architecture is x86_64"
    assert reason_lines(held)[0].mark == MET


def test_what_does_not_exist_is_none() -> None:
    assert denied("a descriptor offers UEFI firmware") == "no descriptor offers UEFI firmware"
    assert denied("no QEMU offers this") == "no QEMU offers this"


def test_the_cause_of_a_message_has_no_advice() -> None:
    assert cause_of("it is wrong. Use 'vga'. To enable it: x") == "it is wrong"
    assert cause_of("it is wrong") == "it is wrong"


def test_a_refused_domain_ends_with_the_next_command(refused: str) -> None:
    _, shown = run("validate", *HOST, refused)
    assert shown.splitlines()[-1].startswith("next: domcaps fix --host ")
    assert "not checked, assumed to be fine: the image '/a' exists" in shown
    for words in (("-q",), ("--format", "json"), ("--format", "concise"), ("--statistics",)):
        assert "next: " not in "".join(run("validate", *HOST, *words, refused)[1])


@pytest.mark.parametrize("command", ["validate", "fix", "explain"])
def test_the_libvirt_that_judges_is_said_once(command: str, refused: str) -> None:
    files = [refused] if command == "explain" else [refused, refused]
    _, shown = run(command, *HOST, *files)
    assert shown.count("the recording names no libvirt version") == 1
    _, shown = run(command, *HOST, "--libvirt", "11.3", *files)
    assert "names no libvirt" not in shown


def test_explain_ends_with_the_verdict(refused: str) -> None:
    shown, _ = run("explain", *HOST, refused)
    assert "validate refuses this domain:" in shown
    assert "[disk-bus-unsupported]" in shown.splitlines()[-1]


def test_lines_that_are_added_have_a_place() -> None:
    old = b"<a>\n<b/>\n<c/>\n</a>\n"
    assert added_after(old, old, b"<a>\n<b/>\n<d/>\n<c/>\n</a>\n") == 2
    assert added_after(old, old, b"<a>\n<b x='1'/>\n<c/>\n</a>\n") == 0


def test_elements_that_go_with_an_edit_are_named() -> None:
    old = b"<a><b><c/></b><d/></a>"
    assert removed_besides(old, b"<a><d/></a>", "x='y'") == ("<b>",)
    assert removed_besides(old, b"<a><d/></a>", "<b> removed") == ()


def test_fix_names_the_option_where_only_a_removal_helps(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    tpm = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
    file.write_text(DOMAIN.format("q35", tpm))
    _, shown = run("fix", *HOST, str(file))
    assert "--allow-removal repairs more: it removes <tpm>" in shown
    assert "--allow-removal" not in run("fix", *HOST, "--allow-removal", str(file))[1]


def test_targets_are_named_in_few_words() -> None:
    every = [
        ((7, 2), "arm", "virt-7.2", "qemu"),
        ((8, 0), "arm", "virt-8.0", "qemu"),
        ((7, 2), "x86", "pc-7.2", "kvm"),
        ((7, 2), "x86", "pc-7.2", "qemu"),
    ]
    assert make_truth.targets(every, every) == "all"
    assert make_truth.targets([every[2]], every) == "all with type kvm"
    assert make_truth.targets([every[0]], every) == "arm (QEMU 7.2)"
    assert make_truth.targets([every[0], every[1], every[3]], every) == "all with type qemu"
    assert make_truth.joined(["`a=1`", "`a=2`", "`b`"]) == "`a=1`, `2`<br>`b`"


def test_messages_that_differ_in_a_name_only_are_one() -> None:
    warning = " / warning: host doesn't support requested feature: CPUID.01H:ECX.pni [bit 0]"
    first = f"-device nvme,id=t0n,serial=a: No 'PCI' bus found for device 'nvme'{warning}"
    second = "-device VGA: No 'PCI' bus found for device 'VGA'"
    place: make_truth.Label = ((7, 2), "x86_64", "microvm", "kvm")
    entries: make_truth.Entries = [("disk.bus=nvme", {first: [place]}, False),
               ("video.modelType=vga", {second: [place]}, False)]  # fmt: skip
    other: make_truth.Label = ((7, 2), "x86_64", "pc-q35-7.2", "kvm")
    assert make_truth.rows(entries, [place, other], listed=True) == [
        (
            "`disk.bus=nvme`<br>`video.modelType=vga`",
            "`No 'PCI' bus found for device '…'`",
            "x86_64 microvm",
            "PCI devices on microvm",
        )
    ]


@pytest.mark.parametrize(
    ("path", "message", "arch", "title"),
    [
        ("vcpu max", ("Number of SMP CPUs requested (512) exceeds max CPUs supported by machine "
         "'mach-virt' (8)"), "aarch64", "More than 8 vCPUs on ARM without a GIC version"),
        ("rng.model=virtio-transitional", "'x' is not a valid device model name", "s390x",
         "virtio-transitional models on s390x"),
        ("disk.bus=virtio", "not explained", "x86_64", ""),
    ],
)  # fmt: skip
def test_what_was_refused_leads_to_its_explanation(
    path: str, message: str, arch: str, title: str
) -> None:
    place = ((7, 2), arch, "virt", "qemu")
    assert make_truth.difference(path, message, place, listed=True) == title
