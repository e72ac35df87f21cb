"""What must hold of ``<os>``: what is booted from, and how firmware and tables get into the guest.

Which firmware is picked stands in `boot.firmware`, and what must hold of flash and
variables in `boot.loader`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import CONSOLE_TARGET
from domcaps.elements.boards.families import X86
from domcaps.elements.boot.os import Boot, Os
from domcaps.language.changes.boot import ACPI_TABLES, SHIM_CHECKED
from domcaps.language.finding import Stage, quoted
from domcaps.language.fix import Fix
from domcaps.language.node_path import line_of
from domcaps.language.part import Part, field
from domcaps.language.quantities import repeated
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import Int, OneOf
from domcaps.language.wording import signless

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain

_ORDERED = ("disk", "interface", "hostdev", "redirdev", "filesystem")
"""Devices that can have a place in the boot order; in others it is ignored."""

_MENU_TIMEOUT = Int(0, 65535)
_LOADPARM_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789. ")
_LOADPARM_LENGTH = 8


class AcpiTable(Part):
    """A table that is handed to the guest."""

    path = "os/acpi/table"

    type = field(
        "@type",
        OneOf(("raw", "slic", "msdm"), {"raw": ACPI_TABLES, "msdm": ACPI_TABLES}),
        required=True,
    )


def _boots(domain: Domain) -> list[Node]:
    """Give ``<boot>`` of all devices that can have one, in the order of their lines."""
    # looked up by names, which the shapes of domains in a fleet have: "devices/*" they do not tell
    found = [
        boot
        for tag in _ORDERED
        for device in domain.find(f"devices/{tag}")
        if (boot := device.find("boot")) is not None
    ]
    return sorted(found, key=line_of) if len(found) > 1 else found


_DISK = "<disk type='file'><source file='/d'/><target dev='sda' bus='sata'/>{}</disk>"
_ORDER = _DISK.format("<boot order='1'/>")
_OS = "<os><type>hvm</type>{}</os>"


@rule(
    "os-boot-dev-with-order",
    Boot,
    bad=_OS.format("<boot dev='hd'/>") + f"<devices>{_ORDER}</devices>",
    good=_OS.format("") + f"<devices>{_ORDER}</devices>",
)
def kinds_or_devices(boot: Boot) -> Problems:
    """``<boot dev='…'>`` in ``<os>`` cannot be combined with ``<boot order='…'>`` in devices."""
    if boot.domain.all(Boot)[0].node is not boot.node:
        return
    for ordered in boot.domain.once(_boots):
        if ordered.get("order"):
            line = ordered.sourceline
            message = (
                "<boot dev='…'> in <os> cannot be combined with <boot order='…'> in a device "
                f"(line {line}); use only one of them"
            )
            # the order of the devices says more than their kinds do
            kinds = ("/domain/os/boot",) * len(boot.domain.all(Boot))
            yield problem(message, boot, fix=Fix(without=kinds))
            return


@rule(
    "os-boot-loadparm-invalid",
    Os,
    bad=_DISK.format("<boot order='1' loadparm='SYS?'/>"),
    good=_DISK.format("<boot order='1' loadparm='SYS1'/>"),
)
def loadparm_has_its_form(system: Os) -> Problems:
    """Attribute ``loadparm`` of ``<boot>`` must be 1 to 8 characters: letters, digits, dots or
    spaces.
    """
    for boot in system.domain.once(_boots):
        given = boot.get("loadparm")
        if given is None:
            continue
        if (
            given.strip()
            and len(given) <= _LOADPARM_LENGTH
            and set(given.upper()) <= _LOADPARM_LETTERS
        ):
            continue
        yield problem(
            "attribute 'loadparm' must be 1 to 8 of the characters A-Z, 0-9, '.' and ' '",
            boot,
            "@loadparm",
        )


@rule(
    "os-bootmenu-timeout-invalid",
    Os,
    bad=_OS.format("<bootmenu enable='yes' timeout='65536'/>"),
    good=_OS.format("<bootmenu enable='yes' timeout='3000'/>"),
)
def menu_waits_a_minute(system: Os) -> Problems:
    """Attribute ``timeout`` of ``<bootmenu>`` must be from 0 to 65535 (milliseconds)."""
    menu = system.find("bootmenu")
    timeout = None if menu is None else menu.get("timeout")
    if system.bootmenu != "yes" or timeout is None:
        return
    try:
        _MENU_TIMEOUT.parse(timeout)
    except ValueError:
        yield problem(
            f"attribute 'timeout' of <bootmenu> is {quoted(timeout)}, but must be from 0 to 65535 "
            f"milliseconds{signless(timeout)}",
            system,
            "bootmenu/@timeout",
        )


@rule(
    "os-bios-useserial-unsupported",
    Os,
    bad=Sample(_OS.format("<bios useserial='yes'/>"), arch="s390x"),
    good=_OS.format("<bios useserial='yes'/>") + "<devices><serial type='pty'/></devices>",
)
def serial_bios_is_x86(system: Os) -> Problems:
    """``<bios useserial='yes'>`` requires an x86 guest."""
    if _useserial(system) and not system.holds(X86):
        why = X86.explain(system.domain.world)
        yield problem(
            "attribute 'useserial' of <bios> is not supported for "
            f"{system.domain.arch} guests; remove it",
            system,
            "bios/@useserial",
            reason=why,
        )


@rule(
    "os-bios-useserial-no-port",
    Os,
    bad=_OS.format("<bios useserial='yes'/>"),
    good=_OS.format("<bios useserial='yes'/>") + "<devices><serial type='pty'/></devices>",
    fix=Fix(add="<devices><serial type='pty'/></devices>"),
)
def serial_bios_has_a_port(system: Os) -> Problems:
    """``<bios useserial='yes'>`` requires a ``<serial>`` device."""
    if not _useserial(system) or not system.holds(X86):
        return
    root = system.domain.root
    if root.find("devices/serial") is not None:
        return
    console = root.find("devices/console")
    target = None if console is None else console.find("target")
    # the first console is a serial port as well, unless it is said to be something else
    if console is None or (target is not None and target.get("type", CONSOLE_TARGET) != "serial"):
        yield problem(
            "<bios useserial='yes'> requires a <serial> device; add <serial type='pty'/>",
            system,
            "bios/@useserial",
        )


def _useserial(system: Os) -> bool:
    bios = system.find("bios")
    return bios is not None and bios.get("useserial") == "yes"


@rule(
    "os-smbios-sysinfo-missing",
    Os,
    bad=_OS.format("<smbios mode='sysinfo'/>"),
    good=_OS.format("<smbios mode='sysinfo'/>") + "<sysinfo type='smbios'/>",
    stage=Stage.START,
    fix=Fix(add="<sysinfo type='smbios'/>"),
)
def smbios_has_a_source(system: Os) -> Problems:
    """``<smbios mode='sysinfo'>`` requires a ``<sysinfo type='smbios'>``."""
    if system.smbios != "sysinfo":
        return
    given = system.domain.root.findall("sysinfo")
    if all(sysinfo.get("type") != "smbios" for sysinfo in given):
        yield problem(
            "<smbios mode='sysinfo'> requires a <sysinfo type='smbios'>; add one",
            system,
            "smbios/@mode",
        )


@rule(
    "os-acpi-table-duplicate",
    AcpiTable,
    bad=_OS.format("<acpi><table type='slic'>/a</table><table type='slic'>/b</table></acpi>"),
    good=_OS.format("<acpi><table type='slic'>/a</table></acpi>"),
    until=ACPI_TABLES,
)
def one_table(table: AcpiTable) -> Problems:
    """``<acpi>`` may contain at most one ``<table>`` (older libvirt)."""
    if table.domain.all(AcpiTable)[0].node is not table.node:
        yield problem("this libvirt version supports a single <table>; remove the others", table)


@rule(
    "os-acpi-table-duplicate",
    AcpiTable,
    bad=_OS.format("<acpi><table type='slic'>/a</table><table type='slic'>/b</table></acpi>"),
    good=_OS.format("<acpi><table type='raw'>/a</table><table type='raw'>/b</table></acpi>"),
    since=ACPI_TABLES,
)
def table_once(table: AcpiTable) -> Problems:
    """``<acpi>`` may contain at most one ``<table>`` of each type other than ``raw``."""
    for again in repeated(table, lambda t: None if t.type == "raw" else t.type):
        yield problem(f"<acpi> has two tables of type {again.type!r}; remove one", again, "@type")


@rule(
    "os-shim-without-kernel",
    Os,
    bad=_OS.format("<shim>/boot/shim.efi</shim>"),
    good=_OS.format("<kernel>/boot/vmlinuz</kernel><shim>/boot/shim.efi</shim>"),
)
def shim_loads_a_kernel(system: Os) -> Problems:
    """``<shim>`` requires a ``<kernel>``.

    Older libvirt looks at it only where there is firmware to look at.
    """
    anyway = libvirt_reads(system, SHIM_CHECKED)
    if system.kernel or not (anyway or system.firmware or system.has("loader")):
        return
    if system.domain.root.findtext("os/shim"):
        yield problem("<shim> requires a <kernel>", system, "shim")
