"""Where the servers of ``<graphics>`` listen.

::

    <graphics type='vnc'>
      <listen type='address' address='127.0.0.1'/>
    </graphics>

``vnc``, ``spice`` and ``rdp`` are servers; other types have no ``<listen>``, and nothing is made
of one that they are given. ``listen`` and ``socket`` at ``<graphics>`` are an older way to write
the first ``<listen>``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.display.graphics import Graphics
from domcaps.language.attributes import Attributes
from domcaps.language.changes.display import GRAPHICS_DEFINED
from domcaps.language.finding import Stage
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import OneOf

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

SERVERS = frozenset({"vnc", "spice", "rdp"})
_TYPES = OneOf(("none", "address", "network", "socket"))
_LISTEN = Attributes({"type": _TYPES}, required=("type",))


def listens(graphics: Graphics) -> list[Node]:
    """Give the ``<listen>`` elements that count."""
    return graphics.find_all("listen") if graphics.type in SERVERS else []


def first_type(graphics: Graphics) -> str:
    """Give where a server listens first: ``address``, ``network``, ``socket`` or ``none``."""
    given = listens(graphics)
    socket = graphics.type == "vnc" and graphics.node.get("socket") is not None
    if not given:
        return "socket" if socket else "address"
    kind = given[0].get("type", "")
    return "socket" if socket and kind in {"address", "network"} else kind


@rule(
    "graphics-listen-invalid",
    Graphics,
    bad="<graphics type='vnc'><listen address='127.0.0.1'/></graphics>",
    good="<graphics type='vnc'><listen type='address' address='127.0.0.1'/></graphics>",
)
def listens_have_a_type(graphics: Graphics) -> Problems:
    """``<listen>`` needs the attribute ``type``, such as ``type='address'``."""
    for node in listens(graphics):
        yield from _LISTEN.problems(node)


@rule(
    "graphics-listen-conflict",
    Graphics,
    bad="<graphics type='vnc' listen='::1'><listen type='address' address='127.0.0.1'/></graphics>",
    good="<graphics type='vnc' listen='::1'><listen type='address' address='::1'/></graphics>",
)
def old_and_new_way_agree(graphics: Graphics) -> Problems:
    """Attributes of ``<graphics>`` such as ``listen`` must have the same value as in its first
    ``<listen>``.
    """
    for node in listens(graphics)[:1]:
        for kind, new, old in (("address", "address", "listen"), ("socket", "socket", "socket")):
            outer = graphics.node.get(old)
            inner = node.get(new)
            said = outer is not None and inner is not None
            if node.get("type") == kind and said and outer != inner:
                yield problem(
                    f"{new}={inner!r} differs from {old}={outer!r} of <graphics>; remove {new} "
                    f"here, or write {new}={outer!r}",
                    node,
                    f"@{new}",
                )


@rule(
    "graphics-listen-attribute-unsupported",
    Graphics,
    bad="<graphics type='vnc'><listen type='address' network='default'/></graphics>",
    good="<graphics type='vnc'><listen type='network' network='default'/></graphics>",
)
def attributes_fit_the_type(graphics: Graphics) -> Problems:
    """``<listen>`` may have only the attributes of its type, such as ``address`` for
    ``type='address'``.

    ``type='network'`` requires the attribute ``network``.
    """
    for node in listens(graphics):
        kind = node.get("type")
        for name in ("network", "socket"):
            if node.get(name) and kind != name:
                yield problem(
                    f"attribute {name!r} of <listen> requires type={name!r}", node, f"@{name}"
                )
        if kind == "network" and not node.get("network"):
            yield problem("<listen type='network'> needs the attribute 'network'", node, "@network")


@rule(
    "graphics-listen-type-unsupported",
    Graphics,
    bad="<graphics type='dbus'/><graphics type='rdp'><listen type='none'/></graphics>",
    good="<graphics type='vnc'><listen type='none'/></graphics>",
)
def rdp_needs_an_address(graphics: Graphics) -> Problems:
    """``<listen>`` of RDP ``<graphics>`` must be of the type ``address`` or ``network``."""
    if graphics.type != "rdp":
        return
    for node in listens(graphics):
        if node.get("type") in {"socket", "none"}:
            yield problem(
                "RDP graphics cannot have this <listen>; use <listen type='address'/>",
                node,
                "@type",
                accepted=["address", "network"],
            )


def _several(graphics: Graphics) -> Problems:
    for node in listens(graphics)[1:]:
        yield problem("<graphics> may have only one <listen>; remove the others", node)


_TWO = (
    "<graphics type='vnc'><listen type='address' address='::1'/>"
    "<listen type='address' address='127.0.0.1'/></graphics>"
)


@rule(
    "graphics-listen-several",
    Graphics,
    bad=_TWO,
    good="<graphics type='vnc'><listen type='address'/></graphics>",
    since=GRAPHICS_DEFINED,
)
def one_listen(graphics: Graphics) -> Problems:
    """``<graphics>`` may have at most one ``<listen>``."""
    yield from _several(graphics)


@rule(
    "graphics-listen-several-at-start",
    Graphics,
    bad="<graphics type='vnc'><listen type='none'/><listen type='none'/></graphics>",
    good="<graphics type='vnc'><listen type='none'/></graphics>",
    stage=Stage.START,
    until=GRAPHICS_DEFINED,
)
def one_listen_at_start(graphics: Graphics) -> Problems:
    """``<graphics>`` may have at most one ``<listen>`` (before libvirt 11.10, reported at
    start).
    """
    if graphics.type != "rdp":
        yield from _several(graphics)
