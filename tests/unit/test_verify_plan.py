"""What is tried, and how QEMU is told of it."""

from __future__ import annotations

import pytest

from domcaps.elements import table
from domcaps.facts.question import ask
from domcaps.facts.record import Helper, HostRecord
from domcaps.language import Element, Enum, World
from domcaps.language.predicate import NEVER
from domcaps.language.qemu_args import HelperProcess, NotTriable, QemuArgs, Trial, alternatives_of
from domcaps.report.document import build
from domcaps.report.flat import flatten
from domcaps.verify.command import command
from domcaps.verify.plan import Attempt, plan
from fakes import emulator_record, world

HOST = HostRecord(arch="x86_64", helpers=(Helper("swtpm", "/usr/bin/swtpm"),))


def elements() -> list[tuple[str, Element]]:
    found: list[tuple[str, Element]] = []

    def add(element: Element, prefix: str) -> None:
        found.append((prefix + element.name, element))
        for part in element.content:
            if isinstance(part, Element):
                add(part, f"{prefix}{element.name}.")

    for element in table():
        add(element, "")
    return found


def attempts(target: World, *names: str) -> dict[str, Attempt]:
    return {attempt.path: attempt for attempt in plan(target, names)}


# -- the table -------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "element"), elements(), ids=lambda x: getattr(x, "name", x))
def test_the_table_says_how_qemu_is_told_of_everything(path: str, element: Element) -> None:
    """Of each choice, and of each element of which a report says no more than yes or no."""
    enums = [part for part in element.content if isinstance(part, Enum)]
    for enum in enums:
        listed = [choice for choice in enum.choices if choice.listed]
        silent = [c.name for c in listed if c.qemu_args is None and enum.qemu_args is None]
        assert not silent, f"{path}.{enum.name}"
    if not element.content and element.supported is not None:
        assert element.qemu_args is not None, path


@pytest.mark.parametrize("arch", ["x86_64", "aarch64", "s390x", "ppc64", "riscv64", "loongarch64"])
def test_words_hold_no_placeholders_that_nobody_fills(arch: str) -> None:
    target = world(emulator_record(target=arch), HOST, arch=arch, machine="virt")
    for attempt in plan(target):
        for alternative in attempt.alternatives:
            made = command(target.target, [alternative], "/f")
            words = " ".join([*made.arguments, *made.environ.values()])
            assert "{" not in words, attempt.path
            assert "}" not in words, attempt.path


def test_devices_that_are_tried_together_have_names_of_their_own() -> None:
    target = world(emulator_record(types=("rng-random",)), HOST)
    alternative = attempts(target)["rng.model=virtio"].alternatives[0]
    words = command(target.target, [alternative, alternative], "/f").added
    assert "rng-random,id=t0r,filename=/dev/urandom" in words
    assert "rng-random,id=t1r,filename=/dev/urandom" in words


# -- the plan --------------------------------------------------------------------------------


def test_what_is_promised_is_what_the_report_prints() -> None:
    target = world(emulator_record(types=("VGA", "vmcoreinfo", "rng-random")), HOST)
    said = flatten(build(target))
    for attempt in plan(target):
        if attempt.path != "machine" and "cpu.custom model" not in attempt.path:
            assert attempt.promised == (said.get(attempt.path, "no") != "no"), attempt.path
    found = attempts(target)
    assert found["video.modelType=vga"].promised
    assert not found["video.modelType=qxl"].promised
    assert found["vmcoreinfo"].promised
    assert not found["genid"].promised
    assert found["vcpu max"].promised


def test_every_value_of_the_report_is_tried() -> None:
    """All that is printed as a value, yes, or a limit, but for elements that group values."""
    types = ("VGA", "vmcoreinfo", "vmgenid", "virtio-crypto-pci", "usb-redir", "tpm-crb", "pvpanic")
    target = world(emulator_record(types=types), HOST)
    grouping = {path for path, element in elements() if element.content}
    said = {path for path, value in flatten(build(target)).items() if value != "no"}
    assert said - grouping <= set(attempts(target))


def test_the_machine_comes_first_and_paths_limit_the_rest() -> None:
    target = world(emulator_record())
    assert plan(target)[0].path == "machine"
    assert set(attempts(target, "video")) == {"machine"} | {
        path for path in attempts(target) if path.startswith("video.")
    }
    assert set(attempts(target, "video.modelType=vga")) == {"machine", "video.modelType=vga"}
    assert set(attempts(target, "video.modelTyp")) == {"machine"}


def test_models_that_are_usable_are_promised_and_the_others_are_not() -> None:
    definitions = [
        {"name": "qemu64", "typename": "a", "unavailable-features": []},
        {"name": "Nehalem", "typename": "b", "unavailable-features": ["sse4.2"]},
        {"name": "Penryn", "typename": "c"},
    ]
    emulator = emulator_record(answers={ask("query-cpu-definitions"): definitions})
    found = attempts(world(emulator), "cpu.custom")
    promised = {path.rpartition(" ")[2]: a.promised for path, a in found.items()}
    assert promised["qemu64"]
    assert not promised["Nehalem"]
    assert not promised["Penryn"]
    assert found["cpu.custom model qemu64"].alternatives[0].cpu == "qemu64,enforce"


def test_a_promise_without_its_program_is_none() -> None:
    with_it = HostRecord(arch="x86_64", helpers=(Helper("passt", "/usr/bin/passt"),))
    stream = {"name": "q_obj_netdev", "meta-type": "object", "members": []}
    emulator = emulator_record(answers={ask("query-qmp-schema"): [stream]})
    path = "interface.backendType=passt"
    assert attempts(world(emulator, with_it))[path].alternatives
    without = attempts(world(emulator))[path]
    assert not without.alternatives
    assert "passt" in without.reason
    assert not without.promised
    assert not without.refuted
    virtiofs = attempts(world(emulator_record(types=("vhost-user-fs-device",))))
    assert virtiofs["filesystem.driverType=virtiofs"].refuted


def test_what_there_is_no_way_for_is_refuted_and_what_is_libvirts_own_is_not_tried() -> None:
    found = attempts(world(emulator_record()))
    assert found["panic.model=pseries"].refuted
    assert not found["panic.model=pseries"].alternatives
    assert not found["hostdev.startupPolicy=default"].refuted
    assert "adds no QEMU argument" in found["hostdev.startupPolicy=default"].reason


def test_mainframes_have_channels() -> None:
    target = world(emulator_record(target="s390x"), arch="s390x", machine="s390-ccw-virtio")
    (alternative,) = attempts(target)["disk.bus=virtio"].alternatives
    assert "virtio-blk-ccw" in alternative.args


# -- the language ----------------------------------------------------------------------------


def test_ways_apply_when_their_condition_holds() -> None:
    target = world(emulator_record())
    alternatives = (QemuArgs("-a", when=NEVER), QemuArgs("-b {value}"), NotTriable("c", when=NEVER))
    assert [
        w.args for w in alternatives_of(alternatives, target, "x") if isinstance(w, QemuArgs)
    ] == ["-b x"]
    assert alternatives_of(lambda _: (), target) == ()


def test_what_changes_the_machine_stands_alone() -> None:
    assert not QemuArgs("-device x").is_alone
    helper = HelperProcess("swtpm", "", "x")
    for qemu_args in (
        QemuArgs(machine="a=b"),
        QemuArgs(cpu="c"),
        QemuArgs("-x", alone=True),
        QemuArgs(helper=helper),
    ):
        assert qemu_args.is_alone
    assert Trial("vcpu max", ()).promised is None
