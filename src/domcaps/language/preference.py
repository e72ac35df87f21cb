"""What a new domain had best be given: values ranked with a reason, next to the choices they rank.

::

    PREFERENCE = Decision(
        "hologram.modelType", MODEL_TYPE, order=70,
        xml="<hologram><model type='{value}'/></hologram>",
        options=(
            Option("laser", "the fastest", guest=drives("laser1.0")),
            Option("lamp", "every guest can drive it"),
        ),
    )

Options stand in the order in which they are wanted. A chooser takes the first one that holds
on every host and goes with what was decided before; whether it holds is said by the enum's
predicate and by the rules, never here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from domcaps.language.predicate import ALWAYS
from domcaps.language.struct import Struct
from domcaps.language.wording import denied

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.language.predicate import Predicate
    from domcaps.language.table import Enum

GuestFamily = Literal["linux", "windows", "bsd", "other"]
"""Systems that need the same devices."""

GuestUse = Literal["desktop", "server", "small"]
"""What a guest is for; decides which devices it gets."""

GraphicsType = Literal["none", "spice", "vnc", "sdl", "dbus", "rdp", "egl-headless"]
"""What a guest's screen is shown by; ``none`` for no screen."""

FAMILIES: tuple[GuestFamily, ...] = get_args(GuestFamily)
USES: tuple[GuestUse, ...] = get_args(GuestUse)


class Guest(Struct, frozen=True):
    """The system that is to run in a domain, as far as its devices depend on it.

    `devices` are those that it has drivers for, by libosinfo's names; None where that is not known.
    `firmware` names what it can be started by, and `portable` tells that the domain is to be moved
    between hosts. `memory` (MiB) and `vcpus` are the least it runs with and what is recommended, 0
    where that is not known; it does not run without what `secure_boot` and `tpm` name.
    """

    name: str = ""
    family: GuestFamily = "other"
    use: GuestUse = "desktop"
    devices: frozenset[str] | None = None
    firmware: frozenset[str] = frozenset({"bios", "efi"})
    portable: bool = False
    source: str = "no system was named"
    memory: tuple[int, int] = (0, 0)
    vcpus: tuple[int, int] = (0, 0)
    secure_boot: bool = False
    tpm: bool = False


class Suits(Struct, frozen=True):
    """A condition on the guest: `text` states it, `negation` what is so where it does not hold.

    Without a `negation` the text is negated. A condition of several `parts` is all of them.
    """

    text: str
    holds: Callable[[Guest], bool]
    negation: str = ""
    parts: tuple[Suits, ...] = ()

    def shortcoming(self, guest: Guest) -> str:
        """Say what does not hold of a guest, "" where all does."""
        if self.holds(guest):
            return ""
        if self.parts:
            return "; ".join(filter(None, (part.shortcoming(guest) for part in self.parts)))
        return self.negation or denied(self.text)


def drives(*names: str) -> Suits:
    """The guest has a driver for one of these devices, by libosinfo's names."""
    wanted = frozenset(names)
    return Suits(
        f"the guest has a driver for {' or '.join(names)}",
        lambda guest: bool(guest.devices and wanted & guest.devices),
    )


def family(*names: str) -> Suits:
    """The guest is of one of these families."""
    return Suits(f"the guest is {' or '.join(names)}", lambda guest: guest.family in names)


def used_as(*names: str) -> Suits:
    """The guest is used in one of these ways."""
    return Suits(f"the guest's use is {' or '.join(names)}", lambda guest: guest.use in names)


def both(one: Suits, other: Suits) -> Suits:
    """Two conditions on the guest at once."""
    return Suits(
        f"{one.text} and {other.text}",
        lambda guest: one.holds(guest) and other.holds(guest),
        parts=(one, other),
    )


NEEDS_EFI = Suits(
    "the guest starts from UEFI only",
    lambda guest: "bios" not in guest.firmware,
    "the guest starts from BIOS as well",
)
STARTS_BY_BIOS = Suits(
    "the guest starts from BIOS",
    lambda guest: "bios" in guest.firmware,
    "the guest does not start from BIOS",
)
STARTS_BY_EFI = Suits(
    "the guest starts from UEFI",
    lambda guest: "efi" in guest.firmware,
    "the guest does not start from UEFI",
)
STAYS = Suits(
    "the domain stays on one host",
    lambda guest: not guest.portable,
    "the domain is to be moved between hosts",
)


class Option(Struct, frozen=True):
    """One value of a decision, with the reason to want it.

    "" as `value` is to leave it out. `when` must hold of the target, `guest` should hold: an option
    that the guest does not suit comes after all that it does. `given` are decisions before this one
    and their values, one of which must have been taken. `xml` is how the domain says it, and
    `settings` fill in more of its blanks.
    """

    value: str
    why: str
    when: Predicate = ALWAYS
    guest: Suits | None = None
    given: tuple[tuple[str, tuple[str, ...]], ...] = ()
    xml: str | None = None
    settings: tuple[tuple[str, str], ...] = ()


class Decision(Struct, frozen=True):
    """One thing to decide about a new domain.

    `xml` are the children of ``<domain>`` or ``<devices>`` that say a value, with ``{value}`` for
    it. `each` names the wishes for each of which it is decided, such as each image; then `xml` may
    have their blanks as well. Decisions of a lower `order` come first, and are more important.
    `unit` is what a value counts, if it is a number.
    """

    name: str
    enum: Enum | None = None
    order: int = 100
    xml: str = ""
    each: str = ""
    options: tuple[Option, ...] = ()
    title: str = ""
    unit: str = ""
