"""What to write so that a rule holds: data, from which edits of a text are made.

::

    @rule("features-acpi-without-uefi", …, fix=Fix(add="<os firmware='efi'/>"))

A fix keeps what the domain asks for. It takes a device away only where that can't be in the domain,
and never makes up what only its owner knows: a path, an address, a name of a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lxml.etree import _Element as Node

    from domcaps.language.change import LibvirtChange
    from domcaps.language.predicate import Predicate


class Fix(Struct, frozen=True):
    """Elements to add and values to set; both may be given, and are one edit.

    `add` is XML of children of ``<domain>``, which are merged into the document: an element that is
    there gets the attributes and children that it lacks, attributes that differ are set. Elements
    of ``<devices>`` are added. `values` are pairs of a path and a text: the path begins at the
    element of the finding (``""`` is its own text, ``@mode``, ``../model``), or with ``/domain`` at
    the document's root. `without` are such paths of elements and attributes that have no meaning
    with the new values; those that are not there are ignored. `renames` are pairs of the path of a
    misspelt attribute and its right name. With `less` the domain gets
    less than it asks for, as fewer CPUs: other fixes are better. `says` is what the owner of the
    domain should know of that.
    """

    add: str = ""
    values: tuple[tuple[str, str], ...] = ()
    without: tuple[str, ...] = ()
    less: bool = False
    says: str = ""
    renames: tuple[tuple[str, str], ...] = ()


def set_value(text: str, at: str = "", *, less: bool = False, says: str = "") -> Fix:
    """Give a fix that sets one text: of the element of the finding, or at a path below it."""
    return Fix(values=((at, text),), less=less, says=says)


class Carried(Struct, frozen=True):
    """Another device that can go on beside a new value, with other values of its own.

    `path` is that of the device below ``<domain>``, `fix` what is written there. Where the domain
    has an element at `unless`, the device was of no such use, and goes. `since` is the change of
    libvirt that knows it, `when` what QEMU needs for it; `says` tells what becomes of it.
    """

    path: str
    fix: Fix
    says: str
    unless: str
    since: LibvirtChange
    when: Predicate


class Substitutes(Struct, frozen=True):
    """Which values of an attribute can stand in for another, the likeliest first.

    `path` is the attribute's below ``<domain>``, without numbers: ``devices/hologram/@bus``.
    `order` has the values that serve the guest as well, or nearly, for each value; under ``*`` for
    every other one. A value that stands in neither list never replaces another by itself. `slips`
    are other names that people use for a value, which mean it without doubt. `only` names, for a
    value, the paths below the device that have a meaning with it alone, and go when it does (under
    ``*`` with any value), but for those that are `shared` by the new value. So do the `companions`,
    other devices that need it, by their paths below ``<domain>``; those that a new value `carries`
    stay in another form where libvirt and QEMU have it. `remarks` say what a user who
    gets the value should know. Where `archs` are named, guests of other architectures have the
    order `elsewhere`. `plain` is the order for guests of which `is_plain` tells by their
    ``<domain>`` that they may lack drivers for the usual one.
    """

    path: str
    order: Mapping[str, tuple[str, ...]]
    slips: Mapping[str, str] | None = None
    only: Mapping[str, tuple[str, ...]] | None = None
    companions: Mapping[str, tuple[str, ...]] | None = None
    remarks: Mapping[str, str] | None = None
    archs: frozenset[str] = frozenset()
    elsewhere: Mapping[str, tuple[str, ...]] | None = None
    plain: Mapping[str, tuple[str, ...]] | None = None
    is_plain: Callable[[Node], bool] | None = None
    shared: Mapping[str, tuple[str, ...]] | None = None
    carries: Mapping[str, tuple[Carried, ...]] | None = None

    def gone_with(self, old: str, new: str) -> tuple[str, ...]:
        """Give the paths below the device of what has no meaning when a value replaces another."""
        only = self.only or {}
        kept = (self.shared or {}).get(new, ())
        return tuple(at for at in (*only.get("*", ()), *only.get(old, ())) if at not in kept)

    def carried_to(self, new: str, domain: Node) -> tuple[Carried, ...]:
        """Give the devices of a domain that can go on beside a new value in another form."""
        known = (self.carries or {}).get(new, ())
        there = (one for one in known if domain.find(one.path) is not None)
        return tuple(one for one in there if domain.find(one.unless) is None)

    def is_at_home(self, arch: str) -> bool:
        """Tell whether `order` is that of an architecture; "" is that of the host."""
        return self.elsewhere is None or not arch or arch in self.archs

    def of(self, value: str, arch: str = "", domain: Node | None = None) -> tuple[str, ...] | None:
        """Give what can stand in for a value; None where nothing is said of it."""
        if self.plain and value in self.plain and self._is_plain(domain):
            return self.plain[value]
        order = self.order if self.elsewhere is None or self.is_at_home(arch) else self.elsewhere
        found = order.get(value)
        return order.get("*") if found is None else found

    def _is_plain(self, domain: Node | None) -> bool:
        return domain is not None and self.is_plain is not None and self.is_plain(domain)
