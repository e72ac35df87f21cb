"""What is never taken away from a domain, or made another thing, without permission."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.choose import losses
from domcaps.choose.candidates import values_of
from domcaps.language.node_path import plain_path_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.finding import Finding

SEVERAL = frozenset({"devices", "domain"})
"""Elements whose children are things of their own."""


def device_of(node: Node) -> Node:
    """Give the device or child of <domain> that an element belongs to."""
    current = node
    while True:
        parent = current.getparent()
        if parent is None or parent.tag in SEVERAL:
            return current
        current = parent


def is_device(node: Node) -> bool:
    """Tell whether an element is a device."""
    parent = node.getparent()
    return parent is not None and parent.tag == "devices"


def says_what_it_is(where: str) -> bool:
    """Tell whether a protected device or setting is another one with another value there.

    `where` is the path of an attribute or element without numbers.
    """
    if where in losses.PROTECTED_SETTINGS or where.endswith("/@unit"):
        return True
    steps, _, name = where.partition("/@")
    kind, _, inner = steps.removeprefix("/domain/devices/").partition("/")
    if kind not in losses.PROTECTED_DEVICES:
        return False
    if inner == "source":
        return name not in losses.OF_NO_MATTER
    if inner.startswith((*losses.SECRETS, *losses.ORIGINS)):
        return True
    return not inner and name in losses.WHAT_IT_IS


_LEADING = frozenset(
    path[:end]
    for path in losses.PROTECTED_SETTINGS
    for end, letter in enumerate(path)
    if end and letter == "/"
)
"""Paths of elements that lead to such settings, or have one as an attribute."""


def _says_protected(node: Node) -> bool:
    """Tell whether an element, an attribute of it or something in it is a protected setting.

    Only what leads to such a setting is entered: a domain may have thousands of elements.
    """
    waiting = [(node, plain_path_of(node))]
    while waiting:
        inner, path = waiting.pop()
        if path in losses.PROTECTED_SETTINGS:
            return True
        if path in _LEADING:
            names = map(str, inner.keys())
            if any(f"{path}/@{name}" in losses.PROTECTED_SETTINGS for name in names):
                return True
            waiting += [(child, f"{path}/{child.tag}") for child in inner]
    return False


def is_protected(node: Node) -> bool:
    """Tell whether an element is taken away with permission only."""
    if is_device(node):
        return node.tag in losses.PROTECTED_DEVICES
    if _says_protected(node):
        return True
    if device_of(node).tag not in losses.PROTECTED_DEVICES:
        return False
    return node.tag in losses.PROTECTED_PARTS or says_what_it_is(plain_path_of(node))


_OWNERS = ("-missing", "-invalid", "-unknown")
"""How codes end of findings about what only the owner of a domain can add or correct."""


def is_for_owner(finding: Finding, old: str) -> bool:
    """Tell whether a finding says that a device is incomplete, and not that it can't be there.

    A known word that is refused is one that this libvirt or host lacks.
    """
    code = finding.code.removesuffix("-at-start")
    return code.endswith(_OWNERS) and (
        code.endswith("-missing") or old not in values_of(finding.path)
    )
