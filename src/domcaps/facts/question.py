"""A question: one QMP command with its arguments, as a value that can be a key."""

from __future__ import annotations

from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(order="deterministic")


class QmpCommand(msgspec.Struct, frozen=True, order=True):
    """One QMP command as it is sent, and as its answer is found again.

    `arguments` is JSON text with sorted keys, so that two questions with the same meaning are
    equal and hash alike. Use `ask` to build one.
    """

    command: str
    arguments: str = "{}"

    def decoded_arguments(self) -> dict[str, Any]:
        """Give the arguments as QMP takes them."""
        decoded: dict[str, Any] = msgspec.json.decode(self.arguments)
        return decoded

    def __str__(self) -> str:
        """Give the command and, where it has some, its arguments."""
        return self.command if self.arguments == "{}" else f"{self.command} {self.arguments}"


def ask(command: str, /, **arguments: Any) -> QmpCommand:
    """Build a question from a QMP command and its arguments; `_` in names stands for `-`."""
    return question_of(command, {name.replace("_", "-"): v for name, v in arguments.items()})


def question_of(command: str, arguments: dict[str, Any]) -> QmpCommand:
    """Build a question from a QMP command and arguments that have QMP's own names."""
    return QmpCommand(command, _ENCODER.encode(arguments).decode())


def report_of(arch: str, machine: str, virttype: str) -> QmpCommand:
    """Name the report that libvirt gave for a target (``virConnectGetDomainCapabilities``).

    It is no question to QEMU. A partial recording keeps reports as answers, so that all that
    handles answers handles them.
    """
    return ask("libvirt-domain-capabilities", arch=arch, machine=machine, virttype=virttype)


def device_properties_of(typename: str) -> QmpCommand:
    """Ask which properties a device type takes (QMP ``device-list-properties``)."""
    return ask("device-list-properties", typename=typename)


def object_properties_of(typename: str) -> QmpCommand:
    """Ask which properties any QOM type has (QMP ``qom-list-properties``)."""
    return ask("qom-list-properties", typename=typename)


def cpu_expansion_of(
    name: str, kind: str = "full", props: dict[str, Any] | None = None
) -> QmpCommand:
    """Ask what a CPU model is made of (QMP ``query-cpu-model-expansion``).

    `kind` is ``static`` or ``full``; `props` are set on the model before it is expanded.
    """
    model: dict[str, Any] = {"name": name, "props": props} if props else {"name": name}
    return ask("query-cpu-model-expansion", type=kind, model=model)
