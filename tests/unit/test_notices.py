"""Notices: what works but could be better, or is not checked; and arguments for QEMU itself."""

from __future__ import annotations

import pytest

from command_runner import CliRunner
from domcaps.cli.validate import command
from domcaps.language.finding import Severity
from plain_hosts import open_plain, plain

HOST = open_plain("sid-x86_64")
_DOMAIN = (
    "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>n</name>"
    "<memory>65536</memory><os><type arch='x86_64' machine='{}'>hvm</type></os>{}</domain>"
)


def of_arguments(*values: str, machine: str = "q35") -> dict[str, str]:
    """Give what is found of arguments, notices included, by code."""
    line = "".join(f"<qemu:arg value='{value}'/>" for value in values)
    xml = _DOMAIN.format(machine, f"<qemu:commandline>{line}</qemu:commandline>")
    done = HOST.validate(xml)
    assert done.accepted
    return {f.code: f.message for f in (*done.findings, *done.notices) if f.code.startswith("qemu")}


@pytest.mark.parametrize(
    ("values", "code", "word"),
    [
        (("-device", "virtio-net-pcj"), "qemu-device-unknown", "virtio-net-pci"),
        (("--device", '{"driver":"nothing"}'), "qemu-device-unknown", "nothing"),
        (("-device", "virtio-net-pci,macc=1"), "qemu-property-unknown", "mac"),
        (("-object", "nothing,id=a"), "qemu-object-unknown", "nothing"),
        (("-device", "virtio-rng-pci,bus=pci.0"), "qemu-bus-unknown", "pcie.0"),
        (("-device", "virtio-rng-pci,bus=pci.77"), "qemu-bus-unknown", "pci.77"),
        (("-chardev", "null,id=a"), "qemu-commandline-not-checked", "-chardev"),
        (("-netdev", "usr,id=a"), "qemu-netdev-unknown", "'user'"),
        (("-netdev", "user,id=a,hostfw=1"), "qemu-netdev-unknown", "hostfwd"),
        (("-global", "ICH9-LPCC.disable_s3=1"), "qemu-global-unknown", "ICH9-LPC"),
        (("-global", "driver=nothing,property=a,value=b"), "qemu-global-unknown", "nothing"),
        (("-global", "virtio-net-pci.macc=1"), "qemu-global-unknown", "mac"),
        (("-S",), "qemu-commandline-not-checked", "-S"),
    ],
)
def test_arguments_that_are_wrong_or_not_checked(
    values: tuple[str, ...], code: str, word: str
) -> None:
    found = of_arguments(*values)
    assert list(found) == [code]
    assert word in found[code]


@pytest.mark.parametrize(
    "values",
    [
        ("-device", "virtio-net-pci,id=a,mac=52:54:00:00:00:01,bus=pcie.0,addr=0x5"),
        ("-device", "e1000,id=a"),
        ("-device", "virtio-rng,id=a"),
        ("-device", "pcie-root-port,id=pci.77", "-device", "virtio-rng-pci,bus=pci.77"),
        ("-device", "help"),
        ("-object", "rng-random,id=a"),
        ("-netdev", "user,id=a,hostfwd=tcp::2222-:22"),
        ("-netdev", "tap,id=a,ifname=t,script=no,downscript=no"),
        ("-netdev", "stream,id=a,server=off,addr.type=unix,addr.path=/x"),
        ("-global", "virtio-net-pci.mac=52:54:00:00:00:01"),
    ],
)
def test_arguments_that_qemu_takes(values: tuple[str, ...]) -> None:
    assert of_arguments(*values) == {}


def test_the_first_bus_depends_on_the_board() -> None:
    assert of_arguments("-device", "virtio-rng-pci,bus=pci.0", machine="pc") == {}
    found = of_arguments("-device", "virtio-rng-pci,bus=pcie.0", machine="pc")
    assert list(found) == ["qemu-bus-unknown"]


def test_notices_are_beside_the_findings() -> None:
    done = HOST.validate(_DOMAIN.format("pc", "<devices><graphics type='vnc'/></devices>"))
    assert done.accepted
    assert done.findings == ()
    assert {notice.code for notice in done.notices} >= {
        "graphics-without-tablet", "os-machine-without-pcie"
    }  # fmt: skip
    assert {notice.severity for notice in done.notices} == {Severity.NOTICE}


def test_a_notice_can_be_ignored() -> None:
    code = "os-machine-without-pcie"
    done = HOST.validate(_DOMAIN.format("pc", ""), ignore=[code])
    assert code not in {notice.code for notice in done.notices}


def test_a_deprecated_machine_type_has_a_successor() -> None:
    old = next(m.name for m in HOST.world().emulator.machines("qemu")
               if m.deprecated and m.name.startswith("pc-q35"))  # fmt: skip
    (found,) = HOST.validate(_DOMAIN.format(old, "")).warnings
    assert found.code == "os-type-machine-deprecated"
    assert found.accepted == ("q35",)


def test_the_command_line_counts_notices_and_prints_them_when_asked() -> None:
    xml = _DOMAIN.format("pc", "")

    def run(*options: str) -> tuple[str, str]:
        arguments = ["--host", plain("sid-x86_64"), *options, "-"]
        result = CliRunner().invoke(command, arguments, input=xml)
        assert result.exit_code == 0
        return result.stdout, result.stderr

    out, err = run()
    assert "notice" not in out
    assert "1 notice (--notices shows them)" in err
    out, err = run("--notices")
    assert "notice: the machine type is an i440fx" in out
    assert "shows them" not in err
    out, _ = run("--format", "json")
    assert '"severity":"notice"' in out.replace(" ", "")


@pytest.mark.parametrize("word", ["add", "del"])
@pytest.mark.parametrize(
    "name", ["name", "uuid", "blockdev", "virtio-s390", "virtio.packed", "piix3-usb-uhci"]
)
def test_names_of_capabilities_that_libvirt_no_longer_asks_for_are_known(
    word: str, name: str
) -> None:
    # libvirt keeps the names of what each QEMU can do by now: they may be in old definitions
    xml = _DOMAIN.format(
        "q35", f"<qemu:capabilities><qemu:{word} capability='{name}'/></qemu:capabilities>"
    )
    assert not HOST.validate(xml, "12.8").errors
