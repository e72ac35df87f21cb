"""A domain: its XML, its target, and its parts by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from domcaps.language.part import Part

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.world import World

P = TypeVar("P", bound=Part)


class Domain:
    """A definition that is looked at, for the target that it names on a host.

    `new` tells that it is to be defined now: libvirt overlooks some mistakes in one that it has
    known for long, so that no domain disappears when libvirt is upgraded.
    """

    def __init__(self, root: Node, world: World, *, new: bool = True) -> None:
        self.root = root
        self.world = world
        self.new = new
        self._parts: dict[type[Part], tuple[Part, ...]] = {}

    @property
    def arch(self) -> str:
        """The guest's architecture."""
        return self.world.target.arch

    @property
    def machine(self) -> str:
        """The machine type, by its canonical name."""
        return self.world.target.machine

    @property
    def virttype(self) -> str:
        """The virtualization type."""
        return self.world.target.virttype

    def all(self, kind: type[P]) -> tuple[P, ...]:
        """Give the parts of a class in the order of the document."""
        known = self._parts.get(kind)
        if known is None:
            if kind.path is None:
                raise TypeError(f"{kind.__name__} has no path of its own")
            nodes = self.root.findall(kind.path) if kind.path else [self.root]
            known = self._parts[kind] = tuple(kind(node, self) for node in nodes)
        return known  # type: ignore[return-value]

    def first(self, kind: type[P]) -> P | None:
        """Give the first part of a class, None where there is none."""
        parts = self.all(kind)
        return parts[0] if parts else None
