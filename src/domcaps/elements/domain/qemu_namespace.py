"""``<qemu:…>``: what is handed to QEMU past libvirt, in an XML namespace of its own.

::

    <domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
      …
      <qemu:commandline>
        <qemu:arg value='-newarg'/>
        <qemu:env name='QEMU_ENV' value='VAL'/>
      </qemu:commandline>
      <qemu:capabilities>
        <qemu:del capability='usb-redir'/>
      </qemu:capabilities>
      <qemu:override>
        <qemu:device alias='video0'>
          <qemu:frontend>
            <qemu:property name='xres' type='unsigned' value='1024'/>
          </qemu:frontend>
        </qemu:device>
      </qemu:override>
    </domain>
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps.files import package_text
from domcaps.language.changes.domain import QEMU_CAPABILITIES_DEFINED, QEMU_OVERRIDE
from domcaps.language.finding import quoted
from domcaps.language.fix import Fix
from domcaps.language.part import Part
from domcaps.language.rule import Problem, Problems, problem, rule
from domcaps.language.spelling import nearest
from domcaps.language.value_types import Int, OneOf, ValueType, fits
from domcaps.patterns import late_pattern
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_SPACE = "{http://libvirt.org/schemas/domain/qemu/1.0}"
_ENVIRONMENT = late_pattern("[A-Za-z_][A-Za-z0-9_]*")
_VALUES: dict[str, ValueType[object]] = {
    "signed": Int(-(2**63), 2**63 - 1),
    "unsigned": Int(0, 2**64 - 1),
    "bool": OneOf(("true", "false")),
}
_TYPES = ("string", *_VALUES, "remove")

_ATTRIBUTES = {
    "arg": ("value",),
    "env": ("name", "value"),
    "add": ("capability",),
    "del": ("capability",),
    "device": ("alias",),
    "property": ("name", "type", "value"),
}
"""What libvirt reads of each element."""

_LINE = "<qemu:commandline>{}</qemu:commandline>"
_PROPERTY = (
    "<qemu:override><qemu:device alias='ua-a'><qemu:frontend><qemu:property {}/></qemu:frontend>"
    "</qemu:device></qemu:override>"
)
_MEMORY = "<memory>1048576</memory>"


class QemuNamespace(Part):
    """All of a domain that is meant for QEMU alone."""

    path = ""

    def inside(self, *steps: str) -> list[Node]:
        """Give the elements of the namespace at a path."""
        if f"{_SPACE}{steps[0]}" not in self.domain.inside(""):
            return []
        return self.below(self.node, *steps)

    def lacking(self, node: Node, name: str, message: str) -> Problem:
        """Report an element without an attribute; those whose names look alike may be meant."""
        known = _ATTRIBUTES[str(node.tag).removeprefix(_SPACE)]
        missing = [one for one in known if node.get(one) is None]
        given = map(str, node.keys())
        meant = {key: nearest(key, missing, 1) for key in given if key not in known}
        renames = tuple((f"@{key}", names[0]) for key, names in meant.items() if names)
        misspelt = next((at[1:] for at, right in renames if right == name), "")
        if not misspelt:
            return problem(message, node)
        what = f"{message}; {quoted(misspelt)} is misspelt"
        return problem(what, node, fix=Fix(renames=renames))

    def below(self, node: Node, *steps: str) -> list[Node]:
        """Give the elements of the namespace at a path below another element."""
        return node.findall("/".join(f"{_SPACE}{step}" for step in steps))


@rule(
    "qemu-arg-missing",
    QemuNamespace,
    bad=_LINE.format("<qemu:arg/>"),
    good=_LINE.format("<qemu:arg value='-S'/>"),
)
def arguments_have_values(qemu: QemuNamespace) -> Problems:
    """``<qemu:arg>`` needs the attribute ``value``."""
    for node in qemu.inside("commandline", "arg"):
        if node.get("value") is None:
            what = "<qemu:arg> needs the attribute 'value', one argument of QEMU"
            yield qemu.lacking(node, "value", what)


@rule(
    "qemu-env-invalid",
    QemuNamespace,
    bad=_LINE.format("<qemu:env name='1st' value='a'/>"),
    good=_LINE.format("<qemu:env name='FIRST'/>"),
)
def variables_have_names(qemu: QemuNamespace) -> Problems:
    """Attribute ``name`` of ``<qemu:env>`` may contain letters, digits and ``_``, and must not
    start with a digit.
    """
    for node in qemu.inside("commandline", "env"):
        name = node.get("name")
        if name is None:
            yield qemu.lacking(node, "name", "<qemu:env> needs the attribute 'name'")
        elif not _ENVIRONMENT.fullmatch(name):
            yield problem(
                "attribute 'name' of <qemu:env> must consist of letters, digits and '_', "
                "not starting with a digit",
                node,
                "@name",
            )


@rule(
    "qemu-capability-missing",
    QemuNamespace,
    bad="<qemu:capabilities><qemu:add/></qemu:capabilities>",
    good=_MEMORY,
)
def capabilities_have_names(qemu: QemuNamespace) -> Problems:
    """``<qemu:add>`` and ``<qemu:del>`` need the attribute ``capability``."""
    for word in ("add", "del"):
        for node in qemu.inside("capabilities", word):
            if node.get("capability") is None:
                yield qemu.lacking(
                    node,
                    "capability",
                    "<qemu:add> and <qemu:del> need the attribute 'capability', such as "
                    "'usb-redir'",
                )


@rule(
    "qemu-capability-unknown",
    QemuNamespace,
    bad="<qemu:capabilities><qemu:del capability='usb-redirr'/></qemu:capabilities>",
    good="<qemu:capabilities><qemu:del capability='usb-redir'/></qemu:capabilities>",
    defined=QEMU_CAPABILITIES_DEFINED,
)
def capabilities_are_known(qemu: QemuNamespace) -> Problems:
    """Attribute ``capability`` of ``<qemu:add>`` and ``<qemu:del>`` must be a name that libvirt
    knows.

    They are the flags that libvirt keeps of each QEMU in its cache of capabilities.
    """
    for word in ("add", "del"):
        for node in qemu.inside("capabilities", word):
            name = node.get("capability")
            if name is None or name in capability_names():
                continue
            near = tuple(close_matches(name, capability_names(), n=3))
            hint = f"; did you mean {near[0]!r}?" if near else f"; remove <qemu:{word}>"
            yield problem(
                f"libvirt knows no capability {quoted(name)} of QEMU{hint}",
                node,
                "@capability",
                accepted=near,
            )


@functools.cache
def capability_names() -> frozenset[str]:
    """Give libvirt's names for what a QEMU can do; seen by defining domains in libvirt 12.8."""
    return frozenset(package_text(__package__, "qemu-capabilities.txt").split())


