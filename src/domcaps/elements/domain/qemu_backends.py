"""``-netdev`` and ``-global`` in ``<qemu:commandline>``, and aliases in ``<qemu:override>``.

::

    <qemu:arg value='-netdev'/>
    <qemu:arg value='user,id=net9,hostfwd=tcp::2222-:22'/>
    <qemu:arg value='-global'/>
    <qemu:arg value='ICH9-LPC.disable_s3=1'/>

Types and settings of network backends are those of QEMU's QAPI schema (``netdev_add``), types of
``-global`` those of ``qom-list-types``. QEMU's answer on a property counts where it was asked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.elements.domain.qemu_arguments import (
    arguments_of,
    hint,
    known_properties,
    type_of,
)
from domcaps.elements.domain.qemu_namespace import QemuNamespace
from domcaps.language.changes.domain import QEMU_OVERRIDE
from domcaps.language.finding import Severity, quoted
from domcaps.language.rule import Problems, problem, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.elements.domain.qemu_arguments import Argument

_ARGS = "<qemu:commandline><qemu:arg value='{}'/><qemu:arg value='{}'/></qemu:commandline>"
_NETDEV = "netdev_add/arg"
_OLD_NAMES = frozenset({"helper", "vhostforce", "guestfwd", "hostfwd", "fds", "vhostfds", "type"})
"""Settings that QEMU's command line has besides those of QMP, or spells as a list there."""
_OVERRIDE = (
    "<devices><rng model='virtio'><backend model='random'/><alias name='ua-rng'/></rng></devices>"
    "<qemu:override><qemu:device alias='{}'><qemu:frontend>"
    "<qemu:property name='max-bytes' type='unsigned' value='64'/></qemu:frontend></qemu:device>"
    "</qemu:override>"
)


@rule(
    "qemu-netdev-unknown",
    QemuNamespace,
    bad=_ARGS.format("-netdev", "usr,id=a"),
    good=_ARGS.format("-netdev", "user,id=a"),
    severity=Severity.WARNING,
)
def network_backend_is_known(qemu: QemuNamespace) -> Problems:
    """A ``-netdev`` argument must have a type and settings that QEMU has."""
    schema = qemu.domain.world.emulator.schema
    types = schema.cases(_NETDEV)
    for argument in arguments_of(qemu, "netdev") if types else ():
        settings = dict(argument.settings())
        kind = settings.pop("driver", settings.get("type", ""))
        if kind in {"", "help", "?"}:
            continue
        if kind not in types:
            text = f"this QEMU has no network backend {quoted(kind)}{hint(kind, types)}"
            yield problem(text, argument.node, "@value")
            continue
        known = {*schema.members(_NETDEV), *schema.members(f"{_NETDEV}/case={kind}"), *_OLD_NAMES}
        for name in settings:
            if name.partition(".")[0] not in known:
                text = f"QEMU's network backend {kind!r} has no setting {quoted(name)}"
                yield problem(f"{text}{hint(name, known)}", argument.node, "@value")


@rule(
    "qemu-global-unknown",
    QemuNamespace,
    bad=_ARGS.format("-global", "ICH9-LPCC.disable_s3=1"),
    good=_ARGS.format("-global", "ICH9-LPC.disable_s3=1"),
    severity=Severity.WARNING,
)
def defaults_are_of_known_types(qemu: QemuNamespace) -> Problems:
    """A ``-global`` argument must name a type that QEMU has, and one of its properties."""
    world = qemu.domain.world
    for argument, driver, name in _defaults(qemu):
        types = world.emulator.qom_types
        if driver not in types:
            text = f"-global names the type {quoted(driver)}, which this QEMU does not have"
            text += f", so it has no effect{hint(driver, types)}"
            yield problem(text, argument.node, "@value")
            continue
        known = known_properties(world, driver) if type_of(world, driver) else ()
        if known and name not in known:
            text = f"QEMU's type {driver!r} has no property {quoted(name)}{hint(name, known)}"
            yield problem(text, argument.node, "@value")


def _defaults(qemu: QemuNamespace) -> Iterator[tuple[Argument, str, str]]:
    """Give type and property of each default, in both forms that QEMU has for them."""
    for argument in arguments_of(qemu, "global"):
        short = re.fullmatch(r"([^.=,]+)\.([^=,]+)=.*", argument.value, re.DOTALL)
        settings = argument.settings()
        driver, name = short.groups() if short else (
            settings.get("driver", ""), settings.get("property", "")
        )  # fmt: skip
        if driver and name:
            yield argument, driver, name


@rule(
    "qemu-override-alias-unknown",
    QemuNamespace,
    bad=_OVERRIDE.format("ua-rgn"),
    good=_OVERRIDE.format("ua-rng"),
    since=QEMU_OVERRIDE,
    severity=Severity.WARNING,
)
def overridden_devices_are_there(qemu: QemuNamespace) -> Problems:
    """Attribute ``alias`` of ``<qemu:device>`` must be the alias of a device, such as ``ua-net`` or
    ``net0``.

    Libvirt's own are made of a word for the kind of device and a number (``video0``); a name that
    begins with ``ua-`` must stand in an ``<alias>``. libvirt ignores what it does not find.
    """
    names = tuple(alias.get("name", "") for alias in qemu.node.iterfind("devices/*/alias"))
    for node in qemu.inside("override", "device"):
        alias = node.get("alias", "")
        if alias.startswith("ua-") and alias not in names:
            text = f"no device has the alias {quoted(alias)}{hint(alias, names)}"
            yield problem(text, node, "@alias")
