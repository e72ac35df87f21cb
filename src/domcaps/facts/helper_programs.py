"""Which programs libvirt starts beside QEMU, and where a system has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from domcaps.facts.host_parts import Helper

LIBEXEC = ("/usr/libexec", "/usr/lib/qemu")
CAPABILITIES = "--print-capabilities"

NOT_ASKED = "it was not asked for its features"
SILENT = "it does not tell its features: "
TOO_LONG = "it takes too long"


class HelperProgram(NamedTuple):
    """A program to look for.

    `elsewhere` are further folders, `arguments` those that make it tell its features, and
    `vhost_user` its type in the descriptors that QEMU's ``vhost-user.json`` lays down.
    """

    name: str
    elsewhere: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    vhost_user: str = ""


PROGRAMS = (
    HelperProgram("swtpm"),
    HelperProgram("swtpm_setup", arguments=(CAPABILITIES,)),
    HelperProgram("swtpm_ioctl"),
    HelperProgram("passt"),
    HelperProgram("virtiofsd", LIBEXEC, (CAPABILITIES,), "fs"),
    HelperProgram("vhost-user-gpu", LIBEXEC, (CAPABILITIES,), "gpu"),
    HelperProgram("nbdkit"),
    HelperProgram("qemu-rdp"),
    HelperProgram("slirp-helper"),
    HelperProgram("dbus-daemon"),
    HelperProgram("qemu-pr-helper", LIBEXEC),
    HelperProgram("qemu-bridge-helper", LIBEXEC),
    HelperProgram("numad"),
)
"""What libvirt starts beside QEMU."""


def arguments_of(name: str) -> tuple[str, ...]:
    """Give the arguments that make a helper program tell its features; none where it can't."""
    return next((program.arguments for program in PROGRAMS if program.name == name), ())


def may_answer_later(helper: Helper) -> bool:
    """Tell whether asking the same file once more could give another answer."""
    return helper.reason in {NOT_ASKED, SILENT + TOO_LONG}