@rule(
    "qemu-override-alias-missing",
    QemuNamespace,
    bad="<qemu:override><qemu:device/></qemu:override>",
    good="<qemu:override><qemu:device alias='ua-a'/></qemu:override>",
    since=QEMU_OVERRIDE,
)
def devices_are_named(qemu: QemuNamespace) -> Problems:
    """``<qemu:device>`` in ``<qemu:override>`` needs the attribute ``alias``."""
    for node in qemu.inside("override", "device"):
        if node.get("alias") is None:
            what = "<qemu:device> needs the attribute 'alias', such as 'net0'"
            yield qemu.lacking(node, "alias", what)


@rule(
    "qemu-property-invalid",
    QemuNamespace,
    bad=_PROPERTY.format("name='xres' type='unsigned' value='-1'"),
    good=_PROPERTY.format("name='xres' type='unsigned' value='1024'"),
    since=QEMU_OVERRIDE,
)
def properties_have_values(qemu: QemuNamespace) -> Problems:
    """``<qemu:property>`` needs a ``name`` other than ``id``, a ``type``, and a ``value`` of that
    type.

    A property of type ``remove`` has no value.
    """
    for node in qemu.inside("override", "device", "frontend", "property"):
        yield from _property(qemu, node)


def _property(qemu: QemuNamespace, node: Node) -> Problems:
    name, kind, value = node.get("name"), node.get("type"), node.get("value")
    if name is None:
        yield qemu.lacking(node, "name", "<qemu:property> needs the attribute 'name'")
    elif name == "id":
        yield problem("the property 'id' cannot be overridden", node, "@name")
    if kind is None:
        yield qemu.lacking(node, "type", "<qemu:property> needs the attribute 'type'")
    elif kind not in _TYPES:
        yield problem(
            "attribute 'type' of <qemu:property> is unknown",
            node,
            "@type",
            accepted=_TYPES,
        )
    elif kind == "remove":
        if value is not None:
            yield problem(
                "<qemu:property type='remove'> cannot have a value; remove the attribute 'value'",
                node,
                "@value",
            )
    elif value is None:
        yield qemu.lacking(node, "value", "<qemu:property> needs the attribute 'value'")
    elif kind in _VALUES and not fits(_VALUES[kind], value):
        expected = _VALUES[kind].expected
        yield problem(
            f"attribute 'value' of <qemu:property type={kind!r}> must be {expected}", node, "@value"
        )
