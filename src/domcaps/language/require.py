"""Rules about what QEMU, the host or the release of libvirt must support, in one line.

A rule that a release of libvirt brought or dropped says so as data: `since=` or `until=` of `rule`;
one that changed is two rules of one code. Then the code's manual page, the documents and
`domcaps codes` know it. `libvirt_reads` inside a rule is right where only a part of it depends on
the release, so that two rules would be copies of each other but for one line:

* one word of several is refused, such as one type of an element, or one protocol;
* the message or the accepted values differ, not the condition;
* the change alters what the domain means, such as a default, which the rule then looks at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.rule import problem
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.language.change import LibvirtChange
    from domcaps.language.part import Part
    from domcaps.language.predicate import Predicate
    from domcaps.language.rule import Problems


def needs(
    part: Part, predicate: Predicate, message: str, at: str = "", *, accepted: Iterable[str] = ()
) -> Problems:
    """Report a problem where `predicate` is known to be false for the domain's target.

    The message gets the missing fact of the host, and how to enable what is required.
    """
    if lacks(part, predicate):
        yield problem(message, part, at, accepted=accepted, requires=predicate)


def lacks(part: Part, predicate: Predicate) -> bool:
    """Tell whether `predicate` is known to be false for the domain's target."""
    return part.domain.world.truth(predicate) is Truth.NO


def libvirt_reads(part: Part, change: LibvirtChange) -> bool:
    """Tell whether the selected libvirt version has a change; see `Dialect.has`."""
    return part.domain.world.target.dialect.has(change)
